#include "config.h"

#include "daemon/clock_setback.h"

#include <stdlib.h>

#include "daemon/turn.h"
#include "state/store.h"

/* So much a clock may be set back without our doing anything about it, ms: everything is late by
 * that much then. */
#define SET_BACK_MAX ((int64_t)3600 * 1000)
/* Rows gone over in one look, between which clients are served. */
#define PIECE 64

enum stage {
    STAGE_TRUST = 0,  /* nobody oversleeps, unless the note says that the clock was set back */
    STAGE_ROUND,      /* those who sleep for long are gone over */
    STAGE_CORRECTING, /* nobody oversleeps; the note is on its way back */
};

struct clock_setback {
    struct turns *turns;
    enum stage stage;
    /* Of the round: */
    int64_t latest; /* what the clock said, at its latest */
    bool roused;    /* somebody overslept, or could not be read */
    struct store_due place;
};

struct clock_setback *clock_setback_new(struct turns *turns)
{
    struct clock_setback *oversleepers = calloc(1, sizeof(*oversleepers));
    if (oversleepers != NULL)
        oversleepers->turns = turns;
    return oversleepers;
}

void clock_setback_free(struct clock_setback *oversleepers)
{
    free(oversleepers);
}

/* ---- the rounds ---- */

static void begin_round(struct clock_setback *oversleepers, int64_t now)
{
    oversleepers->stage = STAGE_ROUND;
    oversleepers->latest = now;
    oversleepers->roused = false;
    oversleepers->place = (struct store_due){.wake = now + SET_BACK_MAX};
}

/* The clock may as well be set back in the middle of a round, which then went over too few. */
static void heed_clock(struct clock_setback *oversleepers, struct kv_txn *txn, int64_t now)
{
    static const int64_t no_note = INT64_MIN;
    int64_t planned_by = oversleepers->stage == STAGE_TRUST   ? store_noted_time(txn)
                         : oversleepers->stage == STAGE_ROUND ? oversleepers->latest
                                                              : no_note;
    if (planned_by > now + SET_BACK_MAX)
        begin_round(oversleepers, now);
    else if (oversleepers->latest < now)
        oversleepers->latest = now;
}

/* If it failed, the note is where it was, and the next look begins anew. */
static void on_corrected(void *arg, const struct turn_answer *answer)
{
    struct clock_setback *oversleepers = arg;
    (void)answer;
    oversleepers->stage = STAGE_TRUST;
}

/* Whether those who were roused stay so only the next round can tell: the turn may fail. */
static void end_round(struct clock_setback *oversleepers, int64_t now)
{
    if (oversleepers->roused)
        begin_round(oversleepers, now);
    else if (turn_correct_time(oversleepers->turns, now, on_corrected, oversleepers))
        oversleepers->stage = STAGE_CORRECTING;
    else
        oversleepers->stage = STAGE_TRUST; /* no memory: the next look begins anew */
}

static void judge(struct clock_setback *oversleepers, const struct session *session, int64_t now)
{
    const struct session_event event = {.type = EVENT_POSTPONE, .until = now};
    if (!session_wakes_too_late(session, now))
        return;
    oversleepers->roused = true;
    turn_event(oversleepers->turns, session->id, &event, NULL, NULL);
}

static void look_at(struct clock_setback *oversleepers, struct kv_txn *txn, int64_t now)
{
    const uint8_t *id = oversleepers->place.id;
    const struct session *active = turn_active(oversleepers->turns, id);
    struct session *session;
    if (active != NULL) {
        judge(oversleepers, active, now);
    } else if (store_get_session(txn, id, &session) == KV_OK) {
        judge(oversleepers, session, now);
        session_free(session);
    } else if (kv_txn_status(txn) != KV_OK) {
        oversleepers->roused = true; /* it may: the next round will tell */
    }
}

bool clock_setback_look(struct clock_setback *oversleepers, struct kv_txn *txn, int64_t now)
{
    heed_clock(oversleepers, txn, now);
    for (int i = 0; i < PIECE && oversleepers->stage == STAGE_ROUND; i++) {
        enum kv_status status = store_next_due(txn, &oversleepers->place);
        if (status == KV_MISSING)
            end_round(oversleepers, now);
        else if (status == KV_OK)
            look_at(oversleepers, txn, now);
        else
            return false; /* what is wrong with the store is no better at once */
    }
    return oversleepers->stage == STAGE_ROUND;
}

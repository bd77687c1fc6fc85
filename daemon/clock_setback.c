#include "config.h"

#include "daemon/clock_setback.h"

#include <stdlib.h>

#include "daemon/turn.h"
#include "state/store.h"

/* Setbacks smaller than this are ignored, ms: everything is merely late by that much. */
#define SET_BACK_MAX ((int64_t)3600 * 1000)
/* Rows checked in one step; clients are served between steps. */
#define PIECE 64

enum setback_stage {
    STAGE_TRUST = 0,  /* no session oversleeps unless the note says that the clock was set back */
    STAGE_ROUND,      /* long sleepers are being checked */
    STAGE_CORRECTING, /* no session oversleeps; the note is being set back */
};

struct clock_setback {
    struct turns *turns;
    enum setback_stage stage;
    /* State of the round: */
    int64_t latest; /* the latest time that the clock has shown */
    bool overslept; /* a session overslept or could not be read */
    struct store_due place;
};

struct clock_setback *clock_setback_new(struct turns *turns)
{
    struct clock_setback *setback = calloc(1, sizeof(*setback));
    if (setback != NULL)
        setback->turns = turns;
    return setback;
}

void clock_setback_free(struct clock_setback *setback)
{
    free(setback);
}

/* ---- the rounds ---- */

static void begin_round(struct clock_setback *setback, int64_t now)
{
    setback->stage = STAGE_ROUND;
    setback->latest = now;
    setback->overslept = false;
    setback->place = (struct store_due){.wake = now + SET_BACK_MAX};
}

/* The clock may be set back again during a round, which has then checked too few sessions. */
static void note_clock(struct clock_setback *setback, struct kv_txn *txn, int64_t now)
{
    static const int64_t no_note = INT64_MIN;
    int64_t planned_by = setback->stage == STAGE_TRUST   ? store_noted_time(txn)
                         : setback->stage == STAGE_ROUND ? setback->latest
                                                         : no_note;
    if (planned_by > now + SET_BACK_MAX)
        begin_round(setback, now);
    else if (setback->latest < now)
        setback->latest = now;
}

/* After a failure the note is where it was, and the next look starts over. */
static void on_corrected(void *arg, const struct turn_answer *answer)
{
    struct clock_setback *setback = arg;
    (void)answer;
    setback->stage = STAGE_TRUST;
}

/* Only the next round can tell whether the sessions that overslept are due now: the turn may
 * fail. */
static void end_round(struct clock_setback *setback, int64_t now)
{
    if (setback->overslept)
        begin_round(setback, now);
    else if (turn_correct_time(setback->turns, now, on_corrected, setback))
        setback->stage = STAGE_CORRECTING;
    else
        setback->stage = STAGE_TRUST; /* out of memory: the next look starts over */
}

static void wake_oversleeper(struct clock_setback *setback, const struct session *session,
                             int64_t now)
{
    const struct session_event event = {.type = EVENT_POSTPONE, .until = now};
    if (!session_wakes_too_late(session, now))
        return;
    setback->overslept = true;
    turn_event(setback->turns, session->id, &event, NULL, NULL);
}

static void check_session(struct clock_setback *setback, struct kv_txn *txn, int64_t now)
{
    const uint8_t *id = setback->place.id;
    const struct session *active = turn_active(setback->turns, id);
    struct session *session;
    if (active != NULL) {
        wake_oversleeper(setback, active, now);
    } else if (store_get_session(txn, id, &session) == KV_OK) {
        wake_oversleeper(setback, session, now);
        session_free(session);
    } else if (kv_txn_status(txn) != KV_OK) {
        setback->overslept = true; /* possibly: the next round will tell */
    }
}

bool clock_setback_look(struct clock_setback *setback, struct kv_txn *txn, int64_t now)
{
    note_clock(setback, txn, now);
    for (int i = 0; i < PIECE && setback->stage == STAGE_ROUND; i++) {
        enum kv_status status = store_next_due(txn, &setback->place);
        if (status == KV_MISSING)
            end_round(setback, now);
        else if (status == KV_OK)
            check_session(setback, txn, now);
        else
            return false; /* retrying at once would not help a store in trouble */
    }
    return setback->stage == STAGE_ROUND;
}

/* Those whom a stock relay's own rules keep from each other: they must say so, in the end. */
#include "config.h"

#include <string.h>

#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/world_parts.h"

/* How long who has given up may take to tell the relay. */
#define PARTING_MAX (2 * TIMELINE_HOUR)

/* Whether a session that looks for its peer will come by this mailbox: that is its own, or one of
 * the last that it found behind the nameplate. */
static bool will_look_in(const struct session *session, const char *mailbox)
{
    for (int i = 0; i < SESSION_FALLBACK_MAILBOXES; i++)
        if (session->fallback_mailboxes[i] != NULL &&
            strcmp(session->fallback_mailboxes[i], mailbox) == 0)
            return true;
    return session->mailbox != NULL && strcmp(session->mailbox, mailbox) == 0;
}

/* Somebody stays where the peer was seen, and the peer has been led past that place since. */
static bool is_past(const struct user *user)
{
    const struct judge_side *other = user->side.peers[0];
    const struct session *session = user_session(user);
    const struct session *peer = other == NULL ? NULL : disk_session(other->disk, other->id);
    return session != NULL && peer != NULL && session->state == SESSION_KEYED &&
           peer->state == SESSION_ESTABLISHED && !will_look_in(session, peer->mailbox);
}

/* A stock relay that forgets again and again, between any two visits of the two, can lead one of
 * them through more mailboxes than it remembers, and so past the one where the other stays: each
 * costs it one time. */
static bool is_led_astray(const struct world *world)
{
    bool past = false;
    for (unsigned i = 0; world->users[i] != NULL; i++)
        past |= is_past(world->users[i]);
    return past && rendezvous_prunes(world->relay) > SESSION_FALLBACK_MAILBOXES;
}

static bool is_established(const struct user *user)
{
    const struct session *session = user_session(user);
    return session != NULL && session->state == SESSION_ESTABLISHED;
}

static bool comes_seldom(const struct user *user)
{
    return strstr(user->schedule, ":3600") != NULL || strstr(user->schedule, ":43200") != NULL;
}

/* What either of a pair leaves at a relay that ages is gone when the other comes. */
static bool is_always_late(const struct world *world)
{
    bool late = false;
    for (unsigned i = 0; world->users[i] != NULL && world->users[i + 1] != NULL; i += 2)
        late |= comes_seldom(world->users[i]) && comes_seldom(world->users[i + 1]);
    return world->ages && late;
}

bool unmeetable_possible(const struct world *world)
{
    return is_led_astray(world) || is_always_late(world);
}

/* ---- the end of their time ---- */

/* Months of visits in vain are one like the other: the clocks are set forward to their end. */
static void turn_clocks(struct world *world)
{
    trace("world", "all that time goes by");
    for (int i = 0; i < WORLD_HOMES; i++)
        world->homes[i].machine.clock_error += USER_TIMEOUT;
    for (unsigned i = 0; world->users[i] != NULL; i++)
        judge_stirred(&world->users[i]->side);
}

/* Happy is who has met the other, however long ago, and had nothing under way to it or from it;
 * nobody else is. (What is said to be unfetched may have been fetched while the session closed.) */
static void check_end(struct world *world, const struct user *user, bool met, int64_t heard)
{
    const struct session *session = user_session(user);
    bool unfetched = session != NULL && session->reason != NULL &&
                     strstr(session->reason, "not fetched") != NULL;
    enum session_result result = met && !unfetched ? RESULT_HAPPY : RESULT_LONELY;
    if (session != NULL && session->state == SESSION_ESTABLISHED && session->last_activity > heard)
        return; /* both looked once more before they ended, and so heard of each other */
    if (session != NULL && session_lasting(session))
        return; /* it goes on looking */
    if (session == NULL || session->state < SESSION_CLOSING)
        promises_fail(world, "who cannot meet anybody does not end");
    else if (session->result != result || session->reason == NULL ||
             strstr(session->reason, "before the deadline") == NULL ||
             (result == RESULT_HAPPY && session->delivered < session->sent))
        promises_fail(world, "who has waited in vain does not say so");
}

void unmeetable_part(struct world *world, struct world_counts *counts)
{
    bool met[HOME_USERS] = {false};
    int64_t heard[HOME_USERS] = {0};
    for (unsigned i = 0; world->users[i] != NULL; i++) {
        met[i] = is_established(world->users[i]);
        if (user_session(world->users[i]) != NULL)
            heard[i] = user_session(world->users[i])->last_activity;
    }
    counts->loners++;
    turn_clocks(world);
    world_go(world, PARTING_MAX);
    for (unsigned i = 0; world->users[i] != NULL && trace_failure() == NULL; i++)
        check_end(world, world->users[i], met[i], heard[i]);
}

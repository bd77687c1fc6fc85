/* Those whom a stock relay's own rules keep from each other: they must say so, in the end. */
#include "config.h"

#include <string.h>

#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/world_parts.h"

/* Nobody is led astray by a relay that forgets less often. */
#define PRUNES_MAX 12
/* How long who has given up may take to tell the relay. */
#define PARTING_MAX (2 * TIMELINE_HOUR)

static bool is_keyed(const struct user *user)
{
    const struct session *session = user_session(user);
    return session != NULL && session->state >= SESSION_KEYED;
}

static bool is_established(const struct user *user)
{
    const struct session *session = user_session(user);
    return session != NULL && session->state == SESSION_ESTABLISHED;
}

static bool all(const struct world *world, bool (*test)(const struct user *))
{
    for (unsigned i = 0; world->users[i] != NULL; i++)
        if (!test(world->users[i]))
            return false;
    return true;
}

/* A stock relay that forgets again and again, between any two visits of the two, can lead one of
 * them through more mailboxes than it remembers (SESSION_FALLBACK_MAILBOXES), and so past the one
 * where the other stays. */
static bool is_led_astray(const struct world *world)
{
    return rendezvous_prunes(world->relay) > PRUNES_MAX && all(world, is_keyed) &&
           !all(world, is_established);
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

/* Happy is who has met the other, however long ago; nobody else is. */
static void check_end(struct world *world, const struct user *user, bool met)
{
    const struct session *session = user_session(user);
    if (session == NULL || session->state < SESSION_CLOSING)
        promises_fail(world, "who cannot meet anybody does not end");
    else if (session->result != (met ? RESULT_HAPPY : RESULT_LONELY) || session->reason == NULL ||
             strstr(session->reason, "before the deadline") == NULL)
        promises_fail(world, "who has waited in vain does not say so");
}

void unmeetable_part(struct world *world, struct world_counts *counts)
{
    bool met[HOME_USERS] = {false};
    for (unsigned i = 0; world->users[i] != NULL; i++)
        met[i] = is_established(world->users[i]);
    counts->loners++;
    turn_clocks(world);
    world_go(world, PARTING_MAX);
    for (unsigned i = 0; world->users[i] != NULL && trace_failure() == NULL; i++)
        check_end(world, world->users[i], met[i]);
}

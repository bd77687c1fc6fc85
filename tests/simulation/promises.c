/* What must come true when no more accidents happen; and then, when all have said farewell. */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/world_parts.h"

/* Honest pairs must have said all after so long, with so many visits of each side: a schedule that
 * has slowed down comes each hour, and may find the other elsewhere the first time, while that one,
 * who has lost the mailbox, looks for it four or five times a minute. And some for each message, in
 * either direction. */
#define CALM_MAX         (2 * TIMELINE_DAY)
#define VISITS_MAX       700
#define VISITS_A_DAY     200
#define VISITS_A_MESSAGE 4
/* Where nothing else is promised it is looked for so long what happens: longer than somebody is
 * late whose clock was set back a little. */
#define CALM_OTHERS (100 * TIMELINE_MINUTE)
/* Whoever wants to end has told the relay so after so long, where nothing is in the way; or has
 * waited so long for a relay that calls the mailbox crowded, or for a peer that must come back to
 * one that the relay had forgotten. */
#define CLOSE_MAX   (2 * TIMELINE_HOUR)
#define CLOSE_LATER (26 * TIMELINE_HOUR)
/* All look in so often then, and after a while less often. */
#define ATTEND       TIMELINE_MINUTE
#define ATTEND_AFTER (2 * TIMELINE_HOUR)
#define ATTEND_LATER (10 * TIMELINE_MINUTE)
#define FORGET_TRIES 300
/* So often in a row somebody may be met by chance. */
#define MET_MAX 12
/* Who has somebody waiting holds a connection, up to an hour longer if its clock is set back. */
#define ATTENDED_MAX (2 * TIMELINE_HOUR)

/* ---- words for a failure ---- */

static void describe(const struct user *user, char *ret_text, size_t size)
{
    const struct session *session = user_session(user);
    size_t length = strlen(ret_text);
    if (session == NULL)
        snprintf(ret_text + length, size - length, "; %s has none", user->side.who);
    else
        snprintf(
            ret_text + length, size - length, "; %s is %s%s%s, %u of %u sent, %u of %u read, %s",
            user->side.who, session_state_name(session->state), session->reason ? ": " : "",
            session->reason ? session->reason : "", session->stored, session->sent, session->acked,
            session->received, session->last_error ? session->last_error : "no error");
}

void promises_fail(struct world *world, const char *what)
{
    char text[1024] = "";
    for (unsigned i = 0; world->users[i] != NULL; i++)
        describe(world->users[i], text, sizeof(text));
    trace_fail("%s%s", what, text);
}

/* True if `test` holds for each user. */
static bool all(const struct world *world, bool (*test)(const struct user *))
{
    for (unsigned i = 0; world->users[i] != NULL; i++)
        if (!test(world->users[i]))
            return false;
    return true;
}

static bool holds(const char *schedule)
{
    return strchr(schedule, ':') == NULL ||
           (strncmp(schedule, "0:0", 3) == 0 && strncmp(schedule, "0:0.", 4) != 0);
}

/* True if whoever lives there only looks in: none of its schedules holds a connection. */
static bool only_visits(const struct world *world, const struct home *home)
{
    for (unsigned i = 0; world->users[i] != NULL; i++)
        if (world->users[i]->home == home && holds(world->users[i]->schedule))
            return false;
    return true;
}

/* Who only looks in is seldom met, when all is well. */
static void check_visits(struct world *world)
{
    for (int i = 0; i < WORLD_HOMES; i++) {
        struct home *home = &world->homes[i];
        bool attended = timeline_now() - home->machine.attended < ATTENDED_MAX;
        bool met = only_visits(world, home) && !attended && cable_sessions(&home->machine.net) > 0;
        home->met = met ? home->met + 1 : 0;
        if (home->met > MET_MAX)
            trace_fail("%s does not leave the relay", home->machine.name);
    }
}

/* Until `test` holds for all, or it is too late; `act` again and again, since a machine may be
 * down when it is asked. */
static bool until(struct world *world, bool (*test)(const struct user *),
                  void (*act)(struct user *), int64_t most)
{
    int64_t begun = timeline_now();
    while (trace_failure() == NULL && !all(world, test) && timeline_now() < begun + most) {
        world_tell_codes(world);
        world_each(world, act);
        world_go(world, timeline_now() < begun + ATTEND_AFTER ? ATTEND : ATTEND_LATER);
        check_visits(world);
    }
    return all(world, test);
}

/* ---- all is said ---- */

/* Everything that this one and its peer have to say has arrived and was read. */
static bool is_done(const struct user *user)
{
    const struct session *session = user_session(user);
    const struct judge_side *other = user->side.peers[0];
    const struct session *peer = other == NULL ? NULL : disk_session(other->disk, other->id);
    return session != NULL && peer != NULL && session->state == SESSION_ESTABLISHED &&
           user->to_send == 0 && session->stored == session->sent &&
           peer->received == session->sent && peer->acked == session->sent;
}

static bool has_ended(const struct user *user)
{
    const struct session *session = user_session(user);
    return session == NULL ? user->side.known : session->state >= SESSION_CLOSING;
}

/* Days for which somebody lets the other wait, who wants to compare the verifiers. */
static unsigned compared_late(const struct world *world)
{
    int64_t last = 0;
    for (unsigned i = 0; world->users[i] != NULL; i++)
        if (world->users[i]->verify && world->users[i]->compares > last)
            last = world->users[i]->compares;
    return last == 0 ? 0 : (unsigned)((last - world->storm) / TIMELINE_DAY + 1);
}

/* Schedules of one's own come as often as they say. */
static void count_visits(const struct world *world, struct world_counts *counts)
{
    for (unsigned i = 0; world->users[i] != NULL; i++) {
        const struct user *user = world->users[i];
        unsigned visits = user->home->dials.count;
        if (strchr(user->schedule, ':') != NULL || world->with_second)
            continue;
        if (visits > counts->most_visits)
            counts->most_visits = visits;
        unsigned messages = user->side.sent_count + user->side.received;
        if (visits > VISITS_MAX + VISITS_A_DAY * compared_late(world) + VISITS_A_MESSAGE * messages)
            trace_fail("%s visited %u times before all was said", user->side.who, visits);
    }
}

/* What was added to a mailbox that a stock relay has just forgotten stays there for ever; and
 * nobody knows a nameplate whose `allocated` was lost at a stock relay, or whose claim was under
 * way for longer than its sender was there. */
static bool relay_may_keep(const struct world *world)
{
    if (rendezvous_prunes(world->relay) > 0 || cable_was_late() || !world_is_honest(world))
        return true;
    bool again = false;
    for (unsigned i = 0; world->users[i] != NULL; i++)
        again |= world->users[i]->side.allocates > 1;
    return again && rendezvous_is_stock(world->relay);
}

static bool has_released(const struct user *user)
{
    const struct session *session = user_session(user);
    return session != NULL && session->nameplate == NAMEPLATE_RELEASED;
}

/* A nameplate is short, and others want it. */
static void check_nameplates(const struct world *world)
{
    if (all(world, has_released) && !relay_may_keep(world) &&
        rendezvous_nameplates(world->relay) > 0)
        trace_fail("all have released their nameplate, and the relay keeps it");
}

static void check_said(const struct world *world, struct world_counts *counts)
{
    count_visits(world, counts);
    check_nameplates(world);
}

static void say_all(struct world *world, struct world_counts *counts)
{
    if (!world_is_honest(world)) {
        until(world, has_ended, user_attend, CALM_OTHERS);
        return;
    }
    if (until(world, is_done, user_attend, CALM_MAX + compared_late(world) * TIMELINE_DAY))
        check_said(world, counts);
    else if (unmeetable_possible(world))
        unmeetable_part(world, counts);
    else
        promises_fail(world, "honest sides did not come together");
}

/* A stock peer that was not cut off has had all, too. */
static void check_strict(struct world *world)
{
    const struct session *session = user_session(world->users[WHO_A]);
    if (!world->with_strict || world->with_stranger || !strict_is_well(&world->strict) ||
        rendezvous_is_stock(world->relay) || world->expires || session == NULL ||
        world->users[WHO_A]->parted ||
        (session->verification == VERIFICATION_PENDING &&
         timeline_now() < world->users[WHO_A]->compares))
        return;
    if (session->state != SESSION_ESTABLISHED || session->stored < session->sent ||
        world->strict.expected != 2 + session->sent)
        promises_fail(world, "a stock peer that was there all the time did not get all");
}

/* ---- the end of all sessions ---- */

static bool is_closed(const struct user *user)
{
    const struct session *session = user_session(user);
    return session == NULL || session->state == SESSION_CLOSED;
}

static bool is_closed_or_waits(const struct user *user)
{
    const struct session *session = user_session(user);
    return is_closed(user) ||
           (session->flush && (session->crowded > 0 || session->sent > session->delivered ||
                               /* A stock relay may have forgotten the peer's goodbye; and the
                                * peer may not have come to the newest place yet. */
                               (session_lasting(session) &&
                                (session->retention == 0 ||
                                 !sodium_is_zero(session->old_root, sizeof(session->old_root))))));
}

/* What was handed over closes where it goes on. */
static void close_it(struct user *user)
{
    const struct session *session = user_session(user);
    if (session != NULL && session->state == SESSION_EXPORTED)
        user_attend(user);
    user_close(user);
}

/* A stranger may stay for ever, and so what it listens to. */
static void check_relay(struct world *world)
{
    if (world->expires && !world->with_strict && !world->with_stranger) {
        world_go(world, rendezvous_retention(world->relay) * 3 / 2);
        if (!rendezvous_is_empty(world->relay))
            trace_fail("something has not expired at the relay");
    } else if (!relay_may_keep(world) && !rendezvous_is_empty(world->relay)) {
        trace_fail("all have closed, and something of theirs is still at the relay");
    }
}

static void check_connections(struct world *world)
{
    world_go(world, ATTEND_LATER);
    for (int i = 0; i < WORLD_HOMES; i++)
        if (cable_count(&world->homes[i].machine.net) > 0)
            trace_fail("%s has closed all, and keeps a connection", world->homes[i].machine.name);
}

static void close_all(struct world *world)
{
    if (!until(world, is_closed_or_waits, close_it, CLOSE_MAX) ||
        !until(world, is_closed, close_it, CLOSE_LATER))
        promises_fail(world, "a session does not end");
    check_connections(world);
    if (trace_failure() == NULL)
        check_relay(world);
}

/* ---- and nothing is left ---- */

static unsigned left(const struct world *world)
{
    unsigned count = 0;
    for (int i = 0; i < WORLD_HOMES; i++)
        count += disk_count(world->homes[i].machine.disk);
    return count;
}

static void forget_all(struct world *world)
{
    for (int i = 0; i < FORGET_TRIES && left(world) > 0 && trace_failure() == NULL; i++) {
        world_each(world, user_forget); /* again, where the machine was down */
        world_go(world, ATTEND);
    }
    if (left(world) > 0)
        promises_fail(world, "something of a forgotten session is still in the store");
}

void promises_keep(struct world *world, struct world_counts *counts)
{
    say_all(world, counts);
    if (trace_failure() == NULL)
        check_strict(world);
    if (trace_failure() == NULL)
        close_all(world);
    if (trace_failure() == NULL)
        forget_all(world);
}

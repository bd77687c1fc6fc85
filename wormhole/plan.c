/* When a session wakes: schedule, keeping the mailbox alive, back-off, jitter, deadline. */
#include "config.h"

#include "wormhole/visit.h"

/* A relay that does not say how long it keeps mailboxes is assumed to be a stock one: 11 minutes
 * (mailbox server 0.4.1). */
#define STOCK_RETENTION ((int64_t)11 * 60 * 1000)
/* Used where the schedule says "hold" but the daemon has no room for another held connection; also
 * how long one place is held where the peer of a lost mailbox may look, before the next one. */
#define POLL_INSTEAD_OF_HOLD ((int64_t)15 * 1000)
/* A peer that filled the inbox is visited no more often than this, since each visit replays
 * everything that it sent; still often enough for a stock relay to keep the mailbox. So is one that
 * must come back before the mailbox may be closed. */
#define PAUSED_INTERVAL ((int64_t)5 * 60 * 1000)
/* The peer's pake was found while the mailbox was lost: a peer that is there answers ours at once,
 * one that only looked in does not. */
#define PEER_PAKE_PATIENCE ((int64_t)5 * 1000)
/* A held connection is renewed now and then: one that was bound before the relay pruned may be cut
 * off from live delivery. */
#define HOLD_RENEW SESSION_ALARM_MAX
/* A connection that is held only because somebody waits: how often that is looked at. */
#define ATTENDED_LOOK ((int64_t)30 * 1000)
/* Back-off after failed visits: doubles from a second up to two minutes, which keeps even a stock
 * relay's mailbox alive. */
#define RETRY_FIRST ((int64_t)1000)
#define RETRY_MAX   ((int64_t)2 * 60 * 1000)
/* A stock relay calls a mailbox crowded until it forgets it, 11 to 16 minutes after the last touch,
 * and each refused try is one: tries are further apart than that, … */
#define CROWDED_WAIT ((int64_t)17 * 60 * 1000)
/* … and up to so much further, at random: two sides whose tries alternated would keep each other
 * out. */
#define CROWDED_SPREAD ((int64_t)30 * 60 * 1000)
/* Somebody leaves messages who does not exchange keys: each visit costs what they have left, so
 * visits become rarer, from a minute, doubling up to WAIT_MAX. A stock relay then forgets it all.
 */
#define BURDENED_FIRST ((int64_t)60 * 1000)
/* No wait after a failure is longer than this, whatever the cause. */
#define HOUR     ((int64_t)3600 * 1000)
#define WAIT_MAX HOUR

/* A user's own list is obeyed, but for appointments: a visit comes no earlier than the list says,
 * and later by no more than a twentieth of its interval and this, which spreads out sessions with
 * the same list. */
#define LIST_JITTER_MAX ((int64_t)30 * 1000)

/* Where nobody has said exactly when: from four fifths of the duration to all of it. */
static int64_t jittered(struct step *step, int64_t duration)
{
    return duration - step_random_below(step, duration / 5);
}

static int64_t list_jitter_max(int64_t interval)
{
    return interval / 20 < LIST_JITTER_MAX ? interval / 20 : LIST_JITTER_MAX;
}

static int64_t elapsed(const struct step *step)
{
    return step->context->now - step->session->schedule_start;
}

static const struct schedule_rule *rule_now(const struct step *step)
{
    return schedule_rule_at(&step->session->schedule, elapsed(step));
}

void plan_at(struct step *step, int64_t when)
{
    int64_t deadline = session_deadline(step->session);
    bool looks = session_alive(step->session) && deadline > step->context->now && deadline < when;
    step->session->wake = looks ? deadline : when;
}

void plan_visit_now(struct step *step)
{
    plan_at(step, step->context->now);
}

/* A preset polls often enough for the mailbox to survive between visits; a list that the user gave
 * is followed as it is. */
static int64_t kept_alive(const struct step *step, int64_t interval)
{
    int64_t limit = plan_retention(step->session) / 4 * 3;
    return step->session->schedule.preset && limit < interval ? limit : interval;
}

/* A paused peer gets no connection that it could flood. */
static bool may_hold(const struct step *step)
{
    return step->context->may_hold && !step->session->inbox_full;
}

/* How long until a session that is alive must look whether its time is over: at its deadline; at
 * once, if that has passed; or when the clock can be trusted again that says so. */
static int64_t time_left(const struct step *step)
{
    int64_t now = step->context->now, until = session_deadline(step->session);
    if (until <= now)
        until = step->context->doubted_until;
    return until > now ? until - now : 0;
}

/* The least wait before the next visit because of what others have left; 0: none. */
static int64_t burdened_wait(struct step *step)
{
    const struct session *session = step->session;
    int64_t wait = BURDENED_FIRST;
    if (session->unexpected == 0 || !session_is_guarded(session))
        return 0;
    for (uint32_t i = 1; i < session->burdened && wait < WAIT_MAX; i++)
        wait *= 2;
    return jittered(step, wait < WAIT_MAX ? wait : WAIT_MAX);
}

void plan_next_visit(struct step *step)
{
    const struct session *session = step->session;
    int64_t interval;
    int64_t wait = schedule_wait(&session->schedule, elapsed(step),
                                 may_hold(step) ? 0 : POLL_INSTEAD_OF_HOLD, &interval);
    if ((session->inbox_full && wait < PAUSED_INTERVAL) || !session_alive(session))
        wait = interval = PAUSED_INTERVAL;
    int64_t appointment = appointment_wait(step, interval);
    if (session->schedule.preset && appointment < 0)
        wait = jittered(step, kept_alive(step, wait));
    else if (!session->schedule.preset)
        wait += step_random_below(step, list_jitter_max(interval));
    if (session->inbox_full && appointment >= 0 && appointment < PAUSED_INTERVAL)
        appointment = PAUSED_INTERVAL;
    /* A list that asks for more than an hour's visits is followed as well. */
    if (appointment >= 0 && (appointment < wait || wait >= HOUR))
        wait = appointment;
    if (step->context->attended && session_alive(session) && !session->inbox_full)
        wait = may_hold(step) ? 0 : POLL_INSTEAD_OF_HOLD;
    int64_t burdened = burdened_wait(step);
    if (wait < burdened)
        wait = burdened;
    if (session_alive(session) && time_left(step) < wait)
        wait = time_left(step);
    wait = lasting_cap_wait(step, wait);
    plan_at(step, step->context->now + wait);
}

void plan_retry(struct step *step, int64_t at_least)
{
    int64_t wait = RETRY_FIRST;
    for (uint32_t i = 1; i < step->session->failures && wait < RETRY_MAX; i++)
        wait *= 2;
    wait = jittered(step, wait < RETRY_MAX ? wait : RETRY_MAX);
    if (wait < at_least)
        wait = at_least + step_random_below(step, at_least / 5);
    int64_t burdened = burdened_wait(step);
    if (wait < burdened)
        wait = burdened;
    plan_at(step, step->context->now + wait);
}

int64_t plan_crowd_wait(struct step *step)
{
    return CROWDED_WAIT + step_random_below(step, CROWDED_SPREAD);
}

int64_t plan_retention(const struct session *session)
{
    return session->retention > 0 ? session->retention : STOCK_RETENTION;
}

int64_t plan_hold_duration(struct step *step)
{
    const struct session *session = step->session;
    int64_t interval = rule_now(step)->interval;
    int64_t meeting = appointment_hold(step, interval);
    bool scheduled = interval == 0;
    if (!may_hold(step) || (!scheduled && !step->context->attended && meeting == 0))
        return session->mailbox_lost && session->visit->peer_pake_seen ? PEER_PAKE_PATIENCE : 0;
    int64_t hold = scheduled                 ? schedule_rule_left(&session->schedule, elapsed(step))
                   : step->context->attended ? ATTENDED_LOOK
                                             : meeting;
    /* While the mailbox is lost there are several places where the peer may look, each for so short
     * a time that only who is there meets it. Two who changed places in step would never meet. */
    int64_t longest = session->mailbox_lost ? jittered(step, POLL_INSTEAD_OF_HOLD) : HOLD_RENEW;
    if (hold > longest)
        hold = longest;
    if (session_alive(session) && time_left(step) < hold)
        hold = time_left(step);
    return lasting_cap_hold(step, hold);
}

bool plan_may_stay(const struct step *step)
{
    int64_t held = step->context->now - step->session->last_visit;
    return step->context->attended && !step->session->mailbox_lost && held >= 0 &&
           held < lasting_cap_hold(step, HOLD_RENEW);
}

void plan_restart_schedule(struct step *step)
{
    if (step->session->schedule.preset)
        step->session->schedule_start = step->context->now;
}

void plan_peer_activity(struct step *step)
{
    step->session->last_activity = step->context->now;
    plan_restart_schedule(step);
}

int64_t session_expire(const struct session *session)
{
    return session->expire > 0 ? session->expire : session->timeout;
}

int64_t session_deadline(const struct session *session)
{
    /* What a peer that has closed had sent comes, or does not. */
    if (session_lasting(session) && session->state == SESSION_ESTABLISHED && !session->expires &&
        !session->closed_by_peer)
        return INT64_MAX;
    if (session->state == SESSION_ESTABLISHED || session->expire == 0)
        return session->last_activity + session_expire(session);
    return session->created + session->timeout;
}

/* With its jitter. */
static int64_t longest_interval(const struct schedule *schedule)
{
    int64_t longest = 0;
    for (unsigned i = 0; i < schedule->count; i++)
        if (schedule->rules[i].interval > longest)
            longest = schedule->rules[i].interval;
    return schedule->preset ? longest : longest + list_jitter_max(longest);
}

bool session_wakes_too_late(const struct session *session, int64_t now)
{
    int64_t longest = longest_interval(&session->schedule);
    /* An appointment may be in the hour after. */
    int64_t spare = session_lasting(session) ? 2 * WAIT_MAX : 0;
    return session->state < SESSION_CLOSED &&
           session->wake > now + (longest > WAIT_MAX ? longest : WAIT_MAX) + spare;
}

static const char *text_of_visited(const struct session *session)
{
    if (session_lasting(session) && session->retention == 0 &&
        longest_interval(&session->schedule) + 60 * 1000 > STOCK_RETENTION)
        return "a stock relay forgets the mailbox after 11 minutes: in quiet times, both come at "
               "the "
               "same minute of an hour";
    bool kept =
        session->schedule.preset || longest_interval(&session->schedule) < plan_retention(session);
    if (session->retention > 0)
        return kept ? "the relay keeps the mailbox longer than the time between visits"
                    : "the relay may forget the mailbox between visits; it is then recreated";
    return kept ? "visited often enough for a stock relay, which forgets a mailbox after 11 minutes"
                : "a stock relay forgets the mailbox between visits; it is then recreated";
}

const char *session_retention_text(const struct session *session)
{
    static const char *const not_visited[SESSION_STATES] = {
        [SESSION_CLOSING] = "the mailbox is needed only until the relay has been told of the end",
        [SESSION_CLOSED] = "the mailbox is no longer needed",
        [SESSION_EXPORTED] = "no longer visited from here: that is up to whoever imports it",
    };
    const char *text = not_visited[session->state];
    return text != NULL ? text : text_of_visited(session);
}

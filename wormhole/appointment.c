/*
 * Appointments of lasting sessions (doc/lasting.md, §8). A relay that does not say how long it
 * keeps a mailbox forgets it soon. Two ends that come less often than that would never find what
 * the other has left; so they come at the same minute, which both know, by the clock of the relay,
 * which is the same for both.
 */
#include "config.h"

#include "wormhole/visit.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* How long an end waits there for its peer: clocks, connections and machines that are waking up may
 * be late. */
#define PATIENCE (5 * MINUTE)
/* How long it stays when all seems to be said: there may be more to come. Also how often it looks
 * whether the peer has come, where it cannot stay. */
#define QUIET ((int64_t)15 * 1000)
/* They are spread over so long a time, lest all sessions of a daemon come in one second. */
#define SPREAD ((int64_t)20 * 1000)

/* Both have to know of it, and where to go. */
static bool has_appointments(const struct session *session)
{
    return session_lasting(session) && session->state == SESSION_ESTABLISHED &&
           session->retention == 0 &&
           (session->nameplate != NAMEPLATE_CLAIMED || session_routed(session)) &&
           !session->mailbox_lost && !session->copied;
}

static int64_t relay_time(const struct step *step)
{
    const struct visit *visit = step->session->visit;
    int64_t time = step->context->now + (visit == NULL ? 0 : visit->relay_ahead);
    return time > 0 ? time : 0;
}

/* A visit that the schedule would have then comes too late for what the peer left at the one
 * before; a minute is for jitter, and for the visit itself. */
static bool finds_nothing(const struct session *session, int64_t interval)
{
    return interval + MINUTE > plan_retention(session);
}

/* Every so many hours: the largest power of two that the interval has, so that of two intervals one
 * divides the other, and who comes often meets who comes seldom at each of its visits. */
static int64_t hours_of(int64_t interval)
{
    int64_t hours = 1;
    while (2 * hours <= interval / HOUR)
        hours *= 2;
    return hours;
}

/* The first after that time; of those in hours, counted from 1970, that `hours` divides. */
static int64_t first_after(const struct session *session, int64_t time, int64_t hours)
{
    for (int64_t hour = time / HOUR / hours * hours;; hour += hours) {
        int64_t when = hour * HOUR + epoch_minute(session->key, hour * HOUR / DAY) * MINUTE;
        if (when > time)
            return when;
    }
}

/* How long the one that has begun lasts; 0: none has. */
static int64_t left_of(const struct session *session, int64_t time)
{
    int64_t begin = first_after(session, time > PATIENCE ? time - PATIENCE : 0, 1);
    return begin <= time ? begin + PATIENCE - time : 0;
}

/* The peer was here, and neither has more to say. */
static bool all_is_said(const struct session *session)
{
    const struct visit *visit = session->visit;
    return visit != NULL && visit->peer_stated && !visit->incomplete &&
           session->sent == session->delivered && !lasting_has_old(session);
}

int64_t appointment_hold(const struct step *step, int64_t interval)
{
    const struct session *session = step->session;
    if (!has_appointments(session) || !finds_nothing(session, interval) || session->visit->left)
        return 0;
    int64_t left = left_of(session, relay_time(step));
    /* While two places are alive the peer may be in either. */
    bool briefly = all_is_said(session) || lasting_has_old(session);
    return briefly && left > QUIET ? QUIET : left;
}

int64_t appointment_wait(struct step *step, int64_t interval)
{
    const struct session *session = step->session;
    int64_t time = relay_time(step);
    if (!has_appointments(session) || !finds_nothing(session, interval))
        return -1;
    if (left_of(session, time) > 0 && !all_is_said(session))
        return QUIET;
    return first_after(session, time, hours_of(interval)) - time + step_random_below(step, SPREAD);
}

#include "config.h"

#include "relay/relay_expiry.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/clock_watch.h"
#include "base/timer.h"
#include "service/log.h"

/* Mailboxes per step, and the pause between two steps, ms: others have their turn. */
#define STEP    64
#define REST_MS 5
/* Longest and shortest time between two looks, ms. */
#define LOOK_MAX 60000
#define LOOK_MIN 100

struct relay_expiry {
    const struct relay_store *store;
    struct event *timer;
    int64_t every;
    struct clock_watch clock;
};

static void look_in(struct relay_expiry *expiry, int64_t ms)
{
    struct timeval wait = timer_interval(ms);
    event_add(expiry->timer, &wait);
}

static void on_expired(void *arg, const struct relay_answer *answer)
{
    struct relay_expiry *expiry = arg;
    if (answer->result != RELAY_DONE)
        log_warning("store", "what has expired cannot be deleted now");
    else if (answer->count > 0)
        log_debug("store", "%zu mailboxes have expired", answer->count);
    bool more = answer->result == RELAY_DONE && answer->count >= STEP;
    look_in(expiry, more ? REST_MS : expiry->every);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_expiry *expiry = arg;
    int64_t doubted_until = clock_doubted_until(&expiry->clock), now = clock_now();
    int64_t doubted = doubted_until - now;
    if (doubted > 0)
        look_in(expiry, doubted < CLOCK_DOUBT_LOOK ? doubted : CLOCK_DOUBT_LOOK);
    else
        expiry->store->expire(expiry->store->self, now, STEP, on_expired, expiry);
}

/* A tenth of a short retention is soon enough; and a clock that has leapt is doubted no longer than
 * that. */
static int64_t look_every(int64_t retention)
{
    int64_t every = retention / 10;
    return every > LOOK_MAX ? LOOK_MAX : every < LOOK_MIN ? LOOK_MIN : every;
}

struct relay_expiry *relay_expiry_new(struct event_base *base, const struct relay_store *store,
                                      int64_t retention, bool at_once)
{
    struct relay_expiry *expiry = calloc(1, sizeof(*expiry));
    if (expiry == NULL)
        return NULL;
    expiry->store = store;
    expiry->every = look_every(retention);
    expiry->clock.doubt = retention / 10 < CLOCK_DOUBT_MAX ? retention / 10 : CLOCK_DOUBT_MAX;
    expiry->timer = evtimer_new(base, on_time, expiry);
    if (expiry->timer != NULL) {
        look_in(expiry, at_once ? 0 : expiry->every);
        return expiry;
    }
    free(expiry);
    return NULL;
}

void relay_expiry_free(struct relay_expiry *expiry)
{
    if (expiry == NULL)
        return;
    expiry->store->forget(expiry->store->self, expiry);
    event_free(expiry->timer);
    free(expiry);
}

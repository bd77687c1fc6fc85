#include "config.h"

#include "base/clock.h"

#include <event2/event.h>
#include <time.h>

/* Longest nap, ms: how late a suspended machine may notice what fell due meanwhile. */
#define NAP_MAX ((int64_t)60 * 1000)

int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_arm(struct event *timer, int64_t when)
{
    int64_t now = clock_now();
    int64_t nap = when <= now ? 0 : when - now;
    if (nap > NAP_MAX)
        nap = NAP_MAX;
    event_add(timer, &(struct timeval){.tv_sec = nap / 1000, .tv_usec = nap % 1000 * 1000});
}

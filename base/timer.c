#include "config.h"

#include "base/timer.h"

#include <event2/event.h>

#include "base/clock.h"

/* The longest wait, ms: how late a machine that was suspended may notice what has become due. */
#define WAIT_MAX ((int64_t)60 * 1000)

void timer_arm(struct event *timer, int64_t when)
{
    int64_t now = clock_now();
    int64_t wait = when <= now ? 0 : when - now;
    struct timeval interval = timer_interval(wait < WAIT_MAX ? wait : WAIT_MAX);

    event_add(timer, &interval);
}

struct timeval timer_interval(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

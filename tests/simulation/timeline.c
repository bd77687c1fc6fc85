#include "config.h"

#include "tests/simulation/timeline.h"

#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* When every world begins: 2026-01-01, in ms since the epoch. */
#define EPOCH INT64_C(1767225600000)

struct happening {
    int64_t when;
    void (*happen)(void *arg);
    void *arg;
    struct happening *next;
};

static int64_t now, error;
static struct happening *first;

/* ---- the program's clocks: libevent's and ours ---- */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int64_t ms = clock == CLOCK_REALTIME ? EPOCH + now + error : TIMELINE_DAY + now;
    ret_time->tv_sec = ms / 1000;
    ret_time->tv_nsec = ms % 1000 * 1000000;
    return 0;
}

/* libevent reckons with this one beside its monotonic clock: here both always agree. */
int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    (void)zone;
    ret_time->tv_sec = (EPOCH + now) / 1000;
    ret_time->tv_usec = now % 1000 * 1000;
    return 0;
}

/* ---- what is to happen ---- */

void timeline_begin(void)
{
    struct happening *happening;
    while ((happening = first) != NULL) {
        first = happening->next;
        free(happening);
    }
    now = error = 0;
}

int64_t timeline_now(void)
{
    return now;
}

void timeline_set_error(int64_t ms)
{
    error = ms;
}

void timeline_after(int64_t ms, void (*happen)(void *arg), void *arg)
{
    struct happening *happening = malloc(sizeof(*happening)), **place = &first;
    *happening = (struct happening){.when = now + ms, .happen = happen, .arg = arg};
    while (*place != NULL && (*place)->when <= happening->when)
        place = &(*place)->next;
    happening->next = *place;
    *place = happening;
}

int64_t timeline_next(void)
{
    return first == NULL ? INT64_MAX : first->when;
}

void timeline_go(int64_t when)
{
    if (when > now)
        now = when;
    while (first != NULL && first->when <= now) {
        struct happening *happening = first;
        first = happening->next;
        happening->happen(happening->arg);
        free(happening);
    }
}

#include "config.h"

#include "base/clock_watch.h"

#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

/* Larger disagreements are leaps, ms; smaller ones are a clock that is being adjusted. */
#define LEAP ((int64_t)2 * 1000)
/* A doubted clock that was not looked at for so long may have come back and leapt again, ms: a
 * machine that slept has seen nothing. */
#define UNSEEN ((int64_t)5 * CLOCK_DOUBT_LOOK)

static int64_t clock_boot(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_doubted_until(struct clock_watch *watch)
{
    int64_t wall = clock_now(), boot = clock_boot();
    int64_t ahead = (wall - watch->wall) - (boot - watch->boot);
    bool leapt = watch->boot != 0 && (ahead > LEAP || ahead < -LEAP);
    bool unseen = boot - watch->boot > UNSEEN && watch->boot < watch->doubted_until;

    if (leapt || unseen || wall < CLOCK_PLAUSIBLE)
        watch->doubted_until = boot + (watch->doubt > 0 ? watch->doubt : CLOCK_DOUBT_MAX);
    watch->wall = wall;
    watch->boot = boot;
    return boot < watch->doubted_until ? wall + (watch->doubted_until - boot) : wall;
}

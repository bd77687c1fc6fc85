#include "config.h"

#include <stdio.h>
#include <time.h>

#include "cli/when.h"

/* Each unit is used below `limit`, where the next larger one begins to read better; the last one
 * for all that is left. */
static const struct unit {
    int64_t limit, ms;
    const char *name;
} units[] = {
    {(int64_t)90 * 1000, 1000, "s"},
    {(int64_t)90 * 60 * 1000, (int64_t)60 * 1000, "min"},
    {(int64_t)36 * 3600 * 1000, (int64_t)3600 * 1000, "h"},
    {0, (int64_t)24 * 3600 * 1000, "days"},
};

int64_t when_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void when_relative(int64_t when, int64_t now, char ret_text[WHEN_MAX])
{
    const struct unit *unit = units;
    int64_t distance, count;

    /* Numbers of a daemon gone mad must not overflow. */
    if (__builtin_sub_overflow(when, now, &distance) || distance == INT64_MIN) {
        snprintf(ret_text, WHEN_MAX, "never");
        return;
    }
    if (distance < 0)
        distance = -distance;
    if (distance < 1000) {
        snprintf(ret_text, WHEN_MAX, when > now ? "now" : "just now");
        return;
    }
    while (unit->limit != 0 && distance >= unit->limit)
        unit++;
    count = distance / unit->ms + (distance % unit->ms >= unit->ms / 2);
    snprintf(ret_text, WHEN_MAX, when > now ? "in %lld %s" : "%lld %s ago", (long long)count,
             unit->name);
}

void when_absolute(int64_t when, int64_t now, char ret_text[WHEN_MAX])
{
    time_t seconds = (time_t)(when / 1000);
    char relative[WHEN_MAX], date[20];
    struct tm local;

    when_relative(when, now, relative);
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &local) == 0) {
        snprintf(ret_text, WHEN_MAX, "%s", relative);
        return;
    }
    snprintf(ret_text, WHEN_MAX, "%s (%.40s)", date, relative);
}

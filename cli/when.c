#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "cli/when.h"

/* Each unit is used below `limit`, from which on the next larger one reads better; the last one for
 * the rest. */
static const struct time_unit {
    int64_t limit, ms;
    const char *name;
} units[] = {
    {(int64_t)90 * 1000, 1000, "s"},
    {(int64_t)90 * 60 * 1000, (int64_t)60 * 1000, "min"},
    {(int64_t)36 * 3600 * 1000, (int64_t)3600 * 1000, "h"},
    {0, (int64_t)24 * 3600 * 1000, "days"},
};

void when_relative(int64_t when, int64_t now, char ret_text[WHEN_MAX])
{
    const struct time_unit *unit = units;
    int64_t distance, count;

    /* Whatever number the daemon sends must not overflow. */
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

/* False if the calendar has no such point in time. */
static bool format_local(int64_t when, const char *format, char ret_text[WHEN_MAX])
{
    time_t seconds = (time_t)(when / 1000);
    struct tm local;

    return localtime_r(&seconds, &local) != NULL &&
           strftime(ret_text, WHEN_MAX, format, &local) > 0;
}

/* How many days of the calendar lie between the two, at most 1; -1: others, or no such days. */
static int days_between(int64_t now, int64_t when)
{
    time_t first = (time_t)(now / 1000), second = (time_t)(when / 1000);
    struct tm today, day;

    if (localtime_r(&first, &today) == NULL || localtime_r(&second, &day) == NULL)
        return -1;
    for (int days = 0; days <= 1; days++) {
        if (today.tm_year == day.tm_year && today.tm_yday == day.tm_yday)
            return days;
        today.tm_mday++;
        today.tm_hour = 12; /* on each day of every calendar */
        today.tm_isdst = -1;
        if (mktime(&today) == (time_t)-1)
            return -1;
    }
    return -1;
}

void when_planned(int64_t when, int64_t now, char ret_text[WHEN_MAX])
{
    static const char *const formats[] = {"today %H:%M", "tomorrow %H:%M"};
    int days;

    if (when <= now) {
        snprintf(ret_text, WHEN_MAX, "now");
        return;
    }
    when_relative(when, now, ret_text);
    if (when - now < units[1].limit)
        return;
    days = days_between(now, when);
    if (days >= 0)
        format_local(when, formats[days], ret_text);
}

void when_absolute(int64_t when, int64_t now, char ret_text[WHEN_MAX])
{
    char relative[WHEN_MAX], date[WHEN_MAX];

    when_relative(when, now, relative);
    if (format_local(when, "%Y-%m-%d %H:%M", date))
        snprintf(ret_text, WHEN_MAX, "%.20s (%.40s)", date, relative);
    else
        snprintf(ret_text, WHEN_MAX, "%s", relative);
}

void when_stamp(int64_t when, char ret_text[WHEN_MAX])
{
    if (!format_local(when, "%Y-%m-%d %H:%M:%S", ret_text))
        snprintf(ret_text, WHEN_MAX, "never");
}

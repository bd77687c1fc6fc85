#include "config.h"

#include "service/settings_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/log.h"

#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

bool settings_text(void *field, const struct settings_bounds *bounds, const char *text,
                   char *ret_why, size_t size)
{
    (void)bounds;
    char *copy = strdup(text);
    if (!copy) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    char **slot = field;
    free(*slot);
    *slot = copy;
    return true;
}

bool settings_switch(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size)
{
    (void)bounds;
    bool yes = strcmp(text, "yes") == 0;
    if (yes || strcmp(text, "no") == 0) {
        *(bool *)field = yes;
        return true;
    }
    snprintf(ret_why, size, "it is yes or no");
    return false;
}

bool settings_level(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size)
{
    (void)bounds;
    if (log_level_parse(text, field))
        return true;
    snprintf(ret_why, size, "it is error, warning, info or debug");
    return false;
}

/* ---- numbers ---- */

struct unit {
    char letter;
    uint64_t factor;
};

static const struct unit no_units[] = {{0, 1}};

static const struct unit byte_units[] = {
    {'K', UINT64_C(1) << 10},
    {'M', UINT64_C(1) << 20},
    {'G', UINT64_C(1) << 30},
    {'T', UINT64_C(1) << 40},
    {0, 1},
};

static const struct unit time_units[] = {
    {'s', 1000}, {'m', MINUTE}, {'h', HOUR}, {'d', DAY}, {0, 1000},
};

/* Digits and a unit's letter; a table of units ends with the one that is meant without a letter. */
static bool read_number(const char *text, const struct unit *unit, uint64_t max,
                        uint64_t *ret_number)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long count = strtoull(text, &end, 10);
    while (unit->letter && unit->letter != *end)
        unit++;
    if (errno || (*end && end[1]) || unit->letter != *end || count > max / unit->factor)
        return false;
    *ret_number = count * unit->factor;
    return true;
}

static bool read_bounded(const struct settings_bounds *bounds, const struct unit *units,
                         const char *text, uint64_t *ret_number, char *ret_why, size_t size)
{
    uint64_t number;
    if (read_number(text, units, bounds->max, &number) &&
        (number >= bounds->min || (number == 0 && bounds->or_zero))) {
        *ret_number = number;
        return true;
    }
    snprintf(ret_why, size, "%s", bounds->what);
    return false;
}

bool settings_number(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size)
{
    uint64_t number;
    bool read = read_bounded(bounds, no_units, text, &number, ret_why, size);
    if (read)
        *(unsigned *)field = (unsigned)number;
    return read;
}

bool settings_bytes(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size)
{
    return read_bounded(bounds, byte_units, text, field, ret_why, size);
}

bool settings_duration(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size)
{
    uint64_t number;
    bool read = read_bounded(bounds, time_units, text, &number, ret_why, size);
    if (read)
        *(int64_t *)field = (int64_t)number;
    return read;
}

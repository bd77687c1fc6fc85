#include "config.h"

#include <stddef.h>

#include "cli/duration.h"

/* Digits after the dot: fine enough to say a millisecond in weeks, and 10^9 · a week in ms still
 * fits 64 bits. */
#define DECIMALS_MAX 9

static const struct duration_unit {
    char letter;
    int64_t ms;
} units[] = {
    {'\0', 1000},
    {'s', 1000},
    {'m', 60 * 1000},
    {'h', 3600 * 1000},
    {'d', 24 * 3600 * 1000},
    {'w', 7 * 24 * 3600 * 1000},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct duration_unit *find_unit(const char *text)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (text[0] == units[i].letter && (text[0] == '\0' || text[1] == '\0'))
            return &units[i];
    return NULL;
}

/* Reads at least one digit; false also once the number is over DURATION_MAX, whatever the unit. */
static bool read_whole(const char **text, int64_t *ret_number)
{
    int64_t number = 0;

    if (!is_digit(**text))
        return false;
    for (; is_digit(**text); (*text)++) {
        number = number * 10 + (**text - '0');
        if (number > DURATION_MAX)
            return false;
    }
    *ret_number = number;
    return true;
}

/* Reads ".digits" if it is there, as ret_number / ret_scale. */
static bool read_decimals(const char **text, int64_t *ret_number, int64_t *ret_scale)
{
    int64_t number = 0, scale = 1;
    int digits = 0;

    if (**text == '.') {
        (*text)++;
        for (; is_digit(**text) && digits < DECIMALS_MAX; (*text)++, digits++) {
            number = number * 10 + (**text - '0');
            scale *= 10;
        }
        if (digits == 0 || is_digit(**text))
            return false;
    }
    *ret_number = number;
    *ret_scale = scale;
    return true;
}

bool duration_parse(const char *text, int64_t *ret_ms)
{
    int64_t whole, decimals, scale, ms;
    const struct duration_unit *unit;

    if (!read_whole(&text, &whole) || !read_decimals(&text, &decimals, &scale))
        return false;
    unit = find_unit(text);
    if (unit == NULL || whole > DURATION_MAX / unit->ms)
        return false;
    ms = whole * unit->ms + decimals * unit->ms / scale;
    if (ms > DURATION_MAX)
        return false;
    *ret_ms = ms;
    return true;
}

#include "config.h"

#include "base/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Most decimals: a nanosecond of a second, or a thousandth of a byte of a megabyte. */
#define DECIMALS_MAX 9

struct quantity_unit {
    char letter;
    int64_t factor;
};

/* The largest first; without a letter, the last one is meant. */
static const struct quantity_unit duration_units[] = {
    {'w', INT64_C(7) * 24 * 3600 * 1000},
    {'d', INT64_C(24) * 3600 * 1000},
    {'h', INT64_C(3600) * 1000},
    {'m', INT64_C(60) * 1000},
    {'s', INT64_C(1000)},
    {'\0', INT64_C(1000)},
};

static const struct quantity_unit size_units[] = {
    {'T', INT64_C(1) << 40},
    {'G', INT64_C(1) << 30},
    {'M', INT64_C(1) << 20},
    {'K', INT64_C(1) << 10},
    {'\0', 1},
};

static bool quantity_parse(const char *text, const struct quantity_unit *units, bool any_case,
                           int64_t max, int64_t *ret_value)
{
    static const char digits[] = "0123456789";
    size_t whole_count = strspn(text, digits), decimals_count = 0;
    const char *decimals = text + whole_count, *end = decimals;
    const struct quantity_unit *unit = units;
    int64_t value = 0, part = 0;

    if (*decimals == '.') {
        decimals_count = strspn(++decimals, digits);
        if (decimals_count == 0 || decimals_count > DECIMALS_MAX)
            return false;
        end = decimals + decimals_count;
    }
    char letter = (char)(any_case ? toupper((unsigned char)*end) : *end);
    while (unit->letter != letter && unit->letter != '\0')
        unit++;
    if (whole_count == 0 || unit->letter != letter || (*end != '\0' && end[1] != '\0'))
        return false;

    for (size_t i = 0; i < whole_count; i++) {
        value = value * 10 + (text[i] - '0');
        if (value > max / unit->factor)
            return false;
    }
    /* The fraction of the factor that the decimals express. Dividing by ten digit by digit, from
     * the last one, is exact, and needs no larger numbers. */
    while (decimals_count-- > 0)
        part = ((decimals[decimals_count] - '0') * unit->factor + part) / 10;
    value = value * unit->factor + part;
    if (value > max)
        return false;
    *ret_value = value;
    return true;
}

bool duration_parse(const char *text, int64_t *ret_ms)
{
    return quantity_parse(text, duration_units, false, DURATION_MAX, ret_ms);
}

bool size_parse(const char *text, int64_t *ret_bytes)
{
    return quantity_parse(text, size_units, true, SIZE_PARSE_MAX, ret_bytes);
}

/* ---- formatting ---- */

/* The largest unit that divides the value without a remainder; otherwise the last one. */
static const struct quantity_unit *choose_unit(const struct quantity_unit *unit, int64_t value)
{
    while (unit->letter != '\0' && (value < unit->factor || value % unit->factor != 0))
        unit++;
    return unit;
}

void duration_format(int64_t ms, char ret_text[QUANTITY_TEXT_SIZE])
{
    /* Weeks are not chosen: people count two weeks, but thirty days. */
    const struct quantity_unit *unit = choose_unit(duration_units + 1, ms);
    int64_t count = ms / unit->factor;
    int rest = (int)(ms % unit->factor), decimals = 3;

    for (; rest > 0 && rest % 10 == 0; rest /= 10)
        decimals--;
    if (rest > 0)
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "%" PRId64 ".%0*ds", count, decimals, rest);
    else
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "%" PRId64 "%c", count,
                 unit->letter != '\0' ? unit->letter : 's');
}

void size_format(int64_t bytes, char ret_text[QUANTITY_TEXT_SIZE])
{
    const struct quantity_unit *unit = choose_unit(size_units, bytes);

    const char letter[] = {unit->letter, '\0'};

    snprintf(ret_text, QUANTITY_TEXT_SIZE, "%" PRId64 "%s", bytes / unit->factor, letter);
}

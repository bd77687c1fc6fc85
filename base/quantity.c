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

/* The unit that `letter` stands for; NULL if none does. */
static const struct quantity_unit *find_unit(const struct quantity_unit *unit, char letter)
{
    while (unit->letter != letter && unit->letter != '\0')
        unit++;
    return unit->letter == letter ? unit : NULL;
}

/* Reads `count` digits. False once the number exceeds `max`. */
static bool read_whole(const char *digits, size_t count, int64_t max, int64_t *ret_number)
{
    int64_t number = 0;

    for (size_t i = 0; i < count; i++) {
        number = number * 10 + (digits[i] - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

/* The fraction of `factor` that `count` decimals express. Dividing by ten digit by digit, from the
 * last one, is exact, and needs no larger numbers. */
static int64_t read_decimals(const char *digits, size_t count, int64_t factor)
{
    int64_t part = 0;

    while (count-- > 0)
        part = ((digits[count] - '0') * factor + part) / 10;
    return part;
}

static bool quantity_parse(const char *text, const struct quantity_unit *units, bool any_case,
                           int64_t max, int64_t *ret_value)
{
    static const char digits[] = "0123456789";
    size_t whole_count = strspn(text, digits), decimals_count = 0;
    const char *decimals = text + whole_count, *letter = decimals;
    int64_t whole, value;

    if (*decimals == '.') {
        decimals_count = strspn(++decimals, digits);
        if (decimals_count == 0 || decimals_count > DECIMALS_MAX)
            return false;
        letter = decimals + decimals_count;
    }
    const struct quantity_unit *unit =
        find_unit(units, (char)(any_case ? toupper((unsigned char)*letter) : *letter));
    if (whole_count == 0 || unit == NULL || (*letter != '\0' && letter[1] != '\0') ||
        !read_whole(text, whole_count, max / unit->factor, &whole))
        return false;
    value = whole * unit->factor + read_decimals(decimals, decimals_count, unit->factor);
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

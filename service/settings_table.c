#include "config.h"

#include "service/settings_table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "base/quantity.h"
#include "service/log.h"

/* Most digits of a plain number: any such number fits into 64 bits. */
#define NUMBER_DIGITS_MAX 18

void settings_variable(const struct settings_table *table, const struct settings_row *row,
                       char ret_name[SETTINGS_VARIABLE_SIZE])
{
    snprintf(ret_name, SETTINGS_VARIABLE_SIZE, "%s%s", table->prefix, row->key);
    for (char *at = ret_name; *at; at++)
        *at = (char)(*at == '-' ? '_' : toupper((unsigned char)*at));
}

const char *settings_source_text(enum settings_source source)
{
    static const char *const texts[] = {
        [SETTINGS_BUILT_IN] = "built in",
        [SETTINGS_FILE] = "configuration file",
        [SETTINGS_ENVIRONMENT] = "environment",
        [SETTINGS_COMMAND_LINE] = "command line",
    };
    return texts[source];
}

const struct settings_row *settings_find(const struct settings_table *table, const char *key)
{
    return settings_find_row(table->rows, table->count, key);
}

const struct settings_row *settings_find_row(const struct settings_row *rows, unsigned count,
                                             const char *key)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(key, rows[i].key) == 0)
            return &rows[i];
    return NULL;
}

bool settings_set(const struct settings_row *row, void *settings, const char *text, char *ret_why,
                  size_t size)
{
    if (!*text) {
        snprintf(ret_why, size, "%s has no value", row->key);
        return false;
    }
    char why[256];
    if (row->set((char *)settings + row->offset, row->bounds, text, why, sizeof(why)))
        return true;
    if (row->kind == SETTINGS_SECRET)
        snprintf(ret_why, size, "invalid value for %s: %s", row->key, why);
    else
        snprintf(ret_why, size, "invalid value '%.200s' for %s: %s", text, row->key, why);
    return false;
}

bool settings_read_environment(struct settings_target *target, char *ret_why, size_t size)
{
    for (unsigned i = 0; i < target->table->count; i++) {
        const struct settings_row *row = &target->table->rows[i];
        char name[SETTINGS_VARIABLE_SIZE], why[512];
        settings_variable(target->table, row, name);
        const char *text = getenv(name);
        if (text == NULL || !*text)
            continue;
        if (!settings_set(row, target->settings, text, why, sizeof(why))) {
            snprintf(ret_why, size, "%s: %s", name, why);
            return false;
        }
        target->sources[i] = SETTINGS_ENVIRONMENT;
    }
    return true;
}

/* ---- values ---- */

bool settings_text(void *field, const struct settings_bounds *bounds, const char *text,
                   char *ret_why, size_t size)
{
    (void)bounds;
    char *copy = strdup(text);
    if (copy == NULL) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    char **slot = field;
    free(*slot);
    *slot = copy;
    return true;
}

bool settings_path(void *field, const struct settings_bounds *bounds, const char *text,
                   char *ret_why, size_t size)
{
    (void)bounds;
    if (strchr("$%\"'", *text) != NULL) {
        snprintf(ret_why, size,
                 "a path is taken as it is, without quotation marks and variables; only ~ is the "
                 "home directory");
        return false;
    }
    char *path = home_expand(text, ret_why, size), **slot = field;
    if (path == NULL)
        return false;
    free(*slot);
    *slot = path;
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
    snprintf(ret_why, size, "expected yes or no");
    return false;
}

bool settings_level(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size)
{
    (void)bounds;
    if (log_level_parse(text, field))
        return true;
    snprintf(ret_why, size, "expected error, warning, info or debug");
    return false;
}

/* ---- numbers ---- */

static bool is_within(const struct settings_bounds *bounds, int64_t number)
{
    return (number >= bounds->min && number <= bounds->max) || (number == 0 && bounds->or_zero);
}

/* Always false. `expected` is "a number" or the like, `min` and `max` are the bounds as text. */
static bool refuse_number(const struct settings_bounds *bounds, const char *expected,
                          const char *min, const char *max, char *ret_why, size_t size)
{
    snprintf(ret_why, size, "expected %s from %s to %s%s", expected, min, max,
             bounds->or_zero ? ", or 0 for no limit" : "");
    return false;
}

bool settings_number(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number = digits <= NUMBER_DIGITS_MAX ? strtoll(text, NULL, 10) : INT64_MAX;
    if (digits > 0 && text[digits] == '\0' && is_within(bounds, number)) {
        *(unsigned *)field = (unsigned)number;
        return true;
    }
    char min[QUANTITY_TEXT_SIZE], max[QUANTITY_TEXT_SIZE];
    snprintf(min, sizeof(min), "%" PRId64, bounds->min);
    snprintf(max, sizeof(max), "%" PRId64, bounds->max);
    return refuse_number(bounds, "a number", min, max, ret_why, size);
}

bool settings_bytes(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size)
{
    int64_t bytes;
    if (size_parse(text, &bytes) && is_within(bounds, bytes)) {
        *(uint64_t *)field = (uint64_t)bytes;
        return true;
    }
    char min[QUANTITY_TEXT_SIZE], max[QUANTITY_TEXT_SIZE];
    size_format(bounds->min, min);
    size_format(bounds->max, max);
    return refuse_number(bounds, SIZE_EXPECTED ",", min, max, ret_why, size);
}

bool settings_duration(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size)
{
    int64_t duration;
    if (duration_parse(text, &duration) && is_within(bounds, duration)) {
        *(int64_t *)field = duration;
        return true;
    }
    char min[QUANTITY_TEXT_SIZE], max[QUANTITY_TEXT_SIZE];
    duration_format(bounds->min, min);
    duration_format(bounds->max, max);
    return refuse_number(bounds, DURATION_EXPECTED ",", min, max, ret_why, size);
}

#include "config.h"

#include "service/settings_table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "base/quantity.h"
#include "base/utf8.h"
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

void settings_place(const struct settings_table *table, const struct settings_origin *origin,
                    const char *key, char *ret_place, size_t size)
{
    const struct settings_row *row = settings_find(table, key);
    char name[SETTINGS_VARIABLE_SIZE];
    *ret_place = '\0';
    switch (origin->sources[row - table->rows]) {
    case SETTINGS_BUILT_IN:
        break;
    case SETTINGS_FILE:
        snprintf(ret_place, size, "%s:%u: ", origin->file, origin->lines[row - table->rows]);
        break;
    case SETTINGS_ENVIRONMENT:
        settings_variable(table, row, name);
        snprintf(ret_place, size, "%s: ", name);
        break;
    case SETTINGS_COMMAND_LINE:
        snprintf(ret_place, size, "--%s: ", key);
    }
}

void settings_origin_clear(struct settings_origin *origin)
{
    for (unsigned i = 0; i < origin->entries_count; i++)
        free(origin->entries[i].name);
    free(origin->entries);
    origin->entries = NULL;
    origin->entries_count = 0;
}

bool settings_mistake(char *why, size_t size, const char *format, ...)
{
    static const char more[] = "\nthere are more mistakes: mend these first";
    char sentence[1024];
    size_t used = strlen(why);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    utf8_clean(sentence, "", sentence, sizeof(sentence));
    if (used == 0)
        snprintf(why, size, "%s", sentence);
    else if (used + 1 + strlen(sentence) + sizeof(more) <= size)
        snprintf(why + used, size - used, "\n%s", sentence);
    else if (strstr(why, more) == NULL && used + sizeof(more) <= size)
        snprintf(why + used, size - used, "%s", more);
    return false;
}

bool settings_set(const struct settings_row *row, void *settings, const char *text, char *ret_why,
                  size_t size)
{
    if (!*text) {
        snprintf(ret_why, size, "%s has no value: expected %s; to have the default, leave it out",
                 row->key, *row->value != '\0' ? row->value : "yes or no");
        return false;
    }
    char why[256];
    if (row->type->set((char *)settings + row->offset, row->bounds, text, why, sizeof(why)))
        return true;
    if (row->kind == SETTINGS_SECRET)
        snprintf(ret_why, size, "invalid value for %s: %s", row->key, why);
    else
        snprintf(ret_why, size, "invalid value '%.200s' for %s: %s", text, row->key, why);
    return false;
}

bool settings_read_environment(struct settings_target *target, char *ret_why, size_t size)
{
    bool good = true;
    for (unsigned i = 0; i < target->table->count; i++) {
        const struct settings_row *row = &target->table->rows[i];
        char name[SETTINGS_VARIABLE_SIZE], why[512];
        settings_variable(target->table, row, name);
        const char *text = getenv(name);
        if (text == NULL || !*text)
            continue;
        target->origin.sources[i] = SETTINGS_ENVIRONMENT;
        if (!settings_set(row, target->settings, text, why, sizeof(why)))
            good = settings_mistake(ret_why, size, "%s: %s", name, why);
    }
    return good;
}

/* ---- values ---- */

bool settings_set_text(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size)
{
    (void)bounds;
    if (utf8_has_control(text)) {
        snprintf(ret_why, size, "expected text without control characters");
        return false;
    }
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

static bool set_path(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size)
{
    (void)bounds;
    if (utf8_has_control(text)) {
        snprintf(ret_why, size, "expected a path without control characters");
        return false;
    }
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

static bool set_switch(void *field, const struct settings_bounds *bounds, const char *text,
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

static bool set_level(void *field, const struct settings_bounds *bounds, const char *text,
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

static bool set_number(void *field, const struct settings_bounds *bounds, const char *text,
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

static bool set_bytes(void *field, const struct settings_bounds *bounds, const char *text,
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

static bool set_duration(void *field, const struct settings_bounds *bounds, const char *text,
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

/* ---- printing ---- */

bool settings_print_text(const void *field, FILE *out)
{
    const char *text = *(char *const *)field;
    char *clean = text != NULL ? strdup(text) : NULL;
    if (clean == NULL)
        return false;
    utf8_clean(clean, "", clean, strlen(clean) + 1);
    fputs(clean, out);
    free(clean);
    return true;
}

static bool print_switch(const void *field, FILE *out)
{
    return fputs(*(const bool *)field ? "yes" : "no", out) >= 0;
}

static bool print_level(const void *field, FILE *out)
{
    return fputs(log_level_name(*(const enum log_level *)field), out) >= 0;
}

static bool print_number(const void *field, FILE *out)
{
    return fprintf(out, "%u", *(const unsigned *)field) > 0;
}

static bool print_bytes(const void *field, FILE *out)
{
    char text[QUANTITY_TEXT_SIZE];
    size_format((int64_t) * (const uint64_t *)field, text);
    return fputs(text, out) >= 0;
}

static bool print_duration(const void *field, FILE *out)
{
    char text[QUANTITY_TEXT_SIZE];
    duration_format(*(const int64_t *)field, text);
    return fputs(text, out) >= 0;
}

const struct settings_type settings_text = {settings_set_text, settings_print_text};
const struct settings_type settings_path = {set_path, settings_print_text};
const struct settings_type settings_switch = {set_switch, print_switch};
const struct settings_type settings_level = {set_level, print_level};
const struct settings_type settings_number = {set_number, print_number};
const struct settings_type settings_bytes = {set_bytes, print_bytes};
const struct settings_type settings_duration = {set_duration, print_duration};

/* One line; a setting that is not set is commented out. */
static void print_row(const struct settings_row *row, const void *object, const char *place,
                      FILE *out)
{
    char *value = NULL;
    size_t length;
    FILE *memory = open_memstream(&value, &length);
    bool set = memory != NULL && row->type->print((const char *)object + row->offset, memory);
    if (memory != NULL)
        fclose(memory);
    if (set)
        fprintf(out, "%s = %s  # %s\n", row->key, value, place);
    else
        fprintf(out, "#%s =  # not set\n", row->key);
    free(value);
}

void settings_print(const struct settings_table *table, const void *settings,
                    const struct settings_origin *origin, FILE *out)
{
    for (unsigned i = 0; i < table->count; i++) {
        char place[1024];
        settings_place(table, origin, table->rows[i].key, place, sizeof(place));
        size_t length = strlen(place);
        snprintf(place + length, sizeof(place) - length, "%s", length > 0 ? "" : "built in");
        if (length > 2)
            place[length - 2] = '\0';
        print_row(&table->rows[i], settings, place, out);
    }
    for (unsigned i = 0; i < origin->entries_count; i++) {
        const struct settings_entry *entry = &origin->entries[i];
        char place[1024];
        snprintf(place, sizeof(place), "%s:%u", origin->file, entry->line);
        if (entry->row == NULL)
            fprintf(out, "\n[%s \"%s\"]  # %s\n", entry->section->kind, entry->name, place);
        else
            print_row(entry->row, entry->object, place, out);
    }
}

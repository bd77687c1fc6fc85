/*
 * The configuration file: UTF-8 lines of `key = value` under [KIND "NAME"] sections. The format is
 * small enough to be read here: a library for INI files would silently cut long lines, and take an
 * indented line for a continuation of the previous one.
 */
#include "config.h"

#include "service/settings_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/private_file.h"
#include "base/typos.h"
#include "base/utf8.h"

#define BLANKS          " \t\r"
#define COMMENT         "#;"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define WHY_SIZE        512

/* The file while it is read. */
struct settings_reading {
    struct settings_target *target;
    /* The current section, and what its rows set; NULL: before the first one. */
    const struct settings_section *section;
    void *object;
    bool skip; /* the section's header is wrong: nobody knows what its keys mean */
    unsigned line;
    /* Lines that set keys in this section, or 0: a key that is set twice is a slip that would
     * otherwise go unnoticed. */
    unsigned seen[SETTINGS_MAX];
    bool secret;        /* it holds a password */
    char why[WHY_SIZE]; /* what is wrong */
};

/* For `return refuse(…)`: false. */
static bool refuse(struct settings_reading *reading, const char *why)
{
    snprintf(reading->why, WHY_SIZE, "%s", why);
    return false;
}

/* Cuts blanks at the end. */
static void trim_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        text[--length] = 0;
}

/* Keeps an entry of a section, if that is wanted. `name` is NULL, or copied. */
static bool record(struct settings_reading *reading, const struct settings_row *row,
                   const char *name)
{
    struct settings_origin *origin = &reading->target->origin;
    if (!reading->target->record || reading->section == NULL)
        return true;
    char *copy = name != NULL ? strdup(name) : NULL;
    struct settings_entry *entries =
        reallocarray(origin->entries, origin->entries_count + 1, sizeof(*entries));
    if (entries != NULL)
        origin->entries = entries;
    if (entries == NULL || (name != NULL && copy == NULL)) {
        free(copy);
        return refuse(reading, "out of memory");
    }
    entries[origin->entries_count++] = (struct settings_entry){
        .section = reading->section,
        .row = row,
        .name = copy,
        .object = reading->object,
        .line = reading->line,
    };
    return true;
}

/* ---- keys ---- */

/* The section in which a key is known; NULL: in none. */
static const struct settings_section *section_with(const struct settings_table *table,
                                                   const char *key)
{
    for (unsigned i = 0; i < table->sections_count; i++)
        if (settings_find_row(table->sections[i].rows, table->sections[i].count, key) != NULL)
            return &table->sections[i];
    return NULL;
}

/* Always false. */
static bool refuse_key(struct settings_reading *reading, const char *key)
{
    const struct settings_table *table = reading->target->table;
    const struct settings_section *section = reading->section;
    struct typos_nearest nearest = {.word = key, .most = TYPOS_MAX};
    size_t length = (size_t)snprintf(reading->why, WHY_SIZE, "unknown setting '%.64s'", key);
    if (section != NULL) {
        length += (size_t)snprintf(reading->why + length, WHY_SIZE - length, " in [%s …]; expected",
                                   section->kind);
        for (unsigned i = 0; i < section->count && length < WHY_SIZE; i++)
            length += (size_t)snprintf(reading->why + length, WHY_SIZE - length, "%s %s",
                                       i > 0 ? "," : "", section->rows[i].key);
        return false;
    }
    if ((section = section_with(table, key)) != NULL) {
        snprintf(reading->why + length, WHY_SIZE - length,
                 ": it belongs in a section, after a line [%s \"…\"]", section->kind);
        return false;
    }
    for (unsigned i = 0; i < table->count; i++)
        typos_offer(&nearest, table->rows[i].key, strlen(table->rows[i].key));
    if (nearest.name != NULL)
        snprintf(reading->why + length, WHY_SIZE - length, ": did you mean '%s'?", nearest.name);
    return false;
}

/* Always false. */
static bool refuse_second(struct settings_reading *reading, const char *key, unsigned first)
{
    const struct settings_section *section =
        reading->section == NULL ? section_with(reading->target->table, key) : NULL;
    size_t length = (size_t)snprintf(reading->why, WHY_SIZE,
                                     "%s is set for the second time, after line %u", key, first);
    if (section != NULL && length < WHY_SIZE)
        snprintf(reading->why + length, WHY_SIZE - length,
                 ": if this one belongs in a section, a line [%s \"…\"] must be above it",
                 section->kind);
    return false;
}

static bool take_key(struct settings_reading *reading, const char *key, const char *value)
{
    struct settings_target *target = reading->target;
    const struct settings_section *section = reading->section;
    const struct settings_row *rows = section != NULL ? section->rows : target->table->rows;
    const struct settings_row *row =
        settings_find_row(rows, section != NULL ? section->count : target->table->count, key);
    if (row == NULL)
        return refuse_key(reading, key);
    unsigned *seen = &reading->seen[row - rows];
    if (*seen > 0)
        return refuse_second(reading, key, *seen);
    *seen = reading->line;
    if (section == NULL) {
        target->origin.sources[row - rows] = SETTINGS_FILE;
        target->origin.lines[row - rows] = reading->line;
    }
    reading->secret |= row->kind == SETTINGS_SECRET && strchr(value, '@') != NULL;
    return settings_set(row, section != NULL ? reading->object : target->settings, value,
                        reading->why, WHY_SIZE) &&
           record(reading, row, NULL);
}

/* ---- sections ---- */

/* What follows is nothing, or a comment. */
static bool is_end(const char *text)
{
    size_t blanks = strspn(text, BLANKS);
    return text[blanks] == '\0' || (blanks > 0 && strchr(COMMENT, text[blanks]) != NULL);
}

/* The quotation mark that ends the name that begins at `name`; NULL if there is none. */
static char *name_end(char *name)
{
    for (char *quote = name; (quote = strchr(quote, '"')) != NULL; quote++) {
        const char *bracket = quote + 1 + strspn(quote + 1, BLANKS);
        if (*bracket == ']' && is_end(bracket + 1))
            return quote;
    }
    return NULL;
}

/* Takes [KIND "NAME"] apart, in place. */
static bool take_header(struct settings_reading *reading, char *line)
{
    const struct settings_table *table = reading->target->table;
    char *kind = line + 1 + strspn(line + 1, BLANKS);
    char *quote = strchr(line, '"'), *end = quote != NULL ? name_end(quote + 1) : NULL;
    reading->skip = true;
    if (end == NULL)
        return refuse(reading, "expected '[kind \"name\"]'");
    *quote = '\0';
    *end = '\0';
    trim_end(kind);

    reading->section = NULL;
    for (unsigned i = 0; i < table->sections_count; i++)
        if (strcmp(kind, table->sections[i].kind) == 0)
            reading->section = &table->sections[i];
    memset(reading->seen, 0, sizeof(reading->seen));
    if (reading->section == NULL) {
        size_t length =
            (size_t)snprintf(reading->why, WHY_SIZE, "unknown section kind '%.64s'", kind);
        for (unsigned i = 0; i < table->sections_count && length < WHY_SIZE; i++)
            length += (size_t)snprintf(reading->why + length, WHY_SIZE - length, "%s %s",
                                       i > 0 ? " or" : "; expected", table->sections[i].kind);
        return false;
    }
    reading->object =
        reading->section->begin(reading->target->settings, quote + 1, reading->why, WHY_SIZE);
    reading->skip = reading->object == NULL;
    return !reading->skip && record(reading, NULL, quote + 1);
}

/* ---- lines ---- */

static bool take_line(struct settings_reading *reading, char *line)
{
    line += strspn(line, BLANKS);
    if (!utf8_valid(line, strlen(line)))
        return refuse(reading, "this line is not UTF-8");
    if (*line == 0 || strchr(COMMENT, *line) != NULL)
        return true;
    if (*line == '[')
        return take_header(reading, line);
    if (reading->skip)
        return true;
    /* A comment at the end: what follows one of these that has a blank before it. */
    for (char *at = line; (at = strpbrk(at, COMMENT)) != NULL; at++)
        if (at > line && strchr(BLANKS, at[-1]) != NULL) {
            *at = 0;
            break;
        }
    char *value = line + strcspn(line, "=:");
    if (*value == 0)
        return refuse(reading, "expected 'key = value'");
    *value++ = 0;
    value += strspn(value, BLANKS);
    trim_end(line);
    trim_end(value);
    return take_key(reading, line, value);
}

/* ---- the file ---- */

/* The number of the line that is `length` bytes from the beginning. */
static unsigned line_at(const char *text, size_t length)
{
    unsigned line = 1;
    for (size_t i = 0; i < length; i++)
        line += text[i] == '\n';
    return line;
}

/* The whole file as a string, in a buffer of SETTINGS_FILE_MAX + 1 bytes. */
static bool load(const char *path, char *ret_text, struct stat *ret_status, char *ret_why,
                 size_t size)
{
    FILE *file = fopen(path, "re");
    size_t length = file != NULL ? fread(ret_text, 1, SETTINGS_FILE_MAX + 1, file) : 0;
    bool read = file != NULL && !ferror(file) && fstat(fileno(file), ret_status) == 0;
    if (!read)
        snprintf(ret_why, size, "cannot read %s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    if (!read)
        return false;
    const char *nul = memchr(ret_text, 0, length);
    if (nul != NULL)
        snprintf(ret_why, size, "%s:%u: it contains a NUL byte: this is not text", path,
                 line_at(ret_text, (size_t)(nul - ret_text)));
    else if (length > SETTINGS_FILE_MAX)
        snprintf(ret_why, size, "%s:%u: the file is too large: more than %d bytes", path,
                 line_at(ret_text, length), SETTINGS_FILE_MAX);
    else
        ret_text[length] = 0;
    return nul == NULL && length <= SETTINGS_FILE_MAX;
}

bool settings_read_file(struct settings_target *target, const char *path, char *ret_why,
                        size_t size)
{
    struct settings_reading reading = {.target = target};
    char text[SETTINGS_FILE_MAX + 1], *rest = text, *line;
    char why[1024];
    struct stat status;
    if (!load(path, text, &status, why, sizeof(why))) {
        explicit_bzero(text, sizeof(text));
        return settings_mistake(ret_why, size, "%s", why);
    }
    bool good = true;
    if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        rest += strlen(BYTE_ORDER_MARK);
    while ((line = strsep(&rest, "\n")) != NULL) {
        reading.line++;
        if (!take_line(&reading, line))
            good = settings_mistake(ret_why, size, "%s:%u: %s", path, reading.line, reading.why);
    }
    if (reading.secret && !private_file_fits(&status, path, why, sizeof(why)))
        good = settings_mistake(ret_why, size, "%s", why);
    explicit_bzero(text, sizeof(text)); /* it may hold passwords */
    return good;
}

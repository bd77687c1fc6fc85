/*
 * The configuration file: UTF-8 lines of `key = value` under [KIND "NAME"] sections. The format is
 * small enough to be read here: a library for INI files would silently cut long lines, and take an
 * indented line for a continuation of the previous one.
 */
#include "config.h"

#include "service/settings_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/private_file.h"
#include "base/utf8.h"

#define BLANKS          " \t\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define WHY_SIZE        512

/* The file while it is read. */
struct settings_reading {
    struct settings_target *target;
    /* The current section, and what its rows set; NULL: before the first one. */
    const struct settings_section *section;
    void *object;
    /* Keys already set in this section: a key that is set twice is a slip that would otherwise go
     * unnoticed. */
    bool seen[SETTINGS_MAX];
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

/* ---- keys ---- */

static bool take_key(struct settings_reading *reading, const char *key, const char *value)
{
    struct settings_target *target = reading->target;
    const struct settings_section *section = reading->section;
    const struct settings_row *rows = section != NULL ? section->rows : target->table->rows;
    const struct settings_row *row =
        settings_find_row(rows, section != NULL ? section->count : target->table->count, key);
    if (row == NULL) {
        int length = snprintf(reading->why, WHY_SIZE, "unknown setting '%.64s'", key);
        if (section == NULL)
            return false;
        length += snprintf(reading->why + length, WHY_SIZE - (size_t)length, " in [%s …]; expected",
                           section->kind);
        for (unsigned i = 0; i < section->count && length < WHY_SIZE; i++)
            length += snprintf(reading->why + length, WHY_SIZE - (size_t)length, "%s %s",
                               i > 0 ? "," : "", section->rows[i].key);
        return false;
    }
    if (reading->seen[row - rows]) {
        snprintf(reading->why, WHY_SIZE, "%s is set for the second time", key);
        return false;
    }
    reading->seen[row - rows] = true;
    reading->secret |= row->kind == SETTINGS_SECRET && strchr(value, '@') != NULL;
    if (!settings_set(row, section != NULL ? reading->object : target->settings, value,
                      reading->why, WHY_SIZE))
        return false;
    if (section == NULL)
        target->sources[row - rows] = SETTINGS_FILE;
    return true;
}

/* ---- sections ---- */

/* Takes [KIND "NAME"] apart, in place. */
static bool take_header(struct settings_reading *reading, char *line)
{
    static const char expected[] = "expected '[kind \"name\"]'";
    const struct settings_table *table = reading->target->table;
    trim_end(line);
    char *end = line + strlen(line) - 1, *kind = line + 1 + strspn(line + 1, BLANKS);
    char *quote = strchr(line, '"');
    if (*end != ']' || quote == NULL)
        return refuse(reading, expected);
    *end = 0;
    *quote = 0;
    trim_end(kind);
    trim_end(quote + 1);
    size_t length = strlen(quote + 1);
    if (length == 0 || quote[length] != '"')
        return refuse(reading, expected);
    quote[length] = 0;

    reading->section = NULL;
    for (unsigned i = 0; i < table->sections_count; i++)
        if (strcmp(kind, table->sections[i].kind) == 0)
            reading->section = &table->sections[i];
    memset(reading->seen, 0, sizeof(reading->seen));
    if (reading->section == NULL) {
        snprintf(reading->why, WHY_SIZE, "unknown section kind '%.64s'", kind);
        return false;
    }
    reading->object =
        reading->section->begin(reading->target->settings, quote + 1, reading->why, WHY_SIZE);
    return reading->object;
}

/* ---- lines ---- */

static bool take_line(struct settings_reading *reading, char *line)
{
    line += strspn(line, BLANKS);
    if (!utf8_valid(line, strlen(line)))
        return refuse(reading, "this line is not UTF-8");
    if (*line == 0 || *line == '#' || *line == ';')
        return true;
    if (*line == '[')
        return take_header(reading, line);
    /* A comment at the end: what follows a ';' that has a blank before it. */
    for (char *at = line; (at = strchr(at, ';')) != NULL; at++)
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
    unsigned number = 0;
    struct stat status;
    bool good = load(path, text, &status, ret_why, size);
    if (good && strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        rest += strlen(BYTE_ORDER_MARK);
    while (good && (line = strsep(&rest, "\n")) != NULL) {
        number++;
        good = take_line(&reading, line);
        if (!good)
            snprintf(ret_why, size, "%s:%u: %s", path, number, reading.why);
    }
    if (good && reading.secret)
        good = private_file_fits(&status, path, ret_why, size);
    explicit_bzero(text, sizeof(text)); /* it may hold passwords */
    return good;
}

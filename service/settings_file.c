/*
 * The configuration file. inih takes lines apart; what it does not do is done in the function that
 * hands it the lines: it would cut a long line and a long section's name without a word, keep
 * silent about a section without keys, and take an indented line for more of the value before.
 */
#include "config.h"

#include "service/settings_table.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define BLANKS          " \t\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* What inih's buffer must hold besides a line: CR, LF and NUL. */
#define LINE_EXTRA 3
#define WHY_SIZE   512

/* The file while it is read. */
struct reading {
    struct settings_target *target;
    char *rest;    /* lines not read yet; NULL at the end */
    unsigned line; /* the one that was read last, from 1 */
    /* The section that it is in, and what that sets; NULL: before the first one. */
    const struct settings_section *section;
    void *object;
    /* Keys of the section that were there: one that stands there twice is a slip that would go
     * unnoticed. */
    bool seen[SETTINGS_MAX];
    unsigned wrong_line; /* 0: none */
    char why[WHY_SIZE];
};

/* The first mistake is what counts. Always false. */
static bool wrong(struct reading *reading)
{
    reading->wrong_line = reading->line;
    reading->rest = NULL;
    return false;
}

/* ---- keys ---- */

static bool is_second(struct reading *reading, unsigned index)
{
    bool second = reading->seen[index];
    reading->seen[index] = true;
    return second;
}

static void refuse_key(const struct settings_section *section, const char *key,
                       char ret_why[WHY_SIZE])
{
    int length = snprintf(ret_why, WHY_SIZE, "there is no setting '%.64s' in [%s …], but", key,
                          section->kind);
    for (unsigned i = 0; i < section->count && length < WHY_SIZE; i++)
        length += snprintf(ret_why + length, WHY_SIZE - (size_t)length, "%s %s", i > 0 ? "," : "",
                           section->rows[i].key);
}

static bool apply(struct reading *reading, const struct settings_row *rows, unsigned count,
                  const char *key, const char *text)
{
    const struct settings_row *row = settings_find_row(rows, count, key);
    const struct settings_section *section = reading->section;
    if (!row && section)
        refuse_key(section, key, reading->why);
    else if (!row)
        snprintf(reading->why, WHY_SIZE, "there is no setting '%.64s'", key);
    else if (is_second(reading, (unsigned)(row - rows)))
        snprintf(reading->why, WHY_SIZE, "%s stands here for the second time", key);
    else
        return settings_set(row, section ? reading->object : reading->target->settings, text,
                            reading->why, WHY_SIZE);
    return false;
}

/* inih's handler. */
static int take_key(void *arg, const char *name, const char *key, const char *text)
{
    struct reading *reading = arg;
    const struct settings_section *section = reading->section;
    const struct settings_table *table = reading->target->table;
    (void)name;
    if (!apply(reading, section ? section->rows : table->rows,
               section ? section->count : table->count, key, text))
        return wrong(reading);
    if (!section)
        reading->target->sources[settings_find(table, key) - table->rows] = SETTINGS_FILE;
    return true;
}

/* ---- sections ---- */

static const struct settings_section *find_section(const struct settings_table *table,
                                                   const char *kind)
{
    for (unsigned i = 0; i < table->sections_count; i++)
        if (strcmp(kind, table->sections[i].kind) == 0)
            return &table->sections[i];
    return NULL;
}

/* Cuts blanks at the end. */
static void trim_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]))
        text[--length] = 0;
}

/* Takes [KIND "NAME"] apart, in place. */
static bool split_header(char *line, char **ret_kind, char **ret_name)
{
    trim_end(line);
    char *end = line + strlen(line) - 1, *kind = line + 1 + strspn(line + 1, BLANKS);
    char *quote = strchr(line, '"');
    if (*end != ']' || !quote)
        return false;
    *end = 0;
    *quote = 0;
    trim_end(kind);
    trim_end(quote + 1);
    size_t length = strlen(quote + 1);
    if (length == 0 || quote[length] != '"')
        return false;
    quote[length] = 0;
    *ret_kind = kind;
    *ret_name = quote + 1;
    return true;
}

static bool take_header(struct reading *reading, char *line)
{
    char *kind, *name;
    if (!split_header(line, &kind, &name)) {
        snprintf(reading->why, WHY_SIZE, "this is no '[kind \"name\"]'");
        return wrong(reading);
    }
    reading->section = find_section(reading->target->table, kind);
    memset(reading->seen, 0, sizeof(reading->seen));
    if (!reading->section) {
        snprintf(reading->why, WHY_SIZE, "there are no sections of the kind '%.64s'", kind);
        return wrong(reading);
    }
    reading->object =
        reading->section->begin(reading->target->settings, name, reading->why, WHY_SIZE);
    return reading->object || wrong(reading);
}

/* ---- lines ---- */

/* What inih is to see of a line: nothing of comments, of sections, and of blanks at the start. NULL
 * if the line is wrong. */
static const char *prepare(struct reading *reading, char *line, size_t room)
{
    size_t length = strlen(line);
    line += strspn(line, BLANKS);
    if (!utf8_valid(line, strlen(line)))
        snprintf(reading->why, WHY_SIZE, "this is no UTF-8");
    else if (*line == '#' || *line == ';')
        return "";
    else if (*line == '[')
        return take_header(reading, line) ? "" : NULL;
    else if (length + LINE_EXTRA > room)
        snprintf(reading->why, WHY_SIZE,
                 "the line has %zu bytes, and only %zu would be read; the environment and the "
                 "command line take longer ones",
                 length, room - LINE_EXTRA);
    else
        return line;
    wrong(reading);
    return NULL;
}

/* inih's reader, like fgets(): the next line, of less than `size` bytes. */
static char *next_line(char *buffer, int size, void *arg)
{
    struct reading *reading = arg;
    char *line = strsep(&reading->rest, "\n");
    if (!line)
        return NULL;
    reading->line++;
    const char *seen = prepare(reading, line, (size_t)size);
    if (!seen)
        return NULL;
    snprintf(buffer, (size_t)size, "%s\n", seen);
    return buffer;
}

/* The text is consumed. */
static bool read_lines(struct settings_target *target, char *text, const char *path, char *ret_why,
                       size_t size)
{
    bool marked = strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0;
    struct reading reading = {.target = target,
                              .rest = text + (marked ? strlen(BYTE_ORDER_MARK) : 0)};
    int line = ini_parse_stream(next_line, &reading, take_key, &reading);
    if (line > 0 && (!reading.wrong_line || (unsigned)line < reading.wrong_line)) {
        reading.wrong_line = (unsigned)line;
        snprintf(reading.why, WHY_SIZE, "this is no 'key = value'");
    } else if (line < 0) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    if (reading.wrong_line)
        snprintf(ret_why, size, "%s:%u: %s", path, reading.wrong_line, reading.why);
    return !reading.wrong_line;
}

/* ---- the file ---- */

/* The line of what stands `length` bytes behind the beginning. */
static unsigned line_at(const char *text, size_t length)
{
    unsigned line = 1;
    for (size_t i = 0; i < length; i++)
        line += text[i] == '\n';
    return line;
}

/* The whole file as a string, in a buffer of SETTINGS_FILE_MAX + 1 bytes. */
static bool load(const char *path, char *ret_text, char *ret_why, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(ret_text, 1, SETTINGS_FILE_MAX + 1, file) : 0;
    bool read = file && !ferror(file);
    if (!read)
        snprintf(ret_why, size, "cannot read %s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    if (!read)
        return false;
    const char *nul = memchr(ret_text, 0, length);
    if (nul)
        snprintf(ret_why, size, "%s:%u: there is a NUL byte: this is not text", path,
                 line_at(ret_text, (size_t)(nul - ret_text)));
    else if (length > SETTINGS_FILE_MAX)
        snprintf(ret_why, size, "%s:%u: the file is too large: it has more than %d bytes", path,
                 line_at(ret_text, length), SETTINGS_FILE_MAX);
    else
        ret_text[length] = 0;
    return !nul && length <= SETTINGS_FILE_MAX;
}

bool settings_read_file(struct settings_target *target, const char *path, char *ret_why,
                        size_t size)
{
    char text[SETTINGS_FILE_MAX + 1];
    bool read = load(path, text, ret_why, size) && read_lines(target, text, path, ret_why, size);
    explicit_bzero(text, sizeof(text)); /* it may hold passwords */
    return read;
}

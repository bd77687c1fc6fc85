/* The configuration file: lines of `key = value`. */
#include "config.h"

#include "service/settings_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Cuts blanks at the end, and returns where the text begins after those at its start. */
static char *trim(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        text[--length] = 0;
    return text + strspn(text, " \t");
}

/* A table, what it sets, and which rows the file has set: a key that stands there twice is a slip
 * that would go unnoticed. */
struct reading {
    const struct settings_table *table;
    void *settings;
    bool seen[SETTINGS_MAX];
};

static bool apply_key(struct reading *reading, const char *key, const char *text, char *ret_why,
                      size_t size)
{
    const struct settings_row *row = settings_find(reading->table, key);
    if (!row) {
        snprintf(ret_why, size, "there is no setting '%.64s'", key);
        return false;
    }
    bool *seen = &reading->seen[row - reading->table->rows];
    if (*seen) {
        snprintf(ret_why, size, "%s stands here for the second time", key);
        return false;
    }
    *seen = true;
    return settings_set(row, reading->settings, text, ret_why, size);
}

static bool apply_line(struct reading *reading, char *line, char *ret_why, size_t size)
{
    char *key = trim(line);
    if (!*key || *key == '#')
        return true;
    char *equals = strchr(key, '=');
    if (!equals) {
        snprintf(ret_why, size, "this is no 'key = value'");
        return false;
    }
    *equals = 0;
    return apply_key(reading, trim(key), trim(equals + 1), ret_why, size);
}

static bool apply_lines(struct reading *reading, char *text, unsigned *ret_line, char *ret_why,
                        size_t size)
{
    char *line;
    for (*ret_line = 1; (line = strsep(&text, "\n")) != NULL; ++*ret_line)
        if (!apply_line(reading, line, ret_why, size))
            return false;
    return true;
}

/* The whole file as a string, in a buffer of SETTINGS_FILE_MAX + 1 bytes. */
static bool read_text(FILE *file, char *ret_text, char *ret_why, size_t size)
{
    size_t length = fread(ret_text, 1, SETTINGS_FILE_MAX + 1, file);
    if (ferror(file)) {
        snprintf(ret_why, size, "%s", strerror(errno));
        return false;
    }
    if (length > SETTINGS_FILE_MAX || memchr(ret_text, 0, length)) {
        snprintf(ret_why, size, "it is too large, or not text");
        return false;
    }
    ret_text[length] = 0;
    return true;
}

bool settings_read_file(const struct settings_table *table, void *settings, const char *path,
                        char *ret_why, size_t size)
{
    char text[SETTINGS_FILE_MAX + 1], why[512];
    FILE *file = fopen(path, "re");
    bool read = file && read_text(file, text, why, sizeof why);
    if (!file)
        snprintf(why, sizeof why, "%s", strerror(errno));
    else
        fclose(file);
    if (!read) {
        snprintf(ret_why, size, "cannot read %s: %s", path, why);
        return false;
    }
    struct reading reading = {.table = table, .settings = settings};
    unsigned line;
    if (apply_lines(&reading, text, &line, why, sizeof why))
        return true;
    snprintf(ret_why, size, "%s:%u: %s", path, line, why);
    return false;
}

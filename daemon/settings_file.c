/* The configuration file: lines of `key = value`. */
#include "config.h"

#include "daemon/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool find_key(const char *key, enum setting *ret_setting)
{
    for (enum setting i = 0; i < SETTINGS_COUNT; i++)
        if (strcmp(key, settings_info(i)->key) == 0) {
            *ret_setting = i;
            return true;
        }
    return false;
}

/* Cuts blanks at the end, and returns where the text begins after those at its start. */
static char *trim(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        text[--length] = 0;
    return text + strspn(text, " \t");
}

/* `seen` has a bit for each key: one that stands there twice is a slip that would go unnoticed. */
static bool apply_line(struct settings *settings, char *line, unsigned *seen, char *ret_why,
                       size_t size)
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
    key = trim(key);
    enum setting setting;
    if (!find_key(key, &setting)) {
        snprintf(ret_why, size, "there is no setting '%.64s'", key);
        return false;
    }
    if (*seen & (1u << setting)) {
        snprintf(ret_why, size, "%s stands here for the second time", key);
        return false;
    }
    *seen |= 1u << setting;
    return settings_set(settings, setting, trim(equals + 1), ret_why, size);
}

static bool apply_lines(struct settings *settings, char *text, unsigned *ret_line, char *ret_why,
                        size_t size)
{
    unsigned seen = 0;
    char *line;
    for (*ret_line = 1; (line = strsep(&text, "\n")) != NULL; ++*ret_line)
        if (!apply_line(settings, line, &seen, ret_why, size))
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

bool settings_read_file(struct settings *settings, const char *path, char *ret_why, size_t size)
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
    unsigned line;
    if (apply_lines(settings, text, &line, why, sizeof why))
        return true;
    snprintf(ret_why, size, "%s:%u: %s", path, line, why);
    return false;
}

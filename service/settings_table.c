#include "config.h"

#include "service/settings_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        snprintf(ret_why, size, "the value of %s is refused: %s", row->key, why);
    else
        snprintf(ret_why, size, "%s '%.200s' is refused: %s", row->key, text, why);
    return false;
}

/* True also if the variable is not set. */
static bool apply_variable(struct settings_target *target, unsigned index, char *ret_why,
                           size_t size)
{
    const struct settings_row *row = &target->table->rows[index];
    char name[SETTINGS_VARIABLE_SIZE], why[512];
    settings_variable(target->table, row, name);
    const char *text = getenv(name);
    if (!text || !*text)
        return true;
    if (!settings_set(row, target->settings, text, why, sizeof(why))) {
        snprintf(ret_why, size, "%s: %s", name, why);
        return false;
    }
    target->sources[index] = SETTINGS_ENVIRONMENT;
    return true;
}

bool settings_read_environment(struct settings_target *target, char *ret_why, size_t size)
{
    for (unsigned i = 0; i < target->table->count; i++)
        if (!apply_variable(target, i, ret_why, size))
            return false;
    return true;
}

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
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
}

const struct settings_row *settings_find(const struct settings_table *table, const char *key)
{
    for (unsigned i = 0; i < table->count; i++)
        if (strcmp(key, table->rows[i].key) == 0)
            return &table->rows[i];
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
    if (row->set((char *)settings + row->offset, row->bounds, text, why, sizeof why))
        return true;
    snprintf(ret_why, size, "%s '%.200s' is refused: %s", row->key, text, why);
    return false;
}

bool settings_read_environment(const struct settings_table *table, void *settings, char *ret_why,
                               size_t size)
{
    for (unsigned i = 0; i < table->count; i++) {
        char name[SETTINGS_VARIABLE_SIZE], why[512];
        settings_variable(table, &table->rows[i], name);
        const char *text = getenv(name);
        if (text && *text && !settings_set(&table->rows[i], settings, text, why, sizeof why)) {
            snprintf(ret_why, size, "%s: %s", name, why);
            return false;
        }
    }
    return true;
}

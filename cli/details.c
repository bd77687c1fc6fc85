#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/escape.h"
#include "cli/output.h"
#include "cli/details.h"
#include "cli/when.h"

void details_line(const char *label, const char *value)
{
    char *safe = escape_text(value, strlen(value), false);

    if (safe != NULL)
        printf("%-*s%s\n", DETAILS_LABEL_WIDTH, label, safe);
    else
        output_lacks();
    free(safe);
}

void details_text(const struct wormclient_value *map, const char *label, const char *key)
{
    const char *text = wormclient_value_text(map, key);

    if (text != NULL)
        details_line(label, text);
}

void details_moment(const struct wormclient_value *map, const char *label, const char *key)
{
    int64_t when = wormclient_value_number(map, key, -1);
    char text[WHEN_MAX];

    if (when >= 0) {
        when_absolute(when, clock_now(), text);
        details_line(label, text);
    }
}

void details_count(const struct wormclient_value *map, const char *label, const char *key)
{
    int64_t number = wormclient_value_number(map, key, 0);
    char text[32];

    if (number != 0) {
        snprintf(text, sizeof(text), "%" PRId64, number);
        details_line(label, text);
    }
}

void details_bytes(const struct wormclient_value *map, const char *label, const char *key)
{
    int64_t bytes = wormclient_value_number(map, key, -1);
    char text[48];

    if (bytes >= 0) {
        snprintf(text, sizeof(text), "%.1f MiB", (double)bytes / (1024 * 1024));
        details_line(label, text);
    }
}

enum exit_status details_print(const struct wormclient_value *map, const struct details_row *rows,
                               size_t count)
{
    for (size_t i = 0; i < count; i++)
        rows[i].show(map, rows[i].label, rows[i].key);
    return output_flush();
}

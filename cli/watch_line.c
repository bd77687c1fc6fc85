#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/watch_line.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/when.h"

static bool has(const struct watch_line *line, unsigned event)
{
    return (line->events & UINT32_C(1) << event) != 0;
}

char *watch_line_words(const struct watch_line *line, const char *gap)
{
    const char *before = "";
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL)
        return NULL;
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (has(line, i)) {
            fprintf(file, "%s%s", before, snapshot_word((enum snapshot_event)i));
            before = gap;
        }
    }
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- for programs ---- */

static json_t *list_events(const struct watch_line *line)
{
    json_t *list = json_array();

    for (unsigned i = 0; list != NULL && i < SNAPSHOT_EVENTS; i++) {
        if (has(line, i) &&
            json_array_append_new(list, json_string(snapshot_word((enum snapshot_event)i))) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* New; json_decref(); NULL: out of memory. */
static json_t *make_object(const struct watch_line *line)
{
    json_t *events = list_events(line);
    json_t *view = line->view != NULL ? result_load(line->view) : json_null();

    return json_pack("{s:I, s:I, s:s, s:s?, s:o, s:o}", "change", (json_int_t)line->change, "time",
                     (json_int_t)line->time, "session", line->session, "name",
                     line->name[0] != '\0' ? line->name : NULL, "events", events, "view", view);
}

/* ---- for people ---- */

/* What stands behind some of the words. */
static void print_detail(const struct watch_line *line, unsigned event)
{
    const char *result = wormclient_value_text(line->view, "result");

    if (event == SNAPSHOT_MESSAGE)
        printf(" (%" PRId64 " new)", line->messages);
    if (event == SNAPSHOT_ENDED && result != NULL)
        printf(" (%s)", result);
}

static void print_events(const struct watch_line *line)
{
    const char *gap = "";

    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (has(line, i)) {
            printf("%s%s", gap, snapshot_word((enum snapshot_event)i));
            print_detail(line, i);
            gap = ", ";
        }
    }
    if (line->events == 0)
        fputs("changed", stdout);
}

static enum exit_status print_line(const struct watch_line *line)
{
    const char *label = line->name[0] != '\0' ? line->name : line->session;
    char *safe = escape_text(label, strlen(label), false);
    char time[WHEN_MAX];

    if (safe == NULL)
        return report_memory();
    when_stamp(line->time, time);
    printf("%" PRId64 "  %s  %s  ", line->change, time, safe);
    free(safe);
    print_events(line);
    return output_line("");
}

enum exit_status watch_line_print(const struct cli_options *options, const struct watch_line *line)
{
    return result_wanted(options) ? result_object(options, make_object(line)) : print_line(line);
}

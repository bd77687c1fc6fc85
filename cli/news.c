#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/news.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/when.h"

static bool has(const struct news *news, unsigned event)
{
    return (news->events & UINT32_C(1) << event) != 0;
}

char *news_words(const struct news *news, const char *gap)
{
    const char *before = "";
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL)
        return NULL;
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (has(news, i)) {
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

static json_t *list_events(const struct news *news)
{
    json_t *list = json_array();

    for (unsigned i = 0; list != NULL && i < SNAPSHOT_EVENTS; i++) {
        if (has(news, i) &&
            json_array_append_new(list, json_string(snapshot_word((enum snapshot_event)i))) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* New; json_decref(); NULL: out of memory. */
static json_t *make_object(const struct news *news)
{
    json_t *events = list_events(news);
    json_t *view = news->view != NULL ? result_load(news->view) : json_null();

    return json_pack("{s:I, s:I, s:s, s:s?, s:o, s:o}", "change", (json_int_t)news->change, "time",
                     (json_int_t)news->time, "session", news->session, "name",
                     news->name[0] != '\0' ? news->name : NULL, "events", events, "view", view);
}

/* ---- for people ---- */

/* What stands behind some of the words. */
static void print_detail(const struct news *news, unsigned event)
{
    const char *result = wormclient_value_text(news->view, "result");

    if (event == SNAPSHOT_MESSAGE)
        printf(" (%" PRId64 " new)", news->messages);
    if (event == SNAPSHOT_ENDED && result != NULL)
        printf(" (%s)", result);
}

static void print_events(const struct news *news)
{
    const char *gap = "";

    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (has(news, i)) {
            printf("%s%s", gap, snapshot_word((enum snapshot_event)i));
            print_detail(news, i);
            gap = ", ";
        }
    }
    if (news->events == 0)
        fputs("changed", stdout);
}

static enum exit_status print_line(const struct news *news)
{
    const char *label = news->name[0] != '\0' ? news->name : news->session;
    char *safe = escape_text(label, strlen(label), false);
    char time[WHEN_MAX];

    if (safe == NULL)
        return report_memory();
    when_stamp(news->time, time);
    printf("%" PRId64 "  %s  %s  ", news->change, time, safe);
    free(safe);
    print_events(news);
    return output_line("");
}

enum exit_status news_print(const struct options *options, const struct news *news)
{
    return result_wanted(options) ? result_object(options, make_object(news)) : print_line(news);
}

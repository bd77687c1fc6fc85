#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/wipe.h"
#include "cli/candidates.h"
#include "cli/list.h"
#include "cli/report.h"

/* Most that are named. */
#define NAMED_MAX 8

static struct wormclient *asked;

void candidates_ask(struct wormclient *client)
{
    asked = client;
}

static bool begins(const char *text, const char *beginning)
{
    return text != NULL && strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Names those of a page; how many fit, named or not. */
static size_t name_those(FILE *file, const struct wormclient_list *page, const char *beginning,
                         size_t count)
{
    for (size_t i = 0; i < wormclient_list_count(page); i++) {
        const struct wormclient_session *session = wormclient_list_at(page, i);

        if (!begins(wormclient_session_name(session), beginning) &&
            !begins(wormclient_session_id(session), beginning))
            continue;
        if (count < NAMED_MAX)
            fprintf(file, "%s%s", count > 0 ? ", " : "", report_label(session));
        count++;
    }
    return count;
}

void candidates_report(const char *beginning)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct list_pages pages = {.client = asked};
    const struct wormclient_list *page;
    char *text = NULL;
    size_t size = 0, count = 0;
    FILE *file = asked != NULL ? open_memstream(&text, &size) : NULL;

    if (file == NULL)
        return;
    while ((page = list_next_page(&pages, &error)) != NULL)
        count = name_those(file, page, beginning, count);
    list_pages_clear(&pages);
    if (count > NAMED_MAX)
        fprintf(file, " and %zu more", count - NAMED_MAX);
    text = wipe_stream_close(file, &text);
    if (text != NULL && count > 0)
        report("it may be one of: %s", text);
    wipe_free(text);
}

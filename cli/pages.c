#include "config.h"

#include "cli/pages.h"

/* Sessions asked for at a time: the most that the daemon gives. */
#define PAGE 1000

static struct wormclient_value *ask(struct wormclient *client, const char *after,
                                    struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();

    if (after != NULL)
        wormclient_params_text(params, "after", after);
    wormclient_params_number(params, "limit", PAGE);
    return wormclient_call(client, "list", params, ret_error);
}

const struct wormclient_value *pages_next(struct pages *pages, struct wormclient_error *ret_error)
{
    const char *after = wormclient_value_text(pages->page, "next");
    struct wormclient_value *next;

    *ret_error = (struct wormclient_error){0};
    if (pages->page != NULL && after == NULL)
        return NULL;
    next = ask(pages->client, after, ret_error);
    wormclient_result_free(pages->page);
    pages->page = next;
    return wormclient_value_get(next, "sessions");
}

void pages_clear(struct pages *pages)
{
    wormclient_result_free(pages->page);
    pages->page = NULL;
}

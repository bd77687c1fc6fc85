/* All sessions of the daemon, in order of their ids, page by page: memory stays bounded. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "libclient/wormclient.h"

/* Begins as `= {.client = ...}`; list_pages_clear() in the end. */
struct list_pages {
    struct wormclient *client;
    struct wormclient_list *page; /* NULL before the first */
};

/* Asks for the next page. Borrowed until the next call; NULL at the end, or after an error: then
 * ret_error, which must have been initialised, says which. */
const struct wormclient_list *list_next_page(struct list_pages *pages,
                                             struct wormclient_error *ret_error);

void list_pages_clear(struct list_pages *pages);

#endif

/* All sessions of the daemon, in order of their ids, page by page: memory stays bounded. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include <stdbool.h>

#include "libclient/wormclient.h"

/* Begin with `= {.client = …}`; pages_clear() in the end. */
struct pages {
    struct wormclient *client;
    struct wormclient_value *page; /* the daemon's answer, NULL before the first */
};

/* Asks for the next page. Returns its views as an array, borrowed until the next call; NULL at the
 * end, or after an error: then ret_error->code says which. */
const struct wormclient_value *pages_next(struct pages *pages, struct wormclient_error *ret_error);

void pages_clear(struct pages *pages);

#endif

/* Requests that wait for their response. */
#ifndef LIBCLIENT_PENDING_H
#define LIBCLIENT_PENDING_H

#include <stdint.h>
#include <sys/queue.h>

#include "libclient/wormclient.h"

struct pending {
    STAILQ_ENTRY(pending) link;
    uint32_t id;
    wormclient_callback callback; /* NULL: nobody wants to know */
    void *arg;
};

STAILQ_HEAD(pending_list, pending);

/* Takes the request with this id off the list; NULL if there is none. free() it. */
struct pending *pending_take(struct pending_list *list, uint32_t id);

/* Takes the oldest; NULL if the list is empty. free() it. */
struct pending *pending_take_first(struct pending_list *list);

/* The callbacks with this argument will not be called. */
void pending_abandon(struct pending_list *list, const void *arg);

#endif

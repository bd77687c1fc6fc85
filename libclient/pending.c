#include "config.h"

#include <stddef.h>

#include "libclient/pending.h"

struct pending *pending_take(struct pending_list *list, uint32_t id)
{
    struct pending *pending;
    STAILQ_FOREACH(pending, list, link)
    if (pending->id == id)
        break;
    if (pending != NULL)
        STAILQ_REMOVE(list, pending, pending, link);
    return pending;
}

struct pending *pending_take_first(struct pending_list *list)
{
    struct pending *pending = STAILQ_FIRST(list);
    if (pending != NULL)
        STAILQ_REMOVE_HEAD(list, link);
    return pending;
}

void pending_abandon(struct pending_list *list, const void *arg)
{
    struct pending *pending;
    STAILQ_FOREACH(pending, list, link)
    if (pending->arg == arg)
        pending->callback = NULL;
}

#include "config.h"

#include "daemon/subscribers.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/ipc_connection.h"
#include "ipc/message.h"
#include "ipc/methods.h"

struct subscribers {
    struct event *tell;
    struct subscription *first;
};

static void send_change(struct subscription *subscription)
{
    char id[SESSION_ID_TEXT];
    session_id_text(subscription->changed, id);
    struct writer writer;
    writer_init(&writer);
    message_begin_notification(&writer, METHODS_CHANGED);
    writer_map(&writer, NULL);
    writer_unsigned(&writer, "change", subscription->change);
    writer_text(&writer, "session", subscription->several ? NULL : id);
    writer_end(&writer);
    subscription->unnumbered = subscription->several = false;
    ipc_connection_send(subscription->connection, &writer);
}

void subscribers_drained(struct subscription *subscription)
{
    if (subscription->subscribers == NULL || !subscription->pending ||
        ipc_connection_backlog(subscription->connection) > 0)
        return;
    subscription->pending = false;
    send_change(subscription);
}

/* Slow readers are told once they have drained their output. */
static void on_tell(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct subscribers *subscribers = arg;
    struct subscription *subscription;
    DL_FOREACH(subscribers->first, subscription)
    {
        subscribers_drained(subscription);
    }
}

static bool concerns(const struct subscription *subscription, const uint8_t *id)
{
    return subscription->all || memcmp(subscription->id, id, SESSION_ID_BYTES) == 0;
}

bool subscribers_watch(const struct subscribers *subscribers, const uint8_t id[SESSION_ID_BYTES])
{
    const struct subscription *subscription;
    DL_FOREACH(subscribers->first, subscription)
    {
        if (concerns(subscription, id))
            return true;
    }
    return false;
}

bool subscribers_attend(const struct subscribers *subscribers, const uint8_t id[SESSION_ID_BYTES])
{
    const struct subscription *subscription;
    DL_FOREACH(subscribers->first, subscription)
    {
        if (subscription->hold && concerns(subscription, id))
            return true;
    }
    return false;
}

/* `change` 0: it has no number. From a gap in the numbers a client sees that it was not told of
 * every session; otherwise it has to be told that. */
static void note(struct subscribers *subscribers, uint64_t change, const uint8_t *id)
{
    struct subscription *subscription;
    DL_FOREACH(subscribers->first, subscription)
    {
        if (!concerns(subscription, id))
            continue;
        subscription->several |= subscription->pending &&
                                 (change == 0 || subscription->unnumbered) &&
                                 memcmp(subscription->changed, id, SESSION_ID_BYTES) != 0;
        subscription->unnumbered |= change == 0;
        subscription->pending = true;
        if (change > subscription->change)
            subscription->change = change;
        memcpy(subscription->changed, id, SESSION_ID_BYTES);
        event_active(subscribers->tell, EV_TIMEOUT, 0);
    }
}

void subscribers_changed(struct subscribers *subscribers, uint64_t change,
                         const uint8_t id[SESSION_ID_BYTES])
{
    note(subscribers, change, id);
}

void subscribers_unleased(struct subscribers *subscribers, const uint8_t id[SESSION_ID_BYTES])
{
    note(subscribers, 0, id);
}

void subscription_init(struct subscription *subscription, struct ipc_connection *connection)
{
    *subscription = (struct subscription){.connection = connection};
}

void subscribers_set(struct subscribers *subscribers, struct subscription *subscription,
                     const uint8_t *id, bool hold, uint64_t change)
{
    if (subscription->subscribers == NULL)
        DL_APPEND(subscribers->first, subscription);
    subscription->subscribers = subscribers;
    subscription->all = id == NULL;
    subscription->hold = hold && id != NULL;
    if (id != NULL)
        memcpy(subscription->id, id, SESSION_ID_BYTES);
    subscription->pending = subscription->unnumbered = subscription->several = false;
    subscription->change = change;
}

void subscribers_remove(struct subscription *subscription)
{
    if (subscription->subscribers != NULL)
        DL_DELETE(subscription->subscribers->first, subscription);
    subscription->subscribers = NULL;
}

struct subscribers *subscribers_new(struct event_base *base)
{
    struct subscribers *subscribers = calloc(1, sizeof(*subscribers));
    if (subscribers == NULL)
        return NULL;
    subscribers->tell = evtimer_new(base, on_tell, subscribers);
    if (subscribers->tell != NULL)
        return subscribers;
    free(subscribers);
    return NULL;
}

void subscribers_free(struct subscribers *subscribers)
{
    if (subscribers == NULL)
        return;
    event_free(subscribers->tell);
    free(subscribers);
}

#include "config.h"

#include "net/dial.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/timer.h"
#include "net/resolve.h"
#include "net/url.h"

struct dial {
    struct event_base *base;
    struct resolve *resolve;
    struct event *event; /* the look-up's timer, then each connection's */
    struct address_list list;
    unsigned next;            /* in list */
    struct address_list slow; /* were silent for a short time only: tried once more … */
    bool again;               /* … now */
    int fd;                   /* being connected, or -1 */
    int error;                /* the errno that best says why it failed */
    int64_t timeout;
    bool public_only;
    dial_done done;
    void *arg;
    char where[URL_HOST_HEADER_SIZE];
};

static void fail(struct dial *dial, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct dial *dial, const char *format, ...)
{
    char why[URL_HOST_HEADER_SIZE + 128];
    va_list values;

    va_start(values, format);
    vsnprintf(why, sizeof(why), format, values);
    va_end(values);
    dial->done(-1, why, dial->arg);
}

static void fail_look_up(struct dial *dial, const char *why)
{
    size_t host = (size_t)(strrchr(dial->where, ':') - dial->where);

    fail(dial, "cannot find the host name %.*s: %s", (int)host, dial->where, why);
}

/* An address family that this machine lacks says less than a refusal by the other one. */
static void note_error(struct dial *dial, int error)
{
    bool says_little = error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT;

    if (dial->error == 0 || !says_little)
        dial->error = error;
}

static void drop_attempt(struct dial *dial)
{
    if (dial->event != NULL)
        event_free(dial->event);
    dial->event = NULL;
    if (dial->fd >= 0)
        close(dial->fd);
    dial->fd = -1;
}

/* Time that each address may take while there are others: a host often has several because some of
 * them may be out of reach. */
#define OTHERS_WAIT_MS 3000

static bool is_hurried(const struct dial *dial)
{
    return dial != NULL && !dial->again && dial->next < dial->list.count;
}

int64_t dial_patience(const struct dial *dial, int64_t ms)
{
    return is_hurried(dial) && ms > OTHERS_WAIT_MS ? OTHERS_WAIT_MS : ms;
}

bool dial_has_others(const struct dial *dial)
{
    return dial != NULL && (dial->next < dial->list.count || dial->slow.count > 0);
}

static bool begin_connect(struct dial *dial, const union address *address)
{
    dial->fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0)
        return false;
    dial_tune(dial->fd);
    return connect(dial->fd, &address->any, address_length(address)) == 0 || errno == EINPROGRESS;
}

static bool await(struct dial *dial, int fd, short what, int64_t ms, event_callback_fn callback)
{
    struct timeval timeout = timer_interval(ms);

    dial->event = event_new(dial->base, fd, what, callback, dial);
    return dial->event != NULL && event_add(dial->event, &timeout) == 0;
}

static void on_connected(evutil_socket_t fd, short what, void *arg);

/* Tries the next address that does not fail at once. */
static void try_next(struct dial *dial)
{
    while (dial_has_others(dial)) {
        if (dial->next == dial->list.count) {
            dial->list = dial->slow;
            dial->slow.count = dial->next = 0;
            dial->again = true;
        }
        if (begin_connect(dial, &dial->list.items[dial->next++])) {
            int64_t ms = dial_patience(dial, dial->timeout);

            if (await(dial, dial->fd, EV_WRITE, ms, on_connected))
                return;
            errno = ENOMEM;
        }
        note_error(dial, errno);
        drop_attempt(dial);
    }
    fail(dial, "cannot connect to %s: %s", dial->where, strerror(dial->error));
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
    struct dial *dial = arg;
    int error = ETIMEDOUT;
    socklen_t size = sizeof(error);

    if (!(what & EV_TIMEOUT) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error != 0) {
        note_error(dial, error);
        drop_attempt(dial);
        try_next(dial);
        return;
    }
    dial->fd = -1;
    drop_attempt(dial);
    dial->done(fd, NULL, dial->arg);
}

static void end_look_up(struct dial *dial)
{
    resolve_free(dial->resolve);
    dial->resolve = NULL;
    drop_attempt(dial);
}

static void on_resolved(const struct address_list *list, const char *why, void *arg)
{
    struct dial *dial = arg;

    dial->list = *list;
    if (dial->public_only && list->count > 0) {
        address_keep_public(&dial->list);
        why = "it has no public address";
    }
    end_look_up(dial);
    if (dial->list.count == 0)
        fail_look_up(dial, why);
    else
        try_next(dial);
}

static void on_look_up_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct dial *dial = arg;

    (void)fd;
    (void)what;
    end_look_up(dial);
    fail_look_up(dial, "no name server answers");
}

struct dial *dial_start(struct event_base *base, struct resolver *resolver, const struct url *url,
                        bool public_only, int64_t timeout, dial_done done, void *arg)
{
    struct dial *dial = calloc(1, sizeof(*dial));

    if (dial == NULL)
        return NULL;
    dial->base = base;
    dial->timeout = timeout;
    dial->public_only = public_only;
    dial->done = done;
    dial->arg = arg;
    dial->fd = -1;
    url_where(url, dial->where, sizeof(dial->where));
    dial->resolve = resolve_start(resolver, url->host, url->port, on_resolved, dial);
    if (dial->resolve == NULL || !await(dial, -1, EV_TIMEOUT, timeout, on_look_up_timeout)) {
        dial_free(dial);
        return NULL;
    }
    return dial;
}

void dial_other(struct dial *dial, bool silent)
{
    if (silent && is_hurried(dial))
        dial->slow.items[dial->slow.count++] = dial->list.items[dial->next - 1];
    note_error(dial, silent ? ETIMEDOUT : ECONNRESET);
    try_next(dial);
}

void dial_free(struct dial *dial)
{
    if (dial == NULL)
        return;
    end_look_up(dial);
    free(dial);
}

void dial_tune(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void dial_acknowledge(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

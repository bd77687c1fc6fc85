#include "config.h"

#include "net/resolve.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/dns.h"

struct resolver {
    struct event_base *base;
    const char *hosts;
    struct dns *dns;
};

struct resolve {
    resolve_done done;
    void *arg;
    struct event *soon;      /* what is known at once is told from the event loop too */
    struct dns_query *query; /* NULL unless name servers are being asked */
    const char *why;
    struct address_list list;
};

struct resolver *resolver_new(struct event_base *base, const char *resolv_conf, const char *hosts)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));

    if (resolver == NULL)
        return NULL;
    resolver->base = base;
    resolver->hosts = hosts;
    resolver->dns = dns_new(base, resolv_conf);
    if (resolver->dns == NULL) {
        free(resolver);
        return NULL;
    }
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    dns_free(resolver->dns);
    free(resolver);
}

static bool is_localhost(const char *host)
{
    static const char suffix[] = ".localhost";
    size_t length = strlen(host);

    if (strcasecmp(host, suffix + 1) == 0)
        return true;
    return length > sizeof(suffix) - 1 &&
           strcasecmp(host + length - (sizeof(suffix) - 1), suffix) == 0;
}

/* Both, for who listens there may do so on one of them only. */
static bool add_localhost(struct address_list *list, const char *host, uint16_t port)
{
    return is_localhost(host) && address_add_text(list, "127.0.0.1", port) &&
           address_add_text(list, "::1", port);
}

static bool known_at_once(const struct resolver *resolver, struct address_list *list,
                          const char *host, uint16_t port)
{
    return address_add_text(list, host, port) || add_localhost(list, host, port) ||
           address_add_from_hosts(list, resolver->hosts, host, port);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    struct resolve *resolve = arg;

    (void)fd;
    (void)what;
    resolve->done(&resolve->list, resolve->why, resolve->arg);
}

static void on_dns(const struct address_list *list, const char *why, void *arg)
{
    struct resolve *resolve = arg;

    resolve->query = NULL;
    resolve->done(list, why, resolve->arg);
}

struct resolve *resolve_start(struct resolver *resolver, const char *host, uint16_t port,
                              resolve_done done, void *arg)
{
    struct resolve *resolve = calloc(1, sizeof(*resolve));

    if (resolve == NULL)
        return NULL;
    resolve->done = done;
    resolve->arg = arg;
    resolve->soon = evtimer_new(resolver->base, on_soon, resolve);
    if (resolve->soon == NULL) {
        free(resolve);
        return NULL;
    }
    if (!known_at_once(resolver, &resolve->list, host, port))
        resolve->query = dns_ask(resolver->dns, host, port, on_dns, resolve);
    if (resolve->query == NULL) {
        resolve->why = resolve->list.count > 0 ? NULL : "the name servers cannot be asked";
        event_active(resolve->soon, EV_TIMEOUT, 1);
    }
    return resolve;
}

void resolve_free(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    dns_forget(resolve->query);
    event_free(resolve->soon);
    free(resolve);
}

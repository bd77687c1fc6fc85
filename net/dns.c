#include "config.h"

#include "net/dns.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/timer.h"

/* Once one family has answered, the other has so long: some name servers never answer AAAA. */
#define OTHER_FAMILY_MS 1000

/* While questions overlap all the time, the configuration is read anew this often. */
#define CONFIGURATION_MS 30000

struct dns {
    struct event_base *base;
    const char *resolv_conf;
    struct evdns_base *evdns; /* NULL while nothing is asked */
    unsigned pending;         /* questions of evdns that are not answered yet */
    int64_t configured;
    bool freed;
};

struct dns_query {
    struct dns *dns;
    dns_done done; /* NULL once told, or forgotten */
    void *arg;
    struct event *patience;
    unsigned pending; /* evdns calls back for each of these, whatever happens */
    uint16_t port;
    int fault; /* of the last question that failed */
    struct address_list list;
};

/* What evdns would print is told by the answers. */
static void log_nothing(int is_warning, const char *text)
{
    (void)is_warning;
    (void)text;
}

struct dns *dns_new(struct event_base *base, const char *resolv_conf)
{
    struct dns *dns = calloc(1, sizeof(*dns));

    if (dns == NULL)
        return NULL;
    dns->base = base;
    dns->resolv_conf = resolv_conf;
    evdns_set_log_fn(log_nothing);
    return dns;
}

/* A configuration that cannot be read leaves evdns with a server on this host, as libc does. */
static void configure(struct dns *dns)
{
    evdns_base_resolv_conf_parse(dns->evdns, DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE,
                                 dns->resolv_conf);
    /* Name servers that do not keep the case of a question would look dead. */
    evdns_base_set_option(dns->evdns, "randomize-case:", "0");
    dns->configured = clock_monotonic();
}

static bool ready(struct dns *dns)
{
    if (dns->evdns == NULL) {
        dns->evdns = evdns_base_new(dns->base, 0);
        if (dns->evdns == NULL)
            return false;
        configure(dns);
    } else if (clock_monotonic() - dns->configured > CONFIGURATION_MS) {
        evdns_base_clear_nameservers_and_suspend(dns->evdns);
        configure(dns);
        evdns_base_resume(dns->evdns);
    }
    return true;
}

/* evdns is kept only while it has something to do: sockets bound to an address that this machine
 * has no more, or servers once found silent, do not outlive the questions. */
static void rest(struct dns *dns)
{
    if (dns->pending > 0)
        return;
    if (dns->evdns != NULL)
        evdns_base_free(dns->evdns, 0);
    dns->evdns = NULL;
    if (dns->freed)
        free(dns);
}

void dns_free(struct dns *dns)
{
    if (dns == NULL)
        return;
    dns->freed = true;
    if (dns->evdns != NULL)
        evdns_base_free(dns->evdns, 1);
    dns->evdns = NULL;
    rest(dns);
}

static const char *fault_text(int fault)
{
    static const struct {
        int fault;
        const char *text;
    } texts[] = {
        {DNS_ERR_NOTEXIST, "no such name"},
        {DNS_ERR_NODATA, "it has no address"},
        {DNS_ERR_NONE, "it has no address"},
        {DNS_ERR_TIMEOUT, "no name server answers"},
        {DNS_ERR_REFUSED, "the name server refuses to answer"},
        {DNS_ERR_SERVERFAILED, "the name server failed"},
        {DNS_ERR_TRUNCATED, "the name server's answer is too long"},
    };

    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].fault == fault)
            return texts[i].text;
    return "the name servers gave no usable answer";
}

static void tell(struct dns_query *query)
{
    dns_done done = query->done;

    event_del(query->patience);
    query->done = NULL;
    if (done != NULL)
        done(&query->list, query->list.count > 0 ? NULL : fault_text(query->fault), query->arg);
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    tell(arg);
}

static void query_free(struct dns_query *query)
{
    event_free(query->patience);
    free(query);
}

static void finish(struct dns_query *query)
{
    struct dns *dns = query->dns;

    tell(query);
    query_free(query);
    rest(dns);
}

static void add_all(struct dns_query *query, int family, int count, const char *bytes)
{
    size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);

    for (int i = 0; i < count; i++)
        address_add(&query->list, family, bytes + (size_t)i * size, query->port);
}

static void on_answer(int result, char type, int count, int ttl, void *addresses, void *arg)
{
    struct dns_query *query = arg;
    struct timeval patience = timer_interval(OTHER_FAMILY_MS);

    (void)ttl;
    query->pending--;
    query->dns->pending--;
    if (result == DNS_ERR_NONE)
        add_all(query, type == DNS_IPv4_A ? AF_INET : AF_INET6, count, addresses);
    else
        query->fault = result;
    if (query->pending == 0)
        finish(query);
    else if (query->done != NULL && query->list.count > 0 &&
             event_add(query->patience, &patience) < 0)
        tell(query);
}

static void ask(struct dns_query *query, const char *name)
{
    struct evdns_base *evdns = query->dns->evdns;

    if (evdns_base_resolve_ipv4(evdns, name, 0, on_answer, query) != NULL)
        query->pending++;
    if (evdns_base_resolve_ipv6(evdns, name, 0, on_answer, query) != NULL)
        query->pending++;
    query->dns->pending += query->pending;
}

struct dns_query *dns_ask(struct dns *dns, const char *name, uint16_t port, dns_done done,
                          void *arg)
{
    struct dns_query *query = calloc(1, sizeof(*query));

    if (query == NULL)
        return NULL;
    *query = (struct dns_query){.dns = dns, .done = done, .arg = arg, .port = port};
    query->patience = evtimer_new(dns->base, on_patience, query);
    if (query->patience != NULL && ready(dns))
        ask(query, name);
    if (query->pending > 0)
        return query;
    if (query->patience != NULL)
        event_free(query->patience);
    free(query);
    rest(dns);
    return NULL;
}

void dns_forget(struct dns_query *query)
{
    if (query == NULL)
        return;
    query->done = NULL;
    event_del(query->patience);
}

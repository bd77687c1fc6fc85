#include "config.h"

#include "net/resolve.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "base/worker.h"

/* Names looked up at the same time. One whose name server is dead occupies a thread for as long as
 * resolv.conf(5) allows, half a minute or so; the others must not wait for it. */
#define THREADS 8
/* Names that wait for a thread: more than there are relays. */
#define QUEUE_MAX 256
#define WHY_SIZE  128

/* One name being looked up, on behalf of all who want it: asking twice would not be faster. */
struct lookup {
    struct resolver *resolver;
    struct worker_job *job;
    struct resolve *wanted; /* the requests for it; used by the loop */
    struct lookup *prev, *next;
    char *host;
    int fault; /* of getaddrinfo(), EAI_… */
    int system;
    struct address_list list; /* with port 0 */
};

struct resolver {
    struct event_base *base;
    struct worker *worker; /* NULL until the first name */
    struct lookup *lookups;
};

struct resolve {
    resolve_done done;
    void *arg;
    struct lookup *lookup; /* NULL: the answer is known */
    struct event *soon;    /* what is known at once is reported from the event loop too */
    const char *why;
    uint16_t port;
    struct address_list list;
    struct resolve *prev, *next; /* in lookup->wanted */
};

struct resolver *resolver_new(struct event_base *base)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));

    if (resolver != NULL)
        resolver->base = base;
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    worker_free(resolver->worker);
    free(resolver);
}

/* ---- in a thread ---- */

/*
 * Without AI_ADDRCONFIG: on a machine that is offline except for link-local IPv6, it would hide
 * from us what /etc/hosts says about IPv4. The order is that of RFC 6724 and gai.conf(5): what this
 * machine cannot reach comes last, and costs nothing.
 */
static void look_up(void *data, const atomic_bool *stop)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = data;
    struct addrinfo *found = NULL;

    (void)stop;
    lookup->fault = getaddrinfo(lookup->host, NULL, &hints, &found);
    lookup->system = errno;
    if (lookup->fault != 0)
        return;
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
        address_add_socket(&lookup->list, one->ai_addr, 0);
    freeaddrinfo(found);
}

/* ---- in the event loop ---- */

static void fault_text(const struct lookup *lookup, char ret_why[WHY_SIZE])
{
    static const struct {
        int fault;
        const char *text;
    } texts[] = {
        {0, "it has no address"},
        {EAI_NODATA, "it has no address"},
        {EAI_ADDRFAMILY, "it has no address"},
        {EAI_NONAME, "no such name"},
        {EAI_AGAIN, "no name server gave an answer"},
        {EAI_FAIL, "the name servers gave no usable answer"},
        {EAI_MEMORY, "out of memory"},
    };
    const char *text = gai_strerror(lookup->fault);

    if (lookup->fault == EAI_SYSTEM)
        text = strerror(lookup->system);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].fault == lookup->fault)
            text = texts[i].text;
    snprintf(ret_why, WHY_SIZE, "%s", text);
}

/* Each callback may free any other request. */
static void on_looked_up(void *data)
{
    struct lookup *lookup = data;
    struct resolve *resolve;
    char why[WHY_SIZE] = "";

    DL_DELETE(lookup->resolver->lookups, lookup);
    fault_text(lookup, why);
    while ((resolve = lookup->wanted) != NULL) {
        DL_DELETE(lookup->wanted, resolve);
        resolve->lookup = NULL;
        address_add_list(&resolve->list, &lookup->list, resolve->port);
        resolve->done(&resolve->list, resolve->list.count > 0 ? NULL : why, resolve->arg);
    }
}

static void free_lookup(void *data)
{
    struct lookup *lookup = data;

    free(lookup->host);
    free(lookup);
}

static const struct worker_task lookup_task = {
    .run = look_up,
    .done = on_looked_up,
    .free = free_lookup,
};

/* The look-up of this name: one that is under way, or a new one. NULL: it cannot be begun. */
static struct lookup *find_lookup(struct resolver *resolver, const char *host)
{
    struct lookup *lookup;

    DL_FOREACH(resolver->lookups, lookup)
    {
        if (strcasecmp(lookup->host, host) == 0)
            return lookup;
    }
    lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return NULL;
    if (resolver->worker == NULL)
        resolver->worker = worker_new(resolver->base, THREADS, QUEUE_MAX);
    lookup->resolver = resolver;
    lookup->host = strdup(host);
    if (lookup->host != NULL && resolver->worker != NULL)
        lookup->job = worker_start(resolver->worker, &lookup_task, lookup);
    if (lookup->job == NULL) {
        free_lookup(lookup);
        return NULL;
    }
    DL_APPEND(resolver->lookups, lookup);
    return lookup;
}

/* True if the host is `domain` or below it. A trailing dot does not matter. */
static bool is_below(const char *host, const char *domain)
{
    size_t length = strlen(host), wanted = strlen(domain);

    if (length > 0 && host[length - 1] == '.')
        length--;
    return length >= wanted && strncasecmp(host + length - wanted, domain, wanted) == 0 &&
           (length == wanted || host[length - wanted - 1] == '.');
}

/* Both loopback addresses, because a server may listen on only one of them. */
static bool is_known(struct resolve *resolve, const char *host)
{
    if (address_add_text(&resolve->list, host, resolve->port))
        return true;
    if (is_below(host, "localhost"))
        return address_add_text(&resolve->list, "127.0.0.1", resolve->port) &&
               address_add_text(&resolve->list, "::1", resolve->port);
    if (!is_below(host, "onion"))
        return false;
    resolve->why = "onion services are reached through a proxy only";
    return true;
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    struct resolve *resolve = arg;

    (void)fd;
    (void)what;
    resolve->done(&resolve->list, resolve->why, resolve->arg);
}

struct resolve *resolve_start(struct resolver *resolver, const char *host, uint16_t port,
                              resolve_done done, void *arg)
{
    struct resolve *resolve = calloc(1, sizeof(*resolve));

    if (resolve == NULL)
        return NULL;
    *resolve = (struct resolve){.done = done, .arg = arg, .port = port};
    resolve->soon = evtimer_new(resolver->base, on_soon, resolve);
    if (resolve->soon == NULL) {
        free(resolve);
        return NULL;
    }
    bool known = is_known(resolve, host);
    if (!known && (resolve->lookup = find_lookup(resolver, host)) != NULL) {
        DL_APPEND(resolve->lookup->wanted, resolve);
        return resolve;
    }
    if (!known)
        resolve->why = "too many names are being looked up, or the system is short of threads";
    event_active(resolve->soon, EV_TIMEOUT, 1);
    return resolve;
}

/* A look-up that has begun continues: whoever asks next may still use its answer. */
void resolve_free(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    struct lookup *lookup = resolve->lookup;

    if (lookup != NULL) {
        DL_DELETE(lookup->wanted, resolve);
        if (lookup->wanted == NULL && !worker_has_begun(lookup->job)) {
            DL_DELETE(lookup->resolver->lookups, lookup);
            worker_cancel(lookup->job);
        }
    }
    event_free(resolve->soon);
    free(resolve);
}

#include "config.h"

#include "relay/metrics.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/sandbox.h"

/* Seconds without progress after which a scraper is dropped. */
#define TIMEOUT 10
/* Requests are small. */
#define HEAD_MAX 8192
#define BODY_MAX 1024

struct metrics {
    struct evhttp *http;
    struct metrics_sources sources;
};

static void name(struct evbuffer *text, const char *metric, const char *type, const char *help)
{
    evbuffer_add_printf(text, "# HELP relayd_%s %s\n# TYPE relayd_%s %s\n", metric, help, metric,
                        type);
}

/* A metric without labels. */
static void one(struct evbuffer *text, const char *metric, const char *type, const char *help,
                uint64_t value)
{
    name(text, metric, type, help);
    evbuffer_add_printf(text, "relayd_%s %" PRIu64 "\n", metric, value);
}

/* A metric with one value for each value of a label. */
static void many(struct evbuffer *text, const char *metric, const char *label,
                 const char *const *labels, const uint64_t *values, int count)
{
    for (int i = 0; i < count; i++)
        evbuffer_add_printf(text, "relayd_%s{%s=\"%s\"} %" PRIu64 "\n", metric, label, labels[i],
                            values[i]);
}

static void write_server(struct evbuffer *text, const struct relay_server *server)
{
    static const char *const causes[RELAY_DROP_CAUSES] = {
        [RELAY_DROP_FULL] = "full",           [RELAY_DROP_ADDRESS] = "address",
        [RELAY_DROP_SLOW] = "slow",           [RELAY_DROP_IDLE] = "idle",
        [RELAY_DROP_HANDSHAKE] = "handshake", [RELAY_DROP_INPUT] = "input",
        [RELAY_DROP_UNBOUND] = "unbound",     [RELAY_DROP_ORIGIN] = "origin",
        [RELAY_DROP_TLS_RATE] = "tls_rate",   [RELAY_DROP_SHUTDOWN] = "ending",
    };
    struct relay_connection_counts counts;
    relay_server_count(server, &counts);
    one(text, "connections", "gauge", "Connections now.", counts.connections);
    one(text, "connections_total", "counter", "Connections since the start.", counts.accepted);
    one(text, "backlog_bytes", "gauge", "Bytes waiting to be sent to clients.",
        relay_server_backlog(server));
    one(text, "waits_total", "counter", "Times a client was slowed down by a rate limit.",
        counts.waits);
    one(text, "stored_refused_total", "counter",
        "Messages refused because their address had stored too much.", counts.stored_refused);
    name(text, "drops_total", "counter", "Connections refused or dropped, by cause.");
    many(text, "drops_total", "cause", causes, counts.drops, RELAY_DROP_CAUSES);
}

static void write_sandbox(struct evbuffer *text, const struct sandbox *sandbox)
{
    static const char *const parts[] = {"seccomp", "landlock"};
    const uint64_t levels[] = {sandbox->seccomp, (uint64_t)sandbox->landlock};
    name(text, "sandbox", "gauge", "Parts of the sandbox in force; of Landlock, its level.");
    many(text, "sandbox", "part", parts, levels, 2);
}

static void write_rules(struct evbuffer *text, const struct rules *rules)
{
    static const char *const moods[RULES_MOODS] = {"happy", "lonely", "scary", "errory", "other"};
    static const char *const rates[RULES_RATES] = {
        [RULES_RATE_ALLOCATE] = "allocate", [RULES_RATE_CLAIM] = "claim",
        [RULES_RATE_OPEN] = "open",         [RULES_RATE_ADD] = "add",
        [RULES_RATE_LIST] = "list",
    };
    static const char *const causes[RULES_REFUSALS] = {
        [RULES_REFUSED_FORM] = "form",
        [RULES_REFUSED_ORDER] = "order",
        [RULES_REFUSED_PERMISSION] = "permission",
        [RULES_REFUSED_SIZE] = "size",
        [RULES_REFUSED_BUSY] = "busy",
        [RULES_REFUSED_RATE] = "rate",
        [RULES_REFUSED_CHANNEL] = "channel",
        [RULES_REFUSED_CROWDED] = "crowded",
        [RULES_REFUSED_RECLAIMED] = "reclaimed",
        [RULES_REFUSED_NO_NAMEPLATE] = "no_nameplate",
        [RULES_REFUSED_NOT_OPEN] = "not_open",
        [RULES_REFUSED_MAILBOX_FULL] = "mailbox_full",
        [RULES_REFUSED_FULL] = "store_full",
        [RULES_REFUSED_BROKEN] = "store_failed",
    };
    struct rules_counts counts;
    rules_count(rules, &counts);
    one(text, "clients", "gauge", "Clients that were welcomed.", counts.clients);
    one(text, "listening", "gauge", "Clients that listen to a mailbox.", counts.listening);
    one(text, "channels", "gauge", "Sessions that share a connection.", counts.channels);
    one(text, "errors_total", "counter", "Errors sent to clients.", counts.errors);
    name(text, "moods_total", "counter", "Mailboxes closed by a side, by mood.");
    many(text, "moods_total", "mood", moods, counts.moods, RULES_MOODS);
    name(text, "rejects_total", "counter",
         "Commands refused with an error, or sessions of a connection ended, by cause.");
    many(text, "rejects_total", "cause", causes, counts.refused, RULES_REFUSALS);
    name(text, "refusals_total", "counter", "Commands refused by a rate limit.");
    many(text, "refusals_total", "command", rates, counts.limited, RULES_RATES);
}

static void write_store(struct evbuffer *text, const struct relay_store *store)
{
    struct relay_counts counts;
    store->count(store->self, &counts);
    one(text, "nameplates", "gauge", "Nameplates in use.", counts.nameplates);
    one(text, "mailboxes", "gauge", "Mailboxes stored.", counts.mailboxes);
    one(text, "messages", "gauge", "Messages stored.", counts.messages);
    one(text, "evicted_total", "counter", "Mailboxes deleted because the store was full.",
        counts.evicted);
    name(text, "commit_seconds", "summary", "Commits to disk, and the time they took.");
    evbuffer_add_printf(text,
                        "relayd_commit_seconds_count %" PRIu64
                        "\nrelayd_commit_seconds_sum %" PRIu64 ".%06" PRIu64 "\n",
                        counts.commits, counts.commit_microseconds / 1000000,
                        counts.commit_microseconds % 1000000);
}

static void reply(struct evhttp_request *request, const char *type, struct evbuffer *text)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    evhttp_send_reply(request, HTTP_OK, "OK", text);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
    const struct metrics *metrics = arg;
    struct evbuffer *text = evbuffer_new();
    if (text == NULL) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    write_server(text, metrics->sources.server);
    write_sandbox(text, metrics->sources.sandbox);
    write_rules(text, metrics->sources.rules);
    write_store(text, metrics->sources.store);
    reply(request, "text/plain; version=0.0.4", text);
    evbuffer_free(text);
}

/* An answer shows that the event loop runs. */
static void on_health(struct evhttp_request *request, void *arg)
{
    (void)arg;
    struct evbuffer *text = evbuffer_new();
    if (text != NULL)
        evbuffer_add_printf(text, "ok\n");
    reply(request, "text/plain", text);
    if (text != NULL)
        evbuffer_free(text);
}

struct metrics *metrics_new(struct event_base *base, int fd, const struct metrics_sources *sources)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics != NULL)
        metrics->http = evhttp_new(base);
    if (metrics == NULL || metrics->http == NULL || evhttp_accept_socket(metrics->http, fd) != 0) {
        close(fd);
        metrics_free(metrics);
        return NULL;
    }
    metrics->sources = *sources;
    evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(metrics->http, HEAD_MAX);
    evhttp_set_max_body_size(metrics->http, BODY_MAX);
    evhttp_set_timeout(metrics->http, TIMEOUT);
    evhttp_set_cb(metrics->http, "/metrics", on_metrics, metrics);
    evhttp_set_cb(metrics->http, "/healthz", on_health, metrics);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    if (metrics->http != NULL)
        evhttp_free(metrics->http);
    free(metrics);
}

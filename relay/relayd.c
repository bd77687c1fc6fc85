#include "config.h"

#include "relay/relayd.h"

#include <event2/event.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "net/tls.h"
#include "relay/relay_expiry.h"
#include "relay/limits.h"
#include "relay/lmdb_store.h"
#include "relay/metrics.h"
#include "relay/rules.h"
#include "relay/relay_server.h"
#include "service/acceptor.h"
#include "service/activation.h"
#include "service/log.h"
#include "service/notify.h"
#include "service/process.h"

/* Sockets that come from the service manager are served too; more are left alone. */
#define ACCEPTORS_MAX (2 * ENDPOINTS_MAX)
/* Descriptors that are no clients. */
#define DESCRIPTORS_OWN 64

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(*signals))

/* A full store refuses thousands of messages: the log has one line of it in so many ms. */
#define QUIET ((int64_t)60 * 1000)

struct relayd {
    const struct options *options;
    struct relay_settings *settings;
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct event *watchdog;
    struct lmdb_store *store;
    struct relay_server *server;
    struct rules *rules;
    struct relay_expiry *expiry;
    struct metrics *metrics;
    struct acceptor *acceptors[ACCEPTORS_MAX];
    unsigned acceptors_count;
    bool ending;
    int64_t quiet_until; /* clock_monotonic(): the log knows that the store is in trouble */
};

/* ---- making the parts ---- */

static bool made(const void *part)
{
    if (!part)
        log_error("relay", "out of memory");
    return part;
}

/* True also if there is none to be made. */
static bool make_tls(const struct relay_settings *settings, SSL_CTX **ret_tls, char *ret_why,
                     size_t size)
{
    *ret_tls = NULL;
    if (!settings->tls_cert)
        return true;
    *ret_tls = tls_server_context_new(settings->tls_cert, settings->tls_key, ret_why, size);
    return *ret_tls;
}

bool relayd_check(const struct relay_settings *settings, char *ret_why, size_t size)
{
    SSL_CTX *tls;
    bool fine = make_tls(settings, &tls, ret_why, size);
    SSL_CTX_free(tls);
    return fine;
}

/* Clients are told each time. */
static void on_trouble(void *arg, const char *why)
{
    struct relayd *relayd = arg;
    int64_t now = clock_monotonic();
    if (now < relayd->quiet_until)
        return;
    relayd->quiet_until = now + QUIET;
    log_error("store", "what clients said could not be stored: %s", why);
}

static bool open_store(struct relayd *relayd)
{
    char why[512];
    struct relay_limits limits = limits_of_store(relayd->settings);
    relayd->store = lmdb_store_new(relayd->base, relayd->settings->store,
                                   relayd->settings->max_store_size, &limits, why, sizeof(why));
    if (relayd->store)
        lmdb_store_set_trouble(relayd->store, on_trouble, relayd);
    else
        log_error("store", "%s", why);
    return relayd->store;
}

static bool make_server(struct relayd *relayd)
{
    struct relay_server_settings settings = limits_of_server(relayd->settings);
    struct rules_settings sayings = limits_of_rules(relayd->settings);
    const struct relay_store *store = lmdb_store_interface(relayd->store);
    char why[512];
    SSL_CTX *tls;
    if (!make_tls(relayd->settings, &tls, why, sizeof(why))) {
        log_error("relay", "%s", why);
        return false;
    }
    if (!made(relayd->server = relay_server_new(relayd->base, &settings))) {
        SSL_CTX_free(tls);
        return false;
    }
    relay_server_set_tls(relayd->server, tls);
    relayd->rules = rules_new(store, &relay_server_hooks, &sayings);
    relay_server_set_rules(relayd->server, relayd->rules);
    lmdb_store_set_feed(relayd->store, rules_feed, relayd->rules);
    relayd->expiry = relay_expiry_new(relayd->base, store, relayd->settings->retention);
    return made(relayd->rules) && made(relayd->expiry);
}

/* ---- coming in ---- */

/* For people, and for programs that let the kernel choose a port. */
static void announce(const struct relayd *relayd, int fd)
{
    char where[ENDPOINT_TEXT_SIZE];
    endpoint_of_socket(fd, where);
    printf("listening on %s://%s/v1\n", relayd->settings->tls_cert ? "wss" : "ws", where);
    fflush(stdout);
}

static bool accept_at(struct relayd *relayd, int fd)
{
    struct acceptor *acceptor =
        acceptor_new(relayd->base, fd, "relay", relay_server_accept, relayd->server);
    if (!made(acceptor))
        return false;
    relayd->acceptors[relayd->acceptors_count++] = acceptor;
    announce(relayd, fd);
    return true;
}

static bool accept_at_activated(struct relayd *relayd, int count)
{
    for (int i = 0; i < count && i < ACCEPTORS_MAX; i++)
        if (!accept_at(relayd, ACTIVATION_FIRST + i))
            return false;
    return true;
}

/* Sockets that the service manager opened take the place of those in the settings. */
static bool open_doors(struct relayd *relayd)
{
    const struct endpoints *listen = &relayd->settings->listen;
    int activated = activation_take(), fd;
    char why[256];
    if (activated > 0)
        return accept_at_activated(relayd, activated);
    for (unsigned i = 0; i < listen->count; i++) {
        if ((fd = endpoint_listen(&listen->items[i], why, sizeof(why))) < 0) {
            log_error("relay", "%s", why);
            return false;
        }
        if (!accept_at(relayd, fd))
            return false;
    }
    return true;
}

static bool make_metrics(struct relayd *relayd)
{
    const struct metrics_sources sources = {.store = lmdb_store_interface(relayd->store),
                                            .rules = relayd->rules,
                                            .server = relayd->server};
    char why[256], where[ENDPOINT_TEXT_SIZE];
    if (relayd->settings->metrics.count == 0)
        return true;
    int fd = endpoint_listen(&relayd->settings->metrics.items[0], why, sizeof(why));
    if (fd < 0) {
        log_error("relay", "%s", why);
        return false;
    }
    endpoint_of_socket(fd, where);
    printf("metrics at http://%s/metrics\n", where);
    fflush(stdout);
    return made(relayd->metrics = metrics_new(relayd->base, fd, &sources));
}

static void warn_of_descriptors(const struct relayd *relayd)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < (rlim_t)relayd->settings->max_connections + DESCRIPTORS_OWN)
        log_warning("relay", "%u connections are allowed, but only %llu descriptors",
                    relayd->settings->max_connections, (unsigned long long)limit.rlim_cur);
}

/* ---- signals ---- */

/* What cannot change while it runs: sockets and the store. All or nothing of the rest. */
static bool apply(struct relayd *relayd, struct relay_settings *fresh, char *ret_why, size_t size)
{
    struct rules_settings sayings = limits_of_rules(fresh);
    struct relay_limits limits = limits_of_store(fresh);
    struct relay_server_settings settings = limits_of_server(fresh);
    const struct relay_store *store = lmdb_store_interface(relayd->store);
    SSL_CTX *tls;
    if (!make_tls(fresh, &tls, ret_why, size))
        return false;
    struct relay_expiry *expiry = relay_expiry_new(relayd->base, store, fresh->retention);
    if (!expiry || !rules_set(relayd->rules, &sayings)) {
        snprintf(ret_why, size, "out of memory");
        relay_expiry_free(expiry);
        SSL_CTX_free(tls);
        return false;
    }
    relay_expiry_free(relayd->expiry);
    relayd->expiry = expiry;
    lmdb_store_set_limits(relayd->store, &limits);
    relay_server_set(relayd->server, &settings);
    relay_server_set_tls(relayd->server, tls);
    log_set_level(fresh->log_level);
    return true;
}

static void reload(struct relayd *relayd)
{
    struct relay_settings fresh;
    char why[1024];
    notify_reloading();
    if (relay_settings_read(relayd->options, &fresh, why, sizeof(why)) &&
        apply(relayd, &fresh, why, sizeof(why))) {
        relay_settings_clear(relayd->settings);
        *relayd->settings = fresh;
        log_info("relay", "the settings were read anew");
    } else {
        relay_settings_clear(&fresh);
        log_error("relay", "the settings stay as they were: %s", why);
    }
    notify_ready();
}

static void on_ended(void *arg)
{
    struct relayd *relayd = arg;
    event_base_loopbreak(relayd->base);
}

static void close_doors(struct relayd *relayd)
{
    for (unsigned i = 0; i < relayd->acceptors_count; i++)
        acceptor_free(relayd->acceptors[i]);
    relayd->acceptors_count = 0;
}

/* The second signal means now. */
static void end(struct relayd *relayd)
{
    if (relayd->ending) {
        event_base_loopbreak(relayd->base);
        return;
    }
    relayd->ending = true;
    log_info("relay", "ending");
    notify_stopping();
    close_doors(relayd);
    relay_server_end(relayd->server, on_ended, relayd);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    struct relayd *relayd = arg;
    if (number != SIGHUP)
        end(relayd);
    else if (!relayd->ending)
        reload(relayd);
}

/* Interest in writing comes and goes with every answer; collected, most of it never reaches the
 * kernel. No descriptor of ours is ever a duplicate of another, which is what that asks for. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

static bool make_loop(struct relayd *relayd)
{
    if (!made(relayd->base = new_base()))
        return false;
    for (size_t i = 0; i < SIGNALS; i++) {
        relayd->signals[i] = evsignal_new(relayd->base, signals[i], on_signal, relayd);
        if (!made(relayd->signals[i]) || event_add(relayd->signals[i], NULL) < 0)
            return false;
    }
    relayd->watchdog = notify_watch(relayd->base);
    return true;
}

/* ---- the whole ---- */

/* libevent frees some connections in a last callback, which it would not call any more. */
static void free_loop(struct relayd *relayd)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (relayd->signals[i])
            event_free(relayd->signals[i]);
    if (relayd->watchdog)
        event_free(relayd->watchdog);
    if (!relayd->base)
        return;
    event_base_loop(relayd->base, EVLOOP_NONBLOCK);
    event_base_free(relayd->base);
}

static void free_parts(struct relayd *relayd)
{
    close_doors(relayd);
    metrics_free(relayd->metrics);
    relay_expiry_free(relayd->expiry);
    relay_server_free(relayd->server);
    lmdb_store_free(relayd->store);
    rules_free(relayd->rules);
    free_loop(relayd);
}

int relayd_run(const struct options *options, struct relay_settings *settings)
{
    struct relayd relayd = {.options = options, .settings = settings};
    log_set_level(settings->log_level);
    process_prepare();
    if (sodium_init() < 0) {
        log_error("relay", "libsodium finds no source of randomness");
        return EXIT_FAILURE;
    }
    bool up = make_loop(&relayd) && open_store(&relayd) && make_server(&relayd) &&
              make_metrics(&relayd) && open_doors(&relayd);
    if (up) {
        log_info("relay", "wormhole-relayd %s, mailboxes in %s", PACKAGE_VERSION, settings->store);
        warn_of_descriptors(&relayd);
        notify_ready();
        up = event_base_dispatch(relayd.base) >= 0;
    }
    free_parts(&relayd);
    log_info("relay", "ended");
    return up ? EXIT_SUCCESS : EXIT_FAILURE;
}

#include "config.h"

#include "relay/relayd.h"

#include <event2/event.h>
#include <libgen.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/private_file.h"
#include "net/tls.h"
#include "relay/relay_expiry.h"
#include "relay/store_open.h"
#include "relay/metrics.h"
#include "relay/rules.h"
#include "relay/relay_server.h"
#include "relay/usage.h"
#include "service/acceptor.h"
#include "service/activation.h"
#include "service/log.h"
#include "service/notify.h"
#include "service/paths.h"
#include "service/process.h"
#include "service/sandbox.h"

/* Sockets passed by the service manager are served too; any beyond this number are ignored. */
#define ACCEPTORS_MAX (2 * ADDRESS_MAX)
/* Descriptors that the relay needs besides one per client. */
#define DESCRIPTORS_OWN 64

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(*signals))

/* A full store refuses thousands of messages: the log reports it at most once in this time, ms. */
#define STORE_ERROR_EVERY INT64_C(60000)

struct relayd {
    const struct service_options *options;
    struct relay_settings *settings;
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct event *watchdog;
    const struct relay_store *store;
    struct relay_server *server;
    struct rules *rules;
    struct relay_expiry *expiry;
    struct metrics *metrics;
    struct usage *usage; /* or NULL */
    struct acceptor *acceptors[ACCEPTORS_MAX];
    unsigned acceptors_count;
    bool shutting_down;
    struct sandbox sandbox;
    int64_t
        store_error_next; /* clock_monotonic(): when the log may next report that the store fails */
};

/* ---- making the parts ---- */

static bool made(const void *part)
{
    if (part == NULL)
        log_error("relay", "out of memory");
    return part != NULL;
}

/* NULL, and true, if TLS is not configured. */
static bool make_tls(const struct relay_settings *settings, SSL_CTX **ret_tls, char *ret_why,
                     size_t size)
{
    *ret_tls = NULL;
    if (settings->tls_cert == NULL)
        return true;
    const char *key = settings->tls_key != NULL ? settings->tls_key : settings->tls_cert;
    if (!private_file_check(key, ret_why, size))
        return false;
    *ret_tls = tls_server_context_new(settings->tls_cert, settings->tls_key, ret_why, size);
    return *ret_tls != NULL;
}

bool relayd_check(const struct relay_settings *settings, char *ret_why, size_t size)
{
    const struct settings_table *table = relay_settings_options.table;
    char why[1024], place[512];
    SSL_CTX *tls = NULL;
    bool fine = true;
    if (settings->store != NULL && !paths_may_be_directory(settings->store, why, sizeof(why))) {
        settings_place(table, &settings->origin, "store", place, sizeof(place));
        fine = settings_mistake(ret_why, size, "%sstore: %s", place, why);
    }
    if (!make_tls(settings, &tls, why, sizeof(why))) {
        bool key = settings->tls_key != NULL && strstr(why, settings->tls_key) != NULL;
        settings_place(table, &settings->origin, key ? "tls-key" : "tls-cert", place,
                       sizeof(place));
        fine =
            settings_mistake(ret_why, size, "%s%s: %s", place, key ? "tls-key" : "tls-cert", why);
    }
    SSL_CTX_free(tls);
    return fine;
}

/* NULL, and true, if no record is kept. */
static bool open_usage(const struct relay_settings *settings, struct usage **ret_usage,
                       char *ret_why, size_t size)
{
    *ret_usage = NULL;
    if (settings->usage_log == NULL)
        return true;
    *ret_usage = usage_open(settings->usage_log, settings->blur_usage, ret_why, size);
    return *ret_usage != NULL;
}

/* Clients are sent an error each time. */
static void on_store_error(void *arg, const char *why)
{
    struct relayd *relayd = arg;
    int64_t now = clock_monotonic();
    if (why == NULL) {
        relayd->store_error_next = 0;
        log_info("store", "the store can be written again");
        return;
    }
    if (now < relayd->store_error_next)
        return;
    relayd->store_error_next = now + STORE_ERROR_EVERY;
    log_error("store", "messages of clients could not be stored: %s", why);
}

static void on_store_cleared(void *arg, uint64_t mailboxes)
{
    (void)arg;
    log_warning("store",
                "there was no room: %llu mailboxes to which nobody had come were deleted, of the "
                "addresses with most",
                (unsigned long long)mailboxes);
}

static void on_mailbox_ended(void *arg, const struct relay_life *life)
{
    const struct relayd *relayd = arg;
    if (relayd->usage != NULL)
        usage_note(relayd->usage, life);
}

static bool open_store(struct relayd *relayd)
{
    char why[512];
    const struct relay_watch watch = {relayd, on_store_error, on_store_cleared, on_mailbox_ended};
    const struct relay_store_options options = relay_settings_for_store(relayd->settings);
    if (!open_usage(relayd->settings, &relayd->usage, why, sizeof(why))) {
        log_error("relay", "%s", why);
        return false;
    }
    relayd->store = relay_store_open(relayd->base, &options, why, sizeof(why));
    if (relayd->store == NULL) {
        log_error("store", "%s", why);
        return false;
    }
    relayd->store->set_watch(relayd->store->self, &watch);
    return true;
}

static bool make_server(struct relayd *relayd)
{
    struct relay_connection_settings settings = relay_settings_for_connections(relayd->settings);
    struct rules_settings rules = relay_settings_for_rules(relayd->settings);
    const struct relay_store *store = relayd->store;
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
    relayd->rules = rules_new(store, &relay_connection_hooks, &rules);
    relay_server_set_rules(relayd->server, relayd->rules);
    relayd->expiry = relay_expiry_new(relayd->base, store, relayd->settings->retention, true);
    return made(relayd->rules) && made(relayd->expiry);
}

/* ---- listening ---- */

static bool listen_at(struct relayd *relayd, int fd)
{
    char where[ENDPOINT_TEXT_SIZE];
    struct acceptor *acceptor =
        acceptor_new(relayd->base, fd, "relay", relay_server_accept, relayd->server);
    if (!made(acceptor))
        return false;
    relayd->acceptors[relayd->acceptors_count++] = acceptor;
    /* For people, and for programs that let the kernel choose the port. */
    endpoint_of_socket(fd, where);
    printf("listening on %s://%s/v1\n", relayd->settings->tls_cert != NULL ? "wss" : "ws", where);
    fflush(stdout);
    return true;
}

/* Sockets that the service manager opened replace those of the settings. */
static bool open_listeners(struct relayd *relayd)
{
    const struct address_list *listen = &relayd->settings->listen;
    int activated = activation_take(), fd;
    char why[256];
    for (int i = 0; i < activated && i < ACCEPTORS_MAX; i++)
        if (!listen_at(relayd, ACTIVATION_FIRST + i))
            return false;
    if (activated > 0)
        return true;
    for (unsigned i = 0; i < listen->count; i++) {
        if ((fd = endpoint_listen(&listen->items[i], why, sizeof(why))) < 0) {
            log_error("relay", "%s", why);
            return false;
        }
        if (!listen_at(relayd, fd))
            return false;
    }
    return true;
}

static bool make_metrics(struct relayd *relayd)
{
    const struct metrics_sources sources = {.store = relayd->store,
                                            .rules = relayd->rules,
                                            .server = relayd->server,
                                            .sandbox = &relayd->sandbox};
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
        log_warning("relay", "max-connections is %u, but only %llu file descriptors are available",
                    relayd->settings->max_connections, (unsigned long long)limit.rlim_cur);
}

/* ---- giving up what is not needed ---- */

/* It is renamed, and made anew. */
static void admit_usage(struct landlock *rules, const char *path)
{
    char *copy = path != NULL ? strdup(path) : NULL;
    if (copy != NULL)
        landlock_add_store(rules, dirname(copy));
    free(copy);
}

static void confine(struct relayd *relayd)
{
    const struct relay_settings *settings = relayd->settings;
    if (!settings->sandbox)
        return;
    struct landlock rules = landlock_begin(false);
    landlock_add_store(&rules, settings->store);
    admit_usage(&rules, settings->usage_log);
    landlock_add_file(&rules, settings->config_file);
    landlock_add_file(&rules, settings->tls_cert);
    landlock_add_file(&rules, settings->tls_key);
    sandbox_enter(&rules, &relayd->sandbox);
}

/* A file that the sandbox hides would look as if it had the wrong permissions. */
static bool admits(const struct relayd *relayd, const struct relay_settings *fresh, char *ret_why,
                   size_t size)
{
    return sandbox_admits(&relayd->sandbox, fresh->tls_cert, ret_why, size) &&
           sandbox_admits(&relayd->sandbox, fresh->tls_key, ret_why, size);
}

/* ---- signals ---- */

/* The sockets and the store stay as they are. Of the other settings, all are applied or none. */
static bool apply(struct relayd *relayd, struct relay_settings *fresh, char *ret_why, size_t size)
{
    struct rules_settings rules = relay_settings_for_rules(fresh);
    const struct relay_limits limits = relay_settings_for_store(fresh).limits;
    struct relay_connection_settings settings = relay_settings_for_connections(fresh);
    const struct relay_store *store = relayd->store;
    struct usage *usage;
    SSL_CTX *tls;
    if (!make_tls(fresh, &tls, ret_why, size))
        return false;
    if (!open_usage(fresh, &usage, ret_why, size)) {
        SSL_CTX_free(tls);
        return false;
    }
    struct relay_expiry *expiry = relay_expiry_new(relayd->base, store, fresh->retention,
                                                   fresh->retention >= relayd->settings->retention);
    if (expiry == NULL || !rules_set(relayd->rules, &rules)) {
        snprintf(ret_why, size, "out of memory");
        relay_expiry_free(expiry);
        SSL_CTX_free(tls);
        usage_close(usage);
        return false;
    }
    usage_close(relayd->usage);
    relayd->usage = usage;
    relay_expiry_free(relayd->expiry);
    relayd->expiry = expiry;
    store->set_limits(store->self, &limits);
    relay_server_set(relayd->server, &settings);
    relay_server_set_tls(relayd->server, tls);
    log_set_level(fresh->log_level);
    return true;
}

static void reload(struct relayd *relayd)
{
    struct relay_settings fresh = {0};
    char why[SETTINGS_WHY_SIZE];
    notify_reloading();
    if (sandbox_admits(&relayd->sandbox, relayd->settings->config_file, why, sizeof(why)) &&
        relay_settings_read(relayd->options, &fresh, why, sizeof(why)) &&
        admits(relayd, &fresh, why, sizeof(why)) && apply(relayd, &fresh, why, sizeof(why))) {
        if (fresh.sandbox != relayd->settings->sandbox)
            log_warning("relay", "sandbox does not change before the next start");
        fresh.sandbox = relayd->settings->sandbox;
        relay_settings_clear(relayd->settings);
        *relayd->settings = fresh;
        log_info("relay", "settings reloaded");
    } else {
        relay_settings_clear(&fresh);
        options_log_refused("relay", why);
    }
    notify_ready();
}

static void on_shut_down(void *arg)
{
    struct relayd *relayd = arg;
    event_base_loopbreak(relayd->base);
}

static void close_listeners(struct relayd *relayd)
{
    for (unsigned i = 0; i < relayd->acceptors_count; i++)
        acceptor_free(relayd->acceptors[i]);
    relayd->acceptors_count = 0;
}

/* A second signal ends it at once. */
static void shut_down(struct relayd *relayd)
{
    if (relayd->shutting_down) {
        event_base_loopbreak(relayd->base);
        return;
    }
    relayd->shutting_down = true;
    log_info("relay", "shutting down");
    notify_stopping();
    close_listeners(relayd);
    relay_server_shut_down(relayd->server, on_shut_down, relayd);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    struct relayd *relayd = arg;
    if (number != SIGHUP)
        shut_down(relayd);
    else if (!relayd->shutting_down)
        reload(relayd);
}

/* Interest in writing comes and goes with every answer; with a changelist, most of these changes
 * never reach the kernel. A changelist requires that no descriptor is a duplicate of another, and
 * none of ours is. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
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

/* ---- running ---- */

static void free_parts(struct relayd *relayd)
{
    close_listeners(relayd);
    metrics_free(relayd->metrics);
    relay_expiry_free(relayd->expiry);
    relay_server_free(relayd->server);
    rules_free(relayd->rules);
    if (relayd->store != NULL)
        relayd->store->free(relayd->store->self);
    usage_close(relayd->usage);
    for (size_t i = 0; i < SIGNALS; i++)
        if (relayd->signals[i] != NULL)
            event_free(relayd->signals[i]);
    if (relayd->watchdog != NULL)
        event_free(relayd->watchdog);
    if (relayd->base == NULL)
        return;
    /* libevent frees some connections in a last callback: one more round of the loop lets it do
     * so. */
    event_base_loop(relayd->base, EVLOOP_NONBLOCK);
    event_base_free(relayd->base);
}

int relayd_run(const struct service_options *options, struct relay_settings *settings)
{
    struct relayd relayd = {.options = options, .settings = settings};
    log_set_level(settings->log_level);
    process_prepare();
    if (sodium_init() < 0) {
        log_error("relay", "libsodium cannot find a source of randomness");
        return EXIT_FAILURE;
    }
    bool up = make_loop(&relayd) && open_store(&relayd) && make_server(&relayd) &&
              make_metrics(&relayd) && open_listeners(&relayd);
    if (up) {
        log_info("relay", "wormhole-relayd %s, mailboxes in %s", PACKAGE_VERSION, settings->store);
        warn_of_descriptors(&relayd);
        confine(&relayd);
        notify_ready();
        up = event_base_dispatch(relayd.base) >= 0;
    }
    free_parts(&relayd);
    log_info("relay", "stopped");
    return up ? EXIT_SUCCESS : EXIT_FAILURE;
}

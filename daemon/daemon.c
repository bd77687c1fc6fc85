#include "config.h"

#include "base/worker.h"
#include "daemon/daemon.h"

#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/backups.h"
#include "daemon/listener.h"
#include "daemon/nameplates.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/relay_dialer.h"
#include "daemon/rpc.h"
#include "daemon/scheduler.h"
#include "daemon/ipc_server.h"
#include "daemon/leases.h"
#include "daemon/settings.h"
#include "daemon/socket_path.h"
#include "daemon/status_line.h"
#include "daemon/subscribers.h"
#include "daemon/turn.h"
#include "service/activation.h"
#include "service/log.h"
#include "service/notify.h"
#include "service/paths.h"
#include "service/process.h"
#include "service/sandbox.h"
#include "state/store.h"

/* Callbacks stay within this depth: a client's callback reads into 64 KiB, and needs some more for
 * what follows. */
#define STACK_WIPED ((size_t)128 * 1024)

/* How often a store that could not be written is tried, so that it is known when that is over. */
#define STORE_RETRY_SECONDS 5
/* Room for a session and a message of the usual size. */
#define STORE_RETRY_ROOM ((size_t)128 * 1024)

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(*signals))

struct daemon {
    const struct service_options *options;
    struct settings *settings;
    int failure;    /* exit status if startup fails */
    bool activated; /* the socket came from the service manager */
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct event *watchdog;
    struct event *store_retry; /* while the store cannot be written */
    struct kv *store;
    struct relay_dialer *routes;
    struct relays *relays;
    struct worker *hashcash_worker;
    struct turns *turns;
    struct scheduler *scheduler;
    struct nameplates *nameplates;
    struct subscribers *subscribers;
    struct leases *leases;
    struct backups *backups;
    struct status_line *status_line;
    struct sandbox sandbox;
    struct rpc rpc;
    struct ipc_server *server;
    struct listener *listener;
};

/* ---- after a turn ---- */

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    struct daemon *daemon = arg;
    leases_changed(daemon->leases, id);
    subscribers_changed(daemon->subscribers, change, id);
}

static bool is_watched(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    return subscribers_watch(((struct daemon *)arg)->subscribers, id);
}

static bool is_attended(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    return subscribers_attend(((struct daemon *)arg)->subscribers, id);
}

static void watch_store(struct daemon *daemon)
{
    static const struct timeval pause = {STORE_RETRY_SECONDS, 0};
    if (kv_health(daemon->store).text != NULL && !evtimer_pending(daemon->store_retry, NULL))
        evtimer_add(daemon->store_retry, &pause);
}

static void on_due_changed(void *arg)
{
    struct daemon *daemon = arg;
    scheduler_look(daemon->scheduler);
    status_line_look(daemon->status_line);
    watch_store(daemon);
}

/* What would be refused in a store that is full still is not tried: that would disturb the turns
 * that make room. */
static void on_store_retry(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *daemon = arg;
    (void)fd;
    (void)what;
    if (kv_try_room(daemon->store, STORE_RETRY_ROOM))
        turn_try_store(daemon->turns);
    watch_store(daemon);
}

/* ---- making the parts ---- */

static void on_signal(evutil_socket_t number, short what, void *arg);

static bool made(const void *part)
{
    if (part == NULL)
        log_error("daemon", "out of memory");
    return part;
}

static bool make_loop(struct daemon *daemon)
{
    if (!made(daemon->base = event_base_new()))
        return false;
    for (size_t i = 0; i < SIGNALS; i++) {
        daemon->signals[i] = evsignal_new(daemon->base, signals[i], on_signal, daemon);
        if (!made(daemon->signals[i]) || event_add(daemon->signals[i], NULL) < 0)
            return false;
    }
    daemon->watchdog = notify_watch(daemon->base);
    if (!made(daemon->store_retry = evtimer_new(daemon->base, on_store_retry, daemon)))
        return false;
    return true;
}

static bool open_store(struct daemon *daemon)
{
    char why[512];
    enum kv_status status = store_open(daemon->settings->state, daemon->settings->max_store_size,
                                       &daemon->store, why, sizeof(why));
    if (status == KV_OK)
        return true;
    if (status == KV_LOCKED)
        daemon->failure = DAEMON_EXIT_RUNNING;
    log_error("store", "%s", why);
    return false;
}

static bool make_routes(struct daemon *daemon)
{
    char why[512];
    daemon->routes = relay_dialer_new(daemon->base, daemon->settings, why, sizeof(why));
    if (daemon->routes == NULL)
        log_error("net", "%s", why);
    return daemon->routes;
}

/* However many connections are held, some stay free for sessions that look in and leave. */
static struct turn_settings turn_settings(const struct settings *settings)
{
    return (struct turn_settings){
        .keep = settings->keep,
        .max_held = settings->max_connections - settings->max_connections / 4,
    };
}

static struct relays_limits relays_limits(const struct settings *settings)
{
    return (struct relays_limits){.hashcash_per_hour = settings->hashcash_per_hour};
}

static bool make_turns(struct daemon *daemon)
{
    const struct turn_observer observer = {.changed = on_changed,
                                           .due_changed = on_due_changed,
                                           .watched = is_watched,
                                           .attended = is_attended,
                                           .arg = daemon};
    const struct turn_settings settings = turn_settings(daemon->settings);
    if (!made(daemon->subscribers = subscribers_new(daemon->base)) ||
        !made(daemon->leases = leases_new(daemon->store, daemon->subscribers)) ||
        !made(daemon->backups = backups_new(daemon->base, daemon->store)) ||
        !made(daemon->relays = relays_new()) ||
        !made(daemon->hashcash_worker = hashcash_worker_new(daemon->base)))
        return false;
    const struct relays_limits limits = relays_limits(daemon->settings);
    relays_limit(daemon->relays, &limits);
    const struct visits_parts parts = {.base = daemon->base,
                                       .routes = daemon->routes,
                                       .store = daemon->store,
                                       .relays = daemon->relays,
                                       .hashcash_worker = daemon->hashcash_worker};
    if (!made(daemon->turns = turns_new(&parts, &observer, &settings)))
        return false;
    daemon->scheduler = scheduler_new(daemon->base, daemon->store, daemon->turns, daemon->relays,
                                      daemon->settings->max_connections);
    daemon->status_line = status_line_new(daemon->base, daemon->store, daemon->turns);
    return made(daemon->scheduler) && made(daemon->status_line);
}

/* The service manager may have passed us a socket; `status` tells where that is. */
static struct listener *listen_for_clients(struct daemon *daemon, struct listener_why *ret_why)
{
    char path[PATH_MAX];
    daemon->activated = activation_take() > 0;
    if (!daemon->activated)
        return listener_new(daemon->base, daemon->settings->socket, ipc_server_accept,
                            daemon->server, ret_why);
    socket_path_of(ACTIVATION_FIRST, path, sizeof(path));
    struct listener *listener =
        listener_adopt(daemon->base, ACTIVATION_FIRST, ipc_server_accept, daemon->server, ret_why);
    if (listener != NULL)
        settings_set_socket(daemon->settings, path);
    return listener;
}

/* The log-in after a log-out finds no socket, and "wormctl --start-daemon" starts another daemon.
 */
static void hear_others(struct daemon *daemon)
{
    char lock[PATH_MAX];
    int length = snprintf(lock, sizeof(lock), "%s/" KV_LOCK_FILE, daemon->settings->state);
    if ((size_t)length < sizeof(lock))
        listener_hear(daemon->listener, lock);
}

static bool make_listener(struct daemon *daemon)
{
    struct listener_why why;
    daemon->listener = listen_for_clients(daemon, &why);
    if (daemon->listener != NULL)
        hear_others(daemon);
    if (daemon->listener != NULL)
        return true;
    if (why.taken)
        daemon->failure = DAEMON_EXIT_RUNNING;
    log_error("rpc", "%s", why.text);
    return false;
}

static bool make_nameplates(struct daemon *daemon)
{
    daemon->nameplates = nameplates_new(&(struct nameplates_parts){
        daemon->base, daemon->routes, daemon->relays, daemon->hashcash_worker});
    return made(daemon->nameplates);
}

static bool make_server(struct daemon *daemon)
{
    daemon->rpc = (struct rpc){
        .store = daemon->store,
        .turns = daemon->turns,
        .relays = daemon->relays,
        .subscribers = daemon->subscribers,
        .leases = daemon->leases,
        .nameplates = daemon->nameplates,
        .backups = daemon->backups,
        .settings = daemon->settings,
        .sandbox = &daemon->sandbox,
        .started = clock_now(),
    };
    return made(daemon->server = ipc_server_new(daemon->base, &daemon->rpc)) &&
           make_listener(daemon);
}

static bool make_parts(struct daemon *daemon)
{
    return make_loop(daemon) && open_store(daemon) && make_routes(daemon) && make_turns(daemon) &&
           make_nameplates(daemon) && make_server(daemon);
}

/* ---- giving up what is not needed ---- */

/* The file of settings may be made while the daemon runs: its directory has to be there now, or it
 * would have to be read from any directory. */
static void admit_config(const struct daemon *daemon, struct landlock *rules)
{
    char *config = options_file(&settings_options, daemon->options);
    if (config != NULL)
        paths_make_directory_of(config);
    landlock_add_file(rules, config);
    free(config);
}

static void confine(struct daemon *daemon)
{
    const struct settings *settings = daemon->settings;
    const char *cafile = NULL;
    if (!settings->sandbox)
        return;
    struct landlock rules = landlock_begin(true);
    landlock_add_store(&rules, settings->state);
    if (!daemon->activated)
        landlock_add_socket(&rules, settings->socket);
    admit_config(daemon, &rules);
    for (unsigned i = 0; settings_next_cafile(settings, i, &cafile); i++)
        landlock_add_file(&rules, cafile);
    sandbox_enter(&rules, &daemon->sandbox);
}

/* A file that the sandbox hides would look as if it had the wrong permissions. */
static bool admits_config(const struct daemon *daemon, char *ret_why, size_t size)
{
    char *config = options_file(&settings_options, daemon->options);
    bool admitted = sandbox_admits(&daemon->sandbox, config, ret_why, size);
    free(config);
    return admitted;
}

static bool admits(const struct daemon *daemon, const struct settings *fresh, char *ret_why,
                   size_t size)
{
    const char *cafile = NULL;
    for (unsigned i = 0; settings_next_cafile(fresh, i, &cafile); i++)
        if (!sandbox_admits(&daemon->sandbox, cafile, ret_why, size))
            return false;
    return true;
}

/* ---- signals ---- */

static void reload(struct daemon *daemon)
{
    struct settings fresh = {0};
    char why[SETTINGS_WHY_SIZE];
    notify_reloading();
    if (admits_config(daemon, why, sizeof(why)) &&
        settings_read(daemon->options, &fresh, why, sizeof(why)) &&
        admits(daemon, &fresh, why, sizeof(why)) &&
        relay_dialer_prepare(daemon->routes, &fresh, why, sizeof(why))) {
        settings_replace(daemon->settings, &fresh, daemon->activated);
        struct turn_settings settings = turn_settings(daemon->settings);
        turns_set(daemon->turns, &settings);
        struct relays_limits limits = relays_limits(daemon->settings);
        relays_limit(daemon->relays, &limits);
        scheduler_set_max(daemon->scheduler, daemon->settings->max_connections);
        log_set_level(daemon->settings->log_level);
        scheduler_hurry(daemon->scheduler);
        log_info("daemon", "settings reloaded");
    } else {
        settings_clear(&fresh);
        free(daemon->settings->refused);
        /* The first mistake; without memory, only the log has it. */
        daemon->settings->refused = strndup(why, strcspn(why, "\n"));
        options_log_refused("daemon", why);
    }
    listener_check(daemon->listener);
    notify_ready();
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    struct daemon *daemon = arg;
    if (number == SIGHUP) {
        reload(daemon);
        return;
    }
    log_info("daemon", "stopping: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    event_base_loopbreak(daemon->base);
}

/* ---- shutdown ---- */

/* libevent frees some connections in a final callback, which would otherwise never be called. */
static void free_loop(struct event_base *base)
{
    if (base == NULL)
        return;
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}

/* No new clients are let in; what was accepted is carried out and answered; then all connections
 * are closed. */
static void end(struct daemon *daemon)
{
    notify_stopping();
    listener_free(daemon->listener);
    if (daemon->turns != NULL)
        turn_flush(daemon->turns);
    ipc_server_free(daemon->server);
    nameplates_free(daemon->nameplates);
    scheduler_free(daemon->scheduler);
    status_line_free(daemon->status_line);
    turns_free(daemon->turns);
    worker_free(daemon->hashcash_worker);
    leases_free(daemon->leases);
    backups_free(daemon->backups);
    subscribers_free(daemon->subscribers);
    relays_free(daemon->relays);
    relay_dialer_free(daemon->routes);
    kv_close(daemon->store);
    for (size_t i = 0; i < SIGNALS; i++)
        if (daemon->signals[i] != NULL)
            event_free(daemon->signals[i]);
    if (daemon->watchdog != NULL)
        event_free(daemon->watchdog);
    if (daemon->store_retry != NULL)
        event_free(daemon->store_retry);
    free_loop(daemon->base);
}

/* Before the loop sleeps, the leftovers on the stack are wiped: libraries do not clean up after
 * themselves, and the dynamic linker saves whole registers there, with whatever was copied last. */
static bool run_loop(struct event_base *base)
{
    int status = 0;
    while (status == 0 && !event_base_got_break(base)) {
        status = event_base_loop(base, EVLOOP_ONCE);
        sodium_stackzero(STACK_WIPED);
    }
    return status >= 0;
}

int daemon_run(const struct service_options *options, struct settings *settings,
               void (*ready)(void))
{
    struct daemon daemon = {.options = options, .settings = settings, .failure = EXIT_FAILURE};
    log_set_level(settings->log_level);
    process_prepare();
    if (sodium_init() < 0) {
        log_error("daemon", "libsodium has no source of randomness");
        return EXIT_FAILURE;
    }
    bool up = make_parts(&daemon);
    if (up) {
        log_info("daemon", "wormholed %s, sessions in %s, listening on %s", PACKAGE_VERSION,
                 settings->state, settings->socket);
        ready();
        confine(&daemon);
        notify_ready();
        up = run_loop(daemon.base);
    }
    end(&daemon);
    log_info("daemon", "stopped");
    return up ? EXIT_SUCCESS : daemon.failure;
}

#include "config.h"

#include "daemon/daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/listener.h"
#include "daemon/nameplates.h"
#include "daemon/permission.h"
#include "daemon/relays.h"
#include "daemon/rpc.h"
#include "daemon/scheduler.h"
#include "daemon/server.h"
#include "daemon/settings.h"
#include "daemon/subscribers.h"
#include "daemon/turn.h"
#include "daemon/visits.h"
#include "net/ws.h"
#include "service/clock.h"
#include "service/log.h"
#include "service/notify.h"
#include "service/process.h"
#include "state/store.h"

static const int ending_signals[] = {SIGTERM, SIGINT};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof *ending_signals)

struct daemon {
    const struct settings *settings;
    struct event_base *base;
    struct event *signals[ENDING_SIGNALS];
    struct store *store;
    struct ws_net *net;
    struct relays *relays;
    struct permissions *permissions;
    struct visits *visits;
    struct turns *turns;
    struct scheduler *scheduler;
    struct nameplates *nameplates;
    struct subscribers *subscribers;
    struct rpc rpc;
    struct server *server;
    struct listener *listener;
};

/* ---- the turns' hooks: where the parts meet ---- */

static void on_effect(void *arg, const struct session *session, const struct session_effect *effect)
{
    struct daemon *daemon = arg;
    visits_effect(daemon->visits, session, effect);
}

static void on_abandon(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    struct daemon *daemon = arg;
    visits_abandon(daemon->visits, id);
}

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    struct daemon *daemon = arg;
    subscribers_changed(daemon->subscribers, change, id);
}

static void on_over(void *arg)
{
    struct daemon *daemon = arg;
    scheduler_look(daemon->scheduler);
}

/* ---- making the parts ---- */

static bool made(const void *part)
{
    if (!part)
        log_error("daemon", "out of memory");
    return part;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    struct daemon *daemon = arg;
    log_info("daemon", "ending: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    event_base_loopbreak(daemon->base);
}

static bool make_loop(struct daemon *daemon)
{
    if (!made(daemon->base = event_base_new()))
        return false;
    for (size_t i = 0; i < ENDING_SIGNALS; i++) {
        daemon->signals[i] = evsignal_new(daemon->base, ending_signals[i], on_signal, daemon);
        if (!made(daemon->signals[i]) || event_add(daemon->signals[i], NULL) < 0)
            return false;
    }
    return true;
}

static bool open_store(struct daemon *daemon)
{
    char why[512];
    if (store_open(daemon->settings->state, daemon->settings->max_store_size, &daemon->store, why,
                   sizeof why) == STORE_OK)
        return true;
    log_error("store", "%s", why);
    return false;
}

static bool make_net(struct daemon *daemon)
{
    char why[512];
    daemon->net = ws_net_new(daemon->base, daemon->settings->cafile, why, sizeof why);
    if (!daemon->net)
        log_error("net", "%s", why);
    return daemon->net;
}

/* Some connections stay free for sessions that look in and leave, however many are held. */
static unsigned held_max(unsigned max_connections)
{
    return max_connections - max_connections / 4;
}

static bool make_visits(struct daemon *daemon)
{
    if (!made(daemon->relays = relays_new()) ||
        !made(daemon->permissions = permissions_new(daemon->base)))
        return false;
    const struct visits_parts parts = {.net = daemon->net,
                                       .store = daemon->store,
                                       .relays = daemon->relays,
                                       .permissions = daemon->permissions};
    return made(daemon->visits = visits_new(&parts));
}

static bool make_turns(struct daemon *daemon)
{
    const struct turn_hooks hooks = {on_effect, on_abandon, on_changed, on_over, daemon};
    const struct turn_settings settings = {.keep = daemon->settings->keep,
                                           .max_held = held_max(daemon->settings->max_connections)};
    if (!made(daemon->subscribers = subscribers_new(daemon->base)) || !make_visits(daemon) ||
        !made(daemon->turns =
                  turns_new(daemon->base, daemon->store, daemon->relays, &hooks, &settings)))
        return false;
    visits_set_turns(daemon->visits, daemon->turns);
    daemon->scheduler = scheduler_new(daemon->base, daemon->store, daemon->turns, daemon->relays,
                                      daemon->settings->max_connections);
    return made(daemon->scheduler);
}

static bool make_nameplates(struct daemon *daemon)
{
    daemon->nameplates = nameplates_new(&(struct nameplates_parts){
        daemon->base, daemon->net, daemon->relays, daemon->permissions});
    return made(daemon->nameplates);
}

static bool make_server(struct daemon *daemon)
{
    daemon->rpc = (struct rpc){
        .store = daemon->store,
        .turns = daemon->turns,
        .relays = daemon->relays,
        .subscribers = daemon->subscribers,
        .nameplates = daemon->nameplates,
        .settings = daemon->settings,
        .started = clock_now(),
    };
    if (!made(daemon->server = server_new(daemon->base, &daemon->rpc)))
        return false;
    char why[512];
    daemon->listener = listener_new(daemon->base, daemon->settings->socket, server_accept,
                                    daemon->server, why, sizeof why);
    if (!daemon->listener)
        log_error("rpc", "%s", why);
    return daemon->listener;
}

static bool make_parts(struct daemon *daemon)
{
    return make_loop(daemon) && open_store(daemon) && make_net(daemon) && make_turns(daemon) &&
           make_nameplates(daemon) && make_server(daemon);
}

/* ---- the end ---- */

/* libevent frees some connections in a last callback, which it would not call any more. */
static void free_loop(struct event_base *base)
{
    if (!base)
        return;
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}

/* Nobody new comes in; what was accepted is done, and answered; then all connections go. */
static void end(struct daemon *daemon)
{
    notify_stopping();
    listener_free(daemon->listener);
    if (daemon->turns)
        turn_flush(daemon->turns);
    server_free(daemon->server);
    nameplates_free(daemon->nameplates);
    visits_free(daemon->visits);
    permissions_free(daemon->permissions);
    scheduler_free(daemon->scheduler);
    turns_free(daemon->turns);
    subscribers_free(daemon->subscribers);
    relays_free(daemon->relays);
    ws_net_free(daemon->net);
    store_close(daemon->store);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        if (daemon->signals[i])
            event_free(daemon->signals[i]);
    free_loop(daemon->base);
}

int daemon_run(const struct settings *settings, void (*ready)(void))
{
    struct daemon daemon = {.settings = settings};
    log_set_level(settings->log_level);
    process_prepare();
    if (sodium_init() < 0) {
        log_error("daemon", "libsodium finds no source of randomness");
        return EXIT_FAILURE;
    }
    bool up = make_parts(&daemon);
    if (up) {
        log_info("daemon", "wormholed %s, sessions in %s, listening on %s", PACKAGE_VERSION,
                 settings->state, settings->socket);
        ready();
        notify_ready();
        up = event_base_dispatch(daemon.base) >= 0;
    }
    end(&daemon);
    log_info("daemon", "ended");
    return up ? EXIT_SUCCESS : EXIT_FAILURE;
}

#include "config.h"

#include "relay/relay_connection.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/shared_text.h"
#include "base/timer.h"
#include "relay/relay_yield.h"
#include "service/log.h"

/* As RELAY_BACKLOG_PAUSE, for a shared connection, on which whatever waits delays all sessions. */
#define SHARED_BACKLOG_PAUSE ((size_t)64 << 10)
/* A client that listens to no mailbox and sends nothing for this long is of no use to anybody: it
 * is longer than it takes to type a code. */
#define IDLE_MS (30 * 60000)
/* Random bytes that distinguish a connection from all others in a hashcash stamp. */
#define RESOURCE_BYTES 8
/* Connections that are being told that they are not served, at a time; any more are just closed. */
#define REFUSED_MAX 64
/* Between two touches of a mailbox that was never used: see RELAY_UNUSED_LIFE. */
#define UNUSED_TOUCH_MS (4 * 60000)

static const char *name_of(const struct relay_connection *connection)
{
    return connection->name != NULL ? connection->name : "a client";
}

static void log_connected(struct relay_connection *connection, const union address *endpoint)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (!connection->all->settings.log_addresses)
        return;
    endpoint_text(endpoint, text);
    free(connection->name); /* behind a proxy, the proxy's */
    connection->name = strdup(text);
    log_debug("relay", "%s connected", name_of(connection));
}

/* ---- reading ---- */

static bool has_backlog(const struct relay_connection *connection)
{
    bool shared = connection->client != NULL && rules_channels(connection->client) > 0;
    return ws_backlog(connection->ws) > (shared ? SHARED_BACKLOG_PAUSE : RELAY_BACKLOG_PAUSE);
}

void relay_connection_update_reading(struct relay_connection *connection)
{
    if (connection->ws == NULL)
        return;
    bool busy = connection->client != NULL && rules_busy(connection->client);
    ws_pause(connection->ws, busy || connection->wait != NULL || connection->all->shutting_down ||
                                 has_backlog(connection) || relay_intake_holds_back(connection));
}

static void admit(struct relay_connection *connection)
{
    struct rules *rules = connection->all->rules;
    char resource[RESOURCE_BYTES * 2 + 1] = "";
    uint8_t bytes[RESOURCE_BYTES];
    if (rules_asks_permission(rules)) {
        randombytes_buf(bytes, sizeof(bytes));
        sodium_bin2hex(resource, sizeof(resource), bytes, sizeof(bytes));
    }
    connection->client = rules_enter(rules, connection, resource, clock_now());
    if (connection->client == NULL && connection->ws != NULL)
        relay_connection_drop(connection, RELAY_DROP_FULL);
}

static void on_waited(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_connection *connection = arg;
    event_free(connection->wait);
    connection->wait = NULL;
    connection->overworked = false;
    if (connection->client == NULL && !connection->all->shutting_down)
        admit(connection);
    else if (connection->client != NULL)
        rules_drained(connection->client, clock_now());
    relay_connection_update_reading(connection);
}

/* Reads nothing for as long as the rate limit requires. If there is no memory for the timer, the
 * client need not wait. */
static void slow_down(struct relay_connection *connection)
{
    struct relay_connections *all = connection->all;
    int64_t ms = rate_limit_wait(all->limiter, &connection->address, clock_monotonic());
    struct timeval wait = timer_interval(ms);
    if (connection->wait != NULL || ms <= 0)
        return;
    connection->wait = evtimer_new(all->base, on_waited, connection);
    if (connection->wait == NULL)
        return;
    event_add(connection->wait, &wait);
    all->counts.waits++;
    relay_connection_update_reading(connection);
}

/* Bytes of messages, in or out: an address that makes much work waits. */
static void note_work(struct relay_connection *connection, size_t length)
{
    if (!connection->limited || connection->ws == NULL)
        return;
    rate_limit_take(connection->all->limiter, &connection->address, RATE_LIMIT_WORK,
                    RATE_LIMIT_MESSAGE + length, clock_monotonic());
    slow_down(connection);
    connection->overworked = connection->wait != NULL;
}

/* Counts the connection against its address. False: the address already has as many as it may. */
static bool enter_address(struct relay_connection *connection, const union address *endpoint,
                          bool loopback)
{
    struct relay_connections *all = connection->all;
    connection->limited = rate_limit_address(&endpoint->any, loopback, &connection->address);
    if (connection->limited && !rate_limit_enter(all->limiter, &connection->address,
                                                 RATE_LIMIT_CONNECTION, clock_monotonic())) {
        connection->limited = false;
        return false;
    }
    return true;
}

/* ---- from the WebSocket ---- */

/* A stock client shows the sentence to its user and stops. */
static void send_refusal(struct relay_connection *connection)
{
    char text[256];
    int length =
        snprintf(text, sizeof(text), "{\"type\": \"welcome\", \"welcome\": {\"error\": \"%s\"}}",
                 connection->refusal);
    ws_send(connection->ws, text, (size_t)length);
    ws_close(connection->ws);
}

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    struct relay_connection *connection = arg;
    if (connection->refusal != NULL) {
        send_refusal(connection);
        return;
    }
    if (connection->limited)
        slow_down(connection);
    if (connection->wait == NULL)
        admit(connection);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    (void)ws;
    struct relay_connection *connection = arg;
    connection->heard = clock_monotonic();
    if (connection->client != NULL)
        rules_receive(connection->client, (const char *)data, length, clock_now());
    note_work(connection, length);
    relay_intake_press(connection->all);
    if (connection->all->intakes.pressed)
        relay_connection_update_reading(connection);
}

static void on_arriving(struct ws *ws, void *arg)
{
    (void)ws;
    relay_intake_note(arg);
}

static void on_drained(struct ws *ws, void *arg)
{
    (void)ws;
    struct relay_connection *connection = arg;
    if (connection->client != NULL)
        rules_drained(connection->client, clock_now());
    relay_connection_update_reading(connection);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    (void)ws;
    struct relay_connection *connection = arg;
    log_debug("relay", "%s disconnected: %s", name_of(connection), why);
    if (connection->client == NULL && connection->refusal == NULL && connection->wait == NULL)
        connection->all->counts.drops[RELAY_DROP_HANDSHAKE]++;
    connection->ws = NULL;
    relay_connection_free(connection);
}

static bool is_in(const char *words, const char *word)
{
    size_t length = strlen(word);
    while (words != NULL && *words != 0) {
        words += strspn(words, " ");
        size_t next = strcspn(words, " ");
        if (next == length && strncmp(words, word, length) == 0)
            return true;
        words += next;
    }
    return false;
}

/* From now on it counts as a client of this address. */
static const char *move_to(struct relay_connection *connection, const union address *endpoint,
                           bool loopback)
{
    struct relay_connections *all = connection->all;
    if (connection->limited)
        rate_limit_leave(all->limiter, &connection->address, RATE_LIMIT_CONNECTION,
                         clock_monotonic());
    connection->limited = false;
    connection->endpoint = *endpoint;
    if (enter_address(connection, endpoint, loopback))
        return NULL;
    all->counts.drops[RELAY_DROP_ADDRESS]++;
    return "has too many connections already";
}

/* A page that somebody on this machine looks at is no program of theirs: it may connect only if the
 * operator says so, and is not exempt from the limits as they are. */
static const char *find_objection(struct relay_connection *connection,
                                  const struct ws_request *request)
{
    const struct relay_connection_settings *settings = &connection->all->settings;
    struct rate_limit_address ignored;
    union address real;
    char where[INET6_ADDRSTRLEN + 2];
    endpoint_host(&connection->endpoint, where);
    if (request->real_ip[0] != 0 && is_in(settings->proxies, where) &&
        endpoint_of_host(request->real_ip, request->real_port, &real)) {
        const char *why = move_to(connection, &real, settings->limit_loopback);
        log_connected(connection, &real);
        if (why != NULL)
            return why;
    }
    if (request->origin[0] == 0 ||
        rate_limit_address(&connection->endpoint.any, false, &ignored)) /* elsewhere */
        return NULL;
    if (!is_in(settings->origins, "*") && !is_in(settings->origins, request->origin)) {
        connection->all->counts.drops[RELAY_DROP_ORIGIN]++;
        return "is a web page, which may not connect from this machine (see allow-origin)";
    }
    return connection->limited ? NULL : move_to(connection, &connection->endpoint, true);
}

static const char *on_asked(struct ws *ws, const struct ws_request *request, void *arg)
{
    struct relay_connection *connection = arg;
    (void)ws;
    if (connection->refusal != NULL)
        return NULL;
    connection->refusal = find_objection(connection, request);
    if (connection->refusal != NULL) {
        connection->all->refused++;
        relay_yield_list(connection, NULL);
    }
    return connection->refusal;
}

static const struct ws_handlers handlers = {
    .asked = on_asked,
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .arriving = on_arriving,
    .closed = on_closed,
};

/* ---- from the rules ---- */

static void note_backlog(struct relay_connection *connection, size_t length)
{
    struct relay_connections *all = connection->all;
    size_t backlog = ws_backlog(connection->ws);
    if (backlog > RELAY_BACKLOG_PAUSE && backlog - length <= RELAY_BACKLOG_PAUSE)
        relay_yield_begin(connection);
    if (length > RATE_LIMIT_MESSAGE) /* answers are paid for with their commands */
        note_work(connection, length);
    relay_connection_update_reading(connection);
    if (ws_backlog(connection->ws) > all->settings.backlog_max)
        relay_connection_drop(connection, RELAY_DROP_SLOW);
    else if (ws_net_backlog(all->net) > RELAY_BACKLOG_ALL_MAX)
        relay_yield_output(all);
}

static void on_send(void *arg, const char *text, size_t length)
{
    struct relay_connection *connection = arg;
    if (connection->ws != NULL && ws_send(connection->ws, text, length))
        note_backlog(connection, length);
}

static void on_send_shared(void *arg, struct shared_text *text)
{
    struct relay_connection *connection = arg;
    if (connection->ws != NULL && ws_send_shared(connection->ws, text))
        note_backlog(connection, text->length);
}

/* From now on, its messages may be as long as any. */
static void on_bound(void *arg)
{
    struct relay_connection *connection = arg;
    if (connection->ws == NULL || connection->idle_list != &connection->all->unbound)
        return;
    relay_yield_list(connection, &connection->all->unused);
    ws_limit(connection->ws, connection->all->settings.message_max + RELAY_MESSAGE_MARGIN);
}

static void on_drop(void *arg, const char *why)
{
    struct relay_connection *connection = arg;
    log_debug("relay", "%s dropped: %s", name_of(connection), why);
    if (connection->ws != NULL)
        ws_close(connection->ws);
}

static bool on_backlogged(void *arg)
{
    const struct relay_connection *connection = arg;
    return connection->ws == NULL || connection->overworked || has_backlog(connection);
}

static void on_busy_changed(void *arg)
{
    relay_connection_update_reading(arg);
}

static const char *on_limit(void *arg, enum rules_rate rate, size_t bytes)
{
    static const char *const errors[RULES_RATES] = {
        [RULES_RATE_ALLOCATE] = "too many nameplates allocated from this address; try again later",
        [RULES_RATE_CLAIM] = "too many nameplates claimed from this address; try again later",
        [RULES_RATE_OPEN] = "too many mailboxes opened from this address; try again later",
        [RULES_RATE_ADD] = "too many messages from this address; try again later",
        [RULES_RATE_LIST] = "too many lists for this address; try again later",
    };
    struct relay_connection *connection = arg;
    if (!connection->limited)
        return NULL;
    struct rate_limiter *limiter = connection->all->limiter;
    int64_t now = clock_monotonic();
    if (!rate_limit_take(limiter, &connection->address, rate, 1, now))
        return errors[rate];
    if (rate != RULES_RATE_LIST &&
        !rate_limit_take(limiter, &connection->address, RATE_LIMIT_STORED, RATE_LIMIT_ROWS + bytes,
                         now)) {
        connection->all->counts.stored_refused++;
        return "this address has stored too many bytes; try again in an hour";
    }
    slow_down(connection);
    return NULL;
}

/* What is taken of max-connections; those that are being refused do not count. */
static uint64_t places_taken(const struct relay_connections *all)
{
    return (all->counts.connections - all->refused) * RATE_LIMIT_CONNECTION +
           all->counts.channels * RATE_LIMIT_CHANNEL;
}

static bool on_channel(void *arg, bool begins)
{
    struct relay_connection *connection = arg;
    struct relay_connections *all = connection->all;
    int64_t now = clock_monotonic();
    if (!begins) {
        all->counts.channels--;
        if (connection->limited)
            rate_limit_leave(all->limiter, &connection->address, RATE_LIMIT_CHANNEL, now);
        return true;
    }
    if (places_taken(all) + RATE_LIMIT_CHANNEL >
        (uint64_t)all->settings.connections_max * RATE_LIMIT_CONNECTION) {
        all->counts.drops[RELAY_DROP_FULL]++;
        return false;
    }
    if (connection->limited &&
        !rate_limit_enter(all->limiter, &connection->address, RATE_LIMIT_CHANNEL, now)) {
        all->counts.drops[RELAY_DROP_ADDRESS]++;
        return false;
    }
    all->counts.channels++;
    on_bound(connection);
    return true;
}

/* An address has one, however many connections it makes; whoever is not limited, one for each. */
static uint64_t on_turn(void *arg)
{
    const struct relay_connection *connection = arg;
    return connection->limited ? rate_limit_turn(&connection->address)
                               : (uint64_t)(uintptr_t)connection;
}

static uint64_t on_owner(void *arg)
{
    const struct relay_connection *connection = arg;
    return connection->limited ? rate_limit_owner(&connection->address, connection->all->owner_key)
                               : 0;
}

/* Behind a proxy, the port is known only if that tells it. */
static const char *on_address(void *arg, unsigned *ret_port)
{
    static char text[INET6_ADDRSTRLEN];
    const struct relay_connection *connection = arg;
    *ret_port = endpoint_port(&connection->endpoint);
    endpoint_host(&connection->endpoint, text);
    return text[0] != 0 && *ret_port != 0 ? text : NULL;
}

const struct rules_hooks relay_connection_hooks = {
    .send = on_send,
    .drop = on_drop,
    .busy_changed = on_busy_changed,
    .limit = on_limit,
    .backlogged = on_backlogged,
    .channel = on_channel,
    .send_shared = on_send_shared,
    .bound = on_bound,
    .turn = on_turn,
    .owner = on_owner,
    .address = on_address,
};

/* ---- looking after it ---- */

int64_t relay_connection_silence_max(const struct relay_connection_settings *settings)
{
    return settings->client_timeout * 2 / 3;
}

bool relay_connection_is_due(int64_t last, int64_t every, int64_t now)
{
    return now - last >= every || now < last;
}

/* What was never used lives for eleven minutes. */
static int64_t touch_every(const struct relay_connection *connection)
{
    int64_t every = connection->all->settings.touch_every;
    return every > UNUSED_TOUCH_MS && rules_listens_to_unused(connection->client) ? UNUSED_TOUCH_MS
                                                                                  : every;
}

void relay_connection_tend(struct relay_connection *connection, int64_t now)
{
    int64_t mono = clock_monotonic();
    connection->tended = now;
    if (relay_yield_is_stalled(connection, relay_connection_silence_max(&connection->all->settings),
                               mono)) {
        relay_connection_drop(connection, RELAY_DROP_SLOW);
    } else if (!relay_intake_gets_on(connection, mono)) {
        relay_connection_drop(connection, RELAY_DROP_INPUT);
    } else if (connection->idle_list == &connection->all->unbound &&
               mono - connection->began > RELAY_UNBOUND_MS) {
        relay_connection_drop(connection, RELAY_DROP_UNBOUND);
    } else if (connection->client != NULL && !rules_listening(connection->client)) {
        if (mono - connection->heard > IDLE_MS)
            relay_connection_drop(connection, RELAY_DROP_IDLE);
    } else if (connection->client != NULL &&
               relay_connection_is_due(connection->touched, touch_every(connection), now)) {
        connection->touched = now;
        rules_touch(connection->client, now);
    }
}

/* ---- its life ---- */

/* Decides whether it is served; if not, why. */
static void judge(struct relay_connection *connection, const union address *endpoint)
{
    struct relay_connections *all = connection->all;
    uint64_t places = (uint64_t)all->settings.connections_max * RATE_LIMIT_CONNECTION;
    if (places_taken(all) > places && !relay_yield_place(all)) {
        all->counts.drops[RELAY_DROP_FULL]++;
        connection->refusal = "the relay is at its limit of connections; try again later";
    } else if (!enter_address(connection, endpoint, all->settings.limit_loopback)) {
        all->counts.drops[RELAY_DROP_ADDRESS]++;
        connection->refusal = "too many connections from this address; try again later";
    }
    if (connection->refusal != NULL)
        all->refused++;
    else
        relay_yield_list(connection, &all->unbound);
}

/* A handshake costs more than anything else that can be done in a few bytes, and comes before
 * anything can be said, even a refusal. Of a proxy that is believed, all its clients make them. */
static bool may_shake_hands(const struct relay_connection *connection)
{
    const struct relay_connections *all = connection->all;
    struct rate_limit_address address;
    char where[INET6_ADDRSTRLEN + 2];
    endpoint_host(&connection->endpoint, where);
    return all->tls == NULL ||
           !rate_limit_address(&connection->endpoint.any, all->settings.limit_loopback, &address) ||
           is_in(all->settings.proxies, where) ||
           rate_limit_take(all->limiter, &address, RATE_LIMIT_HANDSHAKES, 1, clock_monotonic());
}

/* Without a word. */
static void turn_away(struct relay_connection *connection, int fd)
{
    close(fd);
    relay_connection_free(connection);
}

void relay_connection_accept(struct relay_connections *all, int fd, const union address *endpoint)
{
    struct relay_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->all = all;
    connection->endpoint = *endpoint;
    connection->began = connection->heard = connection->progressed = clock_monotonic();
    connection->tended = connection->touched = clock_now();
    connection->list = &all->open;
    DL_APPEND(all->open, connection);
    all->counts.connections++;
    log_connected(connection, endpoint);
    if (!may_shake_hands(connection)) {
        all->counts.drops[RELAY_DROP_TLS_RATE]++;
        log_debug("relay", "%s refused: too many TLS handshakes", name_of(connection));
        turn_away(connection, fd);
        return;
    }
    judge(connection, endpoint);
    if (connection->refusal != NULL && all->refused > REFUSED_MAX) {
        turn_away(connection, fd);
        return;
    }
    connection->ws =
        all->tls != NULL
            ? ws_accept_tls(all->net, fd, all->tls, &all->options, &handlers, connection)
            : ws_accept(all->net, fd, &all->options, &handlers, connection);
    if (connection->ws == NULL)
        relay_connection_free(connection);
}

void relay_connection_free(struct relay_connection *connection)
{
    struct relay_connections *all = connection->all;
    ws_free(connection->ws);
    connection->ws = NULL;
    relay_intake_leave(connection);
    relay_yield_list(connection, NULL);
    DL_DELETE(*connection->list, connection);
    rules_leave(connection->client);
    if (connection->limited)
        rate_limit_leave(all->limiter, &connection->address, RATE_LIMIT_CONNECTION,
                         clock_monotonic());
    if (connection->wait != NULL)
        event_free(connection->wait);
    if (connection->refusal != NULL)
        all->refused--;
    all->counts.connections--;
    free(connection->name);
    free(connection);
}

void relay_connection_drop(struct relay_connection *connection, enum relay_drop_cause cause)
{
    static const char *const reasons[RELAY_DROP_CAUSES] = {
        [RELAY_DROP_FULL] = "out of memory",
        [RELAY_DROP_SLOW] = "does not read what it is sent",
        [RELAY_DROP_IDLE] = "idle for too long",
        [RELAY_DROP_SHUTDOWN] = "the relay is shutting down",
        [RELAY_DROP_INPUT] = "what it sends does not get on",
        [RELAY_DROP_UNBOUND] = "has not bound, or makes way for others",
    };
    struct relay_connections *all = connection->all;
    all->counts.drops[cause]++;
    log_debug("relay", "%s dropped: %s", name_of(connection), reasons[cause]);
    ws_free(connection->ws);
    connection->ws = NULL;
    relay_intake_leave(connection);
    relay_yield_list(connection, NULL);
    DL_DELETE(*connection->list, connection);
    connection->list = &all->dropped;
    DL_APPEND(all->dropped, connection);
    event_active(all->reaper, EV_TIMEOUT, 1);
}

#include "config.h"

#include "tests/simulation/cable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/relay_dialer.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/rendezvous.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"

/* What a relay that is busy makes a client wait before it listens again. */
#define AGAIN 5
/* How long a lost connection may go unnoticed. */
#define NOTICE_MAX (2 * TIMELINE_MINUTE)

/* Whose a channel of a shared connection is, or the connection itself (0). */
struct cable_side {
    long channel;
    char side[32];
    bool left;
    struct cable_side *next;
};

struct ws {
    struct ws_net *net;
    const struct ws_handlers *handlers;
    void *arg;
    void *connection; /* at the relay, or NULL */
    struct cable_side *sides;
    int64_t heard;    /* when the last text from the relay arrived */
    int64_t up, down; /* when the last text of each direction arrives */
    bool opened;
    bool closing;       /* the client wants no more */
    bool gone;          /* … and knows nothing of it any more: freed, or told that it closed */
    bool cut;           /* nothing arrives any more */
    size_t message_max; /* 0: none; … */
    bool too_long;      /* … a longer one came */
    const char *why;
    struct ws *next;
};

/* Something that arrives, in either direction. */
struct packet {
    struct packet *next, **place; /* among all that are under way */
    struct ws *ws;
    size_t length;
    char text[];
};

static struct cable_weather weather;
static struct ws *cables; /* freed with the world: packets may still name them */
static struct packet *packets;
static bool late; /* somebody was heard who had gone, or was about to */

void cable_set_weather(const struct cable_weather *new_weather)
{
    weather = *new_weather;
}

/* ---- time ---- */

static int64_t delay(void)
{
    return chance_spread(1, weather.delay_max);
}

/* When what leaves now arrives: not before what left before it. */
static int64_t arrival(int64_t *last)
{
    int64_t when = timeline_now() + delay();
    if (when < *last)
        when = *last;
    *last = when;
    return when - timeline_now();
}

static void send_packet(struct ws *ws, int64_t *last, void (*arrive)(void *), const char *text,
                        size_t length)
{
    struct packet *packet = malloc(sizeof(*packet) + length + 1);
    packet->next = packets;
    packet->place = &packets;
    if (packets != NULL)
        packets->place = &packet->next;
    packets = packet;
    packet->ws = ws;
    packet->length = length;
    memcpy(packet->text, text, length);
    packet->text[length] = '\0';
    timeline_after(arrival(last), arrive, packet);
}

static void free_packet(struct packet *packet)
{
    *packet->place = packet->next;
    if (packet->next != NULL)
        packet->next->place = packet->place;
    free(packet);
}

/* ---- ends ---- */

static void relay_notices(void *arg)
{
    struct ws *ws = arg;
    void *connection = ws->connection;
    ws->connection = NULL;
    if (connection != NULL)
        rendezvous_leave(ws->net->relay, connection);
}

static void client_notices(void *arg)
{
    struct ws *ws = arg;
    if (ws->gone || ws->net->dead)
        return;
    ws->gone = true;
    ws->handlers->closed(ws, ws->why, ws->arg);
}

static void cut(struct ws *ws)
{
    if (ws->cut)
        return;
    ws->cut = true;
    ws->why = "the connection was lost";
    timeline_after(chance_spread(1, NOTICE_MAX), relay_notices, ws);
    timeline_after(chance_spread(1, NOTICE_MAX), client_notices, ws);
}

void cable_cut_all(const struct ws_net *net)
{
    for (struct ws *ws = cables; ws != NULL; ws = ws->next)
        if (net == NULL || ws->net == net)
            cut(ws);
}

unsigned cable_count(const struct ws_net *net)
{
    unsigned count = 0;
    for (const struct ws *ws = cables; ws != NULL; ws = ws->next)
        count += ws->net == net && ws->opened && !ws->gone;
    return count;
}

unsigned cable_sessions(const struct ws_net *net)
{
    unsigned count = 0;
    for (const struct ws *ws = cables; ws != NULL; ws = ws->next)
        for (const struct cable_side *side = ws->sides; side != NULL; side = side->next)
            count += ws->net == net && ws->opened && !ws->gone && !side->left;
    return count;
}

bool cable_is_cut(const struct ws *ws)
{
    return ws->cut;
}

bool cable_was_late(void)
{
    return late;
}

void cable_forget_all(void)
{
    struct ws *ws;
    late = false;
    while (packets != NULL)
        free_packet(packets);
    while ((ws = cables) != NULL) {
        cables = ws->next;
        relay_notices(ws);
        while (ws->sides != NULL) {
            struct cable_side *side = ws->sides;
            ws->sides = side->next;
            free(side);
        }
        free(ws);
    }
}

/* ---- from the client to the relay ---- */

long cable_channel(const char *text)
{
    static const char key[] = ",\"channel\":";
    const char *last = NULL, *at = text;
    while ((at = strstr(at, key)) != NULL)
        last = at++;
    return last == NULL ? 0 : strtol(last + sizeof(key) - 1, NULL, 10);
}

static struct cable_side *find_side(const struct ws *ws, long channel)
{
    struct cable_side *side = ws->sides;
    while (side != NULL && side->channel != channel)
        side = side->next;
    return side;
}

/* Who says this: "" before its bind. */
static const char *side_of(const struct ws *ws, const char *text)
{
    const struct cable_side *side = find_side(ws, cable_channel(text));
    return side == NULL ? "" : side->side;
}

static void note_left(struct ws *ws, const char *text)
{
    struct cable_side *side = find_side(ws, cable_channel(text));
    if (side != NULL)
        side->left = true;
}

static void note_side(struct ws *ws, const char *text)
{
    const char *name = strstr(text, "\"side\":\"");
    if (strstr(text, "\"leave\"") != NULL)
        note_left(ws, text);
    if (strstr(text, "\"bind\"") == NULL || name == NULL)
        return;
    struct cable_side *side = calloc(1, sizeof(*side));
    *side = (struct cable_side){.channel = cable_channel(text), .next = ws->sides};
    sscanf(name, "\"side\":\"%31[^\"]", side->side);
    ws->sides = side;
}

/* It asks for a nameplate, and its sender has left meanwhile, and hears no answer. */
static bool asks_in_vain(const struct ws *ws, const char *text)
{
    const struct cable_side *side = find_side(ws, cable_channel(text));
    return side != NULL && side->left &&
           (strstr(text, "\"allocate\"") != NULL || strstr(text, "\"claim\"") != NULL);
}

static void arrive_up(void *arg)
{
    struct packet *packet = arg;
    struct ws *ws = packet->ws;
    bool arrives = !ws->cut && ws->connection != NULL;
    if (arrives && !rendezvous_hear(ws->net->relay, ws->connection, packet->text)) {
        timeline_after(AGAIN, arrive_up, packet);
        return;
    }
    if (arrives) {
        late |= ws->gone || ws->closing || asks_in_vain(ws, packet->text);
        trace(ws->net->who, "→ %s", packet->text);
        if (ws->net->heard != NULL)
            ws->net->heard(ws->net->arg, side_of(ws, packet->text), packet->text);
    }
    free_packet(packet);
}

bool ws_send(struct ws *ws, const char *text, size_t length)
{
    if (ws->net->dead || !ws->opened || ws->closing)
        return false;
    note_side(ws, text);
    if (ws->net->told != NULL)
        ws->net->told(ws->net->arg, side_of(ws, text), text);
    send_packet(ws, &ws->up, arrive_up, text, length);
    if (chance_percent(weather.lose))
        cut(ws);
    return true;
}

/* The machine's clocks may stand still; the cable's does not. */
void ws_limit(struct ws *ws, size_t message_max)
{
    ws->message_max = message_max;
}

bool ws_was_too_long(const struct ws *ws)
{
    return ws->too_long;
}

int64_t ws_heard(const struct ws *ws)
{
    return clock_monotonic() - (timeline_now() - ws->heard);
}

size_t ws_backlog(const struct ws *ws)
{
    (void)ws;
    return 0;
}

/* What has arrived is all that moves, and a text arrives whole. */
bool ws_moving(struct ws *ws)
{
    (void)ws;
    return false;
}

/* Who asks notices sooner. */
void ws_prove(struct ws *ws, int ms)
{
    if (ws->cut)
        timeline_after(ms, client_notices, ws);
}

static void close_up(void *arg)
{
    struct ws *ws = arg;
    if (ws->cut)
        return;
    relay_notices(ws);
    timeline_after(delay(), client_notices, ws);
}

void ws_close(struct ws *ws)
{
    if (ws->closing)
        return;
    ws->closing = true;
    ws->why = "closed";
    timeline_after(arrival(&ws->up), close_up, ws);
}

void ws_free(struct ws *ws)
{
    if (ws == NULL)
        return;
    ws->gone = true;
    timeline_after(arrival(&ws->up), relay_notices, ws);
}

/* ---- from the relay to the client ---- */

static void arrive_down(void *arg)
{
    struct packet *packet = arg;
    struct ws *ws = packet->ws;
    if (!ws->cut && !ws->gone && !ws->closing && !ws->net->dead && ws->message_max > 0 &&
        packet->length > ws->message_max) {
        ws->too_long = ws->cut = true;
        ws->why = "a message was too long";
        relay_notices(ws);
        client_notices(ws);
    } else if (!ws->cut && !ws->gone && !ws->closing && !ws->net->dead) {
        trace(ws->net->who, "← %s", packet->text);
        ws->heard = timeline_now();
        if (strstr(packet->text, "\"left\"") != NULL)
            note_left(ws, packet->text);
        if (ws->net->got != NULL)
            ws->net->got(ws->net->arg, side_of(ws, packet->text), packet->text);
        ws->handlers->message(ws, (const uint8_t *)packet->text, packet->length, ws->arg);
    }
    free_packet(packet);
}

void cable_say(struct ws *ws, const char *text, size_t length)
{
    send_packet(ws, &ws->down, arrive_down, text, length);
    if (weather.repeat > 0 && strstr(text, "\"message\"") != NULL && chance_percent(weather.repeat))
        send_packet(ws, &ws->down, arrive_down, text, length);
    if (chance_percent(weather.lose))
        cut(ws);
}

static void drop_down(void *arg)
{
    struct ws *ws = arg;
    if (ws->cut)
        return;
    ws->cut = true;
    ws->why = "the relay dropped the connection";
    relay_notices(ws);
    client_notices(ws);
}

void cable_drop(struct ws *ws)
{
    timeline_after(arrival(&ws->down), drop_down, ws);
}

/* ---- dialling ---- */

static void dialled(void *arg)
{
    struct ws *ws = arg;
    if (ws->gone || ws->net->dead || ws->cut)
        return;
    if (ws->closing || rendezvous_is_down(ws->net->relay) || chance_percent(weather.refuse)) {
        ws->cut = true;
        ws->why = "connection refused";
        client_notices(ws);
        return;
    }
    ws->opened = true;
    ws->connection = rendezvous_enter(ws->net->relay, ws);
    ws->handlers->opened(ws, ws->arg);
}

void ws_options_default(struct ws_options *ret_options)
{
    *ret_options = (struct ws_options){0};
}

struct ws *ws_dial(struct ws_net *net, const struct url *url, const struct proxy *proxy,
                   const struct ws_options *options, const struct ws_handlers *handlers, void *arg)
{
    struct ws *ws;
    (void)url;
    (void)proxy;
    (void)options;
    if (net->dead)
        return NULL;
    ws = calloc(1, sizeof(*ws));
    *ws = (struct ws){.net = net, .handlers = handlers, .arg = arg, .next = cables};
    cables = ws;
    if (net->dialled != NULL)
        net->dialled(net->arg);
    timeline_after(arrival(&ws->up), dialled, ws);
    return ws;
}

bool relay_dialer_may_share(const struct relay_dialer *routes, const struct url *url)
{
    (void)routes;
    (void)url;
    return true;
}

bool relay_dialer_is_known(const struct relay_dialer *routes, const struct url *url)
{
    (void)routes;
    (void)url;
    return true;
}

const char *relay_dialer_unfit(const struct relay_dialer *routes, const struct url *url)
{
    (void)routes;
    (void)url;
    return NULL;
}

struct ws *relay_dialer_dial(struct relay_dialer *routes, struct relay *relay,
                             const struct url *url, const char *session,
                             const struct ws_options *options, const struct ws_handlers *handlers,
                             void *arg)
{
    (void)relay;
    (void)session;
    return ws_dial(routes->net, url, NULL, options, handlers, arg);
}

/*
 * A relay that only does what none can do without: it accepts the same connections, with the same
 * libraries, and answers the frames of load-introductions.c with as many of fixed bytes. It reads
 * no JSON, and has neither rules nor a store. What a relay costs beyond this is its own doing.
 */
#include "config.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/ws.h"
#include "tests/bench/load.h"

/* Introductions of one run; the sides of each. */
#define ROOMS_MAX 65536
#define SIDES     2
#define TEXT_SIZE 512
#define TIME      "\"server_tx\":1700000000.000}"

struct fixed_visitor {
    struct ws *ws;
    char side[LOAD_SIDE_SIZE];
    struct fixed_room *room; /* or NULL */
};

struct fixed_room {
    struct fixed_visitor *sides[SIDES];
    char first[TEXT_SIZE]; /* what was added before the second side came */
};

struct fixed_relay {
    struct event_base *base;
    struct ws_net *net;
    struct fixed_room *rooms;
    unsigned allocated;
};

static struct fixed_relay relay;

static void answer(struct fixed_visitor *visitor, const char *text)
{
    ws_send(visitor->ws, text, strlen(text));
}

/* The number behind this word, of a room. */
static unsigned number_behind(const uint8_t *data, size_t length, const char *word)
{
    const char *found = memmem(data, length, word, strlen(word));
    unsigned long number = found != NULL ? strtoul(found + strlen(word), NULL, 10) : 0;

    if (found == NULL || number >= ROOMS_MAX)
        load_fail("what is said does not fit");
    return (unsigned)number;
}

/* {"type":"bind","appid":"…","side":"…", */
static void do_bind(struct fixed_visitor *visitor, const uint8_t *data, size_t length)
{
    static const char word[] = "\"side\":\"";
    const char *found = memmem(data, length, word, sizeof(word) - 1);

    if (found == NULL)
        load_fail("nobody has said who it is");
    memcpy(visitor->side, found + sizeof(word) - 1, LOAD_SIDE_SIZE - 1);
}

static void do_allocate(struct fixed_visitor *visitor)
{
    char text[TEXT_SIZE];

    relay.allocated = (relay.allocated + 1) % ROOMS_MAX;
    memset(&relay.rooms[relay.allocated], 0, sizeof(*relay.rooms));
    snprintf(text, sizeof(text), "{\"type\":\"allocated\",\"nameplate\":\"%u\"," TIME,
             relay.allocated);
    answer(visitor, text);
}

static void do_claim(struct fixed_visitor *visitor, const uint8_t *data, size_t length)
{
    char text[TEXT_SIZE];

    snprintf(text, sizeof(text), "{\"type\":\"claimed\",\"mailbox\":\"m%u\"," TIME,
             number_behind(data, length, "\"nameplate\":\""));
    answer(visitor, text);
}

static void do_open(struct fixed_visitor *visitor, const uint8_t *data, size_t length)
{
    visitor->room = &relay.rooms[number_behind(data, length, "\"mailbox\":\"m")];
    if (visitor->room->first[0] != 0)
        answer(visitor, visitor->room->first);
    visitor->room->sides[visitor->room->sides[0] != NULL] = visitor;
}

/* {"type":"add","phase":"…","body":"…"}: with its side and a time, that is what all are told. */
static void do_add(struct fixed_visitor *visitor, const uint8_t *data, size_t length)
{
    static const char head[] = "{\"type\":\"add\",";
    struct fixed_room *room = visitor->room;
    char text[TEXT_SIZE];

    if (room == NULL || length < sizeof(head))
        load_fail("an add to nowhere");
    snprintf(
        text, sizeof(text),
        "{\"type\":\"message\",\"side\":\"%s\",%.*s,\"server_rx\":1700000000.000,\"id\":null," TIME,
        visitor->side, (int)(length - sizeof(head)), (const char *)data + sizeof(head) - 1);
    if (room->sides[1] == NULL)
        memcpy(room->first, text, sizeof(text));
    for (unsigned i = 0; i < SIDES; i++)
        if (room->sides[i] != NULL)
            answer(room->sides[i], text);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct fixed_visitor *visitor = arg;
    const char *type = (const char *)data + sizeof("{\"type\":\"") - 1;

    (void)ws;
    answer(visitor, "{\"type\":\"ack\",\"id\":null," TIME);
    if (length < 16)
        load_fail("too little is said");
    if (strncmp(type, "bind", 4) == 0)
        do_bind(visitor, data, length);
    else if (strncmp(type, "allocate", 8) == 0)
        do_allocate(visitor);
    else if (strncmp(type, "claim", 5) == 0)
        do_claim(visitor, data, length);
    else if (strncmp(type, "open", 4) == 0)
        do_open(visitor, data, length);
    else if (strncmp(type, "add", 3) == 0)
        do_add(visitor, data, length);
    else if (strncmp(type, "release", 7) == 0)
        answer(visitor, "{\"type\":\"released\"," TIME);
    else
        answer(visitor, "{\"type\":\"closed\"," TIME);
}

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    answer(arg, "{\"type\":\"welcome\",\"welcome\":{\"relayd\":{\"retention\":2592000,"
                "\"max_message\":35651584}}," TIME);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct fixed_visitor *visitor = arg;

    (void)ws;
    (void)why;
    for (unsigned i = 0; visitor->room != NULL && i < SIDES; i++)
        if (visitor->room->sides[i] == visitor)
            visitor->room->sides[i] = NULL;
    free(visitor);
}

static void on_connection(evutil_socket_t listener, short what, void *arg)
{
    static const struct ws_handlers handlers = {
        .opened = on_opened, .message = on_message, .closed = on_closed};
    int fd;

    (void)what;
    (void)arg;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct fixed_visitor *visitor = calloc(1, sizeof(*visitor));

        if (visitor == NULL ||
            (visitor->ws = ws_accept(relay.net, fd, NULL, &handlers, visitor)) == NULL)
            load_fail("out of memory");
    }
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

/* The event loop is like the relay's (relay/relayd.c). */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();

    if (config == NULL)
        load_fail("out of memory");
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

void load_fixed(char **words)
{
    char url[64], why[256];
    int listener = load_listen(url, sizeof(url), SOMAXCONN);

    (void)words;
    relay.base = new_base();
    relay.net = relay.base != NULL ? ws_net_new(relay.base, NULL, why, sizeof(why)) : NULL;
    relay.rooms = calloc(ROOMS_MAX, sizeof(*relay.rooms));
    if (relay.net == NULL || relay.rooms == NULL)
        load_fail("out of memory");
    evutil_make_socket_nonblocking(listener);
    struct event *accepting =
        event_new(relay.base, listener, EV_READ | EV_PERSIST, on_connection, NULL);
    struct event *ending = event_new(relay.base, STDIN_FILENO, EV_READ, on_end, relay.base);
    if (accepting == NULL || ending == NULL || event_add(accepting, NULL) != 0 ||
        event_add(ending, NULL) != 0)
        load_fail("out of memory");
    printf("%s\n", url);
    fflush(stdout);
    event_base_dispatch(relay.base);
    _exit(0);
}

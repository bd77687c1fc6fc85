#include "config.h"

#include "tests/simulation/stranger.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/trace.h"
#include "wormhole/wire.h"

#define APPID "example.com/simulation"

static void say(struct stranger *stranger, char *text)
{
    ws_send(stranger->ws, text, strlen(text));
    free(text);
}

static void talk(struct stranger *stranger, const char *mailbox)
{
    static const char *const sayings[][2] = {
        {"pake", "{\"pake_v1\":\"53\"}"}, {"pake", "nonsense"}, {"version", "?"}, {"0", ""}};
    const char *const *saying = sayings[chance_below(sizeof(sayings) / sizeof(*sayings))];
    say(stranger, wire_encode_open(mailbox, NULL));
    if (chance_percent(70))
        say(stranger, wire_encode_add(saying[0], (const uint8_t *)saying[1], strlen(saying[1])));
    if (chance_percent(50))
        ws_close(stranger->ws);
}

static void on_text(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct stranger *stranger = arg;
    struct wire_message message;
    (void)ws;
    if (wire_parse((const char *)data, length, &message) != WIRE_OK)
        return;
    if (message.type == WIRE_WELCOME) {
        say(stranger, wire_encode_bind(APPID, stranger->side, "stranger"));
        say(stranger, wire_encode_claim(stranger->nameplate));
    } else if (message.type == WIRE_CLAIMED) {
        talk(stranger, message.mailbox);
    }
    wire_free(&message);
}

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct stranger *stranger = arg;
    (void)ws;
    trace(stranger->net.who, "is gone: %s", why);
}

void stranger_begin(struct stranger *stranger, struct rendezvous *relay, const char *nameplate)
{
    static const struct ws_handlers from_relay = {
        .opened = on_opened, .message = on_text, .closed = on_closed};
    struct url url = {0};
    *stranger =
        (struct stranger){.net = {.who = "stranger", .relay = relay}, .nameplate = nameplate};
    snprintf(stranger->side, sizeof(stranger->side), "%010x", (unsigned)randombytes_random());
    stranger->ws = ws_dial(&stranger->net, &url, NULL, NULL, &from_relay, stranger);
}

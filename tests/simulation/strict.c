#include "config.h"

#include "tests/simulation/strict.h"

#include "tests/simulation/rendezvous.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "tests/simulation/trace.h"
#include "wormhole/code.h"
#include "wormhole/payload.h"
#include "wormhole/wire.h"

#define APPID "example.com/simulation"

static void say(struct strict *strict, char *text)
{
    ws_send(strict->ws, text, strlen(text));
    free(text);
}

static void add_sealed(struct strict *strict, const char *phase, const char *plain)
{
    uint8_t key[KEY_BYTES], nonce[KEYS_NONCE_BYTES], sealed[256];
    randombytes_buf(nonce, sizeof(nonce));
    keys_phase(strict->key, strict->side, phase, key);
    keys_seal(key, nonce, (const uint8_t *)plain, strlen(plain), sealed);
    say(strict, wire_encode_add(phase, sealed, strlen(plain) + KEYS_SEALED_EXTRA));
}

/* ---- the relay ---- */

static void on_welcome(struct strict *strict, const struct wire_message *message)
{
    char nameplate[NAMEPLATE_MAX + 1];
    (void)message;
    code_nameplate(strict->code, nameplate);
    say(strict, wire_encode_bind(APPID, strict->side, "strict"));
    say(strict, wire_encode_claim(nameplate));
}

static void on_claimed(struct strict *strict, const struct wire_message *message)
{
    char *body = payload_pake(strict->pake);
    say(strict, wire_encode_open(message->mailbox, NULL));
    say(strict, wire_encode_add("pake", (const uint8_t *)body, strlen(body)));
    free(body);
}

/* ---- the peer ---- */

static bool take_pake(struct strict *strict, const struct wire_message *message)
{
    uint8_t theirs[PAKE_MESSAGE_BYTES];
    size_t length;
    if (payload_read_pake(message->body, message->body_length, theirs, &length) != PAYLOAD_OK ||
        pake_finish(strict->code, APPID, strict->scalar, strict->pake, theirs, length,
                    strict->key) != PAKE_OK)
        return false;
    add_sealed(strict, "version", "{\"app_versions\":{}}");
    return true;
}

static bool take_sealed(struct strict *strict, const struct wire_message *message)
{
    uint8_t key[KEY_BYTES], *plain = malloc(message->body_length + 1);
    keys_phase(strict->key, message->side, message->phase, key);
    bool authentic = keys_open(key, message->body, message->body_length, plain);
    free(plain);
    return authentic;
}

static void send_more(struct strict *strict)
{
    char phase[11], text[32];
    for (; strict->sent < strict->to_send; strict->sent++) {
        payload_phase_name(strict->sent, phase);
        snprintf(text, sizeof(text), "strict says %u", strict->sent);
        add_sealed(strict, phase, text);
    }
}

static void expect(const struct strict *strict, char ret_phase[16])
{
    static const char *const first[] = {"pake", "version"};
    if (strict->expected < 2)
        strcpy(ret_phase, first[strict->expected]);
    else
        snprintf(ret_phase, 16, "%u", strict->expected - 2);
}

static void on_message(struct strict *strict, const struct wire_message *message)
{
    char phase[16];
    if (strcmp(message->side, strict->side) == 0)
        return;
    /* A stranger's words kill it, too, what was under way for longer than its sender was there, and
     * what a stock relay does not tell those who were bound before it forgot: which is nobody's
     * fault. */
    if (strcmp(message->side, strict->peer) != 0 || cable_was_late() ||
        rendezvous_withheld(strict->net.relay)) {
        strict->gone = true;
        ws_close(strict->ws);
        return;
    }
    expect(strict, phase);
    if (strcmp(message->phase, phase) != 0) {
        trace_fail("the strict peer was told %s where %s was due", message->phase, phase);
        return;
    }
    if (!(strict->expected == 0 ? take_pake : take_sealed)(strict, message))
        trace_fail("the strict peer could not read %s", message->phase);
    if (strict->expected++ == 1)
        send_more(strict);
}

static void on_error(struct strict *strict, const struct wire_message *message)
{
    trace(strict->net.who, "the relay says %s", message->error);
    strict->gone = true;
    ws_close(strict->ws);
}

static void (*const handlers[WIRE_TYPES])(struct strict *, const struct wire_message *) = {
    [WIRE_WELCOME] = on_welcome,
    [WIRE_CLAIMED] = on_claimed,
    [WIRE_MESSAGE] = on_message,
    [WIRE_ERROR] = on_error,
};

static void on_text(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct strict *strict = arg;
    struct wire_message message;
    (void)ws;
    if (wire_parse((const char *)data, length, &message) != WIRE_OK)
        return;
    if (handlers[message.type] != NULL && !strict->gone)
        handlers[message.type](strict, &message);
    wire_free(&message);
}

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct strict *strict = arg;
    (void)ws;
    trace(strict->net.who, "is gone: %s", why);
    strict->gone = true;
}

void strict_begin(struct strict *strict, struct rendezvous *relay, const char *code,
                  const char *peer, unsigned to_send)
{
    static const struct ws_handlers from_relay = {
        .opened = on_opened, .message = on_text, .closed = on_closed};
    uint8_t random[PAKE_RANDOM_BYTES];
    struct url url = {0};
    *strict = (struct strict){
        .net = {.who = "strict", .relay = relay}, .code = code, .peer = peer, .to_send = to_send};
    randombytes_buf(random, sizeof(random));
    pake_start(code, random, strict->scalar, strict->pake);
    snprintf(strict->side, sizeof(strict->side), "%010x", (unsigned)randombytes_random());
    strict->ws = ws_dial(&strict->net, &url, NULL, NULL, &from_relay, strict);
}

bool strict_is_well(const struct strict *strict)
{
    return strict->ws != NULL && !strict->gone && cable_count(&strict->net) > 0 &&
           !cable_is_cut(strict->ws);
}

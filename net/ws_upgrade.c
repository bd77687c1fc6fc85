/* The stage of the HTTP upgrade, as client or server. */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "net/ws_parts.h"

/* Nothing to write says that there was no memory to make it. */
static bool put(struct ws *ws, const char *text, size_t length)
{
    if (length > 0 && bufferevent_write(ws->bev, text, length) == 0)
        return true;
    ws_fail(ws, "out of memory");
    return false;
}

static void send_request(struct ws *ws)
{
    uint8_t nonce[HANDSHAKE_KEY_BYTES];
    char text[HANDSHAKE_TEXT_SIZE];

    randombytes_buf(nonce, sizeof(nonce));
    handshake_client(&ws->start->handshake, nonce);
    put(ws, text, handshake_request(&ws->start->handshake, &ws->start->url, text));
}

static bool send_reply(struct ws *ws)
{
    char text[HANDSHAKE_TEXT_SIZE];

    return put(ws, text, handshake_reply(&ws->start->handshake, text));
}

void ws_begin_upgrade(struct ws *ws)
{
    ws->stage = &ws_stage_upgrade;
    if (!ws_wait(ws, ws->options.handshake_timeout))
        return;
    if (!ws->server) {
        send_request(ws);
        return;
    }
    handshake_server(&ws->start->handshake);
    ws->start->handshake.paths = ws->options.paths;
}

static void upgrade_done(struct ws *ws)
{
    if (!ws->server || send_reply(ws))
        ws_begin_open(ws);
}

static void upgrade_refused(struct ws *ws)
{
    ws_because(ws, "%s %s", ws->start->where, ws->start->handshake.why);
    if (!ws->server)
        ws_end(ws);
    else if (send_reply(ws))
        ws_begin_lingering(ws);
}

/* Feeds what has come, piece by piece: what follows the handshake stays in the buffer. */
static enum handshake_progress feed(struct handshake *handshake, struct evbuffer *input)
{
    enum handshake_progress progress = HANDSHAKE_MORE;
    struct evbuffer_iovec piece;
    size_t used;

    while (progress == HANDSHAKE_MORE && evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
        progress = handshake_feed(handshake, piece.iov_base, piece.iov_len, &used);
        evbuffer_drain(input, used);
    }
    return progress;
}

static void upgrade_readable(struct ws *ws)
{
    static void (*const ends[])(struct ws *) = {
        [HANDSHAKE_MORE] = NULL,
        [HANDSHAKE_DONE] = upgrade_done,
        [HANDSHAKE_REFUSED] = upgrade_refused,
    };
    enum handshake_progress progress = feed(&ws->start->handshake, bufferevent_get_input(ws->bev));

    if (ends[progress] != NULL)
        ends[progress](ws);
}

static void upgrade_happened(struct ws *ws, short what)
{
    int error = EVUTIL_SOCKET_ERROR();

    if (what & BEV_EVENT_ERROR && error != 0)
        ws_fail(ws, "%s dropped the connection during the handshake: %s", ws->start->where,
                strerror(error));
    else
        ws_fail(ws, "%s closed the connection during the handshake", ws->start->where);
}

static void upgrade_timeout(struct ws *ws)
{
    ws_fail(ws, "%s did not finish the handshake in time", ws->start->where);
}

const struct ws_stage ws_stage_upgrade = {
    .readable = upgrade_readable,
    .happened = upgrade_happened,
    .timeout = upgrade_timeout,
    .close = ws_give_up,
};

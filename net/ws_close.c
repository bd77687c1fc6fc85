/* The last stages: the close handshake, getting the last bytes out, telling the application. */
#include "config.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net/ws_parts.h"

/* The WebSocket's end is reached in order; TLS's too. */
static void end_in_order(struct ws *ws)
{
    SSL *ssl = bufferevent_openssl_get_ssl(ws->bev);

    if (ssl != NULL)
        tls_goodbye(ssl);
    ws_end(ws);
}

static void ended_by_loss(struct ws *ws, short what)
{
    ws_note_loss(ws, what);
    ws_end(ws);
}

static void discard_input(struct ws *ws)
{
    struct evbuffer *input = bufferevent_get_input(ws->bev);

    evbuffer_drain(input, evbuffer_get_length(input));
}

/* Closing: our close frame is queued, the other end's is awaited. */

static void closing_readable(struct ws *ws)
{
    struct frames_message *message;
    enum frames_next next;

    while ((next = frames_next(ws->frames, &message)) == FRAMES_MESSAGE)
        free(message);
    if (next != FRAMES_MORE) {
        ws_because(ws, "closed");
        ws_begin_flushing(ws);
    }
}

static void closing_happened(struct ws *ws, short what)
{
    (void)what;
    ws_fail(ws, "closed");
}

static void closing_timeout(struct ws *ws)
{
    ws_fail(ws, "closed, though the other end did not answer");
}

const struct ws_stage ws_stage_closing = {
    .readable = closing_readable,
    .happened = closing_happened,
    .timeout = closing_timeout,
};

/* What has come already is read from the event loop, for this is inside ws_close(). */
void ws_begin_closing(struct ws *ws)
{
    if (ws->lost) {
        ws_end(ws);
        return;
    }
    ws->stage = &ws_stage_closing;
    if (!ws_wait(ws, ws->options.close_timeout))
        return;
    if (!frames_close(ws->frames) || bufferevent_enable(ws->bev, EV_READ) != 0)
        ws_fail(ws, "out of memory");
    else
        bufferevent_trigger(ws->bev, EV_READ,
                            BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/* Flushing: both close frames are there; the last bytes of ours leave. */

const struct ws_stage ws_stage_flushing = {
    .readable = discard_input,
    .written = end_in_order,
    .happened = ended_by_loss,
    .timeout = ws_end,
};

void ws_begin_flushing(struct ws *ws)
{
    ws->stage = &ws_stage_flushing;
    if (ws->lost || ws_backlog(ws) == 0)
        end_in_order(ws);
    else
        ws_wait(ws, ws->options.close_timeout);
}

/* Lingering: what the other end still sends is thrown away until it has seen why and hangs up. */

/* Our last words are out: whoever reads to the end need not wait for our patience to end. */
static void lingering_written(struct ws *ws)
{
    if (bufferevent_openssl_get_ssl(ws->bev) == NULL)
        (void)shutdown(bufferevent_getfd(ws->bev), SHUT_WR);
}

const struct ws_stage ws_stage_lingering = {
    .readable = discard_input,
    .written = lingering_written,
    .happened = ended_by_loss,
    .timeout = ws_end,
};

void ws_begin_lingering(struct ws *ws)
{
    ws->stage = &ws_stage_lingering;
    if (ws->lost) {
        ws_end(ws);
        return;
    }
    discard_input(ws);
    if (ws_wait(ws, ws->options.close_timeout) && bufferevent_enable(ws->bev, EV_READ) != 0)
        ws_end(ws);
}

/* Ended: only the application is still to be told. */

static void tell(struct ws *ws)
{
    ws->handlers->closed(ws, ws->why != NULL ? ws->why : "out of memory", ws->arg);
    ws_free(ws);
}

const struct ws_stage ws_stage_ended = {
    .timeout = tell,
};

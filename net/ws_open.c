/* The stages of a WebSocket: open, in which messages flow, and those of its end: closing, flushing,
 * lingering. */
#include "config.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/ws_private.h"

/* Bytes in a ms on the slowest line on which we count on an answer to what others have buffered for
 * us, and the longest that we wait for that: they buffer some megabytes at most. */
#define SLOWEST_LINE 8
#define BUFFERS_MAX  ((int64_t)5 * 60 * 1000)
/* Who was heard less than this many ms ago lives. */
#define PROOF_DELAY ((int64_t)1000)

/* Ends the WebSocket in an orderly way, and TLS too. */
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

/* ---- waiting for the end ---- */

static uint64_t under_way(const struct ws *ws)
{
    return ws_backlog(ws) + ws_unacknowledged(ws);
}

/* False: the connection has ended instead. */
static bool wait_for_end(struct ws *ws)
{
    ws->awaited = under_way(ws);
    ws->asked =
        clock_monotonic() + ws->options.close_timeout + (int64_t)(ws->awaited / SLOWEST_LINE);
    return ws_wait(ws, ws->options.close_timeout);
}

/* As long as our last bytes are arriving, the other end cannot know that this is the end. */
static bool still_leaving(struct ws *ws)
{
    uint64_t now = under_way(ws);

    if (now >= ws->awaited || clock_monotonic() >= ws->asked)
        return false;
    ws->awaited = now;
    ws_wait(ws, ws->options.close_timeout);
    return true;
}

static void end_unless_leaving(struct ws *ws)
{
    if (!still_leaving(ws))
        ws_end(ws);
}

/* ---- flushing ---- */

/* Both close frames have been exchanged; our last bytes are leaving. */

static const struct ws_stage stage_flushing = {
    .readable = discard_input,
    .written = end_in_order,
    .happened = ended_by_loss,
    .timeout = end_unless_leaving,
};

static void begin_flushing(struct ws *ws)
{
    ws->stage = &stage_flushing;
    if (ws->lost || ws_backlog(ws) == 0)
        end_in_order(ws);
    else
        wait_for_end(ws);
}

/* ---- closing ---- */

/* Our close frame is queued; the other end's is awaited. */

static void closing_readable(struct ws *ws)
{
    struct frames_message *message;
    enum frames_next next;

    while ((next = frames_next(ws->frames, &message)) == FRAMES_MESSAGE)
        free(message);
    if (next != FRAMES_MORE) {
        ws_because(ws, "closed");
        begin_flushing(ws);
    }
}

static void closing_happened(struct ws *ws, short what)
{
    (void)what;
    ws_fail(ws, "closed");
}

static void closing_timeout(struct ws *ws)
{
    if (!still_leaving(ws))
        ws_fail(ws, "closed, though the other end did not answer");
}

static const struct ws_stage stage_closing = {
    .readable = closing_readable,
    .happened = closing_happened,
    .timeout = closing_timeout,
};

/* What has already arrived is read from the event loop, because this runs inside ws_close(). */
static void begin_closing(struct ws *ws)
{
    if (ws->lost) {
        ws_end(ws);
        return;
    }
    ws->stage = &stage_closing;
    if (!wait_for_end(ws))
        return;
    if (!frames_close(ws->frames) || bufferevent_enable(ws->bev, EV_READ) != 0)
        ws_fail(ws, "out of memory");
    else
        bufferevent_trigger(ws->bev, EV_READ,
                            BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/* ---- lingering ---- */

/* What the other end still sends is discarded until it has learned why and hangs up. */

/* Our last bytes have left: an end that reads to the last byte need not wait for our timeout. */
static void lingering_written(struct ws *ws)
{
    if (bufferevent_openssl_get_ssl(ws->bev) == NULL)
        (void)shutdown(bufferevent_getfd(ws->bev), SHUT_WR);
}

static const struct ws_stage stage_lingering = {
    .readable = discard_input,
    .written = lingering_written,
    .happened = ended_by_loss,
    .timeout = end_unless_leaving,
};

void ws_begin_lingering(struct ws *ws)
{
    ws->stage = &stage_lingering;
    if (ws->lost) {
        ws_end(ws);
        return;
    }
    discard_input(ws);
    if (wait_for_end(ws) && bufferevent_enable(ws->bev, EV_READ) != 0)
        ws_end(ws);
}

/* ---- open ---- */

/* True if a callback has left us in this stage. */
static bool still_open(const struct ws *ws)
{
    return !ws->dead && ws->stage == &ws_stage_open;
}

static void next_is_more(struct ws *ws)
{
    if (ws->lost)
        ws_end(ws);
}

/* What the other end said tells more than the later loss of the connection. */
static void frames_say_why(struct ws *ws)
{
    free(ws->why);
    ws->why = NULL;
    ws_because(ws, "%s", frames_why(ws->frames));
}

static void next_is_closed(struct ws *ws)
{
    frames_say_why(ws);
    begin_flushing(ws);
}

static void next_is_fault(struct ws *ws)
{
    ws->too_long = frames_too_long(ws->frames);
    frames_say_why(ws);
    ws_begin_lingering(ws);
}

static void next_is_no_memory(struct ws *ws)
{
    ws_fail(ws, "out of memory");
}

/* Whether to read depends on what is to be done with the input. */
static void set_interest(struct ws *ws)
{
    if (ws->paused || frames_choked(ws->frames))
        bufferevent_disable(ws->bev, EV_READ);
    else if (!ws->lost && bufferevent_enable(ws->bev, EV_READ) != 0)
        ws_fail(ws, "out of memory");
}

/* Delivers what has arrived, as far as the application allows. */
static void pump(struct ws *ws)
{
    static void (*const others[])(struct ws *) = {
        [FRAMES_MORE] = next_is_more,
        [FRAMES_CLOSED] = next_is_closed,
        [FRAMES_FAULT] = next_is_fault,
        [FRAMES_NO_MEMORY] = next_is_no_memory,
    };
    enum frames_next next = FRAMES_MESSAGE;
    struct frames_message *message;

    while (next == FRAMES_MESSAGE && still_open(ws) && !ws->paused) {
        next = frames_next(ws->frames, &message);
        if (next == FRAMES_MESSAGE) {
            ws->handlers->message(ws, message->data, message->length, ws->arg);
            free(message);
        } else {
            others[next](ws);
        }
    }
    if (still_open(ws))
        ws_report_held(ws);
    if (still_open(ws))
        set_interest(ws);
}

/* The timer looks at these when it fires: it is set for something else only while an answer is
 * awaited. */
static bool note_life(struct ws *ws)
{
    bool awaited = ws->pinged != 0;

    ws->heard = clock_monotonic();
    ws->answered = frames_written(ws->frames);
    ws->pinged = 0;
    ws->proof = 0;
    return !awaited || ws_wait(ws, ws->options.ping_interval);
}

static void open_readable(struct ws *ws)
{
    if (!ws->server) /* clients of ours do not wait for it */
        dial_acknowledge(bufferevent_getfd(ws->bev));
    if (note_life(ws))
        pump(ws);
}

static void open_written(struct ws *ws)
{
    bool unsent = ws->unsent;

    ws->unsent = false;
    if (unsent && ws->handlers->drained != NULL)
        ws->handlers->drained(ws, ws->arg);
    if (still_open(ws))
        pump(ws);
}

/* When the other end hangs up, writing is often the first thing to fail; its last words, which say
 * why, can then still be read. With TLS nothing can be read after a failure. Any other error lies
 * with our machine: the other end does not know of it, and would not hang up. */
static bool has_last_words(const struct ws *ws, short what)
{
    int error = EVUTIL_SOCKET_ERROR();

    return what & BEV_EVENT_WRITING && (error == EPIPE || error == ECONNRESET) &&
           bufferevent_openssl_get_ssl(ws->bev) == NULL;
}

static void open_happened(struct ws *ws, short what)
{
    bool last_words = has_last_words(ws, what);

    ws_note_loss(ws, what);
    ws->mute = true;
    if (last_words)
        return;
    ws->lost = true;
    pump(ws);
}

/* Called from inside ws_pause(): what waits is delivered from the event loop. */
void ws_open_paused(struct ws *ws)
{
    set_interest(ws);
    if (still_open(ws) && note_life(ws) && !ws->paused)
        bufferevent_trigger(ws->bev, EV_READ,
                            BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

uint64_t ws_unacknowledged(const struct ws *ws)
{
    int unacknowledged = 0;

    if (ws->bev == NULL || ioctl(bufferevent_getfd(ws->bev), SIOCOUTQ, &unacknowledged) < 0)
        return 0;
    return (uint64_t)unacknowledged;
}

/* Bytes that the other end's kernel has; with TLS nearly. */
static uint64_t arrived(const struct ws *ws)
{
    uint64_t written = frames_written(ws->frames), missing = under_way(ws);

    return written > missing ? written - missing : 0;
}

/* What has all arrived next door (at a proxy, say) and was not answered may still be on its way:
 * how long that takes on the slowest line that we are prepared for, ms. */
static int64_t time_in_buffers(const struct ws *ws)
{
    uint64_t written = frames_written(ws->frames);
    int64_t time = (int64_t)((written - ws->answered) / SLOWEST_LINE);

    if (arrived(ws) < written)
        return 0;
    return time < BUFFERS_MAX ? time : BUFFERS_MAX;
}

static void ping(struct ws *ws, int64_t now)
{
    uint64_t before = frames_written(ws->frames);

    ws->arrived = arrived(ws);
    if (!frames_ping(ws->frames)) {
        ws_fail(ws, "out of memory");
        return;
    }
    ws->awaited = before > ws->arrived ? frames_written(ws->frames) : 0;
    ws->pinged = now;
    ws_wait(ws, ws->proof != 0 ? ws->proof : ws->options.ping_timeout);
}

/* On a slow line a ping may wait for minutes behind what was sent before it: as long as that is
 * still arriving, no answer is missing. */
static bool still_arriving(struct ws *ws)
{
    uint64_t now = arrived(ws);
    bool moved = now != ws->arrived;

    if (ws->awaited == 0)
        return false;
    if (now >= ws->awaited)
        ws->awaited = 0;
    ws->arrived = now;
    return moved;
}

static void open_timeout(struct ws *ws)
{
    int64_t now = clock_monotonic();

    if (ws->paused)
        ws->heard = now;
    int64_t since = ws->pinged != 0 ? ws->pinged : ws->proof != 0 ? ws->asked : ws->heard;
    int64_t patience = ws->pinged == 0 ? (ws->proof != 0 ? PROOF_DELAY : ws->options.ping_interval)
                                       : (ws->proof != 0 ? ws->proof : ws->options.ping_timeout) +
                                             time_in_buffers(ws);

    if (now - since < patience) {
        ws_wait(ws, patience - (now - since));
    } else if (ws->pinged == 0) {
        ping(ws, now);
    } else if (still_arriving(ws)) {
        ws->pinged = now;
        ws_wait(ws, ws->options.ping_timeout);
    } else {
        ws_fail(ws, "the other end no longer answers");
    }
}

/* Who was heard a moment ago is asked a moment later, and only if there was nothing more to hear: a
 * busy connection proves itself. */
void ws_open_prove(struct ws *ws, int ms)
{
    int64_t now = clock_monotonic();

    if (ws->proof != 0)
        return;
    ws->proof = ms;
    ws->asked = now;
    if (ws->pinged != 0)
        ws->pinged = now;
    if (ws->pinged == 0 && now - ws->heard >= PROOF_DELAY)
        ping(ws, now);
    else
        ws_wait(ws, ws->pinged != 0 ? ms : PROOF_DELAY);
}

bool ws_open_moving(struct ws *ws)
{
    uint64_t there = arrived(ws), end = frames_text_end(ws->frames);
    uint64_t moved = frames_received(ws->frames) + (there < end ? there : end);
    int64_t now = clock_monotonic();

    if (moved != ws->moved) {
        ws->moved = moved;
        ws->moved_at = now;
        return true;
    }
    return now - ws->moved_at < time_in_buffers(ws);
}

/* What arrived after the handshake is delivered at once. */
void ws_begin_open(struct ws *ws)
{
    struct evbuffer *output = bufferevent_get_output(ws->bev);

    ws->frames =
        frames_new(ws->server, ws->options.message_max, bufferevent_get_input(ws->bev), output);
    if (ws->frames == NULL) {
        ws_fail(ws, "out of memory");
        return;
    }
    ws_drop_start(ws);
    ws->stage = &ws_stage_open;
    ws->heard = clock_monotonic();
    event_del(ws->timer);
    if (ws->options.ping_interval > 0 && !ws_wait(ws, ws->options.ping_interval))
        return;
    ws->handlers->opened(ws, ws->arg);
    if (still_open(ws))
        pump(ws);
}

const struct ws_stage ws_stage_open = {
    .readable = open_readable,
    .written = open_written,
    .happened = open_happened,
    .timeout = open_timeout,
    .close = begin_closing,
};

#include "config.h"

#include "daemon/nameplates.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/relay_dialer.h"
#include "net/url.h"
#include "net/ws.h"
#include "wormhole/session.h"
#include "wormhole/wire.h"

/* Any list that passes the limit on the number of items (base/bounded_json.h) is shorter. */
#define LIST_BYTES_MAX ((size_t)2 * 1024 * 1024)

struct inquiry {
    struct nameplates *nameplates;
    struct relay_use use;
    char appid[APPID_MAX + 1];
    struct ws *ws;
    struct event *timer;
    struct hashcash_job *hashcash; /* being made */
    bool welcomed;
    nameplates_done done; /* NULL once called: the connection is only closing politely */
    void *arg;
    struct inquiry *prev, *next;
};

struct nameplates {
    struct nameplates_parts parts;
    struct inquiry *inquiries;
    unsigned count;
};

/* ---- the end of an inquiry ---- */

static void free_inquiry(struct inquiry *inquiry)
{
    DL_DELETE(inquiry->nameplates->inquiries, inquiry);
    inquiry->nameplates->count--;
    relay_use_end(&inquiry->use);
    hashcash_worker_cancel(inquiry->hashcash);
    if (inquiry->timer != NULL)
        event_free(inquiry->timer);
    free(inquiry);
}

void nameplates_cancel(struct inquiry *inquiry)
{
    ws_free(inquiry->ws);
    free_inquiry(inquiry);
}

static void tell(struct inquiry *inquiry, const struct wire_message *list, const char *why)
{
    nameplates_done done = inquiry->done;
    inquiry->done = NULL;
    if (done != NULL)
        done(inquiry->arg, list, why);
}

/* Nothing more can be learned. */
static void conclude(struct inquiry *inquiry, const struct wire_message *list, const char *why)
{
    tell(inquiry, list, why);
    ws_close(inquiry->ws);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct inquiry *inquiry = arg;
    (void)fd;
    (void)what;
    tell(inquiry, NULL, "the relay did not answer in time");
    nameplates_cancel(inquiry);
}

/* ---- sending ---- */

/* `text` is consumed; NULL: there was no memory for it. `closed` reports what cannot be sent. */
static void say(struct inquiry *inquiry, char *text)
{
    if (text != NULL)
        ws_send(inquiry->ws, text, strlen(text));
    else
        conclude(inquiry, NULL, "out of memory");
    free(text);
}

static void ask(struct inquiry *inquiry)
{
    uint8_t random[(SIDE_TEXT - 1) / 2];
    char side[SIDE_TEXT];
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(side, sizeof(side), random, sizeof(random));
    say(inquiry, wire_encode_bind(inquiry->appid, side, PACKAGE_VERSION));
    say(inquiry, wire_encode_list());
}

static void on_stamp(void *arg, const char *stamp)
{
    struct inquiry *inquiry = arg;
    inquiry->hashcash = NULL;
    if (stamp == NULL) {
        conclude(inquiry, NULL, "the permission (hashcash) that the relay asks for was not made");
        return;
    }
    say(inquiry, wire_encode_submit_permission(stamp));
    ask(inquiry);
}

/* False if the relay asks for something that we cannot provide. */
static bool ask_permission(struct inquiry *inquiry, const struct wire_message *welcome)
{
    if (welcome->hashcash_bits > 0)
        inquiry->hashcash =
            hashcash_worker_ask(inquiry->nameplates->parts.hashcash_worker, welcome->hashcash_bits,
                                welcome->hashcash_resource, on_stamp, inquiry);
    return inquiry->hashcash;
}

/* ---- receiving ---- */

static void refuse(struct inquiry *inquiry, const char *format, const char *text)
    __attribute__((format(printf, 2, 0)));

static void refuse(struct inquiry *inquiry, const char *format, const char *text)
{
    char why[WIRE_TEXT_MAX + 64];
    snprintf(why, sizeof(why), format, text);
    conclude(inquiry, NULL, why);
}

static void on_welcome(struct inquiry *inquiry, const struct wire_message *message)
{
    if (inquiry->welcomed)
        return;
    char why[WIRE_TEXT_MAX];
    inquiry->welcomed = true;
    relay_welcomed(inquiry->use.relay, message->motd, message->error, message->retention * 1000);
    if (message->error != NULL)
        refuse(inquiry, "the relay turns clients away: %s", message->error);
    else if (!message->permission_needed)
        ask(inquiry);
    else if (message->hashcash_bits > 0 && message->hashcash_bits <= HASHCASH_WORKER_BITS_MAX &&
             !relay_pays(inquiry->use.relay, message->hashcash_bits, clock_now()))
        conclude(inquiry, NULL, relay_too_dear);
    else if (!ask_permission(inquiry, message)) {
        wire_permission_text(message, why, sizeof(why));
        conclude(inquiry, NULL, why);
    }
}

static void on_list(struct inquiry *inquiry, const struct wire_message *message)
{
    conclude(inquiry, message, NULL);
}

static void on_error(struct inquiry *inquiry, const struct wire_message *message)
{
    refuse(inquiry, "the relay refuses to answer: %s", message->error);
}

static void (*const hearers[WIRE_TYPES])(struct inquiry *, const struct wire_message *) = {
    [WIRE_WELCOME] = on_welcome,
    [WIRE_NAMEPLATES] = on_list,
    [WIRE_ERROR] = on_error,
};

static void on_opened(struct ws *ws, void *arg)
{
    struct inquiry *inquiry = arg;
    (void)ws;
    relay_use_opened(&inquiry->use);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct inquiry *inquiry = arg;
    struct wire_message message;
    (void)ws;
    if (inquiry->done == NULL)
        return;
    enum wire_fault fault = wire_parse((const char *)data, length, &message);
    if (fault != WIRE_OK) {
        refuse(inquiry, "the relay's answer makes no sense: %s", wire_fault_text(fault));
        return;
    }
    if (hearers[message.type] != NULL)
        hearers[message.type](inquiry, &message);
    wire_free(&message);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct inquiry *inquiry = arg;
    (void)ws;
    tell(inquiry, NULL, why);
    free_inquiry(inquiry);
}

static const struct ws_handlers handlers = {
    .opened = on_opened,
    .message = on_message,
    .closed = on_closed,
};

/* ---- start ---- */

static struct inquiry *add_inquiry(struct nameplates *nameplates, struct relay *relay)
{
    struct inquiry *inquiry = calloc(1, sizeof(*inquiry));
    if (inquiry == NULL)
        return NULL;
    inquiry->nameplates = nameplates;
    relay_use_begin(&inquiry->use, relay);
    DL_APPEND(nameplates->inquiries, inquiry);
    nameplates->count++;
    return inquiry;
}

static bool start_timer(struct inquiry *inquiry)
{
    static const struct timeval patience = {NAMEPLATES_SECONDS, 0};
    inquiry->timer = evtimer_new(inquiry->nameplates->parts.base, on_timeout, inquiry);
    return inquiry->timer != NULL && event_add(inquiry->timer, &patience) == 0;
}

static bool dial(struct inquiry *inquiry)
{
    struct ws_options options;
    struct url url;
    ws_options_default(&options);
    options.message_max = LIST_BYTES_MAX;
    if (url_parse(inquiry->use.relay->url, &url) == URL_OK)
        inquiry->ws = relay_dialer_dial(inquiry->nameplates->parts.routes, inquiry->use.relay, &url,
                                        NULL, &options, &handlers, inquiry);
    return inquiry->ws;
}

bool nameplates_busy(const struct nameplates *nameplates)
{
    return nameplates->count >= NAMEPLATES_INQUIRIES_MAX;
}

struct inquiry *nameplates_ask(struct nameplates *nameplates, const char *relay, const char *appid,
                               nameplates_done done, void *arg)
{
    struct relay *known = relays_get(nameplates->parts.relays, relay);
    struct inquiry *inquiry = known != NULL ? add_inquiry(nameplates, known) : NULL;
    if (inquiry == NULL)
        return NULL;
    inquiry->done = done;
    inquiry->arg = arg;
    snprintf(inquiry->appid, sizeof(inquiry->appid), "%s", appid);
    if (start_timer(inquiry) && dial(inquiry))
        return inquiry;
    nameplates_cancel(inquiry);
    return NULL;
}

struct nameplates *nameplates_new(const struct nameplates_parts *parts)
{
    struct nameplates *nameplates = calloc(1, sizeof(*nameplates));
    if (nameplates != NULL)
        nameplates->parts = *parts;
    return nameplates;
}

void nameplates_free(struct nameplates *nameplates)
{
    if (nameplates == NULL)
        return;
    while (nameplates->inquiries != NULL)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): DL_DELETE takes it out of the list */
        nameplates_cancel(nameplates->inquiries);
    free(nameplates);
}

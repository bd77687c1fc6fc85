#include "config.h"

#include "daemon/relay_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/diagnose.h"
#include "daemon/isolation.h"
#include "daemon/settings.h"
#include "net/address.h"
#include "net/pins.h"
#include "net/proxy.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "net/url.h"
#include "net/ws.h"
#include "wormhole/wire.h"

/* How long each step may take, in ms: the look-up, all connections together, all of TLS, the
 * WebSocket with welcome and pong. */
#define LOOK_UP_MS   5000
#define CONNECT_MS   3000
#define TLS_MS       4000
#define WEBSOCKET_MS 8000
/* A welcome and a pong are far shorter. */
#define ANSWER_MAX ((size_t)64 * 1024)
/* A clock that is off by more is wrong; one that is off by less harms nothing here. */
#define CLOCK_MS (60 * INT64_C(1000))
/* A certificate that is still that old will hardly be replaced in time. */
#define CERTIFICATE_DAYS 7
#define DAY_S            86400

#define OUR_AUTHORITY                                                                              \
    "if the relay is your own, name its authority's certificate with 'cafile' in wormholed.conf; " \
    "otherwise do not trust it"

struct relay_probe {
    const struct settings *settings;
    struct event_base *base;
    struct url url;
    const struct proxy *proxy; /* NULL: none */
    struct address_list list;
    char why[512]; /* why the step failed; empty: it did not */
    struct ws *ws;
    bool welcomed, done;
    int64_t began, asked;        /* clock_monotonic() */
    int64_t welcome, round_trip; /* ms */
    double relay_clock; /* seconds since the epoch as it says in its pong; 0: it does not */
    char refusal[512];  /* welcome's error; empty: none */
    bool permission;    /* it wants a hashcash */
};

static void stop(struct relay_probe *probe)
{
    probe->done = true;
    event_base_loopbreak(probe->base);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

/* Turns the event loop until stop(), for `ms` at most. */
static void await_stop(struct relay_probe *probe, int64_t ms)
{
    struct timeval patience = timer_interval(ms);
    struct event *timer = evtimer_new(probe->base, on_late, probe->base);

    if (timer != NULL && event_add(timer, &patience) == 0 && !probe->done)
        event_base_dispatch(probe->base);
    if (timer != NULL)
        event_free(timer);
}

/* ---- the name ---- */

static void on_addresses(const struct address_list *list, const char *why, void *arg)
{
    struct relay_probe *probe = arg;

    probe->list = *list;
    snprintf(probe->why, sizeof(probe->why), "%s", why != NULL ? why : "");
    stop(probe);
}

/* False after a finding. */
static bool find_addresses(struct relay_probe *probe)
{
    struct resolver *resolver = resolver_new(probe->base);
    struct resolve *resolve = NULL;

    probe->done = false;
    snprintf(probe->why, sizeof(probe->why), "no name server answers");
    if (resolver != NULL)
        resolve = resolve_start(resolver, probe->url.host, probe->url.port, on_addresses, probe);
    if (resolve != NULL)
        await_stop(probe, LOOK_UP_MS);
    resolve_free(resolve);
    resolver_free(resolver);
    if (probe->list.count == 0) {
        diagnose_say("relay name", DIAGNOSE_BAD,
                     "check how the relay's URL is spelled, and this machine's network",
                     "cannot find the host name %s: %s", probe->url.host, probe->why);
        return false;
    }
    if (!probe->url.literal)
        diagnose_say("relay name", DIAGNOSE_GOOD, NULL, "%s has %u address%s", probe->url.host,
                     probe->list.count, probe->list.count == 1 ? "" : "es");
    return true;
}

/* ---- its addresses ---- */

struct probed_address {
    int fd;       /* -1: none */
    int error;    /* errno; 0: connected */
    int64_t took; /* ms */
    char text[INET6_ADDRSTRLEN + 16];
};

static void print_address(const union address *address, char *ret_text, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, text, sizeof(text));
        snprintf(ret_text, size, "[%s]:%u", text, ntohs(address->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof(text));
        snprintf(ret_text, size, "%s:%u", text, ntohs(address->v4.sin_port));
    }
}

static void begin_to_connect(const union address *address, struct probed_address *ret_probed)
{
    *ret_probed = (struct probed_address){.error = EINPROGRESS};
    print_address(address, ret_probed->text, sizeof(ret_probed->text));
    ret_probed->fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ret_probed->fd >= 0 && connect(ret_probed->fd, &address->any, address_length(address)) == 0)
        ret_probed->error = 0;
    else
        ret_probed->error = errno;
}

/* All at the same time. Returns how many were reached. */
static unsigned connect_all(const struct address_list *list,
                            struct probed_address probed[ADDRESS_MAX])
{
    int64_t began = clock_monotonic(), left = CONNECT_MS;
    struct pollfd waiting[ADDRESS_MAX];
    unsigned reached = 0, pending;

    for (unsigned i = 0; i < list->count; i++)
        begin_to_connect(&list->items[i], &probed[i]);
    do {
        pending = 0;
        for (unsigned i = 0; i < list->count; i++) {
            bool waits = probed[i].error == EINPROGRESS;

            waiting[i] = (struct pollfd){.fd = waits ? probed[i].fd : -1, .events = POLLOUT};
            pending += waits;
        }
        if (pending == 0 || (poll(waiting, list->count, (int)left) < 0 && errno != EINTR))
            break;
        for (unsigned i = 0; i < list->count; i++) {
            socklen_t size = sizeof(probed[i].error);

            if (waiting[i].fd < 0 || waiting[i].revents == 0)
                continue;
            if (getsockopt(probed[i].fd, SOL_SOCKET, SO_ERROR, &probed[i].error, &size) < 0)
                probed[i].error = errno;
            probed[i].took = clock_monotonic() - began;
        }
        left = CONNECT_MS - (clock_monotonic() - began);
    } while (left > 0);
    for (unsigned i = 0; i < list->count; i++) {
        if (probed[i].error == EINPROGRESS)
            probed[i].error = ETIMEDOUT;
        reached += probed[i].error == 0;
    }
    return reached;
}

static void report_address(const struct probed_address *probed, unsigned reached)
{
    if (probed->error == 0)
        diagnose_say("relay address", DIAGNOSE_GOOD, NULL, "%s: connected in %" PRId64 " ms",
                     probed->text, probed->took);
    else if (reached > 0)
        diagnose_say("relay address", DIAGNOSE_HINT, "nothing, as long as others are reached",
                     "%s: %s", probed->text, strerror(probed->error));
    else
        diagnose_say("relay address", DIAGNOSE_BAD,
                     probed->error == ECONNREFUSED
                         ? "check that the relay runs, and its port"
                         : "check the network and its firewall; is a proxy needed?",
                     "%s: %s", probed->text, strerror(probed->error));
}

/* ---- TLS ---- */

/* To be copied into wormholed.conf(5), or compared with what is there. */
static void report_pin(const struct relay_probe *probe, const char *where, const struct pin *pin)
{
    const struct pins *pins = settings_pins(probe->settings, &probe->url);
    char text[PIN_TEXT_SIZE];

    pin_text(pin, text);
    diagnose_say("relay pin", DIAGNOSE_GOOD, NULL, "%s: pin = %s%s", where, text,
                 pins != NULL && pins_have(pins, pin) ? " (as set)" : "");
}

static void report_certificate(const struct relay_probe *probe, const char *where, const SSL *ssl)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    char date[32] = "";
    struct tm end;
    long days;

    if (certificate != NULL && X509_self_signed(certificate, 0) == 1 &&
        settings_pins(probe->settings, &probe->url) != NULL &&
        settings_pins(probe->settings, &probe->url)->count > 0) {
        diagnose_say("relay certificate", DIAGNOSE_GOOD, NULL, "%s: trusted for its key alone",
                     where);
        return;
    }
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
        diagnose_say("relay certificate", DIAGNOSE_GOOD, NULL, "%s: trusted", where);
        return;
    }
    days = (long)((timegm(&end) - clock_now() / 1000) / DAY_S);
    strftime(date, sizeof(date), "%Y-%m-%d", &end);
    diagnose_say("relay certificate", days < CERTIFICATE_DAYS ? DIAGNOSE_HINT : DIAGNOSE_GOOD,
                 days < CERTIFICATE_DAYS ? "whoever runs the relay must renew it" : NULL,
                 "%s: trusted, valid until %s (%ld day%s)", where, date, days,
                 days == 1 ? "" : "s");
}

static void report_distrust(const char *where, const SSL *ssl, int system)
{
    long result = SSL_get_verify_result(ssl);
    const char *why = tls_distrust(ssl), *advice = OUR_AUTHORITY;

    if (result == X509_V_ERR_APPLICATION_VERIFICATION)
        advice = "ask whoever runs the relay: if its key has changed, add the new pin in "
                 "wormholed.conf; otherwise somebody else answers for it";
    else if (result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
        advice = "if the relay is your own, and has this key, name its pin in wormholed.conf; "
                 "otherwise do not trust it";
    else if (result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID)
        advice = "if this machine's clock is right, whoever runs the relay must renew it";
    else if (why == NULL)
        advice = "check the relay's URL: does it speak TLS (wss) at this port?";
    if (why == NULL && (system == EAGAIN || system == EWOULDBLOCK))
        why = "it does not answer in time";
    if (why == NULL)
        why = tls_error_text(ERR_peek_error(), system);
    diagnose_say("relay certificate", DIAGNOSE_BAD, advice, "%s: %s", where, why);
    ERR_clear_error();
}

/* A handshake, until `end` (clock_monotonic()) at most. */
static void check_tls(const struct relay_probe *probe, SSL_CTX *context,
                      const struct probed_address *probed, int64_t end)
{
    SSL *ssl = tls_client_new(context, &probe->url, settings_pins(probe->settings, &probe->url));
    struct pin pin;
    int64_t left = end - clock_monotonic();
    int result = 0, system = 0;

    if (ssl == NULL || SSL_set_fd(ssl, probed->fd) != 1) {
        diagnose_say("relay certificate", DIAGNOSE_BAD, NULL, "%s: out of memory", probed->text);
        SSL_free(ssl);
        return;
    }
    ERR_clear_error();
    while (left > 0) {
        struct pollfd waiting = {.fd = probed->fd};
        int wants;

        errno = 0;
        result = SSL_connect(ssl);
        system = errno;
        wants = SSL_get_error(ssl, result);
        if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE)
            break;
        waiting.events = wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        (void)poll(&waiting, 1, (int)left);
        left = end - clock_monotonic();
    }
    if (result == 1)
        report_certificate(probe, probed->text, ssl);
    else
        report_distrust(probed->text, ssl, system);
    if (tls_shown_pin(ssl, &pin))
        report_pin(probe, probed->text, &pin);
    SSL_free(ssl);
}

static void check_addresses_tls(const struct relay_probe *probe,
                                const struct probed_address probed[ADDRESS_MAX])
{
    int64_t end = clock_monotonic() + TLS_MS;
    char why[512];
    SSL_CTX *context =
        tls_context_new(settings_cafile(probe->settings, &probe->url), why, sizeof(why));

    if (context == NULL) {
        diagnose_say("relay certificate", DIAGNOSE_BAD, "see 'cafile' in wormholed.conf(5)", "%s",
                     why);
        return;
    }
    for (unsigned i = 0; i < probe->list.count; i++) {
        if (probed[i].error != 0)
            continue;
        if (clock_monotonic() < end)
            check_tls(probe, context, &probed[i], end);
        else
            diagnose_say("relay certificate", DIAGNOSE_HINT, NULL,
                         "%s: not looked at, because others took too long", probed[i].text);
    }
    SSL_CTX_free(context);
}

/* False if no address was reached. */
static bool check_addresses(struct relay_probe *probe)
{
    struct probed_address probed[ADDRESS_MAX];
    unsigned reached = connect_all(&probe->list, probed);

    for (unsigned i = 0; i < probe->list.count; i++)
        report_address(&probed[i], reached);
    if (reached > 0 && probe->url.tls)
        check_addresses_tls(probe, probed);
    for (unsigned i = 0; i < probe->list.count; i++)
        if (probed[i].fd >= 0)
            close(probed[i].fd);
    return reached > 0;
}

/* ---- the WebSocket ---- */

static void ask_for_pong(struct relay_probe *probe)
{
    char *ping = wire_encode_ping(1);

    probe->asked = clock_monotonic();
    if (ping == NULL || !ws_send(probe->ws, ping, strlen(ping)))
        stop(probe);
    free(ping);
}

static void on_probe_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct relay_probe *probe = arg;
    struct wire_message message;
    enum wire_fault fault = wire_parse((const char *)data, length, &message);

    (void)ws;
    if (fault != WIRE_OK) {
        snprintf(probe->why, sizeof(probe->why), "its answer makes no sense: %s",
                 wire_fault_text(fault));
        stop(probe);
        return;
    }
    if (message.type == WIRE_WELCOME && !probe->welcomed) {
        probe->welcomed = true;
        probe->welcome = clock_monotonic() - probe->began;
        probe->permission = message.permission_needed;
        snprintf(probe->refusal, sizeof(probe->refusal), "%s",
                 message.error != NULL ? message.error : "");
        ask_for_pong(probe);
    } else if (message.type == WIRE_PONG && probe->welcomed) {
        probe->round_trip = clock_monotonic() - probe->asked;
        probe->relay_clock = json_number_value(json_object_get(message.root, "server_tx"));
        probe->why[0] = '\0';
        stop(probe);
    }
    wire_free(&message);
}

static void on_probe_opened(struct ws *ws, void *arg)
{
    struct relay_probe *probe = arg;

    struct pin pin;

    snprintf(probe->why, sizeof(probe->why), "the WebSocket is open, but no welcome came");
    if (probe->proxy != NULL && ws_shown_pin(ws, &pin))
        report_pin(probe, probe->url.host, &pin);
}

static void on_probe_closed(struct ws *ws, const char *why, void *arg)
{
    struct relay_probe *probe = arg;

    (void)ws;
    probe->ws = NULL;
    snprintf(probe->why, sizeof(probe->why), "%s", why);
    stop(probe);
}

static const struct ws_handlers probe_handlers = {
    .opened = on_probe_opened,
    .message = on_probe_message,
    .closed = on_probe_closed,
};

static void report_clock(const struct relay_probe *probe)
{
    int64_t ahead;

    if (!(probe->relay_clock >= 1 && probe->relay_clock <= 1e11))
        return;
    ahead = clock_now() - probe->round_trip / 2 - (int64_t)(probe->relay_clock * 1000);
    if (ahead < CLOCK_MS && ahead > -CLOCK_MS)
        diagnose_say("clock", DIAGNOSE_GOOD, NULL, "agrees with that of %s to a minute",
                     probe->settings->relay);
    else
        diagnose_say("clock", DIAGNOSE_BAD, "if this one is wrong: timedatectl set-ntp true",
                     "%" PRId64 " min %s that of %s",
                     ((ahead < 0 ? -ahead : ahead) + 30000) / 60000,
                     ahead > 0 ? "ahead of" : "behind", probe->settings->relay);
}

static void report_relay(const struct relay_probe *probe)
{
    const char *relay = probe->settings->relay;
    char through[PROXY_TEXT_SIZE + 16] = "", proxy[PROXY_TEXT_SIZE];

    if (probe->proxy != NULL) {
        proxy_text(probe->proxy, proxy);
        snprintf(through, sizeof(through), " through %s", proxy);
    }
    if (probe->refusal[0] != '\0')
        diagnose_say("relay", DIAGNOSE_BAD, "ask whoever runs it, or use another relay",
                     "%s%s turns clients away: %s", relay, through, probe->refusal);
    else if (probe->why[0] != '\0')
        diagnose_say("relay", DIAGNOSE_BAD,
                     probe->proxy != NULL ? "check the proxy, and the relay's URL"
                                          : "check the relay's URL; or try again later",
                     "%s%s: %s", relay, through, probe->why);
    else
        diagnose_say("relay", DIAGNOSE_GOOD, NULL,
                     "%s%s: welcome in %" PRId64 " ms, round trip %" PRId64 " ms%s", relay, through,
                     probe->welcome, probe->round_trip,
                     probe->permission ? "; it asks for a stamp (hashcash) of each client" : "");
    if (probe->why[0] == '\0')
        report_clock(probe);
}

static void check_websocket(struct relay_probe *probe)
{
    char why[512];
    struct ws_options options;
    struct ws_net *net =
        ws_net_new(probe->base, settings_cafile(probe->settings, &probe->url), why, sizeof(why));

    ws_options_default(&options);
    options.message_max = ANSWER_MAX;
    options.pins = settings_pins(probe->settings, &probe->url);
    probe->began = clock_monotonic();
    probe->done = false;
    snprintf(probe->why, sizeof(probe->why), "it did not answer in time");
    if (net != NULL)
        probe->ws = ws_dial(net, &probe->url, probe->proxy, &options, &probe_handlers, probe);
    else
        snprintf(probe->why, sizeof(probe->why), "%s", why);
    if (probe->ws != NULL)
        await_stop(probe, WEBSOCKET_MS);
    if (probe->welcomed && !probe->done)
        snprintf(probe->why, sizeof(probe->why), "it welcomes us, but answers no ping");
    report_relay(probe);
    ws_free(probe->ws);
    if (net != NULL)
        ws_net_free(net);
}

void relay_probe(const struct settings *settings)
{
    struct relay_probe probe = {.settings = settings, .base = event_base_new()};
    struct isolation isolation;
    struct proxy isolated;

    if (probe.base == NULL || url_parse(settings->relay, &probe.url) != URL_OK) {
        diagnose_say("relay", DIAGNOSE_BAD, NULL, "out of memory");
    } else {
        isolation_begin(&isolation);
        probe.proxy = isolation_proxy(&isolation, settings, &probe.url, NULL, &isolated);
        /* A proxy looks up the name, and reaches the addresses. */
        if (probe.proxy != NULL || (find_addresses(&probe) && check_addresses(&probe)))
            check_websocket(&probe);
    }
    proxy_wipe(&isolated);
    if (probe.base != NULL)
        event_base_free(probe.base);
}

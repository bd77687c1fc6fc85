/* wss:// lets nobody in who cannot prove to be the host of the URL, and says why; what goes through
 * is a WebSocket like any other. The certificates are made here. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/timer.h"
#include "net-world.h"
#include "net/dial.h"
#include "net/pins.h"
#include "net/tls.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define DAY           86400

/* The 3 s after which "localhost" would be tried at its other address may not be enough here for
 * the reading of the system's certificates. */
struct timeval __real_timer_interval(int64_t);
struct timeval __wrap_timer_interval(int64_t);

struct timeval __wrap_timer_interval(int64_t ms)
{
    return __real_timer_interval(ms == 3000 ? 60000 : ms);
}

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static struct identity authority, stranger;
static char dir[64], cafile[96], strange_cafile[96];

static void extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: by itself. `names` as in a subjectAltName, NULL: none, an authority. Valid from
 * `from` to `to` seconds after now. */
static struct identity make_identity(const struct identity *issuer, const char *name,
                                     const char *names, long from, long to)
{
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    static long serial = 1;

    assert_non_null(made.key);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), to);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.certificate,
                         issuer != NULL ? X509_get_subject_name(issuer->certificate) : subject);
    X509_set_pubkey(made.certificate, made.key);
    extend(made.certificate, NID_basic_constraints,
           names == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (names != NULL)
        extend(made.certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(made.certificate, issuer != NULL ? issuer->key : made.key, EVP_sha256()) >
                0);
    return made;
}

static void extend_and_sign_again(struct identity *identity, int nid, const char *value)
{
    extend(identity->certificate, nid, value);
    assert_true(X509_sign(identity->certificate, identity->key, EVP_sha256()) > 0);
}

static void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
}

static int make_authorities(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(dir, sizeof(dir), "%s/test-wss-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(cafile, sizeof(cafile), "%s/ca.pem", dir);
    snprintf(strange_cafile, sizeof(strange_cafile), "%s/strange.pem", dir);
    authority = make_identity(NULL, "authority", NULL, -DAY, DAY);
    stranger = make_identity(NULL, "stranger", NULL, -DAY, DAY);
    write_certificate(cafile, authority.certificate);
    write_certificate(strange_cafile, stranger.certificate);
    return 0;
}

static int remove_authorities(void **state)
{
    (void)state;
    unlink(cafile);
    unlink(strange_cafile);
    rmdir(dir);
    free_identity(&authority);
    free_identity(&stranger);
    return 0;
}

/* A server that speaks TLS and hands the plain bytes to a WebSocket server, as a proxy would. */
struct scene {
    struct world world;
    struct party client, server;
    SSL_CTX *context;
    struct bufferevent *outside, *inside;
    int listener;
    uint16_t port;
    char sni[256];
};

static int on_sni(SSL *ssl, int *alert, void *arg)
{
    struct scene *scene = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    snprintf(scene->sni, sizeof(scene->sni), "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

static void scene_begin(struct scene *scene, const char *trusted, const struct identity *identity)
{
    *scene = (struct scene){0};
    world_begin(&scene->world, trusted);
    party_begin(&scene->client, &scene->world);
    party_begin(&scene->server, &scene->world);
    scene->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(scene->context, identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(scene->context, identity->key), 1);
    SSL_CTX_set_tlsext_servername_callback(scene->context, on_sni);
    SSL_CTX_set_tlsext_servername_arg(scene->context, scene);
    scene->listener = world_listen("127.0.0.1", &scene->port);
}

static void scene_end(struct scene *scene)
{
    party_end(&scene->client);
    party_end(&scene->server);
    if (scene->outside != NULL)
        bufferevent_free(scene->outside);
    if (scene->inside != NULL)
        bufferevent_free(scene->inside);
    world_end(&scene->world);
    SSL_CTX_free(scene->context);
    close(scene->listener);
}

/* Passes on what has come from one side, and its end. */

static void pass(struct bufferevent *from, struct bufferevent *to)
{
    if (to != NULL)
        bufferevent_write_buffer(to, bufferevent_get_input(from));
}

static void on_bytes(struct bufferevent *bev, void *arg)
{
    struct scene *scene = arg;

    pass(bev, bev == scene->outside ? scene->inside : scene->outside);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct scene *scene = arg;
    struct bufferevent **side = bev == scene->outside ? &scene->outside : &scene->inside;

    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
        return;
    ERR_clear_error();
    bufferevent_free(bev);
    *side = NULL;
}

static void speak_tls(struct scene *scene, int fd)
{
    SSL *ssl = SSL_new(scene->context);
    int inside[2];

    dial_tune(fd);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, inside), 0);
    scene->inside = bufferevent_socket_new(scene->world.base, inside[0], BEV_OPT_CLOSE_ON_FREE);
    scene->outside = bufferevent_openssl_socket_new(
        scene->world.base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    assert_non_null(scene->outside);
    bufferevent_setcb(scene->inside, on_bytes, NULL, on_event, scene);
    bufferevent_setcb(scene->outside, on_bytes, NULL, on_event, scene);
    bufferevent_enable(scene->inside, EV_READ | EV_WRITE);
    bufferevent_enable(scene->outside, EV_READ | EV_WRITE);
    party_accept(&scene->server, inside[1]);
}

static void accept_tls(struct scene *scene)
{
    speak_tls(scene, world_accept(&scene->world, scene->listener));
}

/* As a proxy whose tunnel leads to the server. */
static void accept_through_proxy(struct scene *scene)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    int fd = world_accept(&scene->world, scene->listener);
    char asked[1024];
    ssize_t length = 0;

    WAIT_FOR(&scene->world, (length = recv(fd, asked, sizeof(asked), 0)) > 0);
    assert_memory_equal(asked + length - 4, "\r\n\r\n", 4); /* and nothing of TLS yet */
    assert_int_equal(send(fd, answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
    speak_tls(scene, fd);
}

static void dial(struct scene *scene, const char *host)
{
    struct url url = world_url("wss://%s:%u/v1", host, (unsigned)scene->port);

    party_dial(&scene->client, &url);
}

static void test_trusted(void **state)
{
    static const struct {
        const char *names;
        const char *host;
        const char *sni;
    } cases[] = {
        {"DNS:localhost", "localhost", "localhost"},
        {"DNS:relay.localhost", "Relay.localhost", "relay.localhost"},
        {"DNS:*.relays.localhost", "one.relays.localhost", "one.relays.localhost"},
        {"IP:127.0.0.1", "127.0.0.1", ""},
        {"DNS:example.org,IP:::1,IP:127.0.0.1", "127.0.0.1", ""},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct identity identity = make_identity(&authority, "x", cases[i].names, -DAY, DAY);
        struct scene scene;

        scene_begin(&scene, cafile, &identity);
        dial(&scene, cases[i].host);
        accept_tls(&scene);
        WAIT_FOR(&scene.world, scene.client.opened || scene.client.closed);
        assert_string_equal(scene.client.why, "");
        assert_string_equal(scene.sni, cases[i].sni);
        party_send(&scene.client, "hello");
        WAIT_FOR(&scene.world, scene.server.messages);
        assert_true(party_got(&scene.server, "hello"));
        scene_end(&scene);
        free_identity(&identity);
    }
}

static void expect_distrust(const char *trusted, const struct identity *identity, const char *host,
                            const char *why)
{
    struct scene scene;
    char expected[512];

    scene_begin(&scene, trusted, identity);
    dial(&scene, host);
    accept_tls(&scene);
    WAIT_FOR(&scene.world, scene.client.opened || scene.client.closed);
    snprintf(expected, sizeof(expected), "cannot trust %s:%u: %s", host, (unsigned)scene.port, why);
    assert_string_equal(scene.client.why, expected);
    assert_int_equal(scene.client.opened, 0);
    assert_int_equal(scene.server.opened, 0); /* nothing was asked of an impostor */
    scene_end(&scene);
}

static void test_distrusted(void **state)
{
    static const struct {
        struct identity *issuer; /* NULL: itself */
        const char *names;
        long from, to;
        const char *trusted; /* NULL: the system's store */
        const char *host;
        const char *why;
    } cases[] = {
        {&authority, "DNS:relay.example", -DAY, DAY, cafile, "localhost",
         "its certificate is for another host name"},
        {&authority, "DNS:localhost", -DAY, DAY, cafile, "127.0.0.1",
         "its certificate is not for this address"},
        {&authority, "IP:127.0.0.2", -DAY, DAY, cafile, "127.0.0.1",
         "its certificate is not for this address"},
        {&authority, "IP:127.0.0.1", -DAY, DAY, cafile, "localhost",
         "its certificate is for another host name"},
        {&authority, "DNS:*.localhost", -DAY, DAY, cafile, "a.b.localhost",
         "its certificate is for another host name"},
        {&authority, "DNS:localhost", -2 * DAY, -DAY, cafile, "localhost",
         "its certificate has expired"},
        {&authority, "DNS:localhost", DAY, 2 * DAY, cafile, "localhost",
         "its certificate is not valid yet (is the clock right?)"},
        {&authority, "DNS:localhost", -DAY, DAY, strange_cafile, "localhost",
         "its certificate is from an unknown authority"},
        {&authority, "DNS:localhost", -DAY, DAY, NULL, "localhost",
         "its certificate is from an unknown authority"},
        {&stranger, "DNS:localhost", -DAY, DAY, cafile, "localhost",
         "its certificate is from an unknown authority"},
        {NULL, "DNS:localhost", -DAY, DAY, cafile, "localhost", "its certificate is self-signed"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct identity identity =
            make_identity(cases[i].issuer, "localhost", cases[i].names, cases[i].from, cases[i].to);

        expect_distrust(cases[i].trusted, &identity, cases[i].host, cases[i].why);
        free_identity(&identity);
    }
}

/* By other functions than the code under test uses; test-tls.py compares with the openssl that
 * wormholed.conf(5) names. */
static struct pins pinned(EVP_PKEY *key)
{
    char text[PIN_TEXT_SIZE] = "sha256:", why[256];
    unsigned char *der = NULL, hash[SHA256_DIGEST_LENGTH];
    int length = i2d_PUBKEY(key, &der);
    struct pins pins;

    assert_true(length > 0);
    SHA256(der, (size_t)length, hash);
    OPENSSL_free(der);
    EVP_EncodeBlock((unsigned char *)text + strlen(text), hash, sizeof(hash));
    assert_true(pins_parse(text, &pins, why, sizeof(why)));
    return pins;
}

/* A pin comes on top of what is checked anyway, except for a certificate that nobody else has
 * signed: of that, the key is all. */
static void test_pinned(void **state)
{
    static const char another[] = "its key is not one of those pinned, but sha256:";
    static const struct {
        struct identity *issuer; /* NULL: itself */
        const char *names;
        long from, to;
        const char *trusted;
        bool right;      /* the pin is that of the key that is shown */
        const char *why; /* the beginning; NULL: it is trusted */
    } cases[] = {
        {&authority, "DNS:localhost", -DAY, DAY, cafile, true, NULL},
        {&authority, "DNS:localhost", -DAY, DAY, cafile, false, another},
        {&authority, "DNS:localhost", -DAY, DAY, strange_cafile, true,
         "its certificate is from an unknown authority"},
        {&authority, "DNS:localhost", -2 * DAY, -DAY, cafile, true, "its certificate has expired"},
        {&authority, "DNS:relay.example", -DAY, DAY, cafile, true,
         "its certificate is for another host name"},
        {NULL, "DNS:localhost", -DAY, DAY, cafile, true, NULL},
        {NULL, "DNS:localhost", -DAY, DAY, cafile, false, another},
        {NULL, "DNS:relay.example", -2 * DAY, -DAY, cafile, true, NULL},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct identity identity =
            make_identity(cases[i].issuer, "localhost", cases[i].names, cases[i].from, cases[i].to);
        struct pins shown = pinned(identity.key), pins = pinned(stranger.key);
        char expected[256] = "";
        struct scene scene;
        struct pin pin;

        if (cases[i].right) /* a second one is for the time after a change of keys */
            pins.items[pins.count++] = shown.items[0];
        scene_begin(&scene, cases[i].trusted, &identity);
        scene.world.options.pins = &pins;
        dial(&scene, "localhost");
        memset(&pins, 0, sizeof(pins)); /* they were borrowed for the call */
        accept_tls(&scene);
        WAIT_FOR(&scene.world, scene.client.opened || scene.client.closed);
        if (cases[i].why != NULL)
            snprintf(expected, sizeof(expected), "cannot trust localhost:%u: %s",
                     (unsigned)scene.port, cases[i].why);
        if (strncmp(scene.client.why, expected, strlen(expected)) != 0 ||
            scene.client.opened != (cases[i].why == NULL))
            fail_msg("case %zu: '%s' does not begin with '%s'", i, scene.client.why, expected);
        if (cases[i].why == another) {
            char text[PIN_TEXT_SIZE];
            pin_text(&shown.items[0], text);
            assert_non_null(strstr(scene.client.why, text));
        }
        if (cases[i].why == NULL) {
            assert_true(ws_shown_pin(scene.client.ws, &pin));
            assert_memory_equal(&pin, &shown.items[0], sizeof(pin));
        }
        scene_end(&scene);
        free_identity(&identity);
    }
}

/* What else is wrong with a certificate that is signed by itself is no matter of name and dates: a
 * pin does not make up for it. */
static void test_pinned_but_unfit(void **state)
{
    static const struct {
        int extension; /* one more */
        const char *value;
        int code; /* OpenSSL's */
    } cases[] = {
        {NID_key_usage, "critical,digitalSignature", X509_V_OK},
        {NID_ext_key_usage, "serverAuth", X509_V_OK},
        {NID_ext_key_usage, "clientAuth", X509_V_ERR_INVALID_PURPOSE},
        {NID_netscape_comment, "critical,nobody knows", X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct identity identity =
            make_identity(NULL, "localhost", "DNS:relay.example", -2 * DAY, -DAY);
        struct pins pins = pinned(identity.key);
        char expected[256] = "";
        struct scene scene;

        extend_and_sign_again(&identity, cases[i].extension, cases[i].value);
        scene_begin(&scene, cafile, &identity);
        scene.world.options.pins = &pins;
        dial(&scene, "localhost");
        accept_tls(&scene);
        WAIT_FOR(&scene.world, scene.client.opened || scene.client.closed);
        if (cases[i].code != X509_V_OK)
            snprintf(expected, sizeof(expected), "cannot trust localhost:%u: %s",
                     (unsigned)scene.port, X509_verify_cert_error_string(cases[i].code));
        assert_string_equal(scene.client.why, expected);
        assert_int_equal(scene.client.opened, cases[i].code == X509_V_OK);
        scene_end(&scene);
        free_identity(&identity);
    }
}

/* Who is to be proved is the relay, and not the proxy, though that is whom we are connected to. */
static void test_through_proxy(void **state)
{
    static const struct {
        const char *names;
        const char *why;
    } cases[] = {
        {"DNS:relay.onion", ""},
        {"DNS:localhost", "cannot trust relay.onion:443: its certificate is for another host name"},
    };
    struct url url = world_url("wss://relay.onion/v1");

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct identity identity = make_identity(&authority, "x", cases[i].names, -DAY, DAY);
        struct proxy proxy = {.protocol = PROXY_HTTP, .url.host = "localhost"};
        struct scene scene;

        scene_begin(&scene, cafile, &identity);
        proxy.url.port = scene.port;
        party_dial_through(&scene.client, &url, &proxy);
        accept_through_proxy(&scene);
        WAIT_FOR(&scene.world, scene.client.opened || scene.client.closed);
        assert_string_equal(scene.client.why, cases[i].why);
        assert_string_equal(scene.sni, "relay.onion");
        scene_end(&scene);
        free_identity(&identity);
    }
}

/* Not only where the system's configuration of OpenSSL says so. */
static void test_old_tls(void **state)
{
    struct identity identity = make_identity(&authority, "x", "DNS:localhost", -DAY, DAY);
    struct scene scene;
    char why[256];
    SSL_CTX *context = tls_context_new(NULL, why, sizeof(why));

    (void)state;
    assert_non_null(context);
    assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
    SSL_CTX_free(context);
    scene_begin(&scene, cafile, &identity);
    SSL_CTX_set_security_level(scene.context, 0);
    SSL_CTX_set_min_proto_version(scene.context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(scene.context, TLS1_1_VERSION);
    dial(&scene, "localhost");
    accept_tls(&scene);
    WAIT_FOR(&scene.world, scene.client.opened || scene.client.closed);
    assert_int_equal(scene.client.opened, 0);
    assert_non_null(strstr(scene.client.why, "cannot speak TLS with localhost:"));
    scene_end(&scene);
    free_identity(&identity);
}

/* Other ends that are no TLS servers; with a deadline shorter than theirs to be silent. */
static void test_no_tls(void **state)
{
    static const struct {
        const char *says;
        bool leaves;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n", false, "it does not speak TLS"},
        {"", true, "it closed the connection"},
        {"", false, "it does not answer"},
    };
    char expected[512];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct scene scene;
        struct raw raw;

        scene_begin(&scene, cafile, &authority);
        scene.world.options.connect_timeout = *cases[i].says || cases[i].leaves ? 10000 : 150;
        dial(&scene, "localhost");
        raw_accept(&raw, &scene.world, scene.listener);
        WAIT_FOR(&scene.world, raw_length(&raw) > 0);
        raw_put(&raw, cases[i].says, strlen(cases[i].says));
        if (cases[i].leaves)
            raw_end(&raw);
        WAIT_FOR(&scene.world, scene.client.closed);
        snprintf(expected, sizeof(expected), "cannot speak TLS with localhost:%u: %s",
                 (unsigned)scene.port, cases[i].why);
        assert_string_equal(scene.client.why, expected);
        raw_end(&raw);
        scene_end(&scene);
    }
}

static void open_good(struct scene *scene, struct identity *ret_identity)
{
    *ret_identity = make_identity(&authority, "x", "DNS:localhost", -DAY, DAY);
    scene_begin(scene, cafile, ret_identity);
    dial(scene, "localhost");
    accept_tls(scene);
    WAIT_FOR(&scene->world, scene->client.opened && scene->server.opened);
}

static void test_big_messages(void **state)
{
    struct identity identity;
    struct scene scene;
    char *text = world_big_text();

    (void)state;
    open_good(&scene, &identity);
    assert_true(party_send(&scene.client, text));
    assert_true(party_send(&scene.server, text));
    assert_true(ws_backlog(scene.client.ws) > WORLD_BIG);
    WAIT_FOR(&scene.world, scene.client.messages && scene.server.messages && scene.client.drained);
    assert_true(party_got(&scene.client, text));
    assert_true(party_got(&scene.server, text));
    assert_int_equal(scene.client.drained, 1);
    WAIT_FOR(&scene.world, scene.server.drained);
    assert_int_equal(ws_net_backlog(scene.world.net), 0);
    assert_true(ws_taken(scene.client.ws) > WORLD_BIG);
    scene_end(&scene);
    free_identity(&identity);
    free(text);
}

static void pause_it(struct party *party)
{
    ws_pause(party->ws, true);
}

/* Many messages in one TLS record: pausing between them loses none, though the socket has no more
 * to say when reading goes on. */
static void test_pause(void **state)
{
    enum { COUNT = 300 };
    struct identity identity;
    struct scene scene;

    (void)state;
    open_good(&scene, &identity);
    scene.client.on_message = pause_it;
    for (int i = 0; i < COUNT; i++)
        party_send(&scene.server, "a message of a few dozen bytes, so many fit into one record");
    for (unsigned i = 1; i <= COUNT; i++) {
        WAIT_FOR(&scene.world, scene.client.messages == i);
        ws_pause(scene.client.ws, false);
    }
    scene_end(&scene);
    free_identity(&identity);
}

/* The other end sees TLS's own goodbye after the close frames. */
static void test_close(void **state)
{
    struct identity identity;
    struct scene scene;

    (void)state;
    open_good(&scene, &identity);
    bufferevent_openssl_set_allow_dirty_shutdown(scene.outside, 0);
    SSL *ssl = bufferevent_openssl_get_ssl(scene.outside);
    SSL_up_ref(ssl);
    ws_close(scene.client.ws);
    WAIT_FOR(&scene.world, scene.client.closed && scene.server.closed && scene.outside == NULL);
    assert_string_equal(scene.client.why, "closed");
    assert_string_equal(scene.server.why, "the other end closed the connection");
    assert_true(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    scene_end(&scene);
    free_identity(&identity);
}

/* A TLS connection that is cut without a goodbye. */
static void test_drop(void **state)
{
    struct identity identity;
    struct scene scene;

    (void)state;
    open_good(&scene, &identity);
    bufferevent_free(scene.outside);
    scene.outside = NULL;
    WAIT_FOR(&scene.world, scene.client.closed);
    assert_string_equal(scene.client.why, "the other end dropped the connection");
    scene_end(&scene);
    free_identity(&identity);
}

/* ws_free() at every round of the loop, until the connection is open. */
static void test_free_at_every_moment(void **state)
{
    struct identity identity = make_identity(&authority, "x", "DNS:localhost", -DAY, DAY);
    bool opened = false;

    (void)state;
    for (int rounds = 0; !opened; rounds++) {
        struct scene scene;

        scene_begin(&scene, cafile, &identity);
        dial(&scene, "localhost");
        accept_tls(&scene);
        for (int round = 0; round < rounds; round++)
            event_base_loop(scene.world.base, EVLOOP_NONBLOCK);
        opened = scene.client.opened;
        scene_end(&scene);
        assert_true(rounds < 1000);
    }
    free_identity(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trusted),       cmocka_unit_test(test_distrusted),
        cmocka_unit_test(test_pinned),        cmocka_unit_test(test_pinned_but_unfit),
        cmocka_unit_test(test_through_proxy), cmocka_unit_test(test_old_tls),
        cmocka_unit_test(test_no_tls),        cmocka_unit_test(test_big_messages),
        cmocka_unit_test(test_pause),         cmocka_unit_test(test_close),
        cmocka_unit_test(test_drop),          cmocka_unit_test(test_free_at_every_moment),
    };

    return cmocka_run_group_tests(tests, make_authorities, remove_authorities);
}

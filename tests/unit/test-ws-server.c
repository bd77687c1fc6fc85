/* The server's end of a WebSocket: TLS with a certificate of its own, and only the paths that it
 * answers. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net-world.h"
#include "net/tls.h"

#define DAY 86400

static char dir[1024], certificate_path[1100], key_path[1100], nowhere[1100];

/* One that vouches for itself: whoever trusts it as an authority trusts the server. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);

    X509_set_version(made, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(made), DAY);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_set_pubkey(made, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(made, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

static int write_files(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(dir, sizeof(dir), "%s/test-ws-server-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(certificate_path, sizeof(certificate_path), "%s/certificate.pem", dir);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", dir);
    snprintf(nowhere, sizeof(nowhere), "%s/nowhere.pem", dir);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    FILE *file = fopen(certificate_path, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(key_path, "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(certificate_path);
    unlink(key_path);
    return rmdir(dir);
}

/* ---- a server that echoes ---- */

struct server {
    struct world world;
    struct ws *ws;
    int listener;
    uint16_t port;
    unsigned opened, closed;
    char why[256];
};

static void on_opened(struct ws *ws, void *arg)
{
    struct server *server = arg;

    (void)ws;
    server->opened++;
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    (void)arg;
    assert_true(ws_send(ws, (const char *)data, length));
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct server *server = arg;

    (void)ws;
    server->ws = NULL;
    server->closed++;
    snprintf(server->why, sizeof(server->why), "%s", why);
}

static const struct ws_handlers echo = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

static void server_begin(struct server *server)
{
    *server = (struct server){0};
    world_begin(&server->world, certificate_path);
    server->listener = world_listen("127.0.0.1", &server->port);
}

static void server_end(struct server *server)
{
    ws_free(server->ws);
    world_end(&server->world);
    close(server->listener);
}

static void accept_tls(struct server *server)
{
    char why[256];
    SSL_CTX *context = tls_server_context_new(certificate_path, key_path, why, sizeof(why));

    if (context == NULL)
        fail_msg("%s", why);
    server->ws = ws_accept_tls(server->world.net, world_accept(&server->world, server->listener),
                               context, &server->world.options, &echo, server);
    SSL_CTX_free(context);
    assert_non_null(server->ws);
}

static void accept_plain(struct server *server)
{
    server->ws = ws_accept(server->world.net, world_accept(&server->world, server->listener),
                           &server->world.options, &echo, server);
    assert_non_null(server->ws);
}

/* ---- TLS ---- */

static void test_tls(void **state)
{
    struct server server;
    struct party client;

    (void)state;
    server_begin(&server);
    party_begin(&client, &server.world);
    struct url url = world_url("wss://127.0.0.1:%u/v1", (unsigned)server.port);
    party_dial(&client, &url);
    accept_tls(&server);
    WAIT_FOR(&server.world, client.opened || client.closed);
    assert_string_equal(client.why, "");
    party_send(&client, "hello");
    WAIT_FOR(&server.world, client.messages);
    assert_true(party_got(&client, "hello"));
    ws_close(server.ws);
    WAIT_FOR(&server.world, client.closed && server.closed);
    assert_string_equal(server.why, "closed");
    party_end(&client);
    server_end(&server);
}

static void test_no_tls(void **state)
{
    static const char request[] = "GET /v1 HTTP/1.1\r\n\r\n";
    struct server server;
    struct raw raw;

    (void)state;
    server_begin(&server);
    raw_connect(&raw, &server.world, server.port);
    accept_tls(&server);
    raw_put(&raw, request, sizeof(request) - 1);
    WAIT_FOR(&server.world, server.closed);
    assert_string_equal(server.why, "cannot speak TLS with the client: it does not speak TLS");
    assert_int_equal(server.opened, 0);
    raw_end(&raw);
    server_end(&server);
}

static void test_silent(void **state)
{
    struct server server;
    struct raw raw;

    (void)state;
    server_begin(&server);
    server.world.options.connect_timeout = 30;
    raw_connect(&raw, &server.world, server.port);
    accept_tls(&server);
    WAIT_FOR(&server.world, server.closed);
    assert_string_equal(server.why, "cannot speak TLS with the client: it does not answer");
    raw_end(&raw);
    server_end(&server);
}

static void test_files(void **state)
{
    char why[256];

    (void)state;
    assert_null(tls_server_context_new(nowhere, key_path, why, sizeof(why)));
    assert_non_null(strstr(why, nowhere));
    assert_null(tls_server_context_new(certificate_path, nowhere, why, sizeof(why)));
    assert_non_null(strstr(why, nowhere));
    /* The certificate's file has no key in it. */
    assert_null(tls_server_context_new(certificate_path, NULL, why, sizeof(why)));
    assert_non_null(strstr(why, "cannot use the key"));
}

/* ---- paths ---- */

static void ask(struct server *server, struct raw *raw, const char *target)
{
    static const char *const paths[] = {"/", "/v1", NULL};
    char request[512];
    int length = snprintf(request, sizeof(request),
                          "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          target);

    server_begin(server);
    server->world.options.paths = paths;
    raw_connect(raw, &server->world, server->port);
    accept_plain(server);
    raw_put(raw, request, (size_t)length);
}

static void test_paths(void **state)
{
    static const char *const right[] = {"/", "/v1", "/v1/", "/v1/x", "/v1?x=/v2", "/?"};
    static const char *const wrong[] = {"/v", "/v11", "/v2", "/v2/v1", "v1", "?", "//v1"};
    static const char refusal[] = "HTTP/1.1 404 Not Found\r\n";
    struct server server;
    struct raw raw;

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        ask(&server, &raw, right[i]);
        WAIT_FOR(&server.world, server.opened || server.closed);
        assert_int_equal(server.opened, 1);
        raw_end(&raw);
        server_end(&server);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        ask(&server, &raw, wrong[i]);
        raw_expect(&raw, &server.world, refusal, sizeof(refusal) - 1);
        raw_end(&raw);
        WAIT_FOR(&server.world, server.closed);
        assert_string_equal(server.why, "the client asked for a path that does not exist here");
        server_end(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls),   cmocka_unit_test(test_no_tls), cmocka_unit_test(test_silent),
        cmocka_unit_test(test_files), cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, write_files, remove_files);
}

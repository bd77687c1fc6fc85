#include "config.h"

#include "net/handshake.h"

#include <openssl/sha.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 6455 §1.3 */
static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#define BASE64_SIZE(bytes) sodium_base64_ENCODED_LEN(bytes, sodium_base64_VARIANT_ORIGINAL)
#define SERVER_SIZE        80
#define ACCEPT_SIZE        BASE64_SIZE(SHA_DIGEST_LENGTH)

enum handshake_fact {
    FACT_UPGRADE = 1 << 0,
    FACT_CONNECTION = 1 << 1,
    FACT_ACCEPT = 1 << 2,
    FACT_KEY = 1 << 3,
    FACT_VERSION = 1 << 4,
    FACT_HOST = 1 << 5,
};

/* Ends it: `status` is what a server answers, the clause says what was wrong. Always false. */
static bool refuse(struct handshake *handshake, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct handshake *handshake, unsigned status, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(handshake->why, sizeof(handshake->why), format, values);
    va_end(values);
    handshake->status = status;
    handshake->progress = HANDSHAKE_REFUSED;
    return false;
}

/* False when OpenSSL is out of memory. */
static bool make_accept(const char *key, char ret_accept[ACCEPT_SIZE])
{
    char text[sizeof((struct handshake *)0)->key + sizeof(accept_guid)];
    unsigned char digest[SHA_DIGEST_LENGTH];
    int length = snprintf(text, sizeof(text), "%s%s", key, accept_guid);

    if (SHA1((const unsigned char *)text, (size_t)length, digest) == NULL)
        return false;
    sodium_bin2base64(ret_accept, ACCEPT_SIZE, digest, sizeof(digest),
                      sodium_base64_VARIANT_ORIGINAL);
    return true;
}

/* A header that may occur only once. */
static bool note_once(struct handshake *handshake, enum handshake_fact fact, const char *name)
{
    if (handshake->facts & fact)
        return refuse(handshake, 400, "sent %s twice", name);
    handshake->facts |= fact;
    return true;
}

static bool take_upgrade(struct handshake *handshake, const char *value)
{
    if (http_head_has_token(value, "websocket"))
        handshake->facts |= FACT_UPGRADE;
    return true;
}

static bool take_connection(struct handshake *handshake, const char *value)
{
    if (http_head_has_token(value, "Upgrade"))
        handshake->facts |= FACT_CONNECTION;
    return true;
}

static bool take_accept(struct handshake *handshake, const char *value)
{
    char expected[ACCEPT_SIZE];

    if (!make_accept(handshake->key, expected))
        return refuse(handshake, 0, "answered, but there is no memory to check it");
    if (strcmp(value, expected) != 0)
        return refuse(handshake, 0, "answered with a wrong Sec-WebSocket-Accept");
    return note_once(handshake, FACT_ACCEPT, "Sec-WebSocket-Accept");
}

/* We asked for no extension and no subprotocol; an end that thinks otherwise would send what we
 * cannot understand. */
static bool take_unasked(struct handshake *handshake, const char *value)
{
    (void)value;
    return refuse(handshake, 0, "chose a WebSocket extension or protocol that was not offered");
}

static bool take_key(struct handshake *handshake, const char *value)
{
    unsigned char nonce[HANDSHAKE_KEY_BYTES];
    size_t length = 0;

    if (sodium_base642bin(nonce, sizeof(nonce), value, strlen(value), NULL, &length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        length != sizeof(nonce))
        return refuse(handshake, 400, "sent a malformed Sec-WebSocket-Key");
    snprintf(handshake->key, sizeof(handshake->key), "%s", value);
    return note_once(handshake, FACT_KEY, "Sec-WebSocket-Key");
}

static bool take_version(struct handshake *handshake, const char *value)
{
    if (strcmp(value, "13") != 0)
        return refuse(handshake, 426, "asked for a version of WebSocket other than 13");
    return note_once(handshake, FACT_VERSION, "Sec-WebSocket-Version");
}

static bool take_host(struct handshake *handshake, const char *value)
{
    (void)value;
    return note_once(handshake, FACT_HOST, "Host");
}

/* Of several, or of one that is too long, the beginning will do: it is looked up, not followed. */
static bool take_origin(struct handshake *handshake, const char *value)
{
    snprintf(handshake->origin, sizeof(handshake->origin), "%s", *value != 0 ? value : "null");
    return true;
}

static bool take_real_ip(struct handshake *handshake, const char *value)
{
    snprintf(handshake->real_ip, sizeof(handshake->real_ip), "%s", value);
    return true;
}

static bool take_real_port(struct handshake *handshake, const char *value)
{
    snprintf(handshake->real_port, sizeof(handshake->real_port), "%s", value);
    return true;
}

static const struct handshake_header {
    const char *name;
    bool (*client)(struct handshake *, const char *value); /* NULL: of no meaning to a client */
    bool (*server)(struct handshake *, const char *value); /* likewise */
} headers[] = {
    {"Upgrade", take_upgrade, take_upgrade},
    {"Connection", take_connection, take_connection},
    {"Sec-WebSocket-Accept", take_accept, NULL},
    {"Sec-WebSocket-Extensions", take_unasked, NULL},
    {"Sec-WebSocket-Protocol", take_unasked, NULL},
    {"Sec-WebSocket-Key", NULL, take_key},
    {"Sec-WebSocket-Version", NULL, take_version},
    {"Host", NULL, take_host},
    {"Origin", NULL, take_origin},
    {"X-Real-IP", NULL, take_real_ip},
    {"X-Real-Port", NULL, take_real_port},
};

static bool take_header(struct handshake *handshake)
{
    const char *name = handshake->head.line;
    const char *value = http_head_value(handshake->head.line);

    if (value == NULL)
        return refuse(handshake, 400, "sent a malformed HTTP header");
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        if (strcasecmp(headers[i].name, name) == 0) {
            bool (*take)(struct handshake *, const char *) =
                handshake->server ? headers[i].server : headers[i].client;

            return take == NULL || take(handshake, value);
        }
    return true;
}

/* "HTTP/1.1 101 Switching Protocols" */
static bool take_status(struct handshake *handshake)
{
    const char *code = http_head_status(handshake->head.line);

    if (code == NULL)
        return refuse(handshake, 0, "does not speak HTTP");
    if (code[-2] != '1')
        return refuse(handshake, 0, "speaks only HTTP/1.%c", code[-2]);
    if (strncmp(code, "101", 3) == 0)
        return true;
    return refuse(handshake, 0, "answered %.80s%s", code,
                  strncmp(code, "200", 3) == 0
                      ? ", as for a web page: does the URL lack its path, such as /v1?"
                      : "");
}

/* True if the target is one of these paths, or below one other than "/", whatever query may
 * follow. */
static bool is_answered(const char *const *paths, const char *target)
{
    for (; *paths != NULL; paths++) {
        size_t length = strlen(*paths);
        const char *next = target + length;

        if (strncmp(*paths, target, length) == 0 &&
            (*next == ' ' || *next == '?' || (*next == '/' && length > 1)))
            return true;
    }
    return false;
}

/* "GET /path HTTP/1.1" */
static bool take_request_line(struct handshake *handshake)
{
    const char *line = handshake->head.line;
    const char *target = line + strcspn(line, " ");
    const char *version = *target != '\0' ? strchr(target + 1, ' ') : NULL;

    if (version == NULL || version == target + 1 || strncmp(version, " HTTP/", 6) != 0)
        return refuse(handshake, 400, "does not speak HTTP");
    handshake->old = handshake->page != NULL && strcmp(version, " HTTP/1.0") == 0;
    handshake->root = strncmp(target, " / ", 3) == 0;
    if (strcmp(version, " HTTP/1.1") != 0 && !(handshake->old && handshake->root))
        return refuse(handshake, 505, "does not speak HTTP/1.1");
    if (strncmp(line, "GET ", 4) != 0)
        return refuse(handshake, 405, "sent a request other than GET");
    if (handshake->paths != NULL && !is_answered(handshake->paths, target + 1))
        return refuse(handshake, 404, "asked for a path that does not exist here");
    return true;
}

/* What must have been seen by the time the head is complete. */
static const struct handshake_need {
    bool server;
    enum handshake_fact fact;
    unsigned status;
    const char *why;
} needs[] = {
    {false, FACT_UPGRADE, 0, "answered without upgrading to WebSocket"},
    {false, FACT_CONNECTION, 0, "answered without upgrading the connection"},
    {false, FACT_ACCEPT, 0, "answered without Sec-WebSocket-Accept"},
    {true, FACT_HOST, 400, "sent no Host"},
    {true, FACT_UPGRADE, 426, "did not ask for WebSocket"},
    {true, FACT_CONNECTION, 426, "did not ask for an upgrade of the connection"},
    {true, FACT_VERSION, 426, "sent no Sec-WebSocket-Version"},
    {true, FACT_KEY, 400, "sent no Sec-WebSocket-Key"},
};

static bool finish(struct handshake *handshake)
{
    if (handshake->page != NULL && handshake->root && !(handshake->facts & FACT_UPGRADE))
        return refuse(handshake, 200, "asked for the page");
    if (handshake->old)
        return refuse(handshake, 505, "does not speak HTTP/1.1");
    for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
        if (needs[i].server == handshake->server && !(handshake->facts & needs[i].fact))
            return refuse(handshake, needs[i].status, "%s", needs[i].why);
    handshake->status = 101;
    handshake->progress = HANDSHAKE_DONE;
    return true;
}

static bool take_line(struct handshake *handshake)
{
    if (handshake->head.lines == 1)
        return handshake->server ? take_request_line(handshake) : take_status(handshake);
    return handshake->head.length == 0 ? finish(handshake) : take_header(handshake);
}

enum handshake_progress handshake_feed(struct handshake *handshake, const void *data, size_t length,
                                       size_t *ret_used)
{
    const char *bytes = data;
    size_t used = 0;

    while (used < length && handshake->progress == HANDSHAKE_MORE) {
        switch (http_head_take(&handshake->head, bytes[used++])) {
        case HTTP_HEAD_MORE:
            break;
        case HTTP_HEAD_LINE:
            take_line(handshake);
            break;
        case HTTP_HEAD_NO_HTTP:
            refuse(handshake, 400, "does not speak HTTP");
            break;
        case HTTP_HEAD_STRAY_CR:
            refuse(handshake, 400, "sent a malformed HTTP header");
            break;
        case HTTP_HEAD_TOO_LONG:
            refuse(handshake, 431, "sent an HTTP header that is too long");
            break;
        }
    }
    *ret_used = used;
    return handshake->progress;
}

static void begin(struct handshake *handshake, bool server)
{
    memset(handshake, 0, offsetof(struct handshake, head));
    handshake->server = server;
    http_head_begin(&handshake->head, !server);
}

void handshake_client(struct handshake *ret_handshake, const uint8_t nonce[HANDSHAKE_KEY_BYTES])
{
    begin(ret_handshake, false);
    sodium_bin2base64(ret_handshake->key, sizeof(ret_handshake->key), nonce, HANDSHAKE_KEY_BYTES,
                      sodium_base64_VARIANT_ORIGINAL);
}

void handshake_server(struct handshake *ret_handshake)
{
    begin(ret_handshake, true);
}

size_t handshake_request(const struct handshake *handshake, const struct url *url,
                         char ret_text[HANDSHAKE_TEXT_SIZE])
{
    char host[URL_HOST_HEADER_SIZE];

    url_host_header(url, host, sizeof(host));
    return (size_t)snprintf(ret_text, HANDSHAKE_TEXT_SIZE,
                            "GET %s HTTP/1.1\r\n"
                            "Host: %s\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Key: %s\r\n"
                            "Sec-WebSocket-Version: 13\r\n"
                            "\r\n",
                            url->path, host, handshake->key);
}

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {426, "Upgrade Required"},
        {431, "Request Header Fields Too Large"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Error";
}

void handshake_forbid(struct handshake *handshake, const char *why)
{
    refuse(handshake, 403, "%s", why);
}

/* The header Server, or nothing. */
static const char *server_header(const struct handshake *handshake, char ret_line[SERVER_SIZE])
{
    if (handshake->name == NULL)
        return "";
    snprintf(ret_line, SERVER_SIZE, "Server: %.64s\r\n", handshake->name);
    return ret_line;
}

/* Nothing on the page comes from elsewhere, and nothing runs there. */
static size_t page_text(const struct handshake *handshake, char *ret_text)
{
    char server[SERVER_SIZE];

    return (size_t)snprintf(ret_text, HANDSHAKE_TEXT_SIZE,
                            "HTTP/1.1 200 OK\r\n"
                            "%s"
                            "Connection: close\r\n"
                            "Content-Security-Policy: default-src 'none'\r\n"
                            "X-Content-Type-Options: nosniff\r\n"
                            "Content-Type: text/html; charset=utf-8\r\n"
                            "Content-Length: %zu\r\n"
                            "\r\n"
                            "%s",
                            server_header(handshake, server), strlen(handshake->page),
                            handshake->page);
}

/* The headers that some statuses must have (RFC 7231 §6.5.5 and §6.5.15) are harmless in the
 * others. */
static size_t refusal_text(const struct handshake *handshake, char *ret_text)
{
    static const char body[] = "This is a WebSocket server: ";
    char server[SERVER_SIZE];

    if (handshake->status == 200)
        return page_text(handshake, ret_text);
    return (size_t)snprintf(
        ret_text, HANDSHAKE_TEXT_SIZE,
        "HTTP/1.1 %u %s\r\n"
        "%s"
        "Allow: GET\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade, close\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Length: %zu\r\n"
        "\r\n"
        "%sthe client %s.\n",
        handshake->status, status_text(handshake->status), server_header(handshake, server),
        strlen(body) + strlen("the client .\n") + strlen(handshake->why), body, handshake->why);
}

size_t handshake_reply(const struct handshake *handshake, char ret_text[HANDSHAKE_TEXT_SIZE])
{
    char accept[ACCEPT_SIZE], server[SERVER_SIZE];

    if (handshake->progress != HANDSHAKE_DONE)
        return refusal_text(handshake, ret_text);
    if (!make_accept(handshake->key, accept))
        return 0;
    return (size_t)snprintf(ret_text, HANDSHAKE_TEXT_SIZE,
                            "HTTP/1.1 101 Switching Protocols\r\n"
                            "%s"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n"
                            "\r\n",
                            server_header(handshake, server), accept);
}

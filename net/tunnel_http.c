/* HTTP CONNECT: the status line decides; the headers after it are only scanned for their end. */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tunnel_parts.h"

#define CREDENTIALS_MAX (2 * PROXY_WORD_MAX + 1)
#define BASE64_SIZE     sodium_base64_ENCODED_LEN(CREDENTIALS_MAX, sodium_base64_VARIANT_ORIGINAL)

static bool has_user(const struct tunnel *tunnel)
{
    return tunnel->proxy->user[0] != '\0';
}

static void say_authorization(struct tunnel *tunnel)
{
    char credentials[CREDENTIALS_MAX + 1];
    char text[BASE64_SIZE];
    int length = snprintf(credentials, sizeof(credentials), "%s:%s", tunnel->proxy->user,
                          tunnel->proxy->password);

    sodium_bin2base64(text, sizeof(text), (const unsigned char *)credentials, (size_t)length,
                      sodium_base64_VARIANT_ORIGINAL);
    tunnel_say_text(tunnel, "Proxy-Authorization: Basic ");
    tunnel_say_text(tunnel, text);
    tunnel_say_text(tunnel, "\r\n");
    sodium_memzero(credentials, sizeof(credentials));
    sodium_memzero(text, sizeof(text));
}

/* ---- the answer ---- */

/* "HTTP/1.0 200 Connection established". A 1xx status is not yet the answer; but switching
 * protocols was not requested. */
static bool take_status(struct tunnel *tunnel)
{
    char *code = http_head_status(tunnel->head.line);

    if (code == NULL)
        return tunnel_refuse(tunnel, "does not speak HTTP");
    if (strlen(code) > TUNNEL_REASON_MAX)
        code[TUNNEL_REASON_MAX] = '\0';
    tunnel->status = (unsigned)strtoul(code, NULL, 10);
    if (tunnel->status / 100 == 2 || (tunnel->status / 100 == 1 && tunnel->status != 101))
        return true;
    if (tunnel->status >= 500)
        return tunnel_unreachable(tunnel, code);
    /* The standard says 407; tinyproxy answers 401 to a wrong password. */
    if (tunnel->status != 407 && tunnel->status != 401)
        return tunnel_refuse(tunnel, "refuses: %s", code);
    return tunnel_refuse(tunnel, "refuses: %s (%s)", code,
                         has_user(tunnel) ? "wrong user name or password"
                                          : "it requires a user name and a password");
}

/* The contents of headers do not matter: whatever length they state, no body follows (RFC 9110
 * §9.3.6). */
static bool take_line(struct tunnel *tunnel)
{
    if (tunnel->status == 0)
        return take_status(tunnel);
    if (tunnel->head.length > 0)
        return true;
    if (tunnel->status / 100 == 2)
        return tunnel_done(tunnel);
    tunnel->status = 0;
    http_head_again(&tunnel->head);
    return true;
}

static bool take_byte(struct tunnel *tunnel, uint8_t byte)
{
    enum http_head_next next = http_head_take(&tunnel->head, (char)byte);

    if (next == HTTP_HEAD_MORE)
        return true;
    if (next == HTTP_HEAD_LINE)
        return take_line(tunnel);
    return tunnel_refuse(tunnel, next == HTTP_HEAD_TOO_LONG
                                     ? "answered with an HTTP header that is too long"
                                     : "does not speak HTTP");
}

void tunnel_begin_http(struct tunnel *tunnel)
{
    char where[URL_HOST_HEADER_SIZE];

    url_where(tunnel->url, where, sizeof(where));
    tunnel_say_text(tunnel, "CONNECT ");
    tunnel_say_text(tunnel, where);
    tunnel_say_text(tunnel, " HTTP/1.1\r\nHost: ");
    tunnel_say_text(tunnel, where);
    tunnel_say_text(tunnel, "\r\n");
    if (has_user(tunnel))
        say_authorization(tunnel);
    tunnel_say_text(tunnel, "\r\n");
    http_head_begin(&tunnel->head, true);
    tunnel_next(tunnel, take_byte);
}

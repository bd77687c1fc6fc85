/* HTTP CONNECT: the status line decides; the headers after it are only looked through for their
 * end. */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tunnel_parts.h"

#define CREDENTIALS_MAX (2 * PROXY_WORD_MAX + 1)
#define BASE64_SIZE     sodium_base64_ENCODED_LEN(CREDENTIALS_MAX, sodium_base64_VARIANT_ORIGINAL)

static const char beginning[] = "HTTP/1.";
#define BEGINNING (sizeof(beginning) - 1)

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

/* 407 by the book; tinyproxy answers 401 to a wrong password. */
static bool refuse_status(struct tunnel *tunnel, const char *answer)
{
    if (tunnel->status >= 500)
        return tunnel_unreachable(tunnel, answer);
    if (tunnel->status != 407 && tunnel->status != 401)
        return tunnel_refuse(tunnel, "refuses: %s", answer);
    return tunnel_refuse(tunnel, "refuses: %s (%s)", answer,
                         has_user(tunnel) ? "wrong user name or password"
                                          : "it wants a user name and a password");
}

/* "HTTP/1.0 200 Connection established". One of 1xx is not yet the answer; but switching protocols
 * was not asked for. */
static bool take_status(struct tunnel *tunnel)
{
    char *code = tunnel->line + BEGINNING + 2;

    if (strlen(tunnel->line) < BEGINNING + 5 || code[-1] != ' ' ||
        strspn(code, "0123456789") != 3 || (code[3] != ' ' && code[3] != '\0'))
        return tunnel_refuse(tunnel, "does not speak HTTP");
    tunnel->status = (unsigned)strtoul(code, NULL, 10);
    if (tunnel->status / 100 == 2 || (tunnel->status / 100 == 1 && tunnel->status != 101))
        return true;
    for (char *c = code; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return refuse_status(tunnel, code);
}

/* What a header says does not matter: whatever its length, no body follows (RFC 9110 §9.3.6). */
static bool take_line(struct tunnel *tunnel)
{
    if (tunnel->status == 0)
        return take_status(tunnel);
    if (tunnel->length > 0)
        return true;
    if (tunnel->status / 100 == 2)
        return tunnel_done(tunnel);
    tunnel->status = 0;
    return true;
}

static bool end_line(struct tunnel *tunnel)
{
    size_t kept = tunnel->length < TUNNEL_LINE_MAX ? tunnel->length : TUNNEL_LINE_MAX;

    tunnel->line[kept] = '\0';
    bool fine = take_line(tunnel);
    tunnel->length = 0;
    return fine;
}

/* Says at the first odd byte that this is no HTTP, rather than wait for the end of a line. */
static bool plausible(const struct tunnel *tunnel, uint8_t byte)
{
    if (tunnel->status == 0 && tunnel->length < BEGINNING)
        return byte == (uint8_t)beginning[tunnel->length];
    return byte >= ' ' || byte == '\t';
}

static bool fits(struct tunnel *tunnel)
{
    if (++tunnel->head <= TUNNEL_HEAD_MAX)
        return true;
    return tunnel_refuse(tunnel, "answered with too long an HTTP header");
}

static bool take_byte(struct tunnel *tunnel, uint8_t byte);

/* A line may end without CR; but a CR that does not end one has fooled proxies. */
static bool take_lf(struct tunnel *tunnel, uint8_t byte)
{
    if (!fits(tunnel))
        return false;
    if (byte != '\n')
        return tunnel_refuse(tunnel, "does not speak HTTP");
    tunnel->step = take_byte;
    return end_line(tunnel);
}

static bool take_byte(struct tunnel *tunnel, uint8_t byte)
{
    if (!fits(tunnel))
        return false;
    if (byte == '\r')
        return tunnel_next(tunnel, take_lf);
    if (byte == '\n')
        return end_line(tunnel);
    if (!plausible(tunnel, byte))
        return tunnel_refuse(tunnel, "does not speak HTTP");
    if (tunnel->length < TUNNEL_LINE_MAX)
        tunnel->line[tunnel->length] = (char)byte;
    tunnel->length++;
    return true;
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
    tunnel_next(tunnel, take_byte);
}

/* SOCKS5: each step takes one byte of the proxy's answers, so that they may arrive in any
 * pieces. */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "net/tunnel_parts.h"

#define SOCKS_VERSION 5
#define PORT_BYTES    2
#define AUTH_VERSION  1 /* RFC 1929 */

enum socks_method { METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_REFUSED = 0xff };
enum socks_command { COMMAND_CONNECT = 1 };
enum socks_address { ADDRESS_IPV4 = 1, ADDRESS_NAME = 3, ADDRESS_IPV6 = 4 };

static bool take_reply_version(struct tunnel *tunnel, uint8_t byte);

static bool has_user(const struct tunnel *tunnel)
{
    return tunnel->proxy->user[0] != '\0';
}

static void say_counted(struct tunnel *tunnel, const char *text)
{
    tunnel_say_byte(tunnel, (uint8_t)strlen(text));
    tunnel_say_text(tunnel, text);
}

/* ---- the request ---- */

static void say_host(struct tunnel *tunnel)
{
    const struct url *url = tunnel->url;
    struct in6_addr v6;
    struct in_addr v4;

    if (url->literal && inet_pton(AF_INET, url->host, &v4) == 1) {
        tunnel_say_byte(tunnel, ADDRESS_IPV4);
        tunnel_say(tunnel, &v4, sizeof(v4));
    } else if (url->literal && inet_pton(AF_INET6, url->host, &v6) == 1) {
        tunnel_say_byte(tunnel, ADDRESS_IPV6);
        tunnel_say(tunnel, &v6, sizeof(v6));
    } else {
        tunnel_say_byte(tunnel, ADDRESS_NAME);
        say_counted(tunnel, url->host);
    }
}

static bool request(struct tunnel *tunnel)
{
    static const uint8_t head[] = {SOCKS_VERSION, COMMAND_CONNECT, 0};
    uint16_t port = htons(tunnel->url->port);

    tunnel_say(tunnel, head, sizeof(head));
    say_host(tunnel);
    tunnel_say(tunnel, &port, sizeof(port));
    return tunnel_next(tunnel, take_reply_version);
}

/* ---- the answer to it ---- */

static bool take_rest(struct tunnel *tunnel, uint8_t byte)
{
    (void)byte;
    return --tunnel->skip > 0 || tunnel_done(tunnel);
}

static bool take_name_length(struct tunnel *tunnel, uint8_t byte)
{
    tunnel->skip = byte + PORT_BYTES;
    return tunnel_next(tunnel, take_rest);
}

/* The address from which the proxy connects means nothing to us. */
static bool take_address_type(struct tunnel *tunnel, uint8_t byte)
{
    static const uint8_t lengths[] = {
        [ADDRESS_IPV4] = sizeof(struct in_addr),
        [ADDRESS_IPV6] = sizeof(struct in6_addr),
    };

    if (byte == ADDRESS_NAME)
        return tunnel_next(tunnel, take_name_length);
    if (byte >= sizeof(lengths) || lengths[byte] == 0)
        return tunnel_refuse(tunnel, "does not speak SOCKS5: it answered with an address of an "
                                     "unknown type");
    tunnel->skip = lengths[byte] + PORT_BYTES;
    return tunnel_next(tunnel, take_rest);
}

static bool take_reserved(struct tunnel *tunnel, uint8_t byte)
{
    (void)byte;
    return tunnel_next(tunnel, take_address_type);
}

/* RFC 1928 §6, and what Tor adds to it (its proposal 304). */
static const struct socks_refusal {
    uint8_t code;
    bool behind; /* the proxy is willing: the fault lies behind it */
    const char *why;
} refusals[] = {
    {0x01, true, "general failure"},
    {0x02, false, "its rules do not allow the connection"},
    {0x03, true, "network unreachable"},
    {0x04, true, "host unreachable"},
    {0x05, true, "connection refused"},
    {0x06, true, "TTL expired"},
    {0x07, false, "it does not support CONNECT"},
    {0x08, false, "it does not support this type of address"},
    {0xf0, true, "the onion service's descriptor cannot be found"},
    {0xf1, true, "the onion service's descriptor is invalid"},
    {0xf2, true, "the introduction to the onion service failed"},
    {0xf3, true, "the rendezvous with the onion service failed"},
    {0xf4, true, "the onion service requires authorization"},
    {0xf5, true, "the onion service rejected the authorization"},
    {0xf6, true, "the onion address is invalid"},
    {0xf7, true, "the introduction to the onion service took too long"},
};

/* What follows a refusal adds nothing: some proxies do not even send it. */
static bool take_reply_code(struct tunnel *tunnel, uint8_t byte)
{
    if (byte == 0)
        return tunnel_next(tunnel, take_reserved);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
        if (refusals[i].code == byte)
            return refusals[i].behind ? tunnel_unreachable(tunnel, refusals[i].why)
                                      : tunnel_refuse(tunnel, "refuses: %s", refusals[i].why);
    return tunnel_refuse(tunnel, "refuses: unknown code %u", byte);
}

static bool take_reply_version(struct tunnel *tunnel, uint8_t byte)
{
    if (byte != SOCKS_VERSION)
        return tunnel_refuse(tunnel, "does not speak SOCKS5");
    return tunnel_next(tunnel, take_reply_code);
}

/* ---- who we are ---- */

static bool take_verdict(struct tunnel *tunnel, uint8_t byte)
{
    if (byte != 0)
        return tunnel_refuse(tunnel, "refuses: wrong user name or password");
    return request(tunnel);
}

/* Some proxies send the version of SOCKS here, which does no harm. */
static bool take_auth_version(struct tunnel *tunnel, uint8_t byte)
{
    (void)byte;
    return tunnel_next(tunnel, take_verdict);
}

static bool take_method(struct tunnel *tunnel, uint8_t byte)
{
    if (byte == METHOD_NONE && !tunnel->proxy->user_only)
        return request(tunnel);
    if (byte == METHOD_PASSWORD && has_user(tunnel)) {
        tunnel_say_byte(tunnel, AUTH_VERSION);
        say_counted(tunnel, tunnel->proxy->user);
        say_counted(tunnel, tunnel->proxy->password);
        return tunnel_next(tunnel, take_auth_version);
    }
    if (byte != METHOD_REFUSED)
        return tunnel_refuse(tunnel, "chose an authentication method that was not offered");
    return tunnel_refuse(tunnel, has_user(tunnel)
                                     ? "refuses: it does not accept a user name and password"
                                     : "refuses: it requires a user name and a password");
}

static bool take_version(struct tunnel *tunnel, uint8_t byte)
{
    if (byte != SOCKS_VERSION)
        return tunnel_refuse(tunnel, "does not speak SOCKS5");
    return tunnel_next(tunnel, take_method);
}

void tunnel_begin_socks5(struct tunnel *tunnel)
{
    static const uint8_t methods[] = {METHOD_NONE, METHOD_PASSWORD};
    uint8_t first = tunnel->proxy->user_only ? 1 : 0, end = has_user(tunnel) ? 2 : 1;

    tunnel_say_byte(tunnel, SOCKS_VERSION);
    tunnel_say_byte(tunnel, end - first);
    tunnel_say(tunnel, methods + first, end - first);
    tunnel_next(tunnel, take_version);
}

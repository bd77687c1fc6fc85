#include "config.h"

#include "net/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63 /* RFC 1035 §2.3.4 */

static const struct url_scheme {
    const char *prefix;
    bool tls;
    uint16_t port;
} schemes[] = {
    {"ws://", false, 80},
    {"wss://", true, 443},
};

/* Returns what follows the scheme, or NULL. */
static const char *parse_scheme(const char *text, struct url *url)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t length = strlen(schemes[i].prefix);

        if (strncasecmp(text, schemes[i].prefix, length) == 0) {
            url->tls = schemes[i].tls;
            url->port = schemes[i].port;
            return text + length;
        }
    }
    return NULL;
}

static bool label_valid(const char *label, size_t length)
{
    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isascii((unsigned char)label[i]) ||
            (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_'))
            return false;
    return true;
}

static bool label_is_number(const char *label, size_t length)
{
    bool hex = length > 2 && label[0] == '0' && label[1] == 'x';
    const char *digits = hex ? label + 2 : label;

    return strspn(digits, hex ? "0123456789abcdef" : "0123456789") ==
           length - (size_t)(digits - label);
}

/* A name whose last label is a number would be taken for an odd IPv4 address by some resolvers
 * (127.1, 127.0x1): refused, as the URL standard does. */
static bool name_valid(const char *name)
{
    const char *label = name;

    for (;;) {
        size_t length = strcspn(label, ".");

        if (!label_valid(label, length))
            return false;
        if (label[length] == '\0')
            return !label_is_number(label, length);
        label += length + 1;
    }
}

static bool copy_host(const char *text, size_t length, struct url *url)
{
    if (length == 0 || length > URL_HOST_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        url->host[i] = (char)tolower((unsigned char)text[i]);
    url->host[length] = '\0';
    return true;
}

static const char *parse_ipv6(const char *text, struct url *url)
{
    const char *end = strchr(text, ']');
    struct in6_addr address;

    if (end == NULL || !copy_host(text + 1, (size_t)(end - text) - 1, url))
        return NULL;
    url->literal = true;
    return inet_pton(AF_INET6, url->host, &address) == 1 ? end + 1 : NULL;
}

static const char *parse_name_or_ipv4(const char *text, struct url *url)
{
    size_t length = strcspn(text, ":/?#");
    struct in_addr address;

    if (!copy_host(text, length, url))
        return NULL;
    url->literal = inet_pton(AF_INET, url->host, &address) == 1;
    return url->literal || name_valid(url->host) ? text + length : NULL;
}

static const char *parse_port(const char *text, struct url *url)
{
    unsigned long port = 0;

    if (*text != ':')
        return text;
    text++;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5)
        return NULL;
    for (size_t i = 0; i < digits; i++)
        port = port * 10 + (unsigned long)(text[i] - '0');
    if (port == 0 || port > UINT16_MAX)
        return NULL;
    url->port = (uint16_t)port;
    return text + digits;
}

enum url_fault url_parse_authority(const char **text, struct url *url)
{
    const char *rest = **text == '[' ? parse_ipv6(*text, url) : parse_name_or_ipv4(*text, url);

    if (rest == NULL)
        return URL_HOST;
    rest = parse_port(rest, url);
    if (rest == NULL)
        return URL_PORT;
    if (*rest != '\0' && strchr("/?#", *rest) == NULL)
        return URL_HOST;
    *text = rest;
    return URL_OK;
}

enum url_fault url_parse(const char *text, struct url *ret_url)
{
    struct url url = {0};

    if (strnlen(text, URL_MAX + 1) > URL_MAX)
        return URL_TOO_LONG;
    const char *rest = parse_scheme(text, &url);
    if (rest == NULL)
        return URL_SCHEME;
    if (memchr(rest, '@', strcspn(rest, "/?#")) != NULL)
        return URL_HOST;
    enum url_fault fault = url_parse_authority(&rest, &url);
    if (fault != URL_OK)
        return fault;
    /* Only what may stand unchanged in an HTTP request line. */
    for (const char *c = rest; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || *c == '#')
            return URL_PATH;
    snprintf(url.path, sizeof(url.path), "%s%s", *rest == '/' ? "" : "/", rest);
    *ret_url = url;
    return URL_OK;
}

const char *url_fault_text(enum url_fault fault)
{
    static const char *const texts[] = {
        [URL_OK] = "the URL is valid",
        [URL_SCHEME] = "the URL must begin with ws:// or wss://",
        [URL_HOST] = "the URL needs a plain host name or an IP address (IPv6 in brackets)",
        [URL_PORT] = "the URL's port must be a number from 1 to 65535",
        [URL_PATH] = "the URL's path must be printable ASCII without a fragment",
        [URL_TOO_LONG] = "the URL is too long",
    };

    return texts[fault];
}

static const char *bracketed(const struct url *url, char *text, size_t size)
{
    snprintf(text, size, strchr(url->host, ':') != NULL ? "[%s]" : "%s", url->host);
    return text;
}

void url_host_header(const struct url *url, char *ret_text, unsigned size)
{
    char host[URL_HOST_MAX + 3];

    if (url->port == schemes[url->tls].port)
        snprintf(ret_text, size, "%s", bracketed(url, host, sizeof(host)));
    else
        url_where(url, ret_text, size);
}

void url_where(const struct url *url, char *ret_text, unsigned size)
{
    char host[URL_HOST_MAX + 3];

    snprintf(ret_text, size, "%s:%u", bracketed(url, host, sizeof(host)), (unsigned)url->port);
}

bool url_is_onion(const struct url *url)
{
    static const char onion[] = ".onion";
    size_t length = strlen(url->host), suffix = sizeof(onion) - 1;

    return length > suffix && strcmp(url->host + length - suffix, onion) == 0;
}

bool url_is_same(const struct url *a, const struct url *b)
{
    return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0 &&
           strcmp(a->path, b->path) == 0;
}

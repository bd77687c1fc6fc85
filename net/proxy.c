#include "config.h"

#include "net/proxy.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const schemes[] = {
    [PROXY_SOCKS5] = "socks5h://",
    [PROXY_HTTP] = "http://",
};

void proxy_text(const struct proxy *proxy, char ret_text[PROXY_TEXT_SIZE])
{
    char where[URL_HOST_HEADER_SIZE];

    url_where(&proxy->url, where, sizeof(where));
    snprintf(ret_text, PROXY_TEXT_SIZE, "%s%s", schemes[proxy->protocol], where);
}

/* Returns why not, or NULL; advances `*text` past what it reads. So do those below. */
static const char *parse_scheme(const char **text, struct proxy *proxy)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t length = strlen(schemes[i]);

        if (strncasecmp(*text, schemes[i], length) == 0) {
            proxy->protocol = (enum proxy_protocol)i;
            *text += length;
            return NULL;
        }
    }
    return "the proxy must begin with socks5h:// or http://";
}

/* The value of a hexadecimal digit, or -1. */
static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* The byte at the beginning of `text`, which takes *ret_used characters; or -1. */
static int parse_byte(const char *text, size_t *ret_used)
{
    *ret_used = *text == '%' ? 3 : 1;
    if (*text != '%')
        return (unsigned char)*text;
    int high = digit(text[1]);
    int low = high >= 0 ? digit(text[2]) : -1;
    return low >= 0 ? high << 4 | low : -1;
}

/* Reads up to `end`. Control characters would end the line of an HTTP header, or the C string;
 * nobody can type them anyway. */
static bool parse_word(const char *text, const char *end, char ret_word[PROXY_WORD_MAX + 1])
{
    size_t length = 0, used;

    for (; text < end; text += used) {
        int byte = parse_byte(text, &used);

        if (byte < ' ' || byte == 0x7f || length == PROXY_WORD_MAX)
            return false;
        ret_word[length++] = (char)byte;
    }
    ret_word[length] = '\0';
    return true;
}

/* user[:password]@. A colon in the user name could not be told from the one after it (RFC 7617
 * §2). */
static const char *parse_user(const char **text, struct proxy *proxy)
{
    const char *end = memchr(*text, '@', strcspn(*text, "/?#"));

    if (end == NULL)
        return NULL;
    size_t name = strcspn(*text, ":@");
    const char *colon = *text + name;
    const char *password = *colon == ':' ? colon + 1 : end;
    if (!parse_word(*text, colon, proxy->user) || !parse_word(password, end, proxy->password))
        return "the proxy's user name and password must be of at most 255 bytes each, none of them "
               "a "
               "control character, and % only stands before two hexadecimal digits";
    if (proxy->user[0] == '\0' || strchr(proxy->user, ':') != NULL)
        return "the proxy's user name must not be empty or contain a colon";
    *text = end + 1;
    return NULL;
}

static const char *parse_where(const char **text, struct proxy *proxy)
{
    static const char *const texts[] = {
        [URL_HOST] =
            "the proxy needs a plain host name or an IP address (IPv6 in brackets); in its "
            "password / ? # and @ are written as %2F %3F %23 and %40",
        [URL_PORT] = "the proxy's port must be a number from 1 to 65535",
    };

    proxy->url.port = PROXY_PORT;
    return texts[url_parse_authority(text, &proxy->url)];
}

static const char *parse_end(const char **text, struct proxy *proxy)
{
    (void)proxy;
    return strcmp(*text, "") == 0 || strcmp(*text, "/") == 0 ? NULL : "a proxy has no path";
}

bool proxy_parse(const char *text, struct proxy *ret_proxy, char *ret_why, size_t size)
{
    static const char *(*const parts[])(const char **, struct proxy *) = {
        parse_scheme,
        parse_user,
        parse_where,
        parse_end,
    };
    struct proxy proxy = {0};
    const char *why = NULL;

    if (strnlen(text, PROXY_URL_MAX + 1) > PROXY_URL_MAX)
        why = "the proxy is too long";
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && why == NULL; i++)
        why = parts[i](&text, &proxy);
    if (why == NULL)
        *ret_proxy = proxy;
    else
        snprintf(ret_why, size, "%s", why);
    proxy_wipe(&proxy);
    return why == NULL;
}

void proxy_wipe(struct proxy *proxy)
{
    sodium_memzero(proxy, sizeof(*proxy));
}

#include "config.h"

#include "cli/uri.h"

#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/offer.h"

#define TRANSFER "wormhole-transfer:"
#define OURS     "wormholed:"
/* The endpoint that the first scheme makes clients add. */
#define ENDPOINT  "/v1"
#define FIELD_MAX 16

static const char bad_escape[] = "'%' is not followed by two hexadecimal digits";

/* ---- escapes (RFC 3986 section 2.1) ---- */

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);

    return found == NULL ? -1 : (int)((found - digits) % 16);
}

/* Decodes `length` bytes of `text` into a string of at most `limit` bytes. NULL, or the error. */
static const char *unescape(const char *text, size_t length, char *ret_string, size_t limit)
{
    size_t written = 0;

    for (size_t i = 0; i < length; i++) {
        char byte = text[i];

        if (byte == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(text[i + 2]);

            if (low < 0)
                return bad_escape;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (byte == '\0' || written == limit)
            return byte == '\0' ? "it contains a NUL byte" : "a part of it is too long";
        ret_string[written++] = byte;
    }
    ret_string[written] = '\0';
    return NULL;
}

/* RFC 3986 section 2.3: these need no escape anywhere. */
static bool unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-._~", byte) != NULL);
}

static char *escape(char *end, const char *text, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (unreserved(text[i])) {
            *end++ = text[i];
        } else {
            *end++ = '%';
            *end++ = digits[byte >> 4];
            *end++ = digits[byte & 15];
        }
    }
    *end = '\0';
    return end;
}

/* ---- fields: each checks its value and puts it where it belongs ---- */

static const char *take_version(struct uri *uri, const char *value)
{
    (void)uri;
    return strcmp(value, "0") == 0 ? NULL : "unknown version";
}

static const char *take_role(struct uri *uri, const char *value)
{
    uri->send = strcmp(value, "leader") == 0;
    if (uri->send || strcmp(value, "follower") == 0)
        return NULL;
    return "the role is neither follower nor leader";
}

static const char *take_appid(struct uri *uri, const char *value)
{
    snprintf(uri->appid, sizeof(uri->appid), "%.*s", URI_APPID_MAX, value);
    return strcmp(uri->appid, value) == 0 ? NULL : "the application ID is too long";
}

static const char *take_relay(struct uri *uri, const char *value)
{
    snprintf(uri->relay, sizeof(uri->relay), "%.*s", URI_RELAY_MAX, value);
    return strcmp(uri->relay, value) == 0 ? NULL : "the relay URL is too long";
}

/* How much of a relay's URL is left without the endpoint, and the slashes around it. */
static size_t without_endpoint(const char *relay)
{
    const char *host = strstr(relay, "://");
    size_t least = host != NULL ? (size_t)(host - relay) + strlen("://") : 0;
    size_t length = strlen(relay), endpoint = strlen(ENDPOINT);

    while (length > least && relay[length - 1] == '/')
        length--;
    if (length >= least + endpoint && strncmp(relay + length - endpoint, ENDPOINT, endpoint) == 0)
        length -= endpoint;
    while (length > least && relay[length - 1] == '/')
        length--;
    return length;
}

/* Some clients write the endpoint, though it is the reader's to add; some a slash. */
static const char *take_rendezvous(struct uri *uri, const char *value)
{
    int length = snprintf(uri->relay, sizeof(uri->relay), "%.*s" ENDPOINT,
                          (int)without_endpoint(value), value);

    return (size_t)length < sizeof(uri->relay) ? NULL : "the relay URL is too long";
}

static const struct uri_field {
    const char *name;
    const char *(*take)(struct uri *uri, const char *value);
} transfer_fields[] =
    {
        {"version", take_version},
        {"rendezvous", take_rendezvous},
        {"role", take_role},
        {NULL, NULL},
},
  our_fields[] = {
      {"version", take_version},
      {"relay", take_relay},
      {"appid", take_appid},
      {NULL, NULL},
};

static const struct uri_scheme {
    const char *prefix, *appid;
    const struct uri_field *fields;
} schemes[] = {
    {TRANSFER, OFFER_APPID, transfer_fields},
    {OURS, "", our_fields},
};

/* NULL: it is none. */
static const struct uri_scheme *scheme_of(const char *text)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    return NULL;
}

bool uri_is(const char *text)
{
    return scheme_of(text) != NULL;
}

static const char *take_field(const struct uri_scheme *scheme, struct uri *uri, const char *text,
                              size_t length)
{
    char name[FIELD_MAX + 1], value[URI_RELAY_MAX + 1];
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - text);
    const char *error = unescape(text, name_length, name, FIELD_MAX);

    if (error == NULL && equals != NULL)
        error = unescape(equals + 1, length - name_length - 1, value, URI_RELAY_MAX);
    else
        value[0] = '\0';
    if (error != NULL)
        return error;
    for (const struct uri_field *field = scheme->fields; field->name != NULL; field++)
        if (strcmp(name, field->name) == 0)
            return field->take(uri, value);
    return "unknown field";
}

/* name=value&name=value… */
static const char *take_query(const struct uri_scheme *scheme, struct uri *uri, const char *query)
{
    const char *error = NULL;

    while (*query != '\0' && error == NULL) {
        size_t length = strcspn(query, "&");

        if (length > 0)
            error = take_field(scheme, uri, query, length);
        query += length + (query[length] == '&');
    }
    return error;
}

const char *uri_parse(const char *text, struct uri *ret_uri)
{
    const struct uri_scheme *scheme = scheme_of(text);
    const char *error;

    if (scheme == NULL)
        return "it begins neither with " TRANSFER " nor with " OURS;
    *ret_uri = (struct uri){.relay = URI_PUBLIC_RELAY};
    strcpy(ret_uri->appid, scheme->appid);
    const char *code = text + strlen(scheme->prefix);
    size_t length = strcspn(code, "?");
    const char *query = code + length;
    if (strncmp(code, "//", 2) == 0)
        return "the code must follow the first colon directly, without //";
    /* What browsers and the like add; a slash of the code's own would be escaped. */
    while (length > 0 && code[length - 1] == '/')
        length--;
    if (length == 0)
        return "it contains no code";
    error = unescape(code, length, ret_uri->code, URI_CODE_MAX);
    if (error == NULL && *query == '?')
        error = take_query(scheme, ret_uri, query + 1);
    return error;
}

/* ---- making one ---- */

/* The first scheme can say it only if clients that add the endpoint come to the same URL. */
static bool is_transfer(const char *relay, const char *appid)
{
    return strcmp(appid, OFFER_APPID) == 0 &&
           strcmp(relay + without_endpoint(relay), ENDPOINT) == 0;
}

char *uri_make(const char *code, const char *relay, const char *appid)
{
    bool transfer = is_transfer(relay, appid), public = strcmp(relay, URI_PUBLIC_RELAY) == 0;
    char *uri = malloc(64 + 3 * (strlen(code) + strlen(relay) + strlen(appid)));
    char *end;

    if (uri == NULL)
        return NULL;
    end = escape(stpcpy(uri, transfer ? TRANSFER : OURS), code, strlen(code));
    if (!transfer)
        end = escape(stpcpy(end, "?appid="), appid, strlen(appid));
    if (transfer && !public)
        escape(stpcpy(end, "?rendezvous="), relay, without_endpoint(relay));
    else if (!public)
        escape(stpcpy(end, "&relay="), relay, strlen(relay));
    return uri;
}

/* ---- drawing one ---- */

/* Light modules around it, which the standard demands. */
#define QUIET_ZONE 4
/* Of a block in UTF-8. */
#define BLOCK_BYTES 3

static const char black_on_white[] = "\033[30;107m";
static const char reset_colours[] = "\033[0m";

/* [upper half inked][lower half inked] */
static const char *const blocks[2][2] = {{" ", "▄"}, {"▀", "█"}};

/* Outside of the code all is light. */
static bool is_dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1) != 0;
}

static char *draw_line(char *end, const QRcode *code, int y, bool colours)
{
    if (colours)
        end = stpcpy(end, black_on_white);
    for (int x = -QUIET_ZONE; x < code->width + QUIET_ZONE; x++)
        end =
            stpcpy(end, blocks[is_dark(code, x, y) == colours][is_dark(code, x, y + 1) == colours]);
    if (colours)
        end = stpcpy(end, reset_colours);
    return stpcpy(end, "\n");
}

static char *draw(const QRcode *code, bool colours)
{
    size_t side = (size_t)code->width + 2 * QUIET_ZONE;
    size_t line = side * BLOCK_BYTES + sizeof(black_on_white) + sizeof(reset_colours) + 1;
    char *drawing = malloc((side + 1) / 2 * line + 1);
    char *end = drawing;

    if (drawing == NULL)
        return NULL;
    for (int y = -QUIET_ZONE; y < code->width + QUIET_ZONE; y += 2)
        end = draw_line(end, code, y, colours);
    return drawing;
}

char *uri_draw_qr(const char *text, bool colours, size_t *ret_columns)
{
    /* Least error correction: on a screen that is enough, and the code stays small. */
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    char *drawing;

    if (code == NULL)
        return NULL;
    drawing = draw(code, colours);
    *ret_columns = (size_t)code->width + 2 * QUIET_ZONE;
    explicit_bzero(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    return drawing;
}

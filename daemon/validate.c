#include "config.h"

#include "daemon/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call.h"
#include "net/url.h"
#include "wormhole/payload.h"
#include "wormhole/text.h"

/* Longest purpose of a derived key: it is the name of a use. */
#define PURPOSE_MAX 128
/* The protocol's own keys (wormhole/keys.h) have purposes that begin so. */
#define PURPOSE_RESERVED "wormhole:"

/* For `return refuse(…)`: false. */
static bool refuse(struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct call *call, const char *format, ...)
{
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    call_refuse(call, IPC_BAD_PARAMS, why);
    return false;
}

static bool holds_only(const char *text, size_t max)
{
    size_t length = strnlen(text, max + 1);
    return length > 0 && length <= max && !text_has_control(text);
}

static bool name_is_fine(const char *name)
{
    size_t length = strlen(name);
    return holds_only(name, NAME_MAX_BYTES) && !strchr(name, '/') && *name != '-' && *name != ' ' &&
           name[length - 1] != ' ' &&
           !(length == SESSION_ID_TEXT - 1 && strspn(name, "0123456789abcdefABCDEF") == length);
}

bool checks_name(struct call *call, const char *name)
{
    if (!name || name_is_fine(name))
        return true;
    return refuse(call,
                  "parameter \"name\" must be 1 to %d bytes without '/' and control characters, "
                  "without '-' at its start and blanks at its ends, and not look like an id",
                  NAME_MAX_BYTES);
}

bool checks_appid(struct call *call, const char *appid)
{
    if (holds_only(appid, APPID_MAX))
        return true;
    return refuse(call, "parameter \"appid\" must be 1 to %d bytes without control characters",
                  APPID_MAX);
}

bool checks_relay(struct call *call, const char *relay)
{
    struct url url;
    enum url_fault fault = url_parse(relay, &url);
    if (fault == URL_OK)
        return true;
    return refuse(call, "parameter \"relay\" must be a URL: %s", url_fault_text(fault));
}

/* Reads them as a peer will: what becomes {} there, as that which is too long, would mislead. */
static bool versions_arrive(const char *versions)
{
    char *version = payload_version(versions);
    bool receipts;
    char *read = !version
                     ? NULL
                     : payload_read_version((const uint8_t *)version, strlen(version), &receipts);
    bool empty = versions[strspn(versions, "{} \t\r\n")] == '\0';
    bool arrive = read && (empty || strcmp(read, "{}") != 0);
    free(version);
    free(read);
    return arrive;
}

bool checks_versions(struct call *call, const char *versions)
{
    if (!versions || versions_arrive(versions))
        return true;
    return refuse(call,
                  "parameter \"app_versions\" must be a JSON object of at most %d bytes of ASCII",
                  PAYLOAD_VERSIONS_MAX);
}

bool checks_purpose(struct call *call, const char *purpose)
{
    size_t length = strnlen(purpose, PURPOSE_MAX + 1);
    if (length > 0 && length <= PURPOSE_MAX &&
        strncmp(purpose, PURPOSE_RESERVED, strlen(PURPOSE_RESERVED)) != 0)
        return true;
    return refuse(call, "parameter \"purpose\" must be 1 to %d bytes that do not begin with \"%s\"",
                  PURPOSE_MAX, PURPOSE_RESERVED);
}

bool checks_session(struct call *call, const struct session *session)
{
    struct url url;
    if ((!session->name || name_is_fine(session->name)) &&
        url_parse(session->relay, &url) == URL_OK)
        return true;
    call_refuse(call, IPC_BAD_EXPORT, "the text was altered: its petname or relay cannot be");
    return false;
}

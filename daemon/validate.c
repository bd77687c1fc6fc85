#include "config.h"

#include "daemon/validate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "daemon/relay_list.h"
#include "net/url.h"
#include "wormhole/payload.h"
#include "wormhole/schedule.h"
#include "wormhole/session.h"

/* Purposes with this prefix are those of the protocol's own keys (wormhole/keys.h). */
#define PURPOSE_RESERVED "wormhole:"

/* Petnames appear in command lines, in tables and one day in file names. So a petname is not an
 * option, not a path, has no blanks at either end, and is shorter than an id in hex digits, so that
 * ids stay unambiguous. */
static bool is_petname(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_MAX_BYTES && !utf8_has_control(name) &&
           strchr(name, '/') == NULL && *name != '-' && *name != ' ' && name[length - 1] != ' ' &&
           !(length == SESSION_ID_TEXT - 1 && strspn(name, "0123456789abcdefABCDEF") == length);
}

/* Each rule returns NULL if the text complies, otherwise a sentence. Lengths have been checked. */

static const char *name_rule(const char *name)
{
    return is_petname(name) ? NULL
                            : "a petname has no '/' or control characters, no '-' at its start, no "
                              "blanks at its ends, and does not look like an id";
}

static const char *appid_rule(const char *appid)
{
    return utf8_has_control(appid) ? "an appid has no control characters" : NULL;
}

static const char *relay_rule(const char *relay)
{
    struct url url;
    enum url_fault fault = url_parse(relay, &url);
    return fault == URL_OK ? NULL : url_fault_text(fault);
}

static const char *relays_rule(const char *relays)
{
    char urls[RELAY_LIST_SIZE];
    return relay_list_read(relays, SESSION_ROUTES_MAX, urls);
}

static const char *more_relays_rule(const char *relays)
{
    char urls[RELAY_LIST_SIZE];
    return relay_list_read(relays, SESSION_ROUTES_MAX - 1, urls);
}

static const char *schedule_rule(const char *text)
{
    struct schedule schedule;
    enum schedule_fault fault = schedule_parse(text, &schedule);
    return fault == SCHEDULE_OK ? NULL : schedule_fault_text(fault);
}

/* Parses them as a peer will: a value that the peer would read as {}, such as one that is too long,
 * would mislead. */
static const char *app_versions_rule(const char *versions)
{
    char *version = payload_version(versions, NULL);
    struct payload_abilities abilities;
    char *read = version == NULL
                     ? NULL
                     : payload_read_version((const uint8_t *)version, strlen(version), &abilities);
    bool empty = versions[strspn(versions, "{}[] \t\r\n")] == '\0';
    bool arrive = read != NULL && (empty || strcmp(read, "{}") != 0);
    free(version);
    free(read);
    return arrive ? NULL : "it must be a JSON object of at most 4096 bytes of ASCII";
}

_Static_assert(PAYLOAD_VERSIONS_MAX == 4096, "as the text says");

static const char *purpose_rule(const char *purpose)
{
    bool reserved = strncmp(purpose, PURPOSE_RESERVED, strlen(PURPOSE_RESERVED)) == 0;
    return reserved ? "purposes that begin with \"" PURPOSE_RESERVED "\" are the protocol's own"
                    : NULL;
}

bool validate_id(const char *text, uint8_t ret_id[SESSION_ID_BYTES])
{
    size_t length;
    return sodium_hex2bin(ret_id, SESSION_ID_BYTES, text, strlen(text), NULL, &length, NULL) == 0 &&
           length == SESSION_ID_BYTES;
}

static const char *after_rule(const char *after)
{
    uint8_t id[SESSION_ID_BYTES];
    return validate_id(after, id) ? NULL : "it must be an id: 16 hex digits";
}

static const char *(*const rules[PARAM_COUNT])(const char *text) = {
    [PARAM_NAME] = name_rule,
    [PARAM_APPID] = appid_rule,
    [PARAM_RELAY] = relay_rule,
    [PARAM_MORE_RELAYS] = more_relays_rule,
    [PARAM_RELAYS] = relays_rule,
    [PARAM_SCHEDULE] = schedule_rule,
    [PARAM_APP_VERSIONS] = app_versions_rule,
    [PARAM_PURPOSE] = purpose_rule,
    [PARAM_AFTER] = after_rule,
};

bool validate_params(enum ipc_method method, const struct ipc_params *params,
                     char ret_wrong[PARAMS_WRONG_SIZE])
{
    const struct ipc_method_row *row = methods_row(method);
    for (size_t i = 0; i < row->param_count; i++) {
        enum ipc_param param = row->params[i].param;
        const char *text = rules[param] != NULL ? params_text(params, param) : NULL;
        const char *fault = text != NULL ? rules[param](text) : NULL;
        if (fault != NULL) {
            snprintf(ret_wrong, PARAMS_WRONG_SIZE, "parameter \"%s\": %s",
                     methods_param(param)->key, fault);
            return false;
        }
    }
    return true;
}

bool validate_session(const struct session *session)
{
    return (session->name == NULL || is_petname(session->name)) &&
           relay_rule(session->relay) == NULL;
}

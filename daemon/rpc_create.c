/* invite and accept: new sessions. */
#include "config.h"

#include "daemon/rpc.h"

#include <stdio.h>
#include <string.h>

#include "daemon/call.h"
#include "daemon/settings.h"
#include "daemon/turn.h"
#include "net/url.h"
#include "wormhole/code.h"
#include "wormhole/schedule.h"
#include "wormhole/text.h"

#define SECOND INT64_C(1000)
/* Shorter, and nobody could answer; longer than a schedule lasts, and it would never be visited. */
#define TIMEOUT_MIN SECOND
#define TIMEOUT_MAX SCHEDULE_TIME_MAX

#define WHY_SIZE 256

static bool holds_only(const char *text, size_t max)
{
    size_t length = strnlen(text, max + 1);
    return length > 0 && length <= max && !text_has_control(text);
}

/*
 * A petname stands in command lines, tables and some day in file names: it is not an option, not a
 * path, has no blanks at its ends, and is not as long as an id in hex digits, since ids must go on
 * meaning what they say.
 */
static bool name_is_fine(const char *name)
{
    size_t length = strlen(name);
    return holds_only(name, NAME_MAX_BYTES) && !strchr(name, '/') && *name != '-' && *name != ' ' &&
           name[length - 1] != ' ' &&
           !(length == SESSION_ID_TEXT - 1 && strspn(name, "0123456789abcdefABCDEF") == length);
}

static bool check_name(const struct session_options *options, char *ret_why)
{
    if (!options->name || name_is_fine(options->name))
        return true;
    snprintf(ret_why, WHY_SIZE,
             "parameter \"name\" must be 1 to %d bytes without '/' and control characters, without "
             "'-' at its start and blanks at its ends, and not look like an id",
             NAME_MAX_BYTES);
    return false;
}

static bool check_appid(const struct session_options *options, char *ret_why)
{
    if (holds_only(options->appid, APPID_MAX))
        return true;
    snprintf(ret_why, WHY_SIZE,
             "parameter \"appid\" must be 1 to %d bytes without control characters", APPID_MAX);
    return false;
}

static bool check_relay(const struct session_options *options, char *ret_why)
{
    struct url url;
    enum url_fault fault = url_parse(options->relay, &url);
    if (fault != URL_OK)
        snprintf(ret_why, WHY_SIZE, "parameter \"relay\" must be a URL: %s", url_fault_text(fault));
    return fault == URL_OK;
}

/* What is read from the parameters, and where it is kept meanwhile. */
struct wish {
    struct session_options options;
    struct schedule schedule;
};

static bool check_schedule(const char *text, struct wish *wish, char *ret_why)
{
    enum schedule_fault fault = schedule_parse(text, &wish->schedule);
    if (fault != SCHEDULE_OK)
        snprintf(ret_why, WHY_SIZE, "parameter \"schedule\" must be one: %s",
                 schedule_fault_text(fault));
    return fault == SCHEDULE_OK;
}

/* All but the code and its words. False: the call has been refused. */
static bool read_wish(struct call *call, struct fields *fields, struct wish *wish)
{
    struct session_options *options = &wish->options;
    options->name = fields_text_or(fields, "name", NULL);
    options->appid = fields_text_or(fields, "appid", RPC_DEFAULT_APPID);
    options->relay = fields_text_or(fields, "relay", call->rpc->settings->relay);
    options->schedule = &wish->schedule;
    options->timeout = fields_number_or(fields, "timeout", 0, TIMEOUT_MIN, TIMEOUT_MAX);
    const char *schedule = fields_text_or(fields, "schedule", "email");
    if (!call_params_ok(call, fields))
        return false;
    char why[WHY_SIZE];
    if (check_schedule(schedule, wish, why) && check_name(options, why) &&
        check_appid(options, why) && check_relay(options, why))
        return true;
    call_refuse(call, IPC_BAD_PARAMS, why);
    return false;
}

static void create(struct call *call, struct fields *fields, struct wish *wish)
{
    if (!read_wish(call, fields, wish))
        return;
    const char *code = wish->options.code;
    enum code_fault fault = code ? code_check(code) : CODE_OK;
    if (fault != CODE_OK)
        call_refuse(call, IPC_BAD_CODE, code_fault_text(fault));
    else if (!turn_create(call->rpc->turns, &wish->options, call_view_done, call))
        call_refuse_memory(call);
}

void rpc_invite(struct call *call, struct fields *fields)
{
    struct wish wish = {0};
    wish.options.code = fields_text_or(fields, "code", NULL);
    wish.options.words =
        (uint32_t)fields_number_or(fields, "words", CODE_WORDS_DEFAULT, 1, CODE_WORDS_MAX);
    create(call, fields, &wish);
}

void rpc_accept(struct call *call, struct fields *fields)
{
    struct wish wish = {.options.code = fields_text(fields, "code")};
    wish.options.words = CODE_WORDS_DEFAULT;
    create(call, fields, &wish);
}

/* invite and accept: new sessions. */
#include "config.h"

#include "daemon/rpc.h"

#include <stdio.h>
#include <string.h>

#include "daemon/call.h"
#include "daemon/validate.h"
#include "daemon/settings.h"
#include "daemon/turn.h"
#include "wormhole/code.h"
#include "wormhole/schedule.h"

#define SECOND INT64_C(1000)
/* Shorter, and nobody could answer; longer than a schedule lasts, and it would never be visited. */
#define TIMEOUT_MIN SECOND
#define TIMEOUT_MAX SCHEDULE_TIME_MAX

/* A code that waits for days can be guessed at for days. */
#define WORDS_AT_LEISURE (CODE_WORDS_DEFAULT + 1)

/* What is read from the parameters, and where it is kept meanwhile. */
struct wish {
    struct session_options options;
    struct schedule schedule;
};

static bool read_schedule(struct call *call, const char *text, struct wish *wish)
{
    enum schedule_fault fault = schedule_parse(text, &wish->schedule);
    char why[256];
    if (fault == SCHEDULE_OK)
        return true;
    snprintf(why, sizeof(why), "parameter \"schedule\" must be one: %s",
             schedule_fault_text(fault));
    call_refuse(call, IPC_BAD_PARAMS, why);
    return false;
}

static uint32_t default_words(const struct schedule *schedule)
{
    char text[SCHEDULE_TEXT_MAX];
    schedule_format(schedule, text);
    return strcmp(text, "realtime") == 0 ? CODE_WORDS_DEFAULT : WORDS_AT_LEISURE;
}

static void read_peers_part(struct fields *fields, struct session_options *options)
{
    options->app_versions = fields_text_or(fields, "app_versions", NULL);
    options->verify = fields_flag_or(fields, "verify", false);
    options->inbox_messages =
        (uint32_t)fields_number_or(fields, "inbox_messages", 0, 1, SESSION_INBOX_MAX);
    options->inbox_bytes =
        (uint64_t)fields_number_or(fields, "inbox_bytes", 0, 1, SESSION_INBOX_BYTES_MAX);
}

/* What a session is like that does not say otherwise depends on its application. False: the call
 * has been refused. */
static bool read_relays_part(struct call *call, struct fields *fields, struct wish *wish)
{
    struct session_options *options = &wish->options;
    const struct settings_appid *usual = settings_for_appid(call->rpc->settings, options->appid);
    options->relay = fields_text_or(fields, "relay", rpc_default_relay(call->rpc, options->appid));
    options->timeout =
        fields_number_or(fields, "timeout", usual->timeout, TIMEOUT_MIN, TIMEOUT_MAX);
    if (options->words == 0)
        options->words = usual->words;
    options->schedule = &wish->schedule;
    const char *schedule =
        fields_text_or(fields, "schedule", usual->schedule ? usual->schedule : "email");
    return call_params_ok(call, fields) && read_schedule(call, schedule, wish);
}

/* All but the code and its words. False: the call has been refused. */
static bool read_wish(struct call *call, struct fields *fields, struct wish *wish)
{
    struct session_options *options = &wish->options;
    options->name = fields_text_or(fields, "name", NULL);
    options->appid = fields_text_or(fields, "appid", RPC_DEFAULT_APPID);
    read_peers_part(fields, options);
    return call_params_ok(call, fields) && read_relays_part(call, fields, wish) &&
           checks_name(call, options->name) && checks_appid(call, options->appid) &&
           checks_relay(call, options->relay) && checks_versions(call, options->app_versions);
}

static void create(struct call *call, struct fields *fields, struct wish *wish)
{
    if (!read_wish(call, fields, wish))
        return;
    const char *code = wish->options.code;
    enum code_fault fault = code ? code_check(code) : CODE_OK;
    if (wish->options.words == 0)
        wish->options.words = default_words(&wish->schedule);
    if (fault != CODE_OK)
        call_refuse(call, IPC_BAD_CODE, code_fault_text(fault));
    else if (!turn_create(call->rpc->turns, &wish->options, call_view_done, call))
        call_refuse_memory(call);
}

void rpc_invite(struct call *call, struct fields *fields)
{
    struct wish wish = {0};
    wish.options.code = fields_text_or(fields, "code", NULL);
    wish.options.words = (uint32_t)fields_number_or(fields, "words", 0, 1, CODE_WORDS_MAX);
    create(call, fields, &wish);
}

void rpc_accept(struct call *call, struct fields *fields)
{
    struct wish wish = {.options.code = fields_text(fields, "code")};
    create(call, fields, &wish);
}

/* invite and accept: new sessions. */
#include "config.h"

#include "daemon/rpc.h"

#include <string.h>

#include "daemon/settings.h"
#include "daemon/turn.h"
#include "wormhole/code.h"
#include "wormhole/schedule.h"

/* A code that waits for days can be guessed at for days. */
#define WORDS_AT_LEISURE (CODE_WORDS_DEFAULT + 1)

static uint32_t default_words(const struct schedule *schedule)
{
    char text[SCHEDULE_TEXT_MAX];
    schedule_format(schedule, text);
    return strcmp(text, "realtime") == 0 ? CODE_WORDS_DEFAULT : WORDS_AT_LEISURE;
}

/* Puts in what the request did not say: what is usual for the application, or for all. */
static void fill_in(const struct rpc *rpc, const struct ipc_params *params,
                    struct session_options *options, struct schedule *schedule)
{
    if (!options->appid)
        options->appid = RPC_DEFAULT_APPID;
    const struct settings_appid *usual = settings_for_appid(rpc->settings, options->appid);
    const char *text = params->schedule ? params->schedule : usual->schedule;
    schedule_parse(text ? text : "email", schedule); /* both were checked */
    options->schedule = schedule;
    if (!options->relay)
        options->relay = rpc_default_relay(rpc, options->appid);
    if (options->timeout == 0)
        options->timeout = usual->timeout;
    if (options->words == 0)
        options->words = usual->words > 0 ? usual->words : default_words(schedule);
}

static void create(struct ipc_call *call, const struct ipc_params *params)
{
    struct schedule schedule;
    struct session_options options = {
#define OPTION(ID, key, type, min, max, fallback) .key = (__typeof__(options.key))params->key,
#include "ipc/methods.def"
    };
    enum code_fault fault = options.code ? code_check(options.code) : CODE_OK;
    if (fault != CODE_OK) {
        ipc_call_refuse(call, IPC_BAD_CODE, code_fault_text(fault));
        return;
    }
    fill_in(call->rpc, params, &options, &schedule);
    if (!turn_create(call->rpc->turns, &options, rpc_view_done, call))
        rpc_refuse_memory(call);
}

void rpc_invite(struct ipc_call *call, const struct ipc_params *params)
{
    create(call, params);
}

void rpc_accept(struct ipc_call *call, const struct ipc_params *params)
{
    create(call, params);
}

/* nameplates and words: help for typing a code. */
#include "config.h"

#include "daemon/rpc.h"

#include "daemon/nameplates.h"
#include "wormhole/wire.h"
#include "wormhole/words.h"

/* ---- nameplates ---- */

static void on_listed(void *arg, const struct wire_message *list, const char *why)
{
    struct ipc_call *call = arg;
    struct writer writer;
    const char *nameplate;
    size_t index = 0;
    if (list == NULL) {
        ipc_call_refuse(call, IPC_UNREACHABLE, why);
        return;
    }
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_array(&writer, "nameplates");
    while (((nameplate = wire_next_nameplate(list, &index)) != NULL))
        writer_text(&writer, NULL, nameplate);
    writer_end(&writer);
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

static void on_gone(struct ipc_call *call)
{
    nameplates_cancel(call->work);
    ipc_call_drop(call);
}

void rpc_nameplates(struct ipc_call *call, const struct ipc_params *params)
{
    struct nameplates *nameplates = call->rpc->nameplates;
    const char *appid = params->appid != NULL ? params->appid : RPC_DEFAULT_APPID;
    const char *relay = params->relay != NULL ? params->relay : rpc_default_relay(call->rpc, appid);
    if (nameplates_busy(nameplates)) {
        ipc_call_refuse(call, IPC_UNREACHABLE, "too many want to know nameplates at the moment");
        return;
    }
    call->work = nameplates_ask(nameplates, relay, appid, on_listed, call);
    call->gone = on_gone;
    if (call->work == NULL)
        rpc_refuse_memory(call);
}

/* ---- words ---- */

/* Codes take their words from two lists in alternation. */
#define LISTS 2

void rpc_words(struct ipc_call *call, const struct ipc_params *params)
{
    (void)params;
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_array(&writer, "words");
    for (unsigned position = 0; position < LISTS; position++) {
        writer_array(&writer, NULL);
        for (unsigned byte = 0; byte <= UINT8_MAX; byte++)
            writer_text(&writer, NULL, words_pick(position, (uint8_t)byte));
        writer_end(&writer);
    }
    writer_end(&writer);
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

/* hello and status: the daemon's version and state. */
#include "config.h"

#include "daemon/rpc.h"

#include <unistd.h>

#include "base/clock.h"
#include "daemon/relays.h"
#include "daemon/settings.h"
#include "daemon/turn.h"
#include "ipc/methods.h"
#include "net/proxy.h"
#include "service/log.h"
#include "service/sandbox.h"
#include "state/store.h"

void rpc_hello(struct ipc_call *call, const struct ipc_params *params)
{
    /* Ours is the answer whatever level the client names: the client must judge whether it can go
     * on. */
    log_debug("rpc", "hello from %s, api %d",
              params->client != NULL ? params->client : "a client without a name",
              (int)params->api);
    call->client->greeted = true;
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_number(&writer, "api", METHODS_API);
    writer_text(&writer, "version", PACKAGE_VERSION);
    writer_number(&writer, "pid", getpid());
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

static void write_relay(struct writer *writer, const struct relay *relay)
{
    static const char *const states[] = {
        [RELAY_UNKNOWN] = "unknown", [RELAY_UP] = "up", [RELAY_DOWN] = "down"};
    writer_map(writer, NULL);
    writer_text(writer, "url", relay->url);
    writer_text(writer, "proxy", relay->proxy);
    writer_text(writer, "state", states[relay->state]);
    writer_number(writer, "connections", relay->connections);
    writer_number(writer, "failures", relay->failures);
    if (relay->state == RELAY_DOWN)
        writer_number(writer, "retry_at", relay->retry_at);
    else
        writer_nil(writer, "retry_at");
    writer_text(writer, "motd", relay->motd);
    writer_text(writer, "error", relay->error);
    writer_text(writer, "last_error", relay->last_error);
    if (relay->retention > 0)
        writer_number(writer, "retention", relay->retention);
    else
        writer_nil(writer, "retention");
    writer_unsigned(writer, "hashcash", relay_hashcash(relay, clock_now()));
    if (relay->hashcash.until > clock_now())
        writer_number(writer, "hashcash_until", relay->hashcash.until);
    else
        writer_nil(writer, "hashcash_until");
    writer_end(writer);
}

void rpc_status(struct ipc_call *call, const struct ipc_params *params)
{
    const struct rpc *rpc = call->rpc;
    struct kv_txn *txn = kv_read(rpc->store);
    struct writer writer;
    uint64_t used, limit;
    unsigned active, held;
    (void)params;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_text(&writer, "version", PACKAGE_VERSION);
    writer_number(&writer, "api", METHODS_API);
    writer_number(&writer, "pid", getpid());
    writer_number(&writer, "started", rpc->started);
    writer_text(&writer, "state_dir", rpc->settings->state);
    writer_text(&writer, "socket", rpc->settings->socket);
    writer_text(&writer, "config", rpc->settings->config_file);
    writer_text(&writer, "config_error", rpc->settings->refused);
    writer_text(&writer, "default_relay", rpc->settings->relay);
    writer_text(&writer, "default_relay_from", rpc->settings->relay_from);
    char proxy[PROXY_TEXT_SIZE];
    if (rpc->settings->proxy.proxy != NULL)
        proxy_text(rpc->settings->proxy.proxy, proxy);
    writer_text(&writer, "proxy", rpc->settings->proxy.proxy != NULL ? proxy : NULL);
    writer_text(&writer, "proxy_from", rpc->settings->proxy_from);
    writer_text(&writer, "cafile", rpc->settings->cafile);
    char sandbox[SANDBOX_TEXT_SIZE];
    writer_text(&writer, "sandbox",
                rpc->settings->sandbox ? sandbox_text(rpc->sandbox, sandbox) : "off");

    kv_size(rpc->store, &used, &limit);
    writer_unsigned(&writer, "sessions", store_count(txn));
    writer_unsigned(&writer, "change", store_last_change(txn));
    writer_unsigned(&writer, "store_bytes", used);
    if (limit == UINT64_MAX)
        writer_nil(&writer, "store_limit");
    else
        writer_unsigned(&writer, "store_limit", limit);
    struct kv_health health = kv_health(rpc->store);
    writer_text(&writer, "store_health", health.word);
    writer_text(&writer, "store_error", health.text);

    turn_count(rpc->turns, &active, &held);
    writer_number(&writer, "active", turn_connected(rpc->turns));
    writer_number(&writer, "held", held);
    writer_array(&writer, "relays");
    for (struct relay *relay = relays_next(rpc->relays, NULL); relay != NULL;
         relay = relays_next(rpc->relays, relay))
        write_relay(&writer, relay);
    writer_end(&writer);
    writer_end(&writer);
    rpc_finish_read(call, txn, &writer);
}

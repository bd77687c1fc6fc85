#include "config.h"

#include "daemon/leases.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/ipc_client.h"
#include "daemon/subscribers.h"
#include "state/store.h"

struct lease {
    uint8_t id[SESSION_ID_BYTES];
    struct ipc_client *client; /* NULL: it has gone, while it acknowledged */
    uint32_t number;           /* the highest that was given out */
    uint64_t serial;           /* tells it from later leases of the session */
    unsigned acks;             /* of the client, under way */
    UT_hash_handle hh;
    struct lease *prev, *next; /* the client's */
};

struct leases {
    struct kv *store;
    struct subscribers *subscribers;
    struct lease *entries;
    uint64_t serial; /* the last one given */
};

static struct lease *find(const struct leases *leases, const uint8_t *id)
{
    struct lease *lease;
    HASH_FIND(hh, leases->entries, id, SESSION_ID_BYTES, lease);
    return lease;
}

static void end(struct leases *leases, struct lease *lease)
{
    if (lease->client != NULL)
        DL_DELETE(lease->client->leases, lease);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the table */
    HASH_DEL(leases->entries, lease);
    free(lease);
}

/* The messages are there for others again. */
static void give_back(struct leases *leases, struct lease *lease)
{
    subscribers_unleased(leases->subscribers, lease->id);
    end(leases, lease);
}

/* ---- taking ---- */

bool leases_elsewhere(const struct leases *leases, const struct session *session,
                      const struct ipc_client *client)
{
    const struct lease *lease = find(leases, session->id);
    return lease != NULL && lease->client != client && lease->number >= session->acked;
}

static struct lease *begin(struct leases *leases, struct ipc_client *client, const uint8_t *id)
{
    struct lease *lease = calloc(1, sizeof(*lease));
    if (lease == NULL)
        return NULL;
    memcpy(lease->id, id, SESSION_ID_BYTES);
    HASH_ADD(hh, leases->entries, id, SESSION_ID_BYTES, lease);
    if (lease->hh.tbl == NULL) {
        free(lease);
        return NULL;
    }
    lease->client = client;
    lease->serial = ++leases->serial;
    DL_APPEND(client->leases, lease);
    return lease;
}

bool leases_take(struct leases *leases, struct ipc_client *client,
                 const uint8_t id[SESSION_ID_BYTES], uint32_t number)
{
    struct lease *lease = find(leases, id);
    if (lease != NULL && lease->client != client) {
        end(leases, lease); /* all of it is acknowledged */
        lease = NULL;
    }
    if (lease == NULL)
        lease = begin(leases, client, id);
    if (lease == NULL)
        return false;
    if (number > lease->number)
        lease->number = number;
    return true;
}

/* ---- ending ---- */

uint64_t leases_ack_began(struct leases *leases, const struct ipc_client *client,
                          const uint8_t id[SESSION_ID_BYTES])
{
    struct lease *lease = find(leases, id);
    if (lease == NULL || lease->client != client)
        return 0;
    lease->acks++;
    return lease->serial;
}

void leases_ack_ended(struct leases *leases, const uint8_t id[SESSION_ID_BYTES], uint64_t ack)
{
    struct lease *lease = find(leases, id);
    if (lease != NULL && lease->serial == ack && --lease->acks == 0 && lease->client == NULL)
        give_back(leases, lease);
}

void leases_changed(struct leases *leases, const uint8_t id[SESSION_ID_BYTES])
{
    struct lease *lease = find(leases, id);
    if (lease == NULL)
        return;
    struct kv_txn *txn = kv_read(leases->store);
    struct session *session;
    enum kv_status status = store_get_session(txn, id, &session);
    if (status == KV_MISSING || (status == KV_OK && session->acked > lease->number))
        end(leases, lease);
    if (status == KV_OK)
        session_free(session);
    kv_end(txn);
}

void leases_leave(struct leases *leases, struct ipc_client *client)
{
    struct lease *lease, *next;
    DL_FOREACH_SAFE(client->leases, lease, next)
    {
        if (lease->acks == 0) {
            give_back(leases, lease);
        } else {
            DL_DELETE(client->leases, lease);
            lease->client = NULL;
        }
    }
}

/* ---- life ---- */

struct leases *leases_new(struct kv *store, struct subscribers *subscribers)
{
    struct leases *leases = calloc(1, sizeof(*leases));
    if (leases == NULL)
        return NULL;
    leases->store = store;
    leases->subscribers = subscribers;
    return leases;
}

void leases_free(struct leases *leases)
{
    if (leases == NULL)
        return;
    struct lease *lease, *next;
    HASH_ITER(hh, leases->entries, lease, next)
    {
        end(leases, lease);
    }
    free(leases);
}

#include "config.h"

#include "daemon/backups.h"

#include <event2/event.h>
#include <stdlib.h>

#include "service/log.h"
#include "state/backup.h"

struct backups {
    struct kv *store;
    struct event *idle;
    const struct ipc_client *client; /* whose it is; NULL: there is none */
    struct backup *backup;           /* NULL: it was given up, which the client will be told */
    enum backups_result why;         /* … and why */
    uint64_t position;
};

static void give_up(struct backups *backups, enum backups_result why)
{
    backup_end(backups->backup);
    backups->backup = NULL;
    backups->why = why;
    event_del(backups->idle);
}

static void end(struct backups *backups)
{
    give_up(backups, BACKUPS_NONE);
    backups->client = NULL;
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    log_warning("rpc", "a backup was given up: its client fetched nothing for %d seconds",
                BACKUPS_PATIENCE_SECONDS);
    give_up(arg, BACKUPS_IDLE);
}

struct backups *backups_new(struct event_base *base, struct kv *store)
{
    struct backups *backups = calloc(1, sizeof(*backups));
    if (backups == NULL)
        return NULL;
    backups->store = store;
    backups->idle = evtimer_new(base, on_idle, backups);
    if (backups->idle != NULL)
        return backups;
    free(backups);
    return NULL;
}

void backups_free(struct backups *backups)
{
    if (backups == NULL)
        return;
    end(backups);
    event_free(backups->idle);
    free(backups);
}

static enum backups_result result_of(enum kv_status status)
{
    switch (status) {
    case KV_OK:
        return BACKUPS_OK;
    case KV_MISSING:
        return BACKUPS_NEEDED;
    case KV_LOCKED:
        return BACKUPS_BUSY;
    case KV_NEWER:
        return BACKUPS_NEWER;
    case KV_MEMORY:
        return BACKUPS_MEMORY;
    default:
        return BACKUPS_FAILED;
    }
}

static enum backups_result begin(struct backups *backups, const struct ipc_client *client)
{
    if (backups->client == client || backups->backup == NULL)
        end(backups);
    if (backups->client != NULL)
        return BACKUPS_BUSY;
    enum backups_result result = result_of(backup_begin(backups->store, &backups->backup));
    if (result != BACKUPS_OK)
        return result;
    log_info("rpc", "a backup begins");
    backups->client = client;
    backups->position = 0;
    return BACKUPS_OK;
}

enum backups_result backups_read(struct backups *backups, const struct ipc_client *client,
                                 uint64_t position, uint8_t *ret_data, size_t *ret_length,
                                 bool *ret_done)
{
    static const struct timeval patience = {BACKUPS_PATIENCE_SECONDS, 0};
    enum backups_result result = position == 0 ? begin(backups, client) : BACKUPS_OK;
    if (result != BACKUPS_OK)
        return result;
    if (backups->client != client)
        return BACKUPS_NONE;
    if (backups->backup == NULL || position != backups->position) {
        result = backups->backup == NULL ? backups->why : BACKUPS_NONE;
    } else {
        result = result_of(backup_read(backups->backup, ret_data, BACKUPS_PIECE, ret_length));
        if (result == BACKUPS_NEEDED && backup_outgrown(backups->backup))
            result = BACKUPS_GROWN;
        if (result == BACKUPS_NEEDED)
            log_warning("rpc", "a backup was given up: the store needed the room");
        else if (result == BACKUPS_GROWN)
            log_warning("rpc", "a backup was given up: the store changed too much meanwhile");
    }
    if (result != BACKUPS_OK) {
        end(backups);
        return result;
    }
    backups->position += *ret_length;
    *ret_done = backup_done(backups->backup);
    if (*ret_done) {
        log_info("rpc", "a backup was fetched");
        end(backups);
    } else if (evtimer_add(backups->idle, &patience) < 0) {
        end(backups);
        return BACKUPS_MEMORY;
    }
    return BACKUPS_OK;
}

void backups_leave(struct backups *backups, const struct ipc_client *client)
{
    if (backups != NULL && backups->client == client) {
        if (backups->backup != NULL)
            log_info("rpc", "a backup was given up: its client has left");
        end(backups);
    }
}

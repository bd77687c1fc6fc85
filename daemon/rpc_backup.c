/* backup: all of the store, in pieces that are fetched one after the other. */
#include "config.h"

#include "daemon/rpc.h"

#include <stdlib.h>

#include "base/wipe.h"
#include "daemon/backups.h"

static const struct backup_refusal {
    enum ipc_error code;
    const char *text;
} refusals[] = {
    [BACKUPS_BUSY] = {IPC_BUSY, "another backup is under way"},
    [BACKUPS_NONE] = {IPC_NO_BACKUP, "there is no backup of this connection at this place"},
    [BACKUPS_IDLE] = {IPC_NO_BACKUP,
                      "the backup was given up, because nothing was fetched for a minute"},
    [BACKUPS_NEEDED] = {IPC_NO_BACKUP,
                        "the backup was given up, because the store needed the room that it kept; "
                        "try again"},
    [BACKUPS_GROWN] = {IPC_NO_BACKUP,
                       "the backup was given up, because the store changed too much meanwhile; "
                       "try again"},
    [BACKUPS_NEWER] = {IPC_NO_BACKUP,
                       "a newer wormholed has worked with the store; make the backup with that "
                       "one"},
    [BACKUPS_MEMORY] = {IPC_STORE_FAILED, "the daemon is out of memory; nothing was changed"},
    [BACKUPS_FAILED] = {IPC_STORE_FAILED, "the store could not be read"},
};

static void answer(struct ipc_call *call, const uint8_t *data, size_t length, int64_t next)
{
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_data(&writer, "data", data, length);
    if (next >= 0)
        writer_number(&writer, "next", next);
    else
        writer_nil(&writer, "next");
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

void rpc_backup(struct ipc_call *call, const struct ipc_params *params)
{
    uint8_t *data = malloc(BACKUPS_PIECE);
    size_t length = 0;
    bool done = false;
    enum backups_result result =
        data == NULL ? BACKUPS_MEMORY
                     : backups_read(call->rpc->backups, call->client, (uint64_t)params->position,
                                    data, &length, &done);
    if (result == BACKUPS_OK)
        answer(call, data, length, done ? -1 : params->position + (int64_t)length);
    else
        ipc_call_refuse(call, refusals[result].code, refusals[result].text);
    wipe_free(data);
}

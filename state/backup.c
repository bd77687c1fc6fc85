#include "config.h"

#include "state/backup.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "kv/snapshot.h"
#include "state/keyfile.h"
#include "state/store_parts.h"

/* The longest head: 'T' and a name, or 'R' with two lengths and a key. */
#define HEAD_MAX (1 + 2 + 4 + KV_KEY_MAX * 2)

struct backup {
    const struct kv *store;
    struct kv_snapshot *snapshot;
    uint8_t *keys; /* NULL once they were read */
    uint8_t head[HEAD_MAX];
    size_t head_length;
    const uint8_t *body; /* behind the head; borrowed from `keys` or the snapshot */
    size_t body_length;
    size_t at; /* of head and body, how much was read */
    /* A row that waits for the head of its table. */
    MDB_val key, value;
    bool row_waits;
    unsigned tables; /* up to here their heads were made */
    uint64_t rows;
    bool ending, done;
};

static void put(struct backup *backup, const void *bytes, size_t length)
{
    assert(backup->head_length + length <= sizeof(backup->head));
    memcpy(backup->head + backup->head_length, bytes, length);
    backup->head_length += length;
}

static void put_number(struct backup *backup, uint64_t number, unsigned width)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> (8 * (width - 1 - i)));
    put(backup, bytes, width);
}

static void begin_item(struct backup *backup, char kind)
{
    backup->head_length = backup->body_length = backup->at = 0;
    put(backup, &kind, 1);
}

static void put_keys(struct backup *backup, size_t length)
{
    begin_item(backup, 'K');
    put_number(backup, length, 8);
    backup->body = backup->keys;
    backup->body_length = length;
}

static void put_table(struct backup *backup, unsigned table)
{
    const char *name = kv_table_name(backup->store, table);
    begin_item(backup, 'T');
    put_number(backup, strlen(name), 1);
    put(backup, name, strlen(name));
    backup->tables = table + 1;
}

static enum kv_status put_row(struct backup *backup)
{
    if (backup->key.mv_size > KV_KEY_MAX || backup->value.mv_size > BACKUP_VALUE_MAX)
        return KV_DAMAGED;
    begin_item(backup, 'R');
    put_number(backup, backup->key.mv_size, 2);
    put_number(backup, backup->value.mv_size, 4);
    put(backup, backup->key.mv_data, backup->key.mv_size);
    backup->body = backup->value.mv_data;
    backup->body_length = backup->value.mv_size;
    backup->row_waits = false;
    backup->rows++;
    return KV_OK;
}

static void put_end(struct backup *backup)
{
    begin_item(backup, 'E');
    put_number(backup, backup->rows, 8);
    backup->ending = true;
}

/* Makes the next item: a table's head comes before its first row. */
static enum kv_status next_item(struct backup *backup)
{
    unsigned table;
    sodium_free(backup->keys);
    backup->keys = NULL;
    if (backup->row_waits)
        return put_row(backup);
    enum kv_status status =
        kv_snapshot_next(backup->snapshot, &table, &backup->key, &backup->value);
    if (status == KV_MISSING) {
        put_end(backup);
        return KV_OK;
    }
    if (status != KV_OK)
        return status;
    if (backup->tables == table + 1)
        return put_row(backup);
    backup->row_waits = true;
    put_table(backup, table);
    return KV_OK;
}

enum kv_status backup_begin(struct kv *store, struct backup **ret_backup)
{
    struct backup *backup = calloc(1, sizeof(*backup));
    size_t length = 0;
    if (backup == NULL)
        return KV_MEMORY;
    backup->store = store;
    /* Nothing is committed between the two: they are of one moment. */
    enum kv_status status = kv_snapshot_begin(store, &backup->snapshot);
    if (status == KV_OK)
        status = keyfile_copy(store_slots_keyfile(store), &backup->keys, &length);
    if (status != KV_OK) {
        backup_end(backup);
        return status;
    }
    put_keys(backup, length);
    *ret_backup = backup;
    return KV_OK;
}

/* Copies what there is of the item. */
static size_t copy_item(struct backup *backup, uint8_t *ret_data, size_t size)
{
    size_t done = 0;
    if (backup->at < backup->head_length) {
        size_t left = backup->head_length - backup->at, part = left < size ? left : size;
        memcpy(ret_data, backup->head + backup->at, part);
        backup->at += part;
        done = part;
    }
    size_t place = backup->at - backup->head_length;
    if (backup->at >= backup->head_length && place < backup->body_length) {
        size_t left = backup->body_length - place, room = size - done;
        size_t part = left < room ? left : room;
        memcpy(ret_data + done, backup->body + place, part);
        backup->at += part;
        done += part;
    }
    return done;
}

enum kv_status backup_read(struct backup *backup, uint8_t *ret_data, size_t size,
                           size_t *ret_length)
{
    size_t done = 0;
    while (done < size && !backup->done) {
        if (kv_snapshot_gone(backup->snapshot))
            return KV_MISSING;
        if (backup->at < backup->head_length + backup->body_length) {
            done += copy_item(backup, ret_data + done, size - done);
        } else if (backup->ending) {
            backup->done = true;
        } else {
            enum kv_status status = next_item(backup);
            if (status != KV_OK)
                return status;
        }
    }
    /* So that the last piece is known to be the last, however it fits. */
    if (backup->ending && backup->at == backup->head_length)
        backup->done = true;
    *ret_length = done;
    return KV_OK;
}

bool backup_outgrown(const struct backup *backup)
{
    return kv_snapshot_outgrown(backup->snapshot);
}

bool backup_done(const struct backup *backup)
{
    return backup->done;
}

void backup_end(struct backup *backup)
{
    if (backup == NULL)
        return;
    kv_snapshot_end(backup->snapshot);
    sodium_free(backup->keys);
    free(backup);
}

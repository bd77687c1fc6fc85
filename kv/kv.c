#include "config.h"

#include "kv/kv_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening and closing ---- */

static enum kv_status open_files(struct kv *store, const char *path,
                                 const struct kv_open_error *why)
{
    enum kv_status status = kv_directory_open(path, why, &store->directory);
    if (status != KV_OK)
        return status;
    store->path = realpath(path, NULL);
    if (store->path == NULL)
        return kv_open_fail(why, kv_status_of(errno), "cannot find %s: %s", path, strerror(errno));
    status = kv_directory_lock(store->directory, store->path, why, &store->lock);
    if (status == KV_OK)
        status = kv_header_check(store->directory, store->path, why);
    if (status == KV_MISSING)
        status = kv_env_create(store, why);
    if (status == KV_OK)
        status = kv_env_open(store, why);
    if (status == KV_OK && store->kind->extra != NULL)
        status = store->kind->extra->open(store, why, &store->extra);
    return status;
}

enum kv_status kv_open(const struct kv_kind *kind, const char *directory, uint64_t max_bytes,
                       struct kv **ret_store, char *ret_why, size_t size)
{
    struct kv_open_error why = {ret_why, size, kind->program};
    struct kv *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return kv_open_fail(&why, KV_MEMORY, "out of memory");
    store->kind = kind;
    store->directory = store->lock = -1;
    /* Whole pages of the machine, as mmap has them. */
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    store->limit = max_bytes == 0 ? UINT64_MAX : max_bytes / page * page;

    mode_t before = umask(0077);
    enum kv_status status = open_files(store, directory, &why);
    umask(before);
    if (status != KV_OK)
        kv_close(store);
    else
        *ret_store = store;
    return status;
}

void kv_close(struct kv *store)
{
    if (store == NULL)
        return;
    if (store->kind->extra != NULL && store->extra != NULL)
        store->kind->extra->close(store->extra);
    kv_env_close(store);
    if (store->lock >= 0)
        close(store->lock);
    if (store->directory >= 0)
        close(store->directory);
    free(store->path);
    free(store);
}

void *kv_extra_of(const struct kv *store)
{
    return store->extra;
}

const char *kv_path(const struct kv *store)
{
    return store->path;
}

int kv_directory(const struct kv *store)
{
    return store->directory;
}

const char *kv_table_name(const struct kv *store, unsigned table)
{
    return store->kind->names[table];
}

void kv_size(struct kv *store, uint64_t *ret_used, uint64_t *ret_limit)
{
    uint64_t used = kv_space_used(store), unused = kv_space_free(store);
    *ret_used = used > unused ? used - unused : 0;
    *ret_limit = store->limit;
}

/* ---- transactions ---- */

struct kv_txn *kv_write(struct kv *store, size_t room)
{
    const struct kv_extra *extra = store->kind->extra;
    struct stat there;
    int file;
    /* The map cannot be moved under a reader. */
    assert(store->readers == 0);
    /* What is written to a file that somebody has deleted is lost when the process ends. */
    bool deleted = mdb_env_get_fd(store->env, &file) == MDB_SUCCESS && fstat(file, &there) == 0 &&
                   there.st_nlink == 0;
    if (extra != NULL)
        deleted |= extra->removed(store);
    store->error = deleted ? KV_ERROR_DELETED : 0;
    store->room = room;
    enum kv_status status = deleted ? KV_FAILED : kv_space_prepare(store, room);
    struct kv_txn *txn = kv_txn_begin(store, true);
    kv_fail(txn, status);
    if (extra != NULL)
        extra->begin(txn);
    return txn;
}

enum kv_status kv_commit(struct kv_txn *txn)
{
    struct kv *store = txn->writes ? txn->store : NULL;
    enum kv_status status = kv_txn_commit(txn);
    if (status == KV_OK && store != NULL)
        kv_space_settle(store);
    if (status == KV_OK && store != NULL && store->kind->extra != NULL)
        store->kind->extra->settle(store);
    if (store == NULL)
        return status;
    int refused = status == KV_FAILED ? kv_space_refusal(store) : 0;
    if (refused != 0) {
        store->error = refused;
        status = kv_status_of(refused);
    }
    if (status != KV_OK) {
        store->trouble = store->error;
        /* Whatever it was, it is tried again, and shall not fail because of a backup. */
        kv_snapshot_take_away(store);
    } else if (kv_status_of(store->trouble) != KV_FULL || store->room > 0) {
        store->trouble = 0;
    }
    return status;
}

/* ---- its health ---- */

static const struct kv_trouble {
    int error;
    struct kv_health health;
} healths[] = {
    {0, {"ok", NULL}},
    {MDB_MAP_FULL, {"full", "the store has reached the limit of its size (max-store-size)"}},
    {ENOSPC, {"full", "there is no space left on the disk of the store"}},
    {EDQUOT, {"full", "the disk quota is used up"}},
    {EFBIG, {"full", "the system does not let the store's file grow (limit on the size of files)"}},
    {EROFS, {"read-only", "the file system of the store has become read-only"}},
    {EACCES, {"denied", "the store may not be written: permission denied"}},
    {EPERM, {"denied", "the store may not be written: operation not permitted"}},
    {ESTALE, {"gone", "the files of the store, or their file system, are gone"}},
    {ENODEV, {"gone", "the disk of the store is gone"}},
    {ENXIO, {"gone", "the disk of the store is gone"}},
    {ENOTCONN, {"gone", "the file system of the store is no longer connected"}},
    {EHOSTDOWN, {"gone", "the server of the store's file system does not answer"}},
    {ETIMEDOUT, {"gone", "the server of the store's file system does not answer"}},
    {EIO, {"failing", "the disk of the store fails: input/output error"}},
    {MDB_CORRUPTED, {"failing", "the store is damaged"}},
    {MDB_PAGE_NOTFOUND, {"failing", "the store is damaged"}},
};

struct kv_health kv_health(const struct kv *store)
{
    /* Of memory it is not the store that lacks. */
    int error = store->trouble == ENOMEM ? 0 : store->trouble;

    for (size_t i = 0; i < sizeof(healths) / sizeof(healths[0]); i++)
        if (healths[i].error == error)
            return healths[i].health;
    return (struct kv_health){"failing", kv_status_text(kv_status_of(error))};
}

bool kv_try_room(struct kv *store, size_t room)
{
    int trouble = store->trouble;

    if (kv_status_of(trouble) != KV_FULL)
        return true;
    struct kv_txn *txn = kv_write(store, room);
    bool fits = kv_txn_status(txn) == KV_OK;
    kv_end(txn);
    if (fits)
        store->trouble = 0;
    return fits;
}

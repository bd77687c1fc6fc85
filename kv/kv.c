#include "config.h"

#include "kv/kv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv/directory.h"
#include "kv/env.h"
#include "kv/header.h"
#include "kv/table.h"
#include "kv/space.h"

static const char *const status_texts[] = {
    [KV_OK] = "all is well",
    [KV_MISSING] = "there is no such thing in the store",
    [KV_TAKEN] = "another session has this petname",
    [KV_AMBIGUOUS] = "more than one session's id begins like this",
    [KV_FULL] = "the store or its disk is full",
    [KV_LOCKED] = "another wormholed has the store open",
    [KV_NEWER] = "the store was written by a newer wormholed",
    [KV_DAMAGED] = "the store is damaged; it was left as it is",
    [KV_DENIED] = "the store may not be read or written: permission denied",
    [KV_MEMORY] = "out of memory",
    [KV_FAILED] = "the store could not be read or written",
};

const char *kv_status_text(enum kv_status status)
{
    return status_texts[status];
}

/* ---- opening and closing ---- */

/* Whole pages of the machine, as mmap has them. */
static uint64_t whole_pages(uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return bytes / page * page;
}

static enum kv_status open_files(struct kv *store, const char *path, const struct open_error *why)
{
    enum kv_status status = directory_open(path, why, &store->directory);
    if (status != KV_OK)
        return status;
    store->path = realpath(path, NULL);
    if (store->path == NULL)
        return open_error_set(why, kv_status_of(errno), "cannot find %s: %s", path,
                              strerror(errno));
    status = directory_lock(store->directory, store->path, why, &store->lock);
    if (status == KV_OK)
        status = header_check(store->directory, store->path, why);
    if (status == KV_MISSING)
        status = env_create(store, why);
    if (status == KV_OK)
        status = env_open(store, why);
    if (status == KV_OK && store->kind->extra != NULL)
        status = store->kind->extra->open(store, why);
    return status;
}

enum kv_status kv_open(const struct kv_kind *kind, const char *directory, uint64_t max_bytes,
                       struct kv **ret_store, char *ret_why, size_t size)
{
    struct open_error why = {ret_why, size, kind->program};
    struct kv *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return open_error_set(&why, KV_MEMORY, "out of memory");
    store->kind = kind;
    store->directory = store->lock = -1;
    store->limit = max_bytes == 0 ? UINT64_MAX : whole_pages(max_bytes);

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
    if (store->kind->extra != NULL)
        store->kind->extra->close(store);
    env_close(store);
    if (store->lock >= 0)
        close(store->lock);
    if (store->directory >= 0)
        close(store->directory);
    free(store->path);
    free(store);
}

void kv_size(struct kv *store, uint64_t *ret_used, uint64_t *ret_limit)
{
    uint64_t used = space_used(store), unused = space_free(store);
    *ret_used = used > unused ? used - unused : 0;
    *ret_limit = store->limit;
}

/* ---- transactions ---- */

struct kv_txn *kv_read(struct kv *store)
{
    return kv_txn_begin(store, false);
}

/* What is written to a file that somebody has deleted is lost with the process. */
static bool is_deleted(const struct kv *store)
{
    const struct kv_extra *extra = store->kind->extra;
    struct stat there;
    int file;
    if (mdb_env_get_fd(store->env, &file) == MDB_SUCCESS && fstat(file, &there) == 0 &&
        there.st_nlink == 0)
        return true;
    return extra != NULL && extra->removed(store);
}

struct kv_txn *kv_write(struct kv *store, size_t room)
{
    /* The map cannot be moved under a reader. */
    assert(store->readers == 0);
    enum kv_status status = is_deleted(store) ? KV_FAILED : space_prepare(store, room);
    struct kv_txn *txn = kv_txn_begin(store, true);
    kv_fail(txn, status);
    if (store->kind->extra != NULL)
        store->kind->extra->begin(txn);
    return txn;
}

enum kv_status kv_txn_status(const struct kv_txn *txn)
{
    return txn->status;
}

enum kv_status kv_commit(struct kv_txn *txn)
{
    struct kv *store = txn->writes ? txn->store : NULL;
    enum kv_status status = kv_txn_commit(txn);
    if (status == KV_OK && store != NULL)
        space_settle(store);
    if (status == KV_OK && store != NULL && store->kind->extra != NULL)
        store->kind->extra->settle(store);
    if (status == KV_FAILED && store != NULL && space_exhausted(store))
        status = KV_FULL;
    return status;
}

void kv_end(struct kv_txn *txn)
{
    kv_txn_end(txn);
}

#include "config.h"

#include "lmdb/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb/directory.h"
#include "lmdb/env.h"
#include "lmdb/header.h"
#include "lmdb/lmdb.h"
#include "lmdb/space.h"

static const char *const status_texts[] = {
    [STORE_OK] = "all is well",
    [STORE_MISSING] = "there is no such thing in the store",
    [STORE_TAKEN] = "another session has this petname",
    [STORE_AMBIGUOUS] = "more than one session's id begins like this",
    [STORE_FULL] = "the store or its disk is full",
    [STORE_LOCKED] = "another wormholed has the store open",
    [STORE_NEWER] = "the store was written by a newer wormholed",
    [STORE_DAMAGED] = "the store is damaged; it was left as it is",
    [STORE_DENIED] = "the store may not be read or written: permission denied",
    [STORE_MEMORY] = "out of memory",
    [STORE_FAILED] = "the store could not be read or written",
};

const char *store_status_text(enum store_status status)
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

static enum store_status open_files(struct store *store, const char *path, const struct why *why)
{
    enum store_status status = directory_open(path, why, &store->directory);
    if (status != STORE_OK)
        return status;
    store->path = realpath(path, NULL);
    if (store->path == NULL)
        return why_not(why, lmdb_status(errno), "cannot find %s: %s", path, strerror(errno));
    status = directory_lock(store->directory, store->path, why, &store->lock);
    if (status == STORE_OK)
        status = header_check(store->directory, store->path, why);
    if (status == STORE_MISSING)
        status = env_create(store, why);
    if (status == STORE_OK)
        status = env_open(store, why);
    if (status == STORE_OK && store->kind->extra != NULL)
        status = store->kind->extra->open(store, why);
    return status;
}

enum store_status store_open_kind(const struct store_kind *kind, const char *directory,
                                  uint64_t max_bytes, struct store **ret_store, char *ret_why,
                                  size_t size)
{
    struct why why = {ret_why, size, kind->program};
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return why_not(&why, STORE_MEMORY, "out of memory");
    store->kind = kind;
    store->directory = store->lock = -1;
    store->limit = max_bytes == 0 ? UINT64_MAX : whole_pages(max_bytes);

    mode_t before = umask(0077);
    enum store_status status = open_files(store, directory, &why);
    umask(before);
    if (status != STORE_OK)
        store_close(store);
    else
        *ret_store = store;
    return status;
}

void store_close(struct store *store)
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

void store_size(struct store *store, uint64_t *ret_used, uint64_t *ret_limit)
{
    uint64_t used = space_used(store), unused = space_free(store);
    *ret_used = used > unused ? used - unused : 0;
    *ret_limit = store->limit;
}

/* ---- transactions ---- */

struct store_txn *store_read(struct store *store)
{
    return lmdb_begin(store, false);
}

/* What is written to a file that somebody has deleted is lost with the process. */
static bool is_deleted(const struct store *store)
{
    const struct store_extra *extra = store->kind->extra;
    struct stat there;
    int file;
    if (mdb_env_get_fd(store->env, &file) == MDB_SUCCESS && fstat(file, &there) == 0 &&
        there.st_nlink == 0)
        return true;
    return extra != NULL && extra->removed(store);
}

struct store_txn *store_write(struct store *store, size_t room)
{
    /* The map cannot be moved under a reader. */
    assert(store->readers == 0);
    enum store_status status = is_deleted(store) ? STORE_FAILED : space_prepare(store, room);
    struct store_txn *txn = lmdb_begin(store, true);
    lmdb_fail(txn, status);
    if (store->kind->extra != NULL)
        store->kind->extra->begin(txn);
    return txn;
}

enum store_status store_txn_status(const struct store_txn *txn)
{
    return txn->status;
}

enum store_status store_commit(struct store_txn *txn)
{
    struct store *store = txn->writes ? txn->store : NULL;
    enum store_status status = lmdb_commit(txn);
    if (status == STORE_OK && store != NULL)
        space_settle(store);
    if (status == STORE_OK && store != NULL && store->kind->extra != NULL)
        store->kind->extra->settle(store);
    if (status == STORE_FAILED && store != NULL && space_exhausted(store))
        status = STORE_FULL;
    return status;
}

void store_end(struct store_txn *txn)
{
    lmdb_end(txn);
}

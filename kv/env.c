#include "config.h"

#include "kv/kv_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"

/* LMDB's file for its own locks, beside KV_DATA_FILE. */
#define LOCKS_FILE "lock.mdb"
/* Where a new store is made. */
#define NEW_DIRECTORY "new"
#define NEW_FILE      NEW_DIRECTORY "/" KV_DATA_FILE

/* Size of the map at opening: large enough that a small store is never remapped. It is address
 * space only, and LMDB itself makes it as large as the file needs. */
#define FIRST_MAP ((uint64_t)64 * 1024 * 1024)

static size_t first_map(const struct kv *store)
{
    return (size_t)(store->limit < FIRST_MAP ? store->limit : FIRST_MAP);
}

/* MDB_SUCCESS, or why it cannot be opened. mdb_env_close(). */
static int open_env(const char *path, size_t map_size, MDB_env **ret_env)
{
    MDB_env *env;
    int error = mdb_env_create(&env);
    if (error != MDB_SUCCESS)
        return error;
    error = mdb_env_set_maxdbs(env, KV_TABLES_MAX);
    if (error == MDB_SUCCESS)
        error = mdb_env_set_mapsize(env, map_size);
    /* Every commit is durable: no MDB_NOSYNC, MDB_NOMETASYNC, MDB_WRITEMAP. MDB_NOTLS lets one
     * thread have several readers. */
    if (error == MDB_SUCCESS)
        error = mdb_env_open(env, path, MDB_NOTLS, 0600);
    if (error != MDB_SUCCESS)
        mdb_env_close(env);
    else
        *ret_env = env;
    return error;
}

/* The tables from `first` up to, not including, `end`. */
static int open_tables(const struct kv_kind *kind, unsigned first, unsigned end, MDB_txn *txn,
                       unsigned flags, MDB_dbi ret_tables[KV_TABLES_MAX])
{
    int error = MDB_SUCCESS;
    for (unsigned i = first; i < end && error == MDB_SUCCESS; i++)
        error = mdb_dbi_open(txn, kind->names[i], flags, &ret_tables[i]);
    return error;
}

/* ---- making ---- */

/* Removes what is left of a new store, whether it was finished or not. */
static void remove_new(const struct kv *store)
{
    unlinkat(store->directory, NEW_FILE, 0);
    unlinkat(store->directory, NEW_DIRECTORY "/" LOCKS_FILE, 0);
    unlinkat(store->directory, NEW_DIRECTORY, AT_REMOVEDIR);
}

static int fill_new(const struct kv *store, MDB_env *env)
{
    const struct kv_kind *kind = store->kind;
    MDB_dbi tables[KV_TABLES_MAX];
    MDB_txn *txn;
    int error = mdb_txn_begin(env, NULL, 0, &txn);
    if (error != MDB_SUCCESS)
        return error;
    error = open_tables(kind, 0, kind->tables, txn, MDB_CREATE, tables);
    if (error == MDB_SUCCESS)
        error = kv_meta_put(txn, tables[KV_TABLE_META], KV_META_FORMAT, kind->format);
    if (error == MDB_SUCCESS && kind->extra != NULL)
        error = kind->extra->make(store, txn, tables[KV_TABLE_META]);
    if (error != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return error;
    }
    return mdb_txn_commit(txn);
}

static int make_new(const struct kv *store)
{
    char *path;
    if (mkdirat(store->directory, NEW_DIRECTORY, 0700) != 0)
        return errno;
    FAULT_POINT("store.new.directory");
    if (asprintf(&path, "%s/%s", store->path, NEW_DIRECTORY) < 0)
        return ENOMEM;
    MDB_env *env;
    int error = open_env(path, first_map(store), &env);
    free(path);
    if (error != MDB_SUCCESS)
        return error;
    error = fill_new(store, env);
    mdb_env_close(env);
    FAULT_POINT("store.new.rename.before");
    if (error == MDB_SUCCESS &&
        (renameat(store->directory, NEW_FILE, store->directory, KV_DATA_FILE) != 0 ||
         fsync(store->directory) != 0))
        error = errno;
    return error;
}

static bool no_room(const struct kv *store)
{
    int file = openat(store->directory, NEW_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    bool refused = kv_status_of(kv_file_refused(file, 0)) == KV_FULL;
    close(file);
    return refused;
}

enum kv_status kv_env_create(struct kv *store, const struct kv_open_error *why)
{
    const struct kv_extra *extra = store->kind->extra;
    enum kv_status status = extra == NULL ? KV_OK : extra->may_make(store, why);
    if (status != KV_OK)
        return status;
    remove_new(store);
    int error = make_new(store);
    FAULT_POINT("store.new.rename.after");
    if (error == MDB_SUCCESS)
        return KV_OK;
    if (error == EIO && no_room(store))
        error = ENOSPC;
    remove_new(store);
    return kv_open_fail(why, kv_status_of(error), "cannot make a store in %s: %s", store->path,
                        mdb_strerror(error));
}

/* ---- opening ---- */

static enum kv_status check_format(const struct kv *store, uint64_t format,
                                   const struct kv_open_error *why)
{
    if (format > store->kind->format)
        return kv_open_fail(why, KV_NEWER,
                            "the store in %s was written by a newer %s (format %ju, this one knows "
                            "%ju); use that one",
                            store->path, why->program, (uintmax_t)format,
                            (uintmax_t)store->kind->format);
    if (format < store->kind->format)
        return kv_open_fail(
            why, KV_DAMAGED,
            "%s/%s has the old format %ju or is no store of %s; it was left as it is. "
            "Move all of %s away to begin anew",
            store->path, KV_DATA_FILE, (uintmax_t)format, why->program, store->path);
    return KV_OK;
}

/* The meta table first: the others concern this program only if the format does. */
static enum kv_status check_tables(struct kv *store, MDB_txn *txn, const struct kv_open_error *why)
{
    uint64_t format;
    int error =
        mdb_dbi_open(txn, store->kind->names[KV_TABLE_META], 0, &store->tables[KV_TABLE_META]);
    if (error == MDB_SUCCESS)
        error = kv_meta_get(txn, store->tables[KV_TABLE_META], KV_META_FORMAT, &format);
    if (error == MDB_SUCCESS) {
        enum kv_status status = check_format(store, format, why);
        if (status != KV_OK)
            return status;
        error = open_tables(store->kind, 0, store->kind->tables - store->kind->added, txn, 0,
                            store->tables);
    }
    if (error == MDB_NOTFOUND)
        error = MDB_INCOMPATIBLE;
    if (error != MDB_SUCCESS)
        return kv_open_fail(why, kv_status_of(error),
                            "%s/%s is damaged or no store of %s; it was left as it is (%s)",
                            store->path, KV_DATA_FILE, why->program, mdb_strerror(error));
    return KV_OK;
}

/* Tables that the format did not have in the beginning. If they exist, nothing is written. */
static enum kv_status add_tables(struct kv *store, const struct kv_open_error *why)
{
    const struct kv_kind *kind = store->kind;
    MDB_txn *txn;
    if (kind->added == 0)
        return KV_OK;
    int error = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (error == MDB_SUCCESS) {
        error = open_tables(kind, kind->tables - kind->added, kind->tables, txn, MDB_CREATE,
                            store->tables);
        if (error == MDB_SUCCESS)
            error = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    return error == MDB_SUCCESS
               ? KV_OK
               : kv_open_fail(why, kv_status_of(error), "cannot add a table to the store in %s: %s",
                              store->path, mdb_strerror(error));
}

static enum kv_status begin_tables(struct kv *store, const struct kv_open_error *why)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (error != MDB_SUCCESS)
        return kv_open_fail(why, kv_status_of(error), "cannot read the store in %s: %s",
                            store->path, mdb_strerror(error));
    enum kv_status status = check_tables(store, txn, why);
    if (status != KV_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    /* Committed, so that the handles of the tables remain. */
    error = mdb_txn_commit(txn);
    return error == MDB_SUCCESS
               ? KV_OK
               : kv_open_fail(why, kv_status_of(error), "cannot read the store in %s: %s",
                              store->path, mdb_strerror(error));
}

void kv_env_measure(struct kv *store)
{
    struct stat there;
    int file;
    if (mdb_env_get_fd(store->env, &file) == MDB_SUCCESS && fstat(file, &there) == 0)
        store->reach = (uint64_t)there.st_size;
}

enum kv_status kv_env_open(struct kv *store, const struct kv_open_error *why)
{
    remove_new(store);
    int error = open_env(store->path, first_map(store), &store->env);
    if (error != MDB_SUCCESS)
        return kv_open_fail(why, kv_status_of(error), "cannot open the store in %s: %s",
                            store->path, mdb_strerror(error));
    MDB_stat stat;
    enum kv_status status = kv_status_of(mdb_env_stat(store->env, &stat));
    if (status != KV_OK) {
        kv_open_fail(why, status, "cannot look at the store in %s", store->path);
    } else {
        store->page = stat.ms_psize;
        store->reach = 0;
        kv_env_measure(store);
        status = begin_tables(store, why);
    }
    if (status == KV_OK)
        status = add_tables(store, why);
    if (status != KV_OK)
        kv_env_close(store);
    return status;
}

bool kv_env_restart(struct kv *store)
{
    char text[1];
    struct kv_open_error unsaid = {text, sizeof(text), store->kind->program};

    kv_env_close(store);
    return kv_header_check(store->directory, store->path, &unsaid) == KV_OK &&
           kv_env_open(store, &unsaid) == KV_OK;
}

void kv_env_close(struct kv *store)
{
    kv_snapshot_take_away(store);
    if (store->env != NULL)
        mdb_env_close(store->env);
    store->env = NULL;
}

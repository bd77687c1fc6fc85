#include "config.h"

#include "kv/kv_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Kept back for deletions, unless the limit is small. Deleting the largest session (320 MiB of
 * messages) records some 80,000 free pages of 8 bytes each; free pages can be used again only two
 * transactions later. A mailbox of a relay is smaller, and a batch of several that needs more is
 * tried again one by one. The second side of a mailbox adds a hundred bytes to it: there is room
 * for some ten thousand, while the relay deletes other mailboxes to make more.
 */
#define RESERVE      ((uint64_t)2 * 1024 * 1024)
#define RESERVE_PART 8 /* of a small limit */

/* What may be written while there is a snapshot, before the map must be moved after all. It is
 * address space, which costs nothing; 32-bit machines get what they can spare. */
#define SPREAD ((uint64_t)4 * 1024 * 1024 * 1024)

/* What the file may grow by for a snapshot: it would have to stay as large. Most stores are smaller
 * than that in all; of a small limit, a part. */
#define GROWTH      ((uint64_t)256 * 1024 * 1024)
#define GROWTH_PART 4

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t kv_kept_back(const struct kv *store)
{
    return least(RESERVE, store->limit / RESERVE_PART);
}

/* ---- looking ---- */

uint64_t kv_space_used(const struct kv *store)
{
    MDB_envinfo info;
    if (mdb_env_info(store->env, &info) != MDB_SUCCESS)
        return 0;
    return ((uint64_t)info.me_last_pgno + 1) * store->page;
}

uint64_t kv_space_free(struct kv *store)
{
    const MDB_dbi free_list = 0; /* as in mdb_stat(1) */
    uint64_t pages = 0;
    MDB_cursor *cursor;
    MDB_val key, value;
    struct kv_txn *txn = kv_txn_begin(store, false);

    if (txn->status == KV_OK && mdb_cursor_open(txn->txn, free_list, &cursor) == MDB_SUCCESS) {
        /* Each row begins with how many pages it names. */
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
            size_t count = 0;
            if (value.mv_size >= sizeof(count))
                memcpy(&count, value.mv_data, sizeof(count));
            pages += count;
        }
        mdb_cursor_close(cursor);
    }
    kv_end(txn);
    return pages * store->page;
}

/* ---- growing ---- */

/*
 * Address space costs nothing: take much more than should be needed. Deletions may exceed the limit
 * slightly, when what was kept back for them is used up or the limit has been lowered.
 */
static enum kv_status fit_map(struct kv *store, uint64_t used, size_t room)
{
    MDB_envinfo info;
    int error = mdb_env_info(store->env, &info);
    if (error != MDB_SUCCESS)
        return kv_status_of(error);
    uint64_t limit = room == 0 ? used + kv_kept_back(store) : used;
    if (limit < store->limit)
        limit = store->limit;
    uint64_t want = least(used + 2 * (uint64_t)room + RESERVE, limit);
    if (info.me_mapsize >= want && info.me_mapsize <= limit)
        return KV_OK;

    uint64_t size = info.me_mapsize;
    while (size < want)
        size *= 2;
    size = least(size, limit);
    if (size > SIZE_MAX)
        return KV_FULL;
    kv_snapshot_take_away(store); /* the map cannot be moved under it */
    return kv_status_of(mdb_env_set_mapsize(store->env, (size_t)size));
}

/* Makes the file reach at least as far as `want`, if the disk allows. Returns 0 or the error. */
static int extend(struct kv *store, uint64_t want)
{
    int error = 0;
    int file;
    uint64_t ahead = least((want + KV_FILE_STEP - 1) / KV_FILE_STEP * KV_FILE_STEP, store->limit);

    if (store->reach >= want || mdb_env_get_fd(store->env, &file) != MDB_SUCCESS)
        return 0;
    if ((ahead < want || !kv_file_stretch(file, store->reach, ahead)) &&
        !kv_file_stretch(file, store->reach, want))
        error = errno;
    kv_env_measure(store);
    return error;
}

/* LMDB gives its map up before it asks for another: better to know whether that will be had. */
static bool may_map(size_t size)
{
    void *trial = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (trial == MAP_FAILED)
        return false;
    munmap(trial, size);
    return true;
}

void kv_space_spread(struct kv *store)
{
    MDB_envinfo info;
    uint64_t used = kv_space_used(store);
    if (store->readers > 0 || mdb_env_info(store->env, &info) != MDB_SUCCESS)
        return;
    uint64_t size = least(least(2 * used + SPREAD, store->limit), SIZE_MAX / 8);
    if (size > info.me_mapsize && may_map((size_t)size))
        mdb_env_set_mapsize(store->env, (size_t)size);
}

enum kv_status kv_space_prepare(struct kv *store, size_t room)
{
    uint64_t used = kv_space_used(store);
    uint64_t need = room + kv_kept_back(store);

    kv_snapshot_limit(store, least(GROWTH, store->limit / GROWTH_PART));
    enum kv_status status = fit_map(store, used, room);
    store->error = status == KV_OK ? 0 : MDB_MAP_FULL;
    if (status != KV_OK || (room == 0 && store->snapshot == NULL))
        return status;
    int error = extend(store, least(used + need, store->limit));
    uint64_t end = least(store->reach, store->limit);
    uint64_t ahead = end > used ? end - used : 0;
    if (ahead >= need)
        return KV_OK;
    /* Free pages may be those that it still shows. */
    kv_snapshot_take_away(store);
    if (room == 0)
        return KV_OK;
    if (ahead + kv_space_free(store) >= need)
        return KV_OK;
    store->error = error != 0 ? error : MDB_MAP_FULL;
    return kv_status_of(store->error);
}

int kv_space_refusal(struct kv *store)
{
    int file;
    if (mdb_env_get_fd(store->env, &file) != MDB_SUCCESS)
        return 0;
    int refused = kv_file_refused(file, store->reach);
    kv_env_measure(store);
    return refused;
}

void kv_space_settle(struct kv *store)
{
    uint64_t used = kv_space_used(store);
    if (store->reach >= used)
        return;
    kv_env_measure(store);
    extend(store, used);
}

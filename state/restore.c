#include "config.h"

#include "state/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/backup.h"
#include "state/keyfile.h"
#include "state/store.h"
#include "state/store_parts.h"

/* Where it is made: beside its place, so that it can be renamed. */
#define SUFFIX ".restoring"
/* Rows, in bytes, that share a commit. */
#define BATCH ((size_t)1024 * 1024)
/* LMDB gives a value that is longer than this pages of its own. */
#define LONG_VALUE 1000

struct restore {
    char *place;      /* where it will be */
    char *directory;  /* where it is made; NULL once it is in its place */
    int hold;         /* its descriptor, with a lock as long as we are at work */
    struct kv *store; /* without its keys */
    int keys;         /* the file of them */
    struct kv_txn *txn;
    size_t room;    /* what may still be added to the transaction */
    unsigned table; /* of the rows that come */
    struct backup_parser *parser;
    /* Why a handler has refused. */
    enum restore_result result;
    char *why;
    size_t size;
};

static enum restore_result fail(char *ret_why, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum restore_result fail(char *ret_why, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_why, size, format, arguments); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(arguments);
    return RESTORE_FAILED;
}

static enum restore_result fail_memory(char *ret_why, size_t size)
{
    return fail(ret_why, size, "out of memory");
}

/* ---- the place ---- */

/* False with errno if it cannot be looked at. */
static bool is_empty(const char *path, bool *ret_empty)
{
    const struct dirent *entry;
    DIR *directory = opendir(path);
    bool empty = true;
    if (directory == NULL)
        return false;
    while (empty && (entry = readdir(directory)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    *ret_empty = empty;
    return true;
}

/* True if nothing is there that would have to go. */
static bool is_free(const char *path, char *ret_why, size_t size)
{
    struct stat there;
    bool empty;
    if (!is_empty(path, &empty)) {
        bool absent = errno == ENOENT;
        bool dangling = absent && lstat(path, &there) == 0;
        if (!absent)
            fail(ret_why, size, "cannot look at %s: %s", path, strerror(errno));
        else if (dangling)
            fail(ret_why, size,
                 "%s is a link to what is not there; make that directory, or remove the link",
                 path);
        return absent && !dangling;
    }
    if (!empty)
        fail(ret_why, size,
             "%s is not empty, and nothing is overwritten: stop the daemon and move the directory "
             "away, or choose another one with --state DIR",
             path);
    return empty;
}

/* Removes what was made, whether it is complete or not; what else is there stays. */
static void empty_out(int directory)
{
    static const char *const names[] = {KV_DATA_FILE, "lock.mdb",        KEYFILE_NAME,
                                        KEYFILE_NEW,  KEYFILE_DISCARDED, "new/lock.mdb"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlinkat(directory, names[i], 0);
    unlinkat(directory, "new/" KV_DATA_FILE, 0);
    unlinkat(directory, "new", AT_REMOVEDIR);
    unlinkat(directory, KV_LOCK_FILE, 0);
}

/*
 * Makes the directory, or takes over what an interrupted restoring has left, and locks it until the
 * end: nobody else restores into this place, whichever of its files are open. While we waited for
 * nobody, the one before us may have renamed or removed what we have opened: then once more.
 */
static enum restore_result hold(const char *path, int *ret_hold, char *ret_why, size_t size)
{
    const struct kv_open_error why = {ret_why, size, store_kind_bare.program};
    struct stat there, here;
    int directory;
    for (;;) {
        if (lstat(path, &there) == 0 && !S_ISDIR(there.st_mode))
            return fail(ret_why, size, "%s is in the way; move it away", path);
        if (kv_directory_open(path, &why, &directory) != KV_OK) {
            rmdir(path); /* if it was made, and there is nothing in it */
            return RESTORE_FAILED;
        }
        if (flock(directory, LOCK_EX | LOCK_NB) != 0)
            break;
        if (fstat(directory, &here) == 0 && lstat(path, &there) == 0 &&
            here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
            *ret_hold = directory;
            return RESTORE_OK;
        }
        close(directory);
    }
    int error = errno;
    close(directory);
    if (error == EWOULDBLOCK)
        return fail(ret_why, size, "another wormholed is restoring a backup in %s", path);
    rmdir(path);
    return fail(ret_why, size, "cannot lock %s: %s", path, strerror(error));
}

/* ---- what comes ---- */

static bool refuse(struct restore *restore, enum restore_result result)
{
    restore->result = result;
    return false;
}

static bool refuse_status(struct restore *restore, enum kv_status status)
{
    if (status == KV_DAMAGED)
        return refuse(restore, RESTORE_DAMAGED);
    return refuse(restore, fail(restore->why, restore->size, "cannot write to %s: %s",
                                restore->directory, kv_status_text(status)));
}

static bool refuse_system(struct restore *restore)
{
    return refuse(restore, fail(restore->why, restore->size, "cannot write to %s/%s: %s",
                                restore->directory, KEYFILE_NAME, strerror(errno)));
}

static bool on_keys(void *arg, const uint8_t *data, size_t length)
{
    struct restore *restore = arg;
    while (length > 0) {
        ssize_t written = write(restore->keys, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return refuse_system(restore);
        data += written;
        length -= (size_t)written;
    }
    return true;
}

static bool refuse_newer(struct restore *restore)
{
    return refuse(restore, fail(restore->why, restore->size,
                                "the backup was made by a newer wormholed; use that one"));
}

static bool on_table(void *arg, const char *name)
{
    struct restore *restore = arg;
    const struct kv_kind *kind = &store_kind_bare;
    for (unsigned i = 0; i < kind->tables; i++)
        if (strcmp(kind->names[i], name) == 0) {
            restore->table = i;
            return true;
        }
    return refuse_newer(restore);
}

static bool commit(struct restore *restore)
{
    struct kv_txn *txn = restore->txn;
    restore->txn = NULL;
    restore->room = 0;
    enum kv_status status = txn != NULL ? kv_commit(txn) : KV_OK;
    return status == KV_OK || refuse_status(restore, status);
}

/* What a row takes, at most: half-full pages, or whole ones. */
static size_t cost_of(size_t length)
{
    return length > LONG_VALUE ? length + 2 * 4096 : 2 * length + 64;
}

/* Has a transaction that may add so much. */
static bool provide(struct restore *restore, size_t cost)
{
    if (restore->txn != NULL && restore->room < cost && !commit(restore))
        return false;
    if (restore->txn == NULL) {
        restore->room = BATCH + cost;
        restore->txn = kv_write(restore->store, restore->room);
    }
    restore->room -= cost;
    return true;
}

/* The format that the store had. */
static bool format_fits(struct restore *restore, const struct kv_key *key, const uint8_t *value,
                        size_t length)
{
    if (restore->table != KV_TABLE_META || key->length != strlen(KV_META_FORMAT) ||
        memcmp(key->bytes, KV_META_FORMAT, key->length) != 0)
        return true;
    if (length != KV_NUMBER_BYTES || kv_read_number(value) < STORE_FORMAT)
        return refuse(restore, RESTORE_DAMAGED);
    return kv_read_number(value) == STORE_FORMAT || refuse_newer(restore);
}

static bool on_row(void *arg, const uint8_t *key_bytes, size_t key_length, const uint8_t *value,
                   size_t length)
{
    struct restore *restore = arg;
    struct kv_key key = {0};
    kv_key_append(&key, key_bytes, key_length);
    if (!format_fits(restore, &key, value, length) || !provide(restore, cost_of(length)))
        return false;
    /* A new store has the one row of its format. */
    if (restore->table == KV_TABLE_META)
        kv_put(restore->txn, restore->table, &key, value, length);
    else
        kv_append(restore->txn, restore->table, &key, value, length);
    enum kv_status status = kv_txn_status(restore->txn);
    return status == KV_OK || refuse_status(restore, status);
}

static const struct backup_handlers handlers = {on_keys, on_table, on_row};

/* ---- its life ---- */

static enum restore_result make_place(struct restore *restore, char *ret_why, size_t size)
{
    bool empty = false;
    enum restore_result result = hold(restore->directory, &restore->hold, ret_why, size);
    if (result != RESTORE_OK)
        return result;
    empty_out(restore->hold);
    if (!is_empty(restore->directory, &empty) || !empty)
        return fail(ret_why, size, "%s is in the way; move it away", restore->directory);
    enum kv_status status =
        kv_open(&store_kind_bare, restore->directory, 0, &restore->store, ret_why, size);
    if (status != KV_OK)
        return RESTORE_FAILED;
    restore->keys = openat(kv_directory(restore->store), KEYFILE_NAME,
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return restore->keys >= 0 ? RESTORE_OK
                              : fail(ret_why, size, "cannot make %s/%s: %s", restore->directory,
                                     KEYFILE_NAME, strerror(errno));
}

/* The directory itself where a link leads to it: a link cannot be replaced by a directory. */
static char *real_place(const char *directory)
{
    char *real = realpath(directory, NULL);
    if (real != NULL || errno != ENOENT || (real = strdup(directory)) == NULL)
        return real;
    for (size_t length = strlen(real); length > 1 && real[length - 1] == '/'; length--)
        real[length - 1] = '\0';
    return real;
}

enum restore_result restore_begin(const char *directory, struct restore **ret_restore,
                                  char *ret_why, size_t size)
{
    struct restore *restore = calloc(1, sizeof(*restore));
    if (restore == NULL)
        return fail_memory(ret_why, size);
    restore->keys = restore->hold = -1;
    restore->place = real_place(directory);
    restore->parser = backup_parser_new(&handlers, restore);
    if (restore->place == NULL)
        fail(ret_why, size, "cannot look at %s: %s", directory, strerror(errno));
    else if (!is_free(restore->place, ret_why, size))
        ; /* it has been said */
    else if (restore->parser == NULL ||
             asprintf(&restore->directory, "%s" SUFFIX, restore->place) < 0) {
        restore->directory = NULL;
        fail_memory(ret_why, size);
    } else if (make_place(restore, ret_why, size) == RESTORE_OK) {
        *ret_restore = restore;
        return RESTORE_OK;
    }
    restore_free(restore);
    return RESTORE_FAILED;
}

enum restore_result restore_add(struct restore *restore, const uint8_t *data, size_t length,
                                char *ret_why, size_t size)
{
    restore->why = ret_why;
    restore->size = size;
    switch (backup_parse(restore->parser, data, length)) {
    case BACKUP_OK:
        return RESTORE_OK;
    case BACKUP_REFUSED:
        return restore->result;
    case BACKUP_MEMORY:
        return fail_memory(ret_why, size);
    default:
        return RESTORE_DAMAGED;
    }
}

/* All that came is on the disk. */
static bool settle(struct restore *restore)
{
    if (!commit(restore))
        return false;
    if (fsync(restore->keys) != 0)
        return refuse_system(restore);
    kv_close(restore->store);
    restore->store = NULL;
    return true;
}

/* The daemon could open it. Counts what is in it. */
static enum restore_result look(const struct restore *restore, uint64_t *ret_sessions,
                                uint64_t *ret_unreadable, char *ret_why, size_t size)
{
    struct kv *store;
    uint8_t id[SESSION_ID_BYTES], last[SESSION_ID_BYTES] = {0};
    uint64_t sessions = 0, unreadable = 0;
    enum kv_status status = store_open(restore->directory, 0, &store, ret_why, size);
    if (status != KV_OK)
        return status == KV_DAMAGED ? RESTORE_DAMAGED : RESTORE_FAILED;
    struct kv_txn *txn = kv_read(store);
    while (store_next_id(txn, sessions > 0 ? last : NULL, id) == KV_OK) {
        struct session *session = NULL;
        sessions++;
        if (store_get_session(txn, id, &session) != KV_OK)
            unreadable++;
        session_free(session);
        memcpy(last, id, sizeof(last));
    }
    status = kv_txn_status(txn);
    kv_end(txn);
    kv_close(store);
    if (status != KV_OK)
        return fail(ret_why, size, "cannot read what was restored: %s", kv_status_text(status));
    *ret_sessions = sessions;
    *ret_unreadable = unreadable;
    return RESTORE_OK;
}

static bool sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = directory >= 0 && (fsync(directory) == 0 || errno == EINVAL);
    if (directory >= 0)
        close(directory);
    return synced;
}

/* Renaming fails if anything has come there meanwhile, as by a daemon that was started. */
static enum restore_result put_in_place(struct restore *restore, char *ret_why, size_t size)
{
    char *copy = strdup(restore->place);
    if (copy == NULL)
        return fail_memory(ret_why, size);
    bool moved =
        sync_directory(restore->directory) && rename(restore->directory, restore->place) == 0;
    int error = errno;
    if (moved) {
        free(restore->directory);
        restore->directory = NULL;
        sync_directory(dirname(copy));
    }
    free(copy);
    if (moved)
        return RESTORE_OK;
    if (error == EBUSY)
        return fail(ret_why, size,
                    "%s is a mount point, whose place nothing can take; choose a directory in it: "
                    "--state DIR",
                    restore->place);
    return fail(ret_why, size, "cannot rename %s to %s: %s", restore->directory, restore->place,
                strerror(error));
}

enum restore_result restore_finish(struct restore *restore, uint64_t *ret_sessions,
                                   uint64_t *ret_unreadable, char *ret_why, size_t size)
{
    uint64_t sessions = 0, unreadable = 0;
    restore->why = ret_why;
    restore->size = size;
    if (!backup_parsed(restore->parser))
        return RESTORE_DAMAGED;
    if (!settle(restore))
        return restore->result;
    enum restore_result result = look(restore, &sessions, &unreadable, ret_why, size);
    if (result == RESTORE_OK)
        result = put_in_place(restore, ret_why, size);
    if (result != RESTORE_OK)
        return result;
    *ret_sessions = sessions;
    *ret_unreadable = unreadable;
    return RESTORE_OK;
}

void restore_free(struct restore *restore)
{
    if (restore == NULL)
        return;
    kv_end(restore->txn);
    kv_close(restore->store);
    if (restore->keys >= 0)
        close(restore->keys);
    if (restore->hold >= 0 && restore->directory != NULL) {
        empty_out(restore->hold);
        rmdir(restore->directory);
    }
    if (restore->hold >= 0)
        close(restore->hold);
    free(restore->directory);
    free(restore->place);
    backup_parser_free(restore->parser);
    free(restore);
}

#include "config.h"

#include "state/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/private_file.h"
#include "kv/table.h"

#define FILE_VERSION 1
#define MAGIC_BYTES  8

static const uint8_t magic[MAGIC_BYTES] = {'w', 'o', 'r', 'm', 'k', 'e', 'y', 's'};

/* The start of the first page; the rest of that page is zero. */
struct keyfile_head {
    uint8_t magic[MAGIC_BYTES];
    uint8_t version[KV_NUMBER_BYTES];
    uint8_t number[KV_NUMBER_BYTES];
};

struct keyfile {
    int file;
    uint64_t ready; /* slots that have durable keys */
};

static off_t slot_place(uint64_t slot)
{
    return (off_t)(KEYFILE_PAGE + slot * KEYFILE_KEY_BYTES);
}

/* 0 or errno. */
static int write_whole(int file, const uint8_t *data, size_t length, off_t place)
{
    while (length > 0) {
        ssize_t written = pwrite(file, data, length, place);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : ENOSPC;
        data += written;
        length -= (size_t)written;
        place += written;
    }
    return 0;
}

/* Number of bytes read: fewer at the end of the file; -1 on failure. */
static ssize_t read_at(int file, void *ret_data, size_t length, off_t place)
{
    ssize_t got;
    do
        got = pread(file, ret_data, length, place);
    while (got < 0 && errno == EINTR);
    return got;
}

/* ---- creating ---- */

static struct keyfile_head make_head(uint64_t number)
{
    struct keyfile_head head;
    memcpy(head.magic, magic, sizeof(magic));
    memcpy(head.version, kv_key_number(FILE_VERSION).bytes, sizeof(head.version));
    memcpy(head.number, kv_key_number(number).bytes, sizeof(head.number));
    return head;
}

int keyfile_make(int directory, const char *name, uint64_t number)
{
    struct keyfile_head head = make_head(number);
    uint8_t page[KEYFILE_PAGE] = {0};
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return errno;
    memcpy(page, &head, sizeof(head));
    int error = write_whole(file, page, sizeof(page), 0);
    FAULT_POINT("keys.new.sync.before");
    if (error == 0 && fsync(file) != 0)
        error = errno;
    close(file);
    return error;
}

bool keyfile_in_use(int directory)
{
    struct stat there;
    return fstatat(directory, KEYFILE_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           there.st_size > KEYFILE_PAGE;
}

/* ---- opening ---- */

static enum kv_status refuse_open(const char *path, const struct kv_open_error *why)
{
    if (errno == ENOENT)
        return kv_open_fail(
            why, KV_DAMAGED,
            "%s/%s is missing, without which nothing in %s can be read. Put the copy "
            "back that belongs to it: the two are one store",
            path, KEYFILE_NAME, KV_DATA_FILE);
    return kv_open_fail(why, kv_status_of(errno), "cannot open or read %s/%s: %s", path,
                        KEYFILE_NAME, strerror(errno));
}

static enum kv_status refuse(const char *path, const char *what, const struct kv_open_error *why)
{
    return kv_open_fail(
        why, KV_DAMAGED,
        "%s/%s %s; it was left as it is. Put the copy in its place that belongs to %s: "
        "the two are one store",
        path, KEYFILE_NAME, what, KV_DATA_FILE);
}

static enum kv_status check(int file, const char *path, uint64_t number, uint64_t used,
                            const struct kv_open_error *why)
{
    struct stat there;
    struct keyfile_head head, wanted = make_head(number);
    char place[PATH_MAX], open_to[PRIVATE_FILE_WHY];
    snprintf(place, sizeof(place), "%s/%s", path, KEYFILE_NAME);
    if (fstat(file, &there) != 0)
        return refuse_open(path, why);
    ssize_t got = S_ISREG(there.st_mode) ? read_at(file, &head, sizeof(head), 0) : 0;
    if (got < 0)
        return refuse_open(path, why);
    if (!private_file_fits(&there, place, open_to, sizeof(open_to)))
        return kv_open_fail(why, KV_FAILED, "%s", open_to);
    if (got != (ssize_t)sizeof(head) || memcmp(head.magic, magic, sizeof(magic)) != 0)
        return refuse(path, "is damaged or no file of keys", why);
    if (memcmp(head.version, wanted.version, sizeof(head.version)) != 0)
        return kv_open_fail(why, KV_NEWER, "%s/%s was written by a newer %s; use that one", path,
                            KEYFILE_NAME, why->program);
    if (memcmp(head.number, wanted.number, sizeof(head.number)) != 0)
        return refuse(path, "belongs to another store", why);
    if ((uint64_t)there.st_size / KEYFILE_KEY_BYTES < KEYFILE_PAGE_SLOTS + used)
        return refuse(path, "is too short", why);
    return KV_OK;
}

/* Whether any page after these reached the disk is unknown. */
static uint64_t whole_pages(uint64_t used)
{
    return (used + KEYFILE_PAGE_SLOTS - 1) / KEYFILE_PAGE_SLOTS * KEYFILE_PAGE_SLOTS;
}

enum kv_status keyfile_open(int directory, const char *path, uint64_t number, uint64_t used,
                            const struct kv_open_error *why, struct keyfile **ret_keys)
{
    int file = openat(directory, KEYFILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return refuse_open(path, why);
    enum kv_status status = check(file, path, number, whole_pages(used), why);
    struct keyfile *keys = status == KV_OK ? malloc(sizeof(*keys)) : NULL;
    if (keys == NULL) {
        close(file);
        return status == KV_OK ? kv_open_fail(why, KV_MEMORY, "out of memory") : status;
    }
    *keys = (struct keyfile){.file = file, .ready = whole_pages(used)};
    *ret_keys = keys;
    return KV_OK;
}

void keyfile_close(struct keyfile *keys)
{
    if (keys == NULL)
        return;
    close(keys->file);
    free(keys);
}

bool keyfile_deleted(const struct keyfile *keys)
{
    struct stat there;
    return fstat(keys->file, &there) == 0 && there.st_nlink == 0;
}

/* ---- slots ---- */

enum kv_status keyfile_read(const struct keyfile *keys, uint64_t slot,
                            uint8_t ret_key[KEYFILE_KEY_BYTES])
{
    if (slot >= keys->ready)
        return KV_DAMAGED;
    ssize_t got = read_at(keys->file, ret_key, KEYFILE_KEY_BYTES, slot_place(slot));
    return got == KEYFILE_KEY_BYTES ? KV_OK : KV_FAILED;
}

enum kv_status keyfile_copy(const struct keyfile *keys, uint8_t **ret_copy, size_t *ret_length)
{
    size_t length = (size_t)slot_place(keys->ready);
    uint8_t *copy = sodium_malloc(length);
    if (copy == NULL)
        return KV_MEMORY;
    for (size_t done = 0; done < length;) {
        ssize_t got = read_at(keys->file, copy + done, length - done, (off_t)done);
        if (got <= 0) {
            sodium_free(copy);
            return KV_FAILED;
        }
        done += (size_t)got;
    }
    *ret_copy = copy;
    *ret_length = length;
    return KV_OK;
}

enum kv_status keyfile_grow(struct keyfile *keys, uint64_t slot)
{
    uint8_t page[KEYFILE_PAGE];
    int error = 0;
    while (error == 0 && slot >= keys->ready) {
        randombytes_buf(page, sizeof(page));
        FAULT_POINT("keys.grow.before");
        error = write_whole(keys->file, page, sizeof(page), slot_place(keys->ready));
        sodium_memzero(page, sizeof(page));
        FAULT_POINT("keys.grow.sync.before");
        if (error == 0 && fdatasync(keys->file) != 0)
            error = errno;
        FAULT_POINT("keys.grow.after");
        if (error == 0)
            keys->ready += KEYFILE_PAGE_SLOTS;
    }
    return kv_status_of(error);
}

bool keyfile_replace(const struct keyfile *keys, uint64_t slot)
{
    uint8_t key[KEYFILE_KEY_BYTES];
    randombytes_buf(key, sizeof(key));
    FAULT_POINT("keys.replace.before");
    int error = write_whole(keys->file, key, sizeof(key), slot_place(slot));
    sodium_memzero(key, sizeof(key));
    return error == 0;
}

bool keyfile_sync(const struct keyfile *keys)
{
    FAULT_POINT("keys.replace.sync.before");
    bool synced = fdatasync(keys->file) == 0;
    FAULT_POINT("keys.replace.after");
    return synced;
}

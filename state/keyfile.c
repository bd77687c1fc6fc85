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
#include "state/keyfile_parts.h"

#define MAGIC_BYTES 8
#define CHECK_BYTES 24

static const uint8_t magic[MAGIC_BYTES] = {'w', 'o', 'r', 'm', 'k', 'e', 'y', 's'};

/* The start of the first page; the rest of that page is zero. */
struct keyfile_head {
    uint8_t magic[MAGIC_BYTES];
    uint8_t version[KV_NUMBER_BYTES];
    uint8_t number[KV_NUMBER_BYTES];
};

/* Both copies of a slot are the same. */
struct keyfile_slot {
    uint8_t key[KEYFILE_KEY_BYTES];
    uint8_t sequence[KV_NUMBER_BYTES]; /* one more with each replacing */
    uint8_t check[CHECK_BYTES];
};

_Static_assert(sizeof(struct keyfile_slot) == KEYFILE_SLOT_BYTES, "slots divide a sector");

static off_t slot_place(uint64_t slot, unsigned copy)
{
    uint64_t page = slot / KEYFILE_PAGE_SLOTS;
    uint64_t group = page / KEYFILE_GROUP_PAGES * KEYFILE_COPIES + copy;
    page = 1 + group * KEYFILE_GROUP_PAGES + page % KEYFILE_GROUP_PAGES;
    return (off_t)(page * KEYFILE_PAGE + slot % KEYFILE_PAGE_SLOTS * KEYFILE_SLOT_BYTES);
}

uint64_t keyfile_whole(uint64_t used, uint64_t group)
{
    return (used + group - 1) / group * group;
}

int keyfile_write(int file, const void *data, size_t length, off_t place)
{
    const uint8_t *at = data;
    while (length > 0) {
        ssize_t written = pwrite(file, at, length, place);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : ENOSPC;
        at += written;
        length -= (size_t)written;
        place += written;
    }
    return 0;
}

ssize_t keyfile_read_at(int file, void *ret_data, size_t length, off_t place)
{
    ssize_t got;
    do
        got = pread(file, ret_data, length, place);
    while (got < 0 && errno == EINTR);
    return got;
}

/* ---- one slot ---- */

static void compute_check(const struct keyfile *keys, uint64_t slot,
                          const struct keyfile_slot *copy, uint8_t ret_check[CHECK_BYTES])
{
    struct kv_key place = kv_key_number(keys->number);
    crypto_generichash_state state;
    kv_key_append_number(&place, slot, KV_NUMBER_BYTES);
    crypto_generichash_init(&state, NULL, 0, CHECK_BYTES);
    crypto_generichash_update(&state, place.bytes, place.length);
    crypto_generichash_update(&state, copy->key, sizeof(copy->key));
    crypto_generichash_update(&state, copy->sequence, sizeof(copy->sequence));
    crypto_generichash_final(&state, ret_check, CHECK_BYTES);
    sodium_memzero(&state, sizeof(state));
}

static bool is_whole(const struct keyfile *keys, uint64_t slot, const struct keyfile_slot *copy)
{
    uint8_t expected[CHECK_BYTES];
    compute_check(keys, slot, copy, expected);
    return memcmp(expected, copy->check, sizeof(expected)) == 0;
}

/* `key` NULL: a new one. */
static void fill_slot(const struct keyfile *keys, uint64_t slot, uint64_t sequence,
                      const uint8_t *key, struct keyfile_slot *ret_slot)
{
    if (key != NULL)
        memcpy(ret_slot->key, key, sizeof(ret_slot->key));
    else
        randombytes_buf(ret_slot->key, sizeof(ret_slot->key));
    memcpy(ret_slot->sequence, kv_key_number(sequence).bytes, sizeof(ret_slot->sequence));
    compute_check(keys, slot, ret_slot, ret_slot->check);
}

static bool is_newer(const struct keyfile_slot *one, const struct keyfile_slot *other)
{
    return memcmp(one->sequence, other->sequence, sizeof(one->sequence)) > 0;
}

/* The newest copy that is whole. KV_FAILED if there is none, and one could not be read. */
static enum kv_status read_slot(const struct keyfile *keys, uint64_t slot,
                                struct keyfile_slot *ret_slot)
{
    enum kv_status status = KV_DAMAGED;
    struct keyfile_slot one;
    for (unsigned copy = 0; copy < KEYFILE_COPIES; copy++) {
        ssize_t got = keyfile_read_at(keys->file, &one, sizeof(one), slot_place(slot, copy));
        if (got != (ssize_t)sizeof(one)) {
            status = status == KV_OK ? KV_OK : KV_FAILED;
        } else if (is_whole(keys, slot, &one) && (status != KV_OK || is_newer(&one, ret_slot))) {
            *ret_slot = one;
            status = KV_OK;
        }
    }
    sodium_memzero(&one, sizeof(one));
    return status;
}

/* Also if one copy is refused, the other is written: it may hold a key that must be overwritten. */
int keyfile_write_slot(const struct keyfile *keys, uint64_t slot, uint64_t sequence,
                       const uint8_t *key)
{
    struct keyfile_slot both;
    fill_slot(keys, slot, sequence, key, &both);
    int first = keyfile_write(keys->file, &both, sizeof(both), slot_place(slot, 0));
    FAULT_POINT("keys.replace.half");
    int second = keyfile_write(keys->file, &both, sizeof(both), slot_place(slot, 1));
    sodium_memzero(&both, sizeof(both));
    return first != 0 ? first : second;
}

/* ---- creating ---- */

static struct keyfile_head make_head(uint64_t number)
{
    struct keyfile_head head;
    memcpy(head.magic, magic, sizeof(magic));
    memcpy(head.version, kv_key_number(KEYFILE_VERSION).bytes, sizeof(head.version));
    memcpy(head.number, kv_key_number(number).bytes, sizeof(head.number));
    return head;
}

int keyfile_write_head(int file, uint64_t number)
{
    struct keyfile_head head = make_head(number);
    uint8_t page[KEYFILE_PAGE] = {0};
    memcpy(page, &head, sizeof(head));
    return keyfile_write(file, page, sizeof(page), 0);
}

int keyfile_make(int directory, const char *name, uint64_t number)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return errno;
    int error = keyfile_write_head(file, number);
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

/* ---- mending ---- */

/* Makes one copy of a slot the newest that is whole, if that is in the other. True if it was
 * changed. */
static bool mend_slot(const struct keyfile *keys, uint64_t slot, uint64_t used,
                      struct keyfile_slot *own, const struct keyfile_slot *other)
{
    bool own_whole = is_whole(keys, slot, own), other_whole = is_whole(keys, slot, other);
    if (other_whole && (!own_whole || is_newer(other, own))) {
        *own = *other;
        return true;
    }
    /* Nothing is sealed with the key of a slot that was never used. */
    if (!own_whole && slot >= used) {
        fill_slot(keys, slot, 1, NULL, own);
        return true;
    }
    return false;
}

static bool read_page(const struct keyfile *keys, uint64_t first, unsigned copy,
                      struct keyfile_slot ret_page[KEYFILE_PAGE_SLOTS])
{
    ssize_t got = keyfile_read_at(keys->file, ret_page, KEYFILE_PAGE, slot_place(first, copy));
    return got == KEYFILE_PAGE;
}

/* The first group that is not known to be as it should be. Nearly always that is the one in which
 * some slots were never used: of the others is looked at no more than whether the copies agree. */
static uint64_t find_suspect(const struct keyfile *keys, uint64_t used)
{
    struct keyfile_slot one[KEYFILE_GROUP_SLOTS], other[KEYFILE_GROUP_SLOTS];
    const ssize_t size = sizeof(one);
    uint64_t first = 0;
    while (first + KEYFILE_GROUP_SLOTS <= used &&
           keyfile_read_at(keys->file, one, sizeof(one), slot_place(first, 0)) == size &&
           keyfile_read_at(keys->file, other, sizeof(other), slot_place(first, 1)) == size &&
           memcmp(one, other, sizeof(one)) == 0)
        first += KEYFILE_GROUP_SLOTS;
    sodium_memzero(one, sizeof(one));
    sodium_memzero(other, sizeof(other));
    return first;
}

/* Mends one copy of the pages from a slot on, durably; the other is only looked at. A page is
 * written as a whole, since a sector that cannot be read cannot be written in part; then it must be
 * known in full. 0 or errno. */
static int mend_copy(const struct keyfile *keys, unsigned copy, uint64_t first, uint64_t used)
{
    struct keyfile_slot own[KEYFILE_PAGE_SLOTS], other[KEYFILE_PAGE_SLOTS];
    bool mended = false;
    int error = 0;
    for (; error == 0 && first < keys->ready; first += KEYFILE_PAGE_SLOTS) {
        unsigned changed = 0;
        bool readable = read_page(keys, first, copy, own);
        if (!read_page(keys, first, !copy, other))
            continue;
        if (!readable)
            memset(own, 0, sizeof(own));
        if (first + KEYFILE_PAGE_SLOTS <= used && memcmp(own, other, sizeof(own)) == 0)
            continue;
        for (unsigned i = 0; i < KEYFILE_PAGE_SLOTS; i++)
            changed += mend_slot(keys, first + i, used, &own[i], &other[i]);
        if (changed == 0 || (!readable && changed < KEYFILE_PAGE_SLOTS))
            continue;
        error = keyfile_write(keys->file, own, sizeof(own), slot_place(first, copy));
        mended = true;
    }
    sodium_memzero(own, sizeof(own));
    sodium_memzero(other, sizeof(other));
    if (mended && error == 0 && fdatasync(keys->file) != 0)
        error = errno;
    return error;
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

static enum kv_status refuse_upgrade(const char *path, int error, const struct kv_open_error *why)
{
    return kv_open_fail(why, kv_status_of(error), "cannot bring %s/%s to the new format: %s", path,
                        KEYFILE_NAME, strerror(error));
}

static enum kv_status refuse(const char *path, const char *what, const struct kv_open_error *why)
{
    return kv_open_fail(
        why, KV_DAMAGED,
        "%s/%s %s; it was left as it is. Put the copy in its place that belongs to %s: "
        "the two are one store",
        path, KEYFILE_NAME, what, KV_DATA_FILE);
}

/* True if a file of this length has that many slots. */
static bool fits(uint64_t version, uint64_t length, uint64_t used)
{
    if (version == KEYFILE_OLD_VERSION)
        return keyfile_old_fits(length, used);
    uint64_t groups = keyfile_whole(used, KEYFILE_GROUP_SLOTS) / KEYFILE_GROUP_SLOTS;
    return length >= KEYFILE_PAGE && (length - KEYFILE_PAGE) / KEYFILE_GROUP >= groups;
}

static enum kv_status check(int file, const char *path, uint64_t number, uint64_t used,
                            const struct kv_open_error *why, uint64_t *ret_version)
{
    struct stat there;
    struct keyfile_head head, wanted = make_head(number);
    char place[PATH_MAX], open_to[PRIVATE_FILE_WHY];
    snprintf(place, sizeof(place), "%s/%s", path, KEYFILE_NAME);
    if (fstat(file, &there) != 0)
        return refuse_open(path, why);
    ssize_t got = S_ISREG(there.st_mode) ? keyfile_read_at(file, &head, sizeof(head), 0) : 0;
    if (got < 0)
        return refuse_open(path, why);
    if (!private_file_fits(&there, place, open_to, sizeof(open_to)))
        return kv_open_fail(why, KV_FAILED, "%s", open_to);
    if (got != (ssize_t)sizeof(head) || memcmp(head.magic, magic, sizeof(magic)) != 0)
        return refuse(path, "is damaged or no file of keys", why);
    *ret_version = kv_read_number(head.version);
    if (*ret_version != KEYFILE_VERSION && *ret_version != KEYFILE_OLD_VERSION)
        return kv_open_fail(why, KV_NEWER, "%s/%s was written by a newer %s; use that one", path,
                            KEYFILE_NAME, why->program);
    if (memcmp(head.number, wanted.number, sizeof(head.number)) != 0)
        return refuse(path, "belongs to another store", why);
    if (!fits(*ret_version, (uint64_t)there.st_size, used))
        return refuse(path, "is too short", why);
    return KV_OK;
}

/* *ret_file is a new descriptor of a file of this version. */
static enum kv_status open_file(int directory, const char *path, uint64_t number, uint64_t used,
                                const struct kv_open_error *why, int *ret_file)
{
    uint64_t version = 0;
    int file = openat(directory, KEYFILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return refuse_open(path, why);
    enum kv_status status = check(file, path, number, used, why, &version);
    if (status == KV_OK && version == KEYFILE_VERSION) {
        *ret_file = file;
        return KV_OK;
    }
    int error = status == KV_OK ? keyfile_upgrade(directory, file, number, used) : 0;
    close(file);
    if (status != KV_OK)
        return status;
    if (error != 0)
        return refuse_upgrade(path, error, why);
    return open_file(directory, path, number, used, why, ret_file);
}

enum kv_status keyfile_open(int directory, const char *path, uint64_t number, uint64_t used,
                            const struct kv_open_error *why, struct keyfile **ret_keys)
{
    int file = -1;
    enum kv_status status = open_file(directory, path, number, used, why, &file);
    if (status != KV_OK)
        return status;
    int error = keyfile_forget_old(directory);
    struct keyfile *keys = error == 0 ? malloc(sizeof(*keys)) : NULL;
    if (keys == NULL) {
        close(file);
        return error != 0 ? refuse_upgrade(path, error, why)
                          : kv_open_fail(why, KV_MEMORY, "out of memory");
    }
    /* Whether any group after these reached the disk is unknown. */
    uint64_t ready = keyfile_whole(used, KEYFILE_GROUP_SLOTS);
    *keys = (struct keyfile){.file = file, .number = number, .ready = ready};
    uint64_t suspect = find_suspect(keys, used);
    if (mend_copy(keys, 0, suspect, used) == 0)
        mend_copy(keys, 1, suspect, used);
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
    struct keyfile_slot newest;
    if (slot >= keys->ready)
        return KV_DAMAGED;
    enum kv_status status = read_slot(keys, slot, &newest);
    if (status == KV_OK)
        memcpy(ret_key, newest.key, sizeof(newest.key));
    sodium_memzero(&newest, sizeof(newest));
    return status;
}

int keyfile_write_group(const struct keyfile *keys)
{
    struct keyfile_slot page[KEYFILE_PAGE_SLOTS];
    uint64_t first = keys->ready, end = first + KEYFILE_GROUP_SLOTS;
    int error = 0;
    for (; error == 0 && first < end; first += KEYFILE_PAGE_SLOTS) {
        for (uint64_t i = 0; i < KEYFILE_PAGE_SLOTS; i++)
            fill_slot(keys, first + i, 1, NULL, &page[i]);
        for (unsigned copy = 0; error == 0 && copy < KEYFILE_COPIES; copy++)
            error = keyfile_write(keys->file, page, sizeof(page), slot_place(first, copy));
    }
    sodium_memzero(page, sizeof(page));
    return error;
}

/* A page that cannot be read is zero in the copy: damaged, and mended from the other one when it is
 * opened. False if neither can be read. */
static bool copy_page(const struct keyfile *keys, uint64_t first, uint8_t *ret_copy)
{
    struct keyfile_slot page[KEYFILE_PAGE_SLOTS];
    bool readable = false;
    for (unsigned copy = 0; copy < KEYFILE_COPIES; copy++) {
        if (!read_page(keys, first, copy, page))
            continue;
        memcpy(ret_copy + slot_place(first, copy), page, sizeof(page));
        readable = true;
    }
    sodium_memzero(page, sizeof(page));
    return readable;
}

enum kv_status keyfile_copy(const struct keyfile *keys, uint8_t **ret_copy, size_t *ret_length)
{
    const struct keyfile_head head = make_head(keys->number);
    size_t length = (size_t)slot_place(keys->ready, 0);
    uint8_t *copy = sodium_malloc(length);
    if (copy == NULL)
        return KV_MEMORY;
    memset(copy, 0, length);
    memcpy(copy, &head, sizeof(head));
    for (uint64_t first = 0; first < keys->ready; first += KEYFILE_PAGE_SLOTS)
        if (!copy_page(keys, first, copy)) {
            sodium_free(copy);
            return KV_FAILED;
        }
    *ret_copy = copy;
    *ret_length = length;
    return KV_OK;
}

enum kv_status keyfile_grow(struct keyfile *keys, uint64_t slot)
{
    int error = 0;
    while (error == 0 && slot >= keys->ready) {
        FAULT_POINT("keys.grow.before");
        error = keyfile_write_group(keys);
        FAULT_POINT("keys.grow.sync.before");
        if (error == 0 && fdatasync(keys->file) != 0)
            error = errno;
        FAULT_POINT("keys.grow.after");
        if (error == 0)
            keys->ready += KEYFILE_GROUP_SLOTS;
    }
    return kv_status_of(error);
}

bool keyfile_replace(const struct keyfile *keys, uint64_t slot)
{
    struct keyfile_slot newest;
    uint64_t sequence =
        read_slot(keys, slot, &newest) == KV_OK ? kv_read_number(newest.sequence) : 0;
    sodium_memzero(&newest, sizeof(newest));
    FAULT_POINT("keys.replace.before");
    return keyfile_write_slot(keys, slot, sequence + 1, NULL) == 0;
}

bool keyfile_sync(const struct keyfile *keys)
{
    FAULT_POINT("keys.replace.sync.before");
    bool synced = fdatasync(keys->file) == 0;
    FAULT_POINT("keys.replace.after");
    return synced;
}

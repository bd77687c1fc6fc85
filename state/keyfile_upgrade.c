/*
 * From version 1 of the file `keys`, in which slots of 32 bytes followed the first page, each once
 * and without a checksum:
 *
 *     1. `keys.new` is written, with the same keys in this version's layout, and synced
 *     2. `keys.discard` becomes another name of `keys`
 *     3. `keys.new` is renamed to `keys`
 *     4. the directory is synced; `keys.discard` is overwritten, synced and removed
 *
 * A crash before the third step leaves the old file under its name, and the next opening begins
 * anew; a crash after it leaves the new one, and the next opening does what is left.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/keyfile_parts.h"

#define OLD_PAGE_SLOTS (KEYFILE_PAGE / KEYFILE_KEY_BYTES)

bool keyfile_old_fits(uint64_t length, uint64_t used)
{
    return length / KEYFILE_KEY_BYTES >= OLD_PAGE_SLOTS + keyfile_whole(used, OLD_PAGE_SLOTS);
}

static int overwrite(int file)
{
    uint8_t noise[KEYFILE_PAGE];
    struct stat there;
    int error = fstat(file, &there) == 0 ? 0 : errno;
    for (off_t place = 0; error == 0 && place < there.st_size; place += (off_t)sizeof(noise)) {
        randombytes_buf(noise, sizeof(noise));
        error = keyfile_write(file, noise, sizeof(noise), place);
    }
    if (error == 0 && fdatasync(file) != 0)
        error = errno;
    return error;
}

/* ---- the new file ---- */

static int copy_keys(int old, struct keyfile *keys, uint64_t used)
{
    uint8_t key[KEYFILE_KEY_BYTES];
    int error = 0;
    for (; error == 0 && keys->ready < used; keys->ready += KEYFILE_GROUP_SLOTS)
        error = keyfile_write_group(keys);
    for (uint64_t slot = 0; error == 0 && slot < used; slot++) {
        off_t place = (off_t)(KEYFILE_PAGE + slot * KEYFILE_KEY_BYTES);
        ssize_t got = keyfile_read_at(old, key, sizeof(key), place);
        if (got != (ssize_t)sizeof(key))
            error = got < 0 ? errno : EIO;
        else
            error = keyfile_write_slot(keys, slot, 1, key);
    }
    sodium_memzero(key, sizeof(key));
    return error;
}

/* The old file stays in use, maybe by an older program, which would never overwrite the keys in
 * this one. */
static void discard_new(int directory, int file)
{
    if (overwrite(file) == 0)
        unlinkat(directory, KEYFILE_NEW, 0);
}

static int write_new(int directory, int old, uint64_t number, uint64_t used)
{
    /* What a crash has left of an earlier attempt is overwritten where it is: it has keys in it. */
    int file = openat(directory, KEYFILE_NEW, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct keyfile keys = {.file = file, .number = number};
    if (file < 0)
        return errno;
    int error = keyfile_write_head(file, number);
    if (error == 0)
        error = copy_keys(old, &keys, used);
    off_t length = (off_t)(KEYFILE_PAGE + keys.ready / KEYFILE_GROUP_SLOTS * KEYFILE_GROUP);
    if (error == 0 && (ftruncate(file, length) != 0 || fsync(file) != 0))
        error = errno;
    if (error != 0)
        discard_new(directory, file);
    close(file);
    return error;
}

/* ---- the old file ---- */

/* The name by which the file is found that must be overwritten, if there is a crash before it is.
 * Some file systems have no second names: there, a crash at that moment leaves the keys in disk
 * blocks that are free. */
static bool name_old(int directory, int old)
{
    struct stat here, there;
    if (fstat(old, &here) == 0 &&
        fstatat(directory, KEYFILE_DISCARDED, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        here.st_dev == there.st_dev && here.st_ino == there.st_ino)
        return true;
    return linkat(directory, KEYFILE_NAME, directory, KEYFILE_DISCARDED, 0) == 0;
}

int keyfile_forget_old(int directory)
{
    int file = openat(directory, KEYFILE_DISCARDED, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? 0 : errno;
    /* That `keys` leads to the new file must be durable before the old one is destroyed. */
    int error = fsync(directory) == 0 ? overwrite(file) : errno;
    close(file);
    if (error == 0 && (unlinkat(directory, KEYFILE_DISCARDED, 0) != 0 || fsync(directory) != 0))
        error = errno;
    return error;
}

int keyfile_upgrade(int directory, int old, uint64_t number, uint64_t used)
{
    int error = write_new(directory, old, number, used);
    if (error != 0)
        return error;
    bool named = name_old(directory, old);
    if (renameat(directory, KEYFILE_NEW, directory, KEYFILE_NAME) != 0)
        return errno;
    if (named)
        return keyfile_forget_old(directory);
    return fsync(directory) == 0 ? overwrite(old) : errno;
}

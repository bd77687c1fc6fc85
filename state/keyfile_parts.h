/* Private to the two files that know how the file `keys` is laid out (state/keyfile.h). */
#ifndef STATE_KEYFILE_PARTS_H
#define STATE_KEYFILE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kv/table.h"
#include "state/keyfile.h"

/* The version before this one, from which keyfile_upgrade.c converts. */
#define KEYFILE_OLD_VERSION 1
#define KEYFILE_VERSION     2

struct keyfile {
    int file;
    uint64_t number; /* of the store */
    uint64_t ready;  /* slots that have durable keys */
};

/* ---- keyfile.c ---- */

/* 0 or errno. */
int keyfile_write(int file, const void *data, size_t length, off_t place);

/* Number of bytes read: fewer at the end of the file; -1 on failure. */
ssize_t keyfile_read_at(int file, void *ret_data, size_t length, off_t place);

/* The first page, not synced. 0 or errno. */
int keyfile_write_head(int file, uint64_t number);

/* The group behind those that are ready, with new keys in it, not synced. 0 or errno. */
int keyfile_write_group(const struct keyfile *keys);

/* Both copies of a slot, not synced. `key` NULL: a new one. 0 or errno. */
int keyfile_write_slot(const struct keyfile *keys, uint64_t slot, uint64_t sequence,
                       const uint8_t *key);

/* How many slots a file has of which `used` are needed: whole groups of `group`. */
uint64_t keyfile_whole(uint64_t used, uint64_t group);

/* ---- keyfile_upgrade.c ---- */

/* True if a file of the old version, of this length, has that many slots. */
bool keyfile_old_fits(uint64_t length, uint64_t used);

/* Puts a file of this version, with the same keys, in the place of the one that is open as `old`.
 * Whatever it is interrupted by, one of the two is there, whole. 0 or errno. */
int keyfile_upgrade(int directory, int old, uint64_t number, uint64_t used);

/* Overwrites and removes what an upgrade has left: the keys in it would outlive their sessions. 0
 * or errno. */
int keyfile_forget_old(int directory);

#endif

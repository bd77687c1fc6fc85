/*
 * Private to state/: the file `keys`, which makes it possible for the store to forget. What a
 * session leaves in LMDB's file is sealed with a key of its own, which is kept in a slot of this
 * file. LMDB never overwrites a page in place, so what was deleted stays in data.mdb; a slot is
 * overwritten in place, and without its key everything sealed with it is noise.
 *
 * The file: a page with the magic, the version and the number of the store that it belongs to,
 * which `meta` holds, too (numbers as in kv/table.h); then pages of slots of KEYFILE_KEY_BYTES
 * random bytes. Each slot lies within one sector of a disk. Only data.mdb says whose slot is which
 * (state/store_parts.h).
 */
#ifndef STATE_KEYFILE_H
#define STATE_KEYFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "kv/table.h"

#define KEYFILE_NAME      "keys"
#define KEYFILE_KEY_BYTES 32
/* The file grows by this many slots: one session in 128 then costs an additional sync. */
#define KEYFILE_PAGE_SLOTS 128
#define KEYFILE_PAGE       (KEYFILE_PAGE_SLOTS * KEYFILE_KEY_BYTES)

struct keyfile;

/* Creates such a file without slots, or creates it anew; everything but its name is durable. 0 or
 * errno. */
int keyfile_make(int directory, const char *name, uint64_t number);

/* True if a file of that name has slots: someone who has lost data.mdb may still find it again. */
bool keyfile_in_use(int directory);

/*
 * Opens the file of the store with this number, whose first `used` slots have been used. New;
 * keyfile_close(). A file that is missing, that is not a key file, that is another store's or that
 * is too short is refused, and left as it is.
 */
enum kv_status keyfile_open(int directory, const char *path, uint64_t number, uint64_t used,
                            const struct kv_open_error *why, struct keyfile **ret_keys);
void keyfile_close(struct keyfile *keys); /* NULL is fine */

/* True if the file has been removed: what is sealed from now on could never be read again. */
bool keyfile_deleted(const struct keyfile *keys);

/* The key is secret. KV_DAMAGED if there is no such slot; KV_FAILED. */
enum kv_status keyfile_read(const struct keyfile *keys, uint64_t slot,
                            uint8_t ret_key[KEYFILE_KEY_BYTES]);

/* A copy of the whole file as it is now. New and secret: sodium_free(). */
enum kv_status keyfile_copy(const struct keyfile *keys, uint8_t **ret_copy, size_t *ret_length);

/* Makes the file long enough for this slot. The keys are durable on return. */
enum kv_status keyfile_grow(struct keyfile *keys, uint64_t slot);

/* Overwrites a slot with a new key, which is durable after keyfile_sync(). False: neither the old
 * nor the new key may be relied on. */
bool keyfile_replace(const struct keyfile *keys, uint64_t slot);
bool keyfile_sync(const struct keyfile *keys);

#endif

/*
 * Private to state/: the file `keys`, which makes it possible for the store to forget. What a
 * session leaves in LMDB's file is sealed with a key of its own, which is kept in a slot of this
 * file. LMDB never overwrites a page in place, so what was deleted stays in data.mdb; a slot is
 * overwritten in place, and without its key everything sealed with it is noise.
 *
 * Overwriting in place has a danger of its own: if the power fails meanwhile, the disk may leave
 * the sector, or the page, in any state, and with it the keys of others. So each slot is there
 * twice, in two pages that are far apart, and each copy has a checksum and a sequence number: the
 * newest whole copy counts. Opening mends the other one.
 *
 * The file: a page with the magic, the version and the number of the store that it belongs to,
 * which `meta` holds, too (numbers as in kv/table.h); then groups, each of KEYFILE_GROUP_PAGES
 * pages of slots, and the same pages once more. A slot:
 *
 *     key ‖ sequence number ‖ BLAKE2b of the store's number, the slot's, key and sequence number
 *
 * It lies within one sector of a disk. Only data.mdb says whose slot is which
 * (state/store_parts.h). Version 1 had each slot once, and nothing but the key in it; opening
 * such a file converts it (state/keyfile_upgrade.c).
 *
 * What a crash can do, write by write:
 *
 *     growing    the new group is durable before any session uses it; a session's slot is never in
 *                what is being written
 *     replacing  both copies are written, then one sync makes both durable. Whatever was written
 *                says the same of all other slots as before, so each page that is whole will do,
 * and it does not matter in which order they reach the disk. The slot itself belongs to nobody:
 * what deleted its session is durable, and until the next transaction the store knows that it must
 * be replaced, and does so again after a crash. mending    one copy of all pages is durable before
 * the other is touched
 *
 * Only if both copies of a page are destroyed are its keys lost. To exclude that, too, when the
 * power fails during one replacing, each would need a second sync.
 */
#ifndef STATE_KEYFILE_H
#define STATE_KEYFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "kv/table.h"

#define KEYFILE_NAME        "keys"
#define KEYFILE_NEW         KEYFILE_NAME ".new"     /* while one is made */
#define KEYFILE_DISCARDED   KEYFILE_NAME ".discard" /* one that must be overwritten */
#define KEYFILE_KEY_BYTES   32
#define KEYFILE_SLOT_BYTES  64
#define KEYFILE_PAGE        4096
#define KEYFILE_PAGE_SLOTS  (KEYFILE_PAGE / KEYFILE_SLOT_BYTES)
#define KEYFILE_GROUP_PAGES 8
/* The file grows by this many slots: one session in 512 then costs an additional sync. */
#define KEYFILE_GROUP_SLOTS (KEYFILE_GROUP_PAGES * KEYFILE_PAGE_SLOTS)
#define KEYFILE_COPIES      2
#define KEYFILE_GROUP       (KEYFILE_COPIES * KEYFILE_GROUP_PAGES * KEYFILE_PAGE)

struct keyfile;

/* Creates such a file without slots, or creates it anew; everything but its name is durable. 0 or
 * errno. */
int keyfile_make(int directory, const char *name, uint64_t number);

/* True if a file of that name has slots: someone who has lost data.mdb may still find it again. */
bool keyfile_in_use(int directory);

/*
 * Opens the file of the store with this number, whose first `used` slots have been used. New;
 * keyfile_close(). A file that is missing, that is not a key file, that is another store's or that
 * is too short is refused, and left as it is. Copies of slots that are damaged are mended, unless
 * the disk refuses.
 */
enum kv_status keyfile_open(int directory, const char *path, uint64_t number, uint64_t used,
                            const struct kv_open_error *why, struct keyfile **ret_keys);
void keyfile_close(struct keyfile *keys); /* NULL is fine */

/* True if the file has been removed: what is sealed from now on could never be read again. */
bool keyfile_deleted(const struct keyfile *keys);

/* The key is secret. KV_DAMAGED if there is no such slot, or no copy of it is whole; KV_FAILED. */
enum kv_status keyfile_read(const struct keyfile *keys, uint64_t slot,
                            uint8_t ret_key[KEYFILE_KEY_BYTES]);

/* A copy of the whole file as it is now; what the disk refuses to read of it is damaged in the
 * copy, and mended when that is opened. KV_FAILED if neither copy of some slots can be read. New
 * and secret: sodium_free(). */
enum kv_status keyfile_copy(const struct keyfile *keys, uint8_t **ret_copy, size_t *ret_length);

/* Makes the file long enough for this slot. The keys are durable on return. */
enum kv_status keyfile_grow(struct keyfile *keys, uint64_t slot);

/* Overwrites both copies of a slot with a new key, which is durable after keyfile_sync(). False:
 * neither the old nor the new key may be relied on. */
bool keyfile_replace(const struct keyfile *keys, uint64_t slot);
bool keyfile_sync(const struct keyfile *keys);

#endif

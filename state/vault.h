/*
 * Private to state/: the file `keys`, by which the store can forget. What a session leaves in
 * LMDB's file is sealed with a key of its own, which stands in a slot of this file. LMDB never
 * writes a page in its place, so what was deleted stays in data.mdb; a slot is written in its
 * place, and without its key all that was sealed with it is noise.
 *
 * The file: a page with the magic, the version and the number of the store that it belongs to,
 * which `meta` holds, too (numbers as in lmdb/row.h); then pages of slots of VAULT_KEY_BYTES
 * random bytes. A slot lies in one sector of a disk. Which slots are whose is said in data.mdb
 * alone (state/slots.h).
 */
#ifndef STATE_VAULT_H
#define STATE_VAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "lmdb/store.h"
#include "lmdb/why.h"

#define VAULT_FILE      "keys"
#define VAULT_KEY_BYTES 32
/* The file grows by so many: then one session in 128 costs a sync more. */
#define VAULT_PAGE_SLOTS 128
#define VAULT_PAGE       (VAULT_PAGE_SLOTS * VAULT_KEY_BYTES)

struct vault;

/* Makes such a file without slots, or makes it anew, durable but for its name. 0 or errno. */
int vault_make(int directory, const char *name, uint64_t number);

/* True if there is a file of that name with slots: whoever has lost data.mdb may still find it. */
bool vault_in_use(int directory);

/*
 * Opens the file of the store with this number, whose first `used` slots have been used. New;
 * vault_close(). What is missing, no such file, another store's or too short is refused, and left
 * as it is.
 */
enum store_status vault_open(int directory, const char *path, uint64_t number, uint64_t used,
                             const struct why *why, struct vault **ret_keys);
void vault_close(struct vault *keys); /* NULL is fine */

/* True if somebody has removed the file: what is sealed from now on could not be read any more. */
bool vault_deleted(const struct vault *keys);

/* The key is secret. STORE_DAMAGED if there is no such slot; STORE_FAILED. */
enum store_status vault_read(const struct vault *keys, uint64_t slot,
                             uint8_t ret_key[VAULT_KEY_BYTES]);

/* Makes the file long enough for this slot. The keys are durable when it returns. */
enum store_status vault_grow(struct vault *keys, uint64_t slot);

/* Overwrites a slot with a new key. It is durable after vault_sync(). False: neither the old nor
 * the new key may be relied upon. */
bool vault_replace(const struct vault *keys, uint64_t slot);
bool vault_sync(const struct vault *keys);

#endif

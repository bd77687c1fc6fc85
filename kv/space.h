/*
 * Private to kv/: how much room the store has.
 *
 * The map (address space) is grown by doubling. The file is made longer ahead of what LMDB uses of
 * it, for two reasons. When the disk or the limit is reached, some room has been kept back, so that
 * something can still be deleted: in LMDB every change, a deletion too, needs new pages first. And
 * LMDB leaves pages out that are at the very end and free; a store could then not be told from one
 * that was cut short (kv/header.c).
 */
#ifndef KV_SPACE_H
#define KV_SPACE_H

#include <stddef.h>

#include "kv/table.h"

/* What the map is opened with; LMDB itself makes it as large as the file needs. */
size_t space_first_map(const struct kv *store);

/* Learns the sizes of an environment that was opened. */
enum kv_status space_begin(struct kv *store);

/* Bytes of the file in use, free pages among them included. */
uint64_t space_used(const struct kv *store);

/* Bytes of pages that are free to be used again. Walks over LMDB's list of them. */
uint64_t space_free(struct kv *store);

/*
 * Before a write transaction that brings `room` bytes of new data: makes room for it, or says
 * KV_FULL. 0: it only deletes or rewrites, and may use what is kept back.
 */
enum kv_status space_prepare(struct kv *store, size_t room);

/*
 * LMDB says EIO when a disk takes only a part of what is written. True if there is no room to make
 * the file longer; otherwise it is longer now.
 */
bool space_refused(int file, uint64_t from);

/* The same for the store, after a commit that failed. */
bool space_exhausted(struct kv *store);

/* After a commit: the file reaches as far as LMDB says. */
void space_settle(struct kv *store);

#endif

/*
 * All of a store as one sequence of bytes, as it is at one moment, while the daemon goes on working
 * with it: what LMDB's file holds, row by row, and the keys without which the rows are noise.
 * `wormctl backup` puts it into a sealed file (base/sealed_file.h). Numbers are big-endian:
 *
 *     'K' length (8) bytes                          the file `keys`; comes first
 *     'T' length (1) name                           a table begins
 *     'R' length (2) length (4) key value           a row of it; keys ascend
 *     'E' rows (8)                                  the end; nothing follows
 *
 * Pages, and what has been deleted, are not in it: it belongs to no version of LMDB, and to no kind
 * of machine.
 */
#ifndef STATE_BACKUP_H
#define STATE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/kv.h"

/* ---- making ---- */

struct backup;

/* Of what is durable now. KV_LOCKED if there is one already; see also kv/snapshot.h. New;
 * backup_end(). */
enum kv_status backup_begin(struct kv *store, struct backup **ret_backup);

/* Up to `size` bytes of it, fewer only at its end. A failure is for good; KV_MISSING: the store has
 * needed the room that the snapshot took, or has changed too much for it. */
enum kv_status backup_read(struct backup *backup, uint8_t *ret_data, size_t size,
                           size_t *ret_length);

/* True if that was because the store has changed too much. */
bool backup_outgrown(const struct backup *backup);

/* True if all of it was read. */
bool backup_done(const struct backup *backup);

void backup_end(struct backup *backup); /* NULL is fine */

/* ---- parsing ---- */

/* Longest value: a message, with room for what goes with it. */
#define BACKUP_VALUE_MAX ((size_t)32 * 1024 * 1024)

enum backup_fault {
    BACKUP_OK = 0,
    BACKUP_DAMAGED, /* no such sequence */
    BACKUP_MEMORY,
    BACKUP_REFUSED, /* by a handler */
};

/* What is found, in its order. What is passed is borrowed. False ends it: BACKUP_REFUSED. */
struct backup_handlers {
    bool (*keys)(void *arg, const uint8_t *data, size_t length); /* some more bytes of them */
    bool (*table)(void *arg, const char *name);
    bool (*row)(void *arg, const uint8_t *key, size_t key_length, const uint8_t *value,
                size_t length);
};

struct backup_parser;

/* New; backup_parser_free(). NULL when out of memory. */
struct backup_parser *backup_parser_new(const struct backup_handlers *handlers, void *arg);

/* The next bytes, however they are cut. */
enum backup_fault backup_parse(struct backup_parser *parser, const uint8_t *data, size_t length);

/* True if the end was there, and everything before it. */
bool backup_parsed(const struct backup_parser *parser);

/* Wipes and frees. NULL is fine. */
void backup_parser_free(struct backup_parser *parser);

#endif

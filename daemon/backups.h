/*
 * The backup that a client fetches, piece by piece, with the method `backup`. There is one at a
 * time, because what the store keeps for it is not used again meanwhile; so it also ends when its
 * client fetches nothing for a while, or leaves.
 */
#ifndef DAEMON_BACKUPS_H
#define DAEMON_BACKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/kv.h"

struct backups;
struct event_base;
struct ipc_client;

/* The largest piece, in bytes: read within a millisecond, and no more than a client may have
 * unread. */
#define BACKUPS_PIECE ((size_t)256 * 1024)
/* A client that waits for its disk takes seconds, one that was stopped (Ctrl-Z) as long as it
 * likes.
 */
#define BACKUPS_PATIENCE_SECONDS 60

enum backups_result {
    BACKUPS_OK = 0,
    BACKUPS_BUSY,   /* another client's is under way */
    BACKUPS_NONE,   /* this client has none, or not at this place */
    BACKUPS_IDLE,   /* it was given up: nothing was fetched for too long */
    BACKUPS_NEEDED, /* it was given up: the store needed the room */
    BACKUPS_GROWN,  /* it was given up: the store changed too much meanwhile */
    BACKUPS_NEWER,  /* the store has tables of a newer program */
    BACKUPS_MEMORY,
    BACKUPS_FAILED, /* the store cannot be read */
};

/* New; backups_free(), before the store is closed. NULL when out of memory. */
struct backups *backups_new(struct event_base *base, struct kv *store);
void backups_free(struct backups *backups); /* NULL is fine */

/* The piece at this place: a new backup begins with the one at 0. *ret_length bytes of
 * BACKUPS_PIECE; *ret_done: it was the last one, and the backup is over. After any failure the
 * client has no backup. */
enum backups_result backups_read(struct backups *backups, const struct ipc_client *client,
                                 uint64_t position, uint8_t *ret_data, size_t *ret_length,
                                 bool *ret_done);

/* The client goes. */
void backups_leave(struct backups *backups, const struct ipc_client *client);

#endif

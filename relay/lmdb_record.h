/* The relay's stored records (kv/record.h). Tags that this program does not know are kept. */
#ifndef RELAY_LMDB_RECORD_H
#define RELAY_LMDB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/record.h"
#include "relay/store.h"

/* A mailbox is for two sides. */
#define LMDB_SIDES_MAX 2

struct lmdb_side {
    char name[RELAY_SIDE_MAX + 1];
    bool active;                   /* has not released the nameplate, or not closed the mailbox */
    char mood[RELAY_MOOD_MAX + 1]; /* given when it closed the mailbox */
};

struct lmdb_sides {
    uint32_t count;
    struct lmdb_side all[LMDB_SIDES_MAX];
};

struct lmdb_nameplate {
    char mailbox[RELAY_MAILBOX_MAX + 1];
    struct lmdb_sides sides;
    void *unknown; /* for kv/record.h: the transaction's if read by lmdb_rows_get(); NULL in a new
                      record */
    size_t unknown_length;
};

struct lmdb_mailbox {
    uint64_t serial; /* never reused: messages belong to it, not to the mailbox's name */
    uint64_t next;   /* number of the next message */
    uint64_t count;  /* of messages */
    uint64_t bytes;  /* of their bodies and ids */
    int64_t updated; /* the last activity, or a little ahead of it: see relay/lmdb_mailbox.h */
    char nameplate[RELAY_NAMEPLATE_MAX + 1]; /* the first that led here, or "" */
    int64_t began;  /* when it was made; 0: by a version that did not note it */
    int64_t joined; /* when a second side came; 0: never, or likewise */
    bool crowded;   /* a third side came */
    uint64_t owner; /* who made it, as long as nobody else has come; or 0: relay/lmdb_weight.h */
    struct lmdb_sides sides;
    void *unknown; /* as above */
    size_t unknown_length;
};

/* Texts are borrowed from the record; an absent one is NULL. */
struct lmdb_message {
    struct kv_borrowed_text side, phase, body, id;
    int64_t server_rx;
    uint64_t mark; /* 0: none */
    void *unknown; /* as above */
    size_t unknown_length;
};

enum lmdb_record {
    LMDB_NAMEPLATE = 0, /* struct lmdb_nameplate */
    LMDB_MAILBOX,       /* struct lmdb_mailbox */
    LMDB_MESSAGE,       /* struct lmdb_message */
    LMDB_RECORDS,
};

/* *ret_bytes is new: kv_record_clear(). KV_MEMORY, or KV_FAILED if a text is too long. */
enum kv_status lmdb_record_encode(enum lmdb_record kind, const void *record,
                                  struct kv_record *ret_bytes);

/* *ret_record is a struct of that kind, whose unknown tags the caller frees. KV_MEMORY, or
 * KV_DAMAGED if the bytes are not such a record; *ret_record is then undefined. */
enum kv_status lmdb_record_decode(enum lmdb_record kind, const void *data, size_t length,
                                  void *ret_record);

/* The memory of a record's unknown tags, or NULL. */
void *lmdb_record_unknown(enum lmdb_record kind, const void *record);

/* The side of this name, or NULL. */
struct lmdb_side *lmdb_sides_find(struct lmdb_sides *sides, const char *name);

/* Adds an active side. False if there are two already. */
bool lmdb_sides_add(struct lmdb_sides *sides, const char *name);

/* True if any side is active. */
bool lmdb_sides_active(const struct lmdb_sides *sides);

#endif

/*
 * What survives a restart: sessions, their messages, and the indexes over them, in one LMDB
 * environment; what holds for every such store is in kv/kv.h.
 *
 * | table    | key → value                                |
 * | sessions | id → session record, sealed                |
 * | names    | petname → id                               |
 * | due      | (wake time, id) → nothing                  |
 * | outbox   | (id, number) → nonce ‖ plaintext, sealed   |
 * | inbox    | (id, number) → plaintext, sealed           |
 * | changes  | sequence → id, at its newest               |
 * | imports  | id → (exports number, deadline)            |
 * | slots    | keys that belong to nobody (state/store_parts.h) |
 * | meta     | format version, …                          |
 *
 * Numbers in keys are big-endian, so that LMDB's order is theirs.
 *
 * LMDB never writes a page in its place: what is deleted stays in free pages of its file until they
 * are used again, if ever, and in its page buffers. So sessions and messages are sealed, each
 * session's with a key of its own, and the keys stand in a file beside LMDB's, in which they are
 * overwritten (state/keyfile.h). Two files are the store: a copy needs both, taken while nobody
 * writes.
 *
 *  - A session that is deleted, and all that it ever was, cannot be read any more when
 *    kv_commit() returns, from any copy of data.mdb, however old.
 *  - A session that has ended and whose messages were read gets a new key when it is
 *    written so: nothing but its last record can be read.
 *  - What else is deleted or replaced, as messages that were acknowledged, can be read by who has
 *    the files until one of these happens.
 *  - Names, ids and times are not sealed: they are in the indexes.
 *
 * That is as much as the disk keeps of its promise to overwrite: a file system that copies on
 * writing, a snapshot, or a flash disk may keep the old key somewhere that a file shows to nobody.
 *
 * A sealed row that was altered, or stands where another belongs, does not open; an index row that
 * a broken disk altered may be believed, and so may an older version of a row.
 */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/kv.h"
#include "wormhole/session.h"

/* Version of the store's format; `meta` holds it. Newer ones are refused, and so is 1: it had no
 * keys, and was in no release. */
#define STORE_FORMAT 2

/*
 * Opens or creates the store in `directory` (created with mode 0700, files 0600; parents too).
 * `max_bytes` bounds the size of LMDB's file; 0: only the disk does. (The keys
 * take 32 bytes a session beside it.) New; kv_close(). On failure *ret_why
 * (of `size` bytes) is a sentence that names the file and says what is wrong. A directory of
 * another user, or one that others may write to, is KV_DENIED. A store that is refused is left
 * byte for byte as it was.
 */
enum kv_status store_open(const char *directory, uint64_t max_bytes, struct kv **ret_store,
                          char *ret_why, size_t size);

/* When kv_commit() returns, the keys of what was deleted are gone. False while they are not: the
 * disk refused to overwrite them. Each commit and the next opening try again. */
bool store_erasure_done(const struct kv *store);

/* ---- sessions; for kv_write() each counts as some 32 KiB ---- */

/* KV_OK: *ret_session is new; session_free(). KV_MISSING, and KV_DAMAGED for this one
 * record, are no errors of the transaction. */
enum kv_status store_get_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                 struct session **ret_session);

/*
 * Writes the session with its indexes (name, due, changes), if it differs from what is stored; then
 * session->change is its new number, and *ret_changed (if not NULL) true. KV_TAKEN, without
 * remembering it as an error, if the petname is another's. KV_FAILED if a field is not one that
 * could be read again (state/record.h).
 */
enum kv_status store_put_session(struct kv_txn *txn, struct session *session, bool *ret_changed);

/* Deletes the session, its messages and its index rows. Missing is fine. A damaged record stays:
 * the transaction fails, since it cannot be known which rows lead to it. */
void store_delete_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES]);

/*
 * Finds by petname, else by the start of one session's petname, or of its id in hex (at least 1
 * digit). KV_MISSING and KV_AMBIGUOUS are no errors of the transaction.
 */
enum kv_status store_find(struct kv_txn *txn, const char *text, uint8_t ret_id[SESSION_ID_BYTES]);

/* The first id that is greater than `after` (NULL: the first of all). KV_MISSING at the end. */
enum kv_status store_next_id(struct kv_txn *txn, const uint8_t *after,
                             uint8_t ret_id[SESSION_ID_BYTES]);

/* How many sessions there are; costs nothing. */
uint64_t store_count(struct kv_txn *txn);

/* ---- due ---- */

/* A place in the index: begin with {INT64_MIN, {0}} and go on with what came back. */
struct store_due {
    int64_t wake;
    uint8_t id[SESSION_ID_BYTES];
};

/* The first row after `place`, which is moved there. KV_MISSING at the end. Sessions that wake
 * at INT64_MAX are not in the index. */
enum kv_status store_next_due(struct kv_txn *txn, struct store_due *place);

/* ---- the time of day ---- */

/* Notes what time it is, ms since the epoch, so that it can be told later, even after a restart,
 * that the clock was set back. Written once in ten minutes at most, and never back. */
void store_note_time(struct kv_txn *txn, int64_t now);

/* Nothing sleeps any more that was planned when the clock was ahead: the note goes back to `now`.
 */
void store_correct_time(struct kv_txn *txn, int64_t now);

/* What was noted last; INT64_MIN if nothing was. */
int64_t store_noted_time(struct kv_txn *txn);

/* ---- messages ---- */

enum store_box { STORE_OUTBOX, STORE_INBOX };

/* KV_MISSING, remembered as an error, if there is no such session. */
void store_put_message(struct kv_txn *txn, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                       uint32_t number, const uint8_t *data, size_t length);

/* Borrowed from the transaction, until it ends, writes, or lends another. KV_MISSING, and
 * KV_DAMAGED for this one message, are no errors of the transaction. */
enum kv_status store_get_message(struct kv_txn *txn, enum store_box box,
                                 const uint8_t id[SESSION_ID_BYTES], uint32_t number,
                                 const uint8_t **ret_data, size_t *ret_length);

/* Deletes numbers below `below` (UINT32_MAX: all). */
void store_delete_messages(struct kv_txn *txn, enum store_box box,
                           const uint8_t id[SESSION_ID_BYTES], uint32_t below);

/* ---- imports: sessions that came in a text (state/export.h), so that none comes twice ---- */

/* The exports number of the newest text from which this session came. KV_MISSING if it never
 * did, or if its deadline has passed for long: such a text is refused by itself. */
enum kv_status store_get_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                uint32_t *ret_exports);

/* Remembers one until `deadline` (ms), and forgets some of those whose deadline was before `now`.
 */
void store_put_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], uint32_t exports,
                      int64_t deadline, int64_t now);

/* ---- changes ---- */

/* The newest number; 0 if there never was a change. Never goes back, not even when sessions are
 * deleted. */
uint64_t store_last_change(struct kv_txn *txn);

/* The first change after `since`. KV_MISSING at the end. */
enum kv_status store_next_change(struct kv_txn *txn, uint64_t since, uint64_t *ret_change,
                                 uint8_t ret_id[SESSION_ID_BYTES]);

#endif

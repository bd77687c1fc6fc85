/*
 * The store: everything that survives a restart. Sessions, their messages and the indexes over them
 * are in one LMDB environment; kv/kv.h says what holds for every such store.
 *
 * | table    | key → value                                |
 * | sessions | id → session record, sealed                |
 * | names    | petname → id                               |
 * | due      | (wake time, id) → nothing                  |
 * | outbox   | (id, number) → nonce ‖ plaintext, sealed   |
 * | inbox    | (id, number) → plaintext, sealed           |
 * | changes  | sequence → id, at its newest               |
 * | imports  | id → (exports number, deadline)            |
 * | slots    | keys that no session owns (state/store_parts.h) |
 * | meta     | format version, …                          |
 *
 * Numbers in keys are big-endian, so that LMDB sorts them by value.
 *
 * LMDB never overwrites a page in place: what is deleted stays in its page buffers, and in free
 * pages of its file until these are used again, if ever. So sessions and messages are sealed, each
 * session's with a key of its own. The keys are kept in a file beside LMDB's, in which they are
 * overwritten (state/keyfile.h). The store is both files together: a copy needs both, taken while
 * nothing is writing.
 *
 *  - Once kv_commit() has returned, a deleted session, and everything that it ever was, cannot be
 *    read from any copy of data.mdb, however old.
 *  - When a session is written that has ended and whose messages have been read, it gets a new key:
 *    only its last record can be read from then on.
 *  - Anything else that is deleted or replaced, such as acknowledged messages, can be read by
 *    whoever has the files until one of these happens.
 *  - Names, ids, times and nameplates are not sealed, since they are in the indexes.
 *
 * This is only as good as the disk's promise to overwrite: a copy-on-write file system, a snapshot
 * or a flash disk may keep the old key somewhere that no file shows.
 *
 * A sealed row that was altered, or that stands in another row's place, does not open. An index row
 * that a broken disk altered may be believed, and so may an older version of a row.
 */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/kv.h"
#include "wormhole/session.h"

/* Version of the store's format, kept in `meta`. Newer versions are refused, and so is 1, which had
 * no keys and was never released. */
#define STORE_FORMAT 2

/*
 * Opens or creates the store in `directory` (created with mode 0700, and its parents, too; files
 * have mode 0600). `max_bytes` limits the size of LMDB's file; 0: only the disk limits it. (The
 * keys beside it take another 32 bytes per session.) New; kv_close(). On failure *ret_why (of
 * `size` bytes) is a sentence that names the file and says what is wrong. KV_DENIED if the
 * directory is another user's, or one that others may write to. A store that is refused is left
 * byte for byte as it was.
 */
enum kv_status store_open(const char *directory, uint64_t max_bytes, struct kv **ret_store,
                          char *ret_why, size_t size);

/* True if the keys of everything deleted are gone, as they should be once kv_commit() returns.
 * False while the disk refuses to overwrite them; each commit and the next opening try again. */
bool store_erasure_done(const struct kv *store);

/* ---- sessions; for kv_write(), count some 32 KiB for each ---- */

/* Reads a session. KV_OK: *ret_session is new; session_free(). KV_MISSING, and KV_DAMAGED for this
 * one record, do not count as errors of the transaction. */
enum kv_status store_get_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                 struct session **ret_session);

/*
 * Writes the session and its index rows (name, due, changes), if it differs from what is stored;
 * session->change is then its new number, and *ret_changed (if not NULL) is true. KV_TAKEN if
 * another session has the petname, which is not remembered as an error. KV_FAILED if a field has a
 * value that could not be read back (state/record.h).
 */
enum kv_status store_put_session(struct kv_txn *txn, struct session *session, bool *ret_changed);

/* Deletes the session, its messages and its index rows. A missing session is fine. A damaged record
 * stays, and the transaction fails, since there is no telling which rows lead to it. */
void store_delete_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES]);

/*
 * Finds a session by its petname, otherwise by the start of its petname or of its id in hex (at
 * least 1 digit), if only one session fits. KV_MISSING and KV_AMBIGUOUS do not count as errors of
 * the transaction.
 */
enum kv_status store_find(struct kv_txn *txn, const char *text, uint8_t ret_id[SESSION_ID_BYTES]);

/* The first id greater than `after` (NULL: the first) of the sessions with this nameplate that meet
 * whoever comes with it (session_meets_by_code()). KV_MISSING at the end. */
enum kv_status store_next_code(struct kv_txn *txn, const char *nameplate, const uint8_t *after,
                               uint8_t ret_id[SESSION_ID_BYTES]);

/* The first id greater than `after` (NULL: the first of all). KV_MISSING at the end. */
enum kv_status store_next_id(struct kv_txn *txn, const uint8_t *after,
                             uint8_t ret_id[SESSION_ID_BYTES]);

/* The number of sessions; costs nothing. */
uint64_t store_count(struct kv_txn *txn);

/* ---- due ---- */

/* A place in the index: start with {INT64_MIN, {0}} and continue with what came back. */
struct store_due {
    int64_t wake;
    uint8_t id[SESSION_ID_BYTES];
};

/* Moves `place` to the first row after it. KV_MISSING at the end. Sessions whose wake time is
 * INT64_MAX are not in the index. */
enum kv_status store_next_due(struct kv_txn *txn, struct store_due *place);

/* ---- the time of day ---- */

/* Notes the time, ms since the epoch, so that a clock that is set back can be recognised later,
 * even after a restart. Written at most once in ten minutes, and never an earlier time. */
void store_note_time(struct kv_txn *txn, int64_t now);

/* Sets the note back to `now`: nothing that was planned while the clock was ahead sleeps any more.
 */
void store_correct_time(struct kv_txn *txn, int64_t now);

/* The time last noted; INT64_MIN if there is none. */
int64_t store_noted_time(struct kv_txn *txn);

/* ---- messages ---- */

enum store_box { STORE_OUTBOX, STORE_INBOX };

/* Writes a message. KV_MISSING, remembered as an error, if there is no such session. */
void store_put_message(struct kv_txn *txn, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                       uint32_t number, const uint8_t *data, size_t length);

/* Reads a message, borrowed from the transaction until that ends, writes, or lends another one.
 * KV_MISSING, and KV_DAMAGED for this one message, do not count as errors of the transaction. */
enum kv_status store_get_message(struct kv_txn *txn, enum store_box box,
                                 const uint8_t id[SESSION_ID_BYTES], uint32_t number,
                                 const uint8_t **ret_data, size_t *ret_length);

/* Deletes the messages with numbers below `below` (UINT32_MAX: all). */
void store_delete_messages(struct kv_txn *txn, enum store_box box,
                           const uint8_t id[SESSION_ID_BYTES], uint32_t below);

/* ---- imports: sessions that came as a text (state/export.h), so that none is taken twice ---- */

/* The exports number of the newest text from which this session was imported. KV_MISSING if it
 * never was, or if its deadline is long past: a text that old is refused anyway. */
enum kv_status store_get_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                uint32_t *ret_exports);

/* Remembers an import until `deadline` (ms), and forgets some whose deadline was before `now`. */
void store_put_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], uint32_t exports,
                      int64_t deadline, int64_t now);

/* ---- changes ---- */

/* The newest number; 0 if there never was a change. Never decreases, not even when sessions are
 * deleted. */
uint64_t store_last_change(struct kv_txn *txn);

/* The first change after `since`. KV_MISSING at the end. */
enum kv_status store_next_change(struct kv_txn *txn, uint64_t since, uint64_t *ret_change,
                                 uint8_t ret_id[SESSION_ID_BYTES]);

#endif

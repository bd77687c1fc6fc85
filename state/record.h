/*
 * A session as bytes: a MessagePack map {tag: value}. One constant table says which tag is which
 * field; both ways walk it. Tags are never reused. NULL strings and zeroed secrets are left out; a
 * tag that is absent leaves the field as session_blank() has it. Tags that this program does not
 * know are kept in session->unknown and written back as they were: an older program may open a
 * store in which a newer one of the same format has worked.
 *
 * The id is the record's key in the store, and not in the record.
 */
#ifndef STATE_RECORD_H
#define STATE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "state/field.h"
#include "state/store.h"
#include "wormhole/session.h"

/* Longest record: all known fields at their limits are below 24 KiB; the rest is room for unknown
 * tags. */
#define RECORD_MAX ((size_t)256 * 1024)

struct record {
    uint8_t *data; /* new; secrets are in it: record_clear() */
    size_t length;
};

/*
 * KV_MEMORY, or KV_FAILED if a field is not as record_decode would take it: what is written
 * can be read.
 */
enum kv_status record_encode(const struct session *session, struct record *ret_record);

/* Wipes and frees. A zeroed record is fine. */
void record_clear(struct record *record);

/*
 * KV_OK: *ret_session is new; session_free(). KV_MEMORY, or KV_DAMAGED if anything is
 * wrong: cut short, followed by other bytes, a value of the wrong type or out of range, a tag that
 * comes twice or that is needed and does not come.
 */
enum kv_status record_decode(const uint8_t id[SESSION_ID_BYTES], const uint8_t *data, size_t length,
                             struct session **ret_session);

/* The table, so that a test can see that no field was forgotten. */
extern const struct field record_fields[];
extern const size_t record_field_count;

#endif

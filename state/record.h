/*
 * A session as a stored record (kv/record.h): the members that wormhole/session_attributes.def
 * lists as stored. The id is the record's key in the store, and not part of the record. Tags that
 * this program does not know are kept in session->unknown.
 */
#ifndef STATE_RECORD_H
#define STATE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "kv/record.h"
#include "wormhole/session.h"

/* Longest record: all known fields at their limits take less than 24 KiB; the rest is room for
 * unknown tags. */
#define SESSION_RECORD_MAX ((size_t)256 * 1024)

/* KV_MEMORY, or KV_FAILED if session_record_decode() would not accept a field. Secret:
 * kv_record_clear(). */
enum kv_status session_record_encode(const struct session *session, struct kv_record *ret_record);

/* KV_OK: *ret_session is new; session_free(). KV_MEMORY; KV_DAMAGED, see kv_record_decode(). */
enum kv_status session_record_decode(const uint8_t id[SESSION_ID_BYTES], const uint8_t *data,
                                     size_t length, struct session **ret_session);

/* How soon a change of a session must be durable: wormhole/session_attributes.def. */
enum change_urgency {
    CHANGE_NONE = 0, /* there is none */
    CHANGE_LATER,    /* it only saves work after a crash */
    CHANGE_SOON,     /* nothing depends on it, but clients may be waiting for it */
    CHANGE_FIRST,    /* before any effect of it leaves */
};

/* Compares a session as it was stored with what it is now. */
enum change_urgency session_record_compare(const struct session *was, const struct session *is);

/* The table, for tests. */
extern const struct kv_record_kind session_record_kind;

/* The type of struct schedule's rules: [when, interval, when, interval, …]. */
extern const struct kv_field_type session_record_rules;

/* The type of a struct journal. */
extern const struct kv_field_type session_record_journal;

#endif

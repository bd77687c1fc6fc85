/* Sessions for the store's tests. */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "state/record.h"

/* The types of fields, to be switched over. */
enum sample_kind {
    SAMPLE_STRING,
    SAMPLE_TEXT,
    SAMPLE_BYTES,
    SAMPLE_SIGNED,
    SAMPLE_UNSIGNED,
    SAMPLE_COUNT,
    SAMPLE_BOOL,
    SAMPLE_RULES,
    SAMPLE_JOURNAL,
    SAMPLE_KINDS
};
enum sample_kind sample_kind(const struct kv_field *field);

/* The field of the session's record with that name, and its tag; NULL. */
const struct kv_field *sample_field(const char *name, uint32_t *ret_tag);

/* How many fields the record has. */
size_t sample_field_count(void);

/* The least that a record can be made of; its id and side follow `number`. New; session_free(). */
struct session *sample_bare(uint32_t number);

/* The same with every stored field set, each to a value of its own. */
struct session *sample_full(uint32_t number);

/* Fails the test unless every stored field, id and unknown tags included, is the same. */
void sample_assert_same(const struct session *a, const struct session *b);

#endif

/* Sessions for the store's tests. */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "wormhole/session.h"

/* The least that a record can be made of; its id and side follow `number`. New; session_free(). */
struct session *sample_bare(uint32_t number);

/* The same with every stored field set, each to a value of its own. */
struct session *sample_full(uint32_t number);

/* Fails the test unless every stored field, id and unknown tags included, is the same. */
void sample_assert_same(const struct session *a, const struct session *b);

#endif

/* The sentence that tells a person why a store could not be opened. */
#ifndef LMDB_WHY_H
#define LMDB_WHY_H

#include <stddef.h>

#include "lmdb/store.h"

struct why {
    char *text;
    size_t size;
    const char *program; /* whose store it is */
};

/* Writes the sentence, which is cut if it is too long, and returns `status`. */
enum store_status why_not(const struct why *why, enum store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

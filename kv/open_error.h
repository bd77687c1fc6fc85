/* The sentence that tells a person why a store could not be opened. */
#ifndef KV_OPEN_ERROR_H
#define KV_OPEN_ERROR_H

#include <stddef.h>

#include "kv/kv.h"

struct open_error {
    char *text;
    size_t size;
    const char *program; /* whose store it is */
};

/* Writes the sentence, which is cut if it is too long, and returns `status`. */
enum kv_status open_error_set(const struct open_error *why, enum kv_status status,
                              const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

/*
 * Hashcash stamps, version 1 (http://hashcash.org/docs/hashcash.html):
 * "1:BITS:DATE:RESOURCE:EXTENSION:RANDOM:COUNTER", the SHA-1 of which begins with BITS zero bits.
 * Cheap to check, expensive to make: whoever wants much from a relay pays for it.
 */
#ifndef BASE_HASHCASH_H
#define BASE_HASHCASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nobody pays more than this: 2^32 SHA-1s take about an hour. */
#define HASHCASH_BITS_MAX 32
/* Room for a stamp that is made here, including its NUL. */
#define HASHCASH_STAMP_SIZE 256

/* True if the stamp names this resource, and both promises and shows at least `bits` zero bits. The
 * date is not checked: a resource that is used once needs none. */
bool hashcash_verify(const char *stamp, unsigned bits, const char *resource);

enum hashcash_result {
    HASHCASH_OK = 0,
    HASHCASH_REFUSED, /* too many bits, or a resource with a colon or too long for a stamp */
    HASHCASH_STOPPED,
    HASHCASH_BROKEN, /* OpenSSL failed */
};

/*
 * Makes a stamp; takes 2^bits hashes on average, so not in an event loop. `now` (ms) gives its
 * date, `salt` makes it differ from any other. Gives up soon after *stop becomes true; stop may be
 * NULL.
 */
enum hashcash_result hashcash_solve(unsigned bits, const char *resource, int64_t now, uint64_t salt,
                                    const atomic_bool *stop, char ret_stamp[HASHCASH_STAMP_SIZE]);

#endif

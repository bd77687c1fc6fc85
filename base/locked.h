/*
 * Memory for secrets that stay: locked, so that they are not swapped out; left out of core dumps;
 * between guard pages; wiped when it is given back.
 *
 * sodium_malloc() takes four system calls and four pages at least, and each of its mappings counts
 * against vm.max_map_count, which is too much for each of thousands of sessions that come and go.
 * So pieces of one size are cut out of slabs of it.
 *
 * RLIMIT_MEMLOCK says how much a process may lock. Beyond it libsodium (1.0.18) gives the memory
 * all the same, not locked, with all else as above; nothing fails.
 *
 * For one thread only, as sessions are.
 */
#ifndef BASE_LOCKED_H
#define BASE_LOCKED_H

#include <stddef.h>

/* Largest piece: some of them fit into one slab. */
#define LOCKED_SIZE_MAX ((size_t)4096)

struct locked_slab;

/* Begin with LOCKED_POOL(size of a piece, up to LOCKED_SIZE_MAX). It needs no end: once all pieces
 * were given back, one empty slab is left of it, so that a session that comes and goes takes no
 * system call. */
struct locked_pool {
    size_t size;
    struct locked_slab *roomy; /* those that have a free piece */
    struct locked_slab *empty; /* the one of them that has nothing else, or NULL */
};

#define LOCKED_POOL(size)                                                                          \
    {                                                                                              \
        size, NULL, NULL                                                                           \
    }

/* A piece, all zero, aligned for anything; locked_free(). NULL when out of memory. */
void *locked_new(struct locked_pool *pool);

/* Wipes the piece, and takes it back into the pool that it came from. NULL is fine. */
void locked_free(struct locked_pool *pool, void *memory);

#endif

/*
 * Memory for long-lived secrets: locked, so that it is not swapped out; left out of core dumps;
 * between guard pages; wiped when it is given back.
 *
 * sodium_malloc() takes at least four system calls and four pages, and each of its mappings counts
 * against vm.max_map_count, which is too much for each of thousands of sessions that come and go.
 * So pieces of one size are cut out of slabs that it provides.
 *
 * RLIMIT_MEMLOCK says how much a process may lock. Beyond it, libsodium (1.0.18) still provides the
 * memory, not locked but otherwise as above; nothing fails.
 *
 * For one thread only, like sessions.
 */
#ifndef BASE_LOCKED_H
#define BASE_LOCKED_H

#include <stddef.h>

/* Largest piece: several of them fit into one slab. */
#define LOCKED_SIZE_MAX ((size_t)4096)

struct locked_slab;

/* Initialised with LOCKED_POOL(size of a piece, up to LOCKED_SIZE_MAX). It needs no cleanup: once
 * all pieces are given back, one empty slab of it remains, so that a session that comes and goes
 * takes no system call. */
struct locked_pool {
    size_t size;
    struct locked_slab *roomy; /* those that have a free piece */
    struct locked_slab *empty; /* the one of them in which all pieces are free, or NULL */
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

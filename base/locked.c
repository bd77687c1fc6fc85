#include "config.h"

#include "base/locked.h"

#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

/* With AddressSanitizer, an access to a free piece is reported; without it, these do nothing. */
#if defined(__has_include)
#if __has_include("sanitizer/asan_interface.h")
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(memory, length)   ((void)(memory), (void)(length))
#define ASAN_UNPOISON_MEMORY_REGION(memory, length) ((void)(memory), (void)(length))
#endif

/* What one slab locks: eight pages hold some thirty sessions, so that the usual limit of 8 MiB is
 * enough for seven thousand, and the usual limit on mappings, of which a slab takes four, for
 * hundreds of thousands. */
#define SLAB_BYTES ((size_t)32 * 1024)
/* What libsodium puts before its memory, into the same page. */
#define CANARY_BYTES ((size_t)16)

/* What precedes each piece. */
struct locked_head {
    _Alignas(max_align_t) struct locked_slab *slab;
    struct locked_head *next; /* the next free one; itself while it is handed out */
};

/* What precedes the first head. */
struct locked_slab {
    _Alignas(max_align_t) struct locked_slab *next; /* in the pool's list, unless all is used */
    struct locked_slab **link;                      /* what points here in that list */
    struct locked_head *free;
    size_t used;
};

_Static_assert(sizeof(struct locked_slab) + sizeof(struct locked_head) + LOCKED_SIZE_MAX +
                       CANARY_BYTES <=
                   SLAB_BYTES,
               "a slab holds a piece");

/* From one head to the next. */
static size_t stride(const struct locked_pool *pool)
{
    size_t unit = _Alignof(max_align_t);
    return sizeof(struct locked_head) + (pool->size + unit - 1) / unit * unit;
}

static size_t capacity(const struct locked_pool *pool)
{
    return (SLAB_BYTES - CANARY_BYTES - sizeof(struct locked_slab)) / stride(pool);
}

/* ---- the list of slabs that have room ---- */

static void enlist(struct locked_pool *pool, struct locked_slab *slab)
{
    slab->next = pool->roomy;
    slab->link = &pool->roomy;
    if (slab->next != NULL)
        slab->next->link = &slab->next;
    pool->roomy = slab;
}

static void delist(struct locked_slab *slab)
{
    *slab->link = slab->next;
    if (slab->next != NULL)
        slab->next->link = slab->link;
}

/* ---- slabs ---- */

static void take_back(const struct locked_pool *pool, struct locked_head *head)
{
    head->next = head->slab->free;
    head->slab->free = head;
    ASAN_POISON_MEMORY_REGION(head + 1, pool->size);
}

/* The memory ends where its guard page begins, since its length is a multiple of the alignment. */
static struct locked_slab *new_slab(const struct locked_pool *pool)
{
    size_t pieces = capacity(pool), length = sizeof(struct locked_slab) + pieces * stride(pool);
    struct locked_slab *slab = sodium_init() < 0 ? NULL : sodium_malloc(length);
    if (slab == NULL)
        return NULL;
    sodium_memzero(slab, length);
    for (uint8_t *at = (uint8_t *)slab + length; pieces > 0; pieces--) {
        struct locked_head *head = (struct locked_head *)(at -= stride(pool));
        head->slab = slab;
        take_back(pool, head);
    }
    return slab;
}

/* ---- pieces ---- */

void *locked_new(struct locked_pool *pool)
{
    assert(pool->size <= LOCKED_SIZE_MAX);
    struct locked_slab *slab = pool->roomy;
    if (slab == NULL) {
        slab = new_slab(pool);
        if (slab == NULL)
            return NULL;
        enlist(pool, slab);
    }
    struct locked_head *head = slab->free;
    slab->free = head->next;
    head->next = head;
    if (slab->used++ == 0)
        pool->empty = NULL;
    if (slab->free == NULL)
        delist(slab);
    ASAN_UNPOISON_MEMORY_REGION(head + 1, pool->size);
    return head + 1;
}

void locked_free(struct locked_pool *pool, void *memory)
{
    if (memory == NULL)
        return;
    struct locked_head *head = (struct locked_head *)memory - 1;
    struct locked_slab *slab = head->slab;
    assert(head->next == head); /* nobody gives a piece back twice */
    sodium_memzero(memory, pool->size);
    if (slab->free == NULL)
        enlist(pool, slab);
    take_back(pool, head);
    if (--slab->used > 0)
        return;
    /* One empty slab is kept, any other is freed. */
    if (pool->empty == NULL) {
        pool->empty = slab;
    } else {
        delist(slab);
        ASAN_UNPOISON_MEMORY_REGION(slab + 1, capacity(pool) * stride(pool));
        sodium_free(slab);
    }
}

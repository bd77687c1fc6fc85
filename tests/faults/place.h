/*
 * Where in the program a call comes from.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* As many callers as are looked at; our own chains of calls are shorter. */
#define PLACE_DEPTH 48

struct place {
    uint32_t hash;             /* the same in each run of the same program */
    size_t depth;              /* of `at`, the innermost caller first */
    uintptr_t at[PLACE_DEPTH]; /* addresses as addr2line wants them */
};

/*
 * Who called the caller of this: only the program's own functions count, and those of
 * libwormclient. What a library does in between is its own business: all that a library allocates
 * for one call of ours is one place.
 */
void place_find(struct place *ret_place);

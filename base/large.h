/*
 * Large pieces of memory. A message of 16 MiB is copied a dozen times on its way, nearly each time
 * into memory that is new; with pages of 4 KiB, their first touch takes longer than the copying.
 */
#ifndef BASE_LARGE_H
#define BASE_LARGE_H

#include <stddef.h>

/* Asks for large pages for what malloc(3) or realloc(3) has just returned, if it is large. Returns
 * `memory`, which may be NULL. */
void *large_pages(void *memory, size_t size);

#endif

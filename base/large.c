#include "config.h"

#include "base/large.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Less is not worth a call of the system. */
#define LARGE_LEAST ((size_t)4 * 1024 * 1024)

void *large_pages(void *memory, size_t size)
{
    if (memory == NULL || size < LARGE_LEAST)
        return memory;
    /* All of its mapping, if it has one of its own: realloc(3) could not move the parts. */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), address = (uintptr_t)memory;
    uintptr_t before = address % page;
    /* Where the system has none, small ones do. */
    (void)madvise((char *)memory - before, before + malloc_usable_size(memory), MADV_HUGEPAGE);
    return memory;
}

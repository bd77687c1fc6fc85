#include "config.h"

#include "base/wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Not inlined, where a compiler might know that fewer bytes were asked for than there are. */
__attribute__((noinline)) void wipe_free(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

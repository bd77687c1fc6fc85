#include "config.h"

#include "base/wipe.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Not inlined, where a compiler might know that fewer bytes were asked for than there are. */
__attribute__((noinline)) void wipe_free(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

char *wipe_stream_close(FILE *stream, char **text)
{
    bool failed = ferror(stream) != 0;

    if (fclose(stream) == 0 && !failed)
        return *text;
    wipe_free(*text);
    *text = NULL;
    return NULL;
}

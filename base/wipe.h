/* Memory that held a secret. */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <stdio.h>

/* free() for what malloc() and its like gave, after all of it has been overwritten. NULL is fine.
 */
void wipe_free(void *memory);

/* Closes a stream of open_memstream(), whose text is *text from then on. Returns it, the caller's
 * (wipe_free()); or NULL, and nothing is left of it: out of memory. */
char *wipe_stream_close(FILE *stream, char **text);

#endif

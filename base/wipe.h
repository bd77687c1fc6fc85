/* Memory that held a secret. */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

/* free() for what malloc() and its like gave, after all of it has been overwritten. NULL is fine.
 */
void wipe_free(void *memory);

#endif

/* A text that several holders share, so that what is sent to many is in memory once. Not for
 * threads. */
#ifndef BASE_SHARED_TEXT_H
#define BASE_SHARED_TEXT_H

#include <stddef.h>

struct shared_text {
    unsigned holders;
    size_t length;
    char *data; /* owned */
};

/* Takes over the text, from malloc(), with one holder. New; shared_text_release(). NULL when out of
 * memory, or for NULL: the text is freed then. */
struct shared_text *shared_text_new(char *data, size_t length);

/* One holder less; without any, it is freed. */
void shared_text_release(struct shared_text *text);

#endif

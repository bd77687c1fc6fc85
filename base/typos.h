/* The name that may have been meant by a word. */
#ifndef BASE_TYPOS_H
#define BASE_TYPOS_H

#include <stddef.h>

/* Longest word that is compared, and most typing errors that a suggestion forgives. */
#define TYPOS_WORD_MAX 24
#define TYPOS_MAX      2

struct typos_nearest {
    const char *word;
    size_t most;      /* errors that are forgiven: at most TYPOS_MAX */
    const char *name; /* the first of those most like the word, as offered; NULL: none is */
    size_t typos;     /* how many letters are to be changed, added or left out */
};

/* A name, or the first `length` bytes of it, is compared with the word, without regard to upper and
 * lower case. Neither is like the other if it is longer than TYPOS_WORD_MAX. */
void typos_offer(struct typos_nearest *nearest, const char *name, size_t length);

#endif

/* How much a word is like another that may have been meant. */
#ifndef BASE_TYPOS_H
#define BASE_TYPOS_H

#include <stddef.h>

/* Longest word that is compared, and most typing errors that a suggestion forgives. */
#define SPELLING_WORD_MAX  24
#define SPELLING_TYPOS_MAX 2

/*
 * How many letters must be changed, added or left out to make `word` of the first `length` bytes of
 * `name`; without regard to upper and lower case. More than SPELLING_TYPOS_MAX if either is longer
 * than SPELLING_WORD_MAX, or nothing of the word would be left.
 */
size_t spelling_distance(const char *name, size_t length, const char *word);

#endif

/* The PGP word list: how a byte of entropy becomes a word of a code (protocol: PGPfone word list,
 * lower case). */
#ifndef WORMHOLE_WORDS_H
#define WORMHOLE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The word for `byte` at `position` of a password, counting from 0. Positions 0, 2, 4, … take the
 * odd (three-syllable) column, the others the even (two-syllable) one, so that a swapped or missing
 * word is noticed when heard. Borrowed; valid forever.
 */
const char *words_pick(unsigned position, uint8_t byte);

/* The word that `text`, of `length` bytes in lower case, is at `position`; NULL if the list has
 * none like it there. Borrowed; valid forever. */
const char *words_find(unsigned position, const char *text, size_t length);

#endif

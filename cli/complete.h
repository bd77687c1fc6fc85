/* Completing a code while it is typed: the nameplate first, then word by word. Knows no terminal.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

/* Longest text that is completed: a code has at most 255 bytes. */
#define COMPLETE_TEXT_MAX 255

/* Ways in which a text may go on: those that begin with its last part. */
struct complete {
    const char
        *part;    /* the last part of the text: what is typed of the nameplate or word; borrowed */
    size_t count; /* how many there are */
    char common[COMPLETE_TEXT_MAX +
                1]; /* what all of them have in common beyond `part`, and a
                       hyphen behind it if that is all there is and more follows */
};

/* A list of candidates: `at` returns the one at `index`, borrowed, and NULL after the last. */
struct complete_list {
    const char *(*at)(const void *list, size_t index);
    const void *list;
};

/* The part of a code that is being typed: 0 is the nameplate, 1 the first word, … */
size_t complete_position(const char *text);

/* True if the candidate begins with what is typed, in upper or lower case. */
bool complete_fits(const struct complete *complete, const char *candidate);

/*
 * How `text` may go on, from the candidates for its position. Words are in lower case; a part in
 * capitals finds them too, and is not changed.
 */
void complete_code(const char *text, const struct complete_list *candidates,
                   struct complete *ret_complete);

#endif

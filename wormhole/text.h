/* UTF-8 text that strangers wrote: is it text, and is it safe to show on a terminal. */
#ifndef WORMHOLE_TEXT_H
#define WORMHOLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* True if `text` is well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF). */
bool text_utf8_valid(const char *text);

/* True if `text`, which is valid UTF-8, holds a control character: U+0000–001F, U+007F–009F. */
bool text_has_control(const char *text);

/*
 * Copies valid UTF-8 for the eyes of a person: at most size - 1 bytes, cut at a character's end,
 * and control characters other than newline and tab become '?', so that a stranger's text cannot
 * drive the terminal. `size` is at least 1.
 */
void text_clean(const char *text, char *ret_clean, size_t size);

#endif

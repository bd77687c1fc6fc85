/*
 * Text from elsewhere (petnames, reasons, what a relay says) made safe for a terminal: what could
 * move the cursor, change colours or reorder text is shown as an escape instead.
 */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy of `length` bytes in which control characters, bytes that are not UTF-8, and the invisible
 * marks that reorder text are written as \n, \t, \x1b, \u202e and the like. All else is kept, so
 * the result is UTF-8. With `lines`, newlines and tabs are kept too. New; free(); NULL: out of
 * memory.
 */
char *escape_text(const char *text, size_t length, bool lines);

/* A copy of JSON text in which the same characters, which it has in strings only, are escaped as
 * JSON does it: it means what it meant. New; free(); NULL: out of memory. */
char *escape_json(const char *json);

/* How many columns of a terminal UTF-8 text takes; without a locale that knows, one per character.
 */
size_t escape_width(const char *text);

/* Cuts UTF-8 text in place to so many columns (at least 1); if something was cut off, it ends with
 * "…", or with "." where the locale does not know that character. It gets no longer in bytes but
 * for these: `text` must have room for ESCAPE_CUT_EXTRA more. */
void escape_cut(char *text, size_t columns);
#define ESCAPE_CUT_EXTRA 4

#endif

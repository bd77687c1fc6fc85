/* UTF-8 (RFC 3629: shortest forms only, no surrogates, nothing beyond U+10FFFF): whether bytes are
 * text, and how to make a stranger's text safe to show. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the first character of `text`, which has `length` bytes. Returns the number of bytes that
 * the character takes; 0, and *ret_character is untouched, if there is none: `text` is empty,
 * begins with a malformed sequence, or ends inside one. NUL is a character like any other.
 */
size_t utf8_character(const char *text, size_t length, uint32_t *ret_character);

/* How many bytes at the beginning of `text` are well-formed: `length` if all of them are. */
size_t utf8_span(const char *text, size_t length);

/* True if all `length` bytes are well-formed. */
bool utf8_valid(const char *text, size_t length);

/*
 * The length of the longest prefix of `text`, a string, that has at most `limit` bytes and does not
 * end inside a character. Text that is not UTF-8 is cut within three bytes of the limit.
 */
size_t utf8_cut(const char *text, size_t limit);

/* True for control characters: U+0000–001F and U+007F–009F. */
bool utf8_is_control(uint32_t character);

/* True if `text`, a string, contains a control character. Malformed bytes do not count. */
bool utf8_has_control(const char *text);

/* True for blanks (White_Space of Unicode): besides ASCII's, no-break spaces, those of typography
 * and of East Asia, and the separators of lines. */
bool utf8_is_blank(uint32_t character);

/* True for what nobody sees: characters without width, marks that join, part or turn text, fillers
 * and tags. They reorder or hide text, or come with it when it is copied from a page. */
bool utf8_is_invisible(uint32_t character);

/* True for dashes: the hyphen-minus and what word processors and keyboards make of it. */
bool utf8_is_dash(uint32_t character);

/*
 * Finds the part of `text`, which has *length bytes, that is left without blanks, control and
 * invisible characters at either end. Returns where it begins, and puts its bytes into *length.
 */
const char *utf8_trim(const char *text, size_t *length);

/*
 * Copies `text`, a string, for a person to read: at most size - 1 bytes, cut at the end of a
 * character. Each control character that is not in `keep` (such as "\n\t"), and each malformed
 * byte, becomes '?', so that a stranger's text cannot drive a terminal or forge a line. `size` is
 * at least 1. ret_clean may be `text` itself: the copy is never longer.
 */
void utf8_clean(const char *text, const char *keep, char *ret_clean, size_t size);

#endif

/* Whether bytes are text. */
#ifndef SERVICE_UTF8_H
#define SERVICE_UTF8_H

#include <stddef.h>

/* How many bytes at the beginning of `text` are well-formed UTF-8 (RFC 3629: shortest form, no
 * surrogates, up to U+10FFFF) without NUL: `length`, if all are. */
size_t utf8_span(const char *text, size_t length);

#endif

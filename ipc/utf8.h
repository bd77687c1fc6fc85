#ifndef IPC_UTF8_H
#define IPC_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True if the bytes are UTF-8 as RFC 3629 has it: shortest forms, no surrogates, up to U+10FFFF. */
bool utf8_valid(const char *text, size_t length);

#endif

#ifndef LIBCLIENT_BASE64_H
#define LIBCLIENT_BASE64_H

#include <stddef.h>

/* RFC 4648, section 4, with padding and without line breaks. New; free(). NULL when out of memory.
 */
char *base64_encode(const void *data, size_t length);

#endif

/* struct wormclient_value is never defined: it is a msgpack_object under a name of our own, so that
 * the public header need not know msgpack-c. */
#ifndef LIBCLIENT_VALUE_H
#define LIBCLIENT_VALUE_H

#include <msgpack.h>

#include "libclient/wormclient.h"

static inline const struct wormclient_value *value_from(const msgpack_object *object)
{
    return (const struct wormclient_value *)object;
}

static inline const msgpack_object *value_object(const struct wormclient_value *value)
{
    return (const msgpack_object *)value;
}

/* A copy that stands alone. New; wormclient_result_free(). NULL when out of memory. */
struct wormclient_value *value_copy(const struct wormclient_value *value);

#endif

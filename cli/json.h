/* The library's values as JSON. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "libclient/wormclient.h"

/* The value as JSON, binary data as base64. New; json_decref(); NULL: out of memory. */
json_t *json_from_value(const struct wormclient_value *value);

/* Likewise a session's view; what the daemon gives as JSON text (`app_versions`, `peer_versions`)
 * is JSON there, too. New; json_decref(); NULL: out of memory. */
json_t *json_from_view(const struct wormclient_value *view);

/* Binary data as a string of base64. New; json_decref(); NULL: out of memory. */
json_t *json_from_data(const void *data, size_t length);

#endif

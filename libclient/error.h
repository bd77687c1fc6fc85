/* Filling in struct wormclient_error. */
#ifndef LIBCLIENT_ERROR_H
#define LIBCLIENT_ERROR_H

#include "ipc/methods.h"
#include "libclient/wormclient.h"

#include <msgpack.h>

/* `ret_error` may be NULL; `system` is an errno or 0. */
__attribute__((format(printf, 4, 5))) void error_set(struct wormclient_error *ret_error,
                                                     enum wormclient_code code, int system,
                                                     const char *format, ...);

void error_set_memory(struct wormclient_error *ret_error);

/* WORMCLIENT_PROTOCOL. Returns false. */
bool error_bad_answer(struct wormclient_error *ret_error);

/* Sets daemon_code of an error that was set. */
void error_set_word(struct wormclient_error *ret_error, const char *word);

void error_copy(struct wormclient_error *ret_error, const struct wormclient_error *error);

/* From the error map of a response; whatever else it is becomes WORMCLIENT_REFUSED too. */
void error_from_daemon(struct wormclient_error *ret_error, const msgpack_object *map);

#endif

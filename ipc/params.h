/*
 * The parameters of a request, read as its method's row in methods.def says. A handler finds all of
 * them in one struct, with the types and within the limits of the table; absent ones have their
 * fallback values.
 */
#ifndef IPC_PARAMS_H
#define IPC_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <msgpack.h>

#include "ipc/methods.h"

/* `bytes` is NULL only if the parameter is absent, not for length 0. */
struct ipc_data {
    const void *bytes;
    size_t length;
};

/* Texts are UTF-8, NUL-terminated with no other NUL in them, and NULL if absent. Everything is
 * borrowed from the message. Parameters that the method does not have count as absent. */
struct ipc_params {
#define PARAMS_TYPE_text                         const char *
#define PARAMS_TYPE_number                       int64_t
#define PARAMS_TYPE_flag                         bool
#define PARAMS_TYPE_data                         struct ipc_data
#define PARAM(ID, key, type, min, max, fallback) PARAMS_TYPE_##type key;
#include "ipc/methods.def"
#undef PARAMS_TYPE_text
#undef PARAMS_TYPE_number
#undef PARAMS_TYPE_flag
#undef PARAMS_TYPE_data
};

/* Room for the sentence about a wrong parameter. */
#define PARAMS_WRONG_SIZE 256

/*
 * Reads the map of a request, as in struct message: NULL is refused. A parameter that is nil counts
 * as absent; if a key comes twice, the first one counts; unknown keys are ignored. False if any is
 * missing or wrong, with a sentence about the first of them, in the order of the table, for
 * `bad-params`.
 */
bool params_read(enum ipc_method method, const msgpack_object *map, struct ipc_params *ret_params,
                 char ret_wrong[PARAMS_WRONG_SIZE]);

/* A text among the parameters. NULL if it is absent. */
const char *params_text(const struct ipc_params *params, enum ipc_param param);

/* The value of a key; NULL if there is none, or if `map` is NULL or not a map. Borrowed. */
const msgpack_object *params_find(const msgpack_object *map, const char *key);

#endif

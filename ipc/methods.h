/*
 * The tables of the RPC (doc/ipc.md), generated from methods.def and errors.def: methods with their
 * parameters, results and errors. Both ends use them, so neither knows a name that the other does
 * not.
 */
#ifndef IPC_METHODS_H
#define IPC_METHODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The level of the RPC, reported by `hello`: raised when methods, parameters or keys are added. */
#define METHODS_API 1

/* The notification. */
#define METHODS_CHANGED "changed"

/* ---- errors ---- */

enum ipc_error {
    IPC_OK = 0, /* no error: has no name and is never sent */
#define ERROR(ID, name, scope) IPC_##ID,
#include "ipc/errors.def"
    IPC_ERROR_COUNT
};

/* The code as it is sent, such as "not-found". Constant; "" for IPC_OK. */
const char *errors_name(enum ipc_error code);

/* False if no code has this name. */
bool errors_find(const char *name, enum ipc_error *ret_code);

/* True if any request may be answered with it. */
bool errors_is_any(enum ipc_error code);

/* ---- parameters ---- */

enum ipc_type {
    IPC_TYPE_TEXT,
    IPC_TYPE_NUMBER,
    IPC_TYPE_FLAG,
    IPC_TYPE_DATA,
};

enum ipc_param {
#define PARAM(ID, key, type, min, max, fallback) PARAM_##ID,
#include "ipc/methods.def"
    PARAM_COUNT
};

struct ipc_param_row {
    const char *key;
    enum ipc_type type;
    int64_t min, max; /* of a number; for a text: bytes, max 0: no limit of its own */
    int64_t fallback; /* for a number or flag that is absent */
};

/* Constant. */
const struct ipc_param_row *methods_param(enum ipc_param param);

/* ---- methods ---- */

enum ipc_method {
#define METHOD(ID, name, ...) METHOD_##ID,
#include "ipc/methods.def"
    METHOD_COUNT
};

/* A parameter of one method. */
struct ipc_method_param {
    enum ipc_param param;
    bool required;
    int since; /* api level; 0: that of the method */
};

struct ipc_method_row {
    const char *name; /* on the wire */
    int since;        /* api level */
    const struct ipc_method_param *params;
    size_t param_count;
    const char *const *keys; /* of the map that is the result, NULL at the end; NULL: the result is
                                the view of a session */
    const enum ipc_error *errors; /* LISTED ones, IPC_OK at the end */
};

/* Constant. */
const struct ipc_method_row *methods_row(enum ipc_method method);

/* The method's name on the wire. Constant. */
const char *methods_name(enum ipc_method method);

/* False if there is no such method. */
bool methods_find(const char *name, enum ipc_method *ret_method);

/* True if this error may be an answer to a request of the method: its row lists it, or any request
 * may be answered with it. */
bool methods_may_answer(enum ipc_method method, enum ipc_error code);

#endif

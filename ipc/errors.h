/* The error codes of doc/ipc.md: what a response's error map says under `code`. */
#ifndef IPC_ERRORS_H
#define IPC_ERRORS_H

#include <stdbool.h>

enum ipc_error {
    IPC_OK = 0, /* no error: has no name and is never sent */
    IPC_HELLO_FIRST,
    IPC_UNKNOWN_METHOD,
    IPC_BAD_PARAMS,
    IPC_BAD_MESSAGE, /* no request at all; the connection is closed */
    IPC_NOT_FOUND,
    IPC_AMBIGUOUS,
    IPC_NAME_TAKEN,
    IPC_BAD_CODE,
    IPC_CLOSED,
    IPC_NOT_CLOSED,
    IPC_NOT_KEYED,
    IPC_UNVERIFIED,
    IPC_NOT_EXPORTABLE,
    IPC_BAD_EXPORT,
    IPC_IMPORTED,
    IPC_UNREACHABLE,
    IPC_TOO_LARGE,
    IPC_STORE_FULL,
    IPC_STORE_FAILED,
    IPC_BUSY,
    IPC_ERROR_COUNT
};

/* The code as it goes over the wire, as "not-found". Constant; "" for IPC_OK. */
const char *errors_name(enum ipc_error code);

/* False if no code has this name. */
bool errors_find(const char *name, enum ipc_error *ret_code);

#endif

#include "config.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "ipc/errors.h"

static const char *const NAMES[IPC_ERROR_COUNT] = {
    [IPC_OK] = "",
    [IPC_HELLO_FIRST] = "hello-first",
    [IPC_UNKNOWN_METHOD] = "unknown-method",
    [IPC_BAD_PARAMS] = "bad-params",
    [IPC_BAD_MESSAGE] = "bad-message",
    [IPC_NOT_FOUND] = "not-found",
    [IPC_AMBIGUOUS] = "ambiguous",
    [IPC_NAME_TAKEN] = "name-taken",
    [IPC_BAD_CODE] = "bad-code",
    [IPC_CLOSED] = "closed",
    [IPC_NOT_CLOSED] = "not-closed",
    [IPC_NOT_KEYED] = "not-keyed",
    [IPC_UNVERIFIED] = "unverified",
    [IPC_NOT_EXPORTABLE] = "not-exportable",
    [IPC_BAD_EXPORT] = "bad-export",
    [IPC_IMPORTED] = "imported",
    [IPC_UNREACHABLE] = "unreachable",
    [IPC_TOO_LARGE] = "too-large",
    [IPC_STORE_FULL] = "store-full",
    [IPC_STORE_FAILED] = "store-failed",
    [IPC_BUSY] = "busy",
};

const char *errors_name(enum ipc_error code)
{
    assert((unsigned)code < IPC_ERROR_COUNT);
    return NAMES[code];
}

bool errors_find(const char *name, enum ipc_error *ret_code)
{
    for (size_t i = IPC_OK + 1; i < IPC_ERROR_COUNT; i++)
        if (strcmp(NAMES[i], name) == 0) {
            *ret_code = (enum ipc_error)i;
            return true;
        }
    return false;
}

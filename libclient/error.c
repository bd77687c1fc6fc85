#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ipc/methods.h"
#include "ipc/params.h"
#include "libclient/client.h"

/* The size in version 0.1, assumed for a program that leaves it 0. It never changes. */
#define SIZE_0_1 (offsetof(struct wormclient_error, text) + 512)

/* What the daemon's codes mean to a caller; those not listed are WORMCLIENT_ERROR_REFUSED. */
static const enum wormclient_error_code codes[IPC_ERROR_COUNT] = {
    [IPC_NOT_FOUND] = WORMCLIENT_ERROR_NOT_FOUND,
    [IPC_AMBIGUOUS] = WORMCLIENT_ERROR_AMBIGUOUS,
    [IPC_NAME_TAKEN] = WORMCLIENT_ERROR_NAME_TAKEN,
    [IPC_BAD_CODE] = WORMCLIENT_ERROR_BAD_CODE,
    [IPC_CLOSED] = WORMCLIENT_ERROR_CLOSED,
    [IPC_NOT_CLOSED] = WORMCLIENT_ERROR_NOT_CLOSED,
    [IPC_NOT_KEYED] = WORMCLIENT_ERROR_NOT_KEYED,
    [IPC_UNVERIFIED] = WORMCLIENT_ERROR_UNVERIFIED,
    [IPC_IMPORTED] = WORMCLIENT_ERROR_IMPORTED,
    [IPC_UNREACHABLE] = WORMCLIENT_ERROR_UNREACHABLE,
    [IPC_TOO_LARGE] = WORMCLIENT_ERROR_TOO_LARGE,
    [IPC_STORE_FULL] = WORMCLIENT_ERROR_STORE,
    [IPC_STORE_FAILED] = WORMCLIENT_ERROR_STORE,
    [IPC_BAD_MESSAGE] = WORMCLIENT_ERROR_PROTOCOL,
};

/* Copies the members that the caller's struct has, but not its size. */
void wormclient_error_copy(struct wormclient_error *ret_error, const struct wormclient_error *error)
{
    if (ret_error == NULL)
        return;
    size_t size = ret_error->size == 0 ? SIZE_0_1 : ret_error->size;
    if (size > sizeof(*error))
        size = sizeof(*error);
    memcpy((char *)ret_error + sizeof(size), (const char *)error + sizeof(size),
           size - sizeof(size));
}

void wormclient__error(struct wormclient_error *ret_error, enum wormclient_error_code code,
                       int system, const char *format, ...)
{
    if (ret_error == NULL)
        return;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    error.code = code;
    error.system = system;
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);
    utf8_clean(error.text, "", error.text, sizeof(error.text));
    wormclient_error_copy(ret_error, &error);
}

bool wormclient__error_memory(struct wormclient_error *ret_error)
{
    wormclient__error(ret_error, WORMCLIENT_ERROR_MEMORY, ENOMEM, "out of memory");
    return false;
}

bool wormclient__error_answer(struct wormclient_error *ret_error)
{
    wormclient__error(ret_error, WORMCLIENT_ERROR_PROTOCOL, 0,
                      "the daemon's answer cannot be understood");
    return false;
}

bool wormclient__error_callback(struct wormclient_error *ret_error)
{
    wormclient__error(ret_error, WORMCLIENT_ERROR_ARGUMENT, 0,
                      "this cannot be called from a callback");
    return false;
}

void wormclient__error_word(struct wormclient_error *ret_error, const char *word)
{
    if (ret_error == NULL)
        return;
    utf8_clean(word, "", ret_error->daemon_code, sizeof(ret_error->daemon_code));
}

static const char *text_of(const msgpack_object *map, const char *key, const char *fallback)
{
    const msgpack_object *value = params_find(map, key);
    return value != NULL && value->type == MSGPACK_OBJECT_STR ? value->via.str.ptr : fallback;
}

void wormclient__error_from(struct wormclient_error *ret_error, const msgpack_object *map)
{
    const char *name = text_of(map, "code", "");
    enum ipc_error code = IPC_OK;
    enum wormclient_error_code known =
        errors_find(name, &code) ? codes[code] : WORMCLIENT_ERROR_NONE;
    wormclient__error(ret_error, known == WORMCLIENT_ERROR_NONE ? WORMCLIENT_ERROR_REFUSED : known,
                      0, "%s", text_of(map, "message", "the daemon refused without a reason"));
    wormclient__error_word(ret_error, name);
}

bool wormclient_error_is_fatal(const struct wormclient_error *error)
{
    switch (error->code) {
    case WORMCLIENT_ERROR_NO_DAEMON:
    case WORMCLIENT_ERROR_DENIED:
    case WORMCLIENT_ERROR_LOST:
    case WORMCLIENT_ERROR_PROTOCOL:
        return true;
    default:
        return strcmp(error->daemon_code, errors_name(IPC_BUSY)) == 0;
    }
}

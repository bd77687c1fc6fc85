#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ipc/params.h"
#include "libclient/error.h"

/* What the daemon's codes are to a caller; those not listed are WORMCLIENT_REFUSED. */
static const enum wormclient_code CODES[IPC_ERROR_COUNT] = {
    [IPC_NOT_FOUND] = WORMCLIENT_NOT_FOUND,   [IPC_AMBIGUOUS] = WORMCLIENT_AMBIGUOUS,
    [IPC_NAME_TAKEN] = WORMCLIENT_NAME_TAKEN, [IPC_BAD_CODE] = WORMCLIENT_BAD_CODE,
    [IPC_CLOSED] = WORMCLIENT_CLOSED,         [IPC_NOT_CLOSED] = WORMCLIENT_NOT_CLOSED,
    [IPC_NOT_KEYED] = WORMCLIENT_NOT_KEYED,   [IPC_UNVERIFIED] = WORMCLIENT_UNVERIFIED,
    [IPC_IMPORTED] = WORMCLIENT_IMPORTED,     [IPC_UNREACHABLE] = WORMCLIENT_UNREACHABLE,
    [IPC_TOO_LARGE] = WORMCLIENT_TOO_LARGE,   [IPC_STORE_FULL] = WORMCLIENT_STORE,
    [IPC_STORE_FAILED] = WORMCLIENT_STORE,    [IPC_BAD_MESSAGE] = WORMCLIENT_PROTOCOL,
};

void error_set(struct wormclient_error *ret_error, enum wormclient_code code, int system,
               const char *format, ...)
{
    if (ret_error == NULL)
        return;
    *ret_error = (struct wormclient_error){.code = code, .system = system};
    va_list args;
    va_start(args, format);
    vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
    va_end(args);
    utf8_clean(ret_error->text, "", ret_error->text, sizeof(ret_error->text));
}

void error_set_memory(struct wormclient_error *ret_error)
{
    error_set(ret_error, WORMCLIENT_MEMORY, ENOMEM, "out of memory");
}

bool error_bad_answer(struct wormclient_error *ret_error)
{
    error_set(ret_error, WORMCLIENT_PROTOCOL, 0, "the daemon's answer cannot be understood");
    return false;
}

void error_set_word(struct wormclient_error *ret_error, const char *word)
{
    if (ret_error == NULL)
        return;
    utf8_clean(word, "", ret_error->daemon_code, sizeof(ret_error->daemon_code));
}

void error_copy(struct wormclient_error *ret_error, const struct wormclient_error *error)
{
    if (ret_error != NULL)
        *ret_error = *error;
}

static const char *text_of(const msgpack_object *map, const char *key, const char *fallback)
{
    const msgpack_object *value = params_find(map, key);
    return value != NULL && value->type == MSGPACK_OBJECT_STR ? value->via.str.ptr : fallback;
}

void error_from_daemon(struct wormclient_error *ret_error, const msgpack_object *map)
{
    const char *name = text_of(map, "code", "");
    enum ipc_error code = IPC_OK;
    enum wormclient_code known = errors_find(name, &code) ? CODES[code] : WORMCLIENT_OK;
    error_set(ret_error, known == WORMCLIENT_OK ? WORMCLIENT_REFUSED : known, 0, "%s",
              text_of(map, "message", "the daemon refused without a reason"));
    error_set_word(ret_error, name);
}

bool wormclient_error_is_fatal(const struct wormclient_error *error)
{
    switch (error->code) {
    case WORMCLIENT_NO_DAEMON:
    case WORMCLIENT_DENIED:
    case WORMCLIENT_LOST:
    case WORMCLIENT_PROTOCOL:
        return true;
    default:
        return strcmp(error->daemon_code, errors_name(IPC_BUSY)) == 0;
    }
}

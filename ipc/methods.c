#include "config.h"

#include <assert.h>
#include <string.h>

#include "ipc/methods.h"

/* ---- errors ---- */

enum scope { ANY, LISTED };

static const struct {
    const char *name;
    enum scope scope;
} error_rows[IPC_ERROR_COUNT] = {
    [IPC_OK] = {"", LISTED},
#define ERROR(ID, name, scope) [IPC_##ID] = {name, scope},
#include "ipc/errors.def"
};

const char *errors_name(enum ipc_error code)
{
    assert((unsigned)code < IPC_ERROR_COUNT);
    return error_rows[code].name;
}

bool errors_find(const char *name, enum ipc_error *ret_code)
{
    for (size_t i = IPC_OK + 1; i < IPC_ERROR_COUNT; i++)
        if (strcmp(error_rows[i].name, name) == 0) {
            *ret_code = (enum ipc_error)i;
            return true;
        }
    return false;
}

bool errors_is_any(enum ipc_error code)
{
    assert((unsigned)code < IPC_ERROR_COUNT);
    return error_rows[code].scope == ANY;
}

/* ---- parameters ---- */

#define TYPE_text   IPC_TYPE_TEXT
#define TYPE_number IPC_TYPE_NUMBER
#define TYPE_flag   IPC_TYPE_FLAG
#define TYPE_data   IPC_TYPE_DATA

static const struct ipc_param_row param_rows[PARAM_COUNT] = {
#define PARAM(ID, key, type, min, max, fallback)                                                   \
    [PARAM_##ID] = {#key, TYPE_##type, min, max, fallback},
#include "ipc/methods.def"
};

const struct ipc_param_row *methods_param(enum ipc_param param)
{
    assert((unsigned)param < PARAM_COUNT);
    return &param_rows[param];
}

/* ---- methods ---- */

#define REQUIRED(ID)                                                                               \
    {                                                                                              \
        PARAM_##ID, true, 0                                                                        \
    }
#define OPTIONAL(ID)                                                                               \
    {                                                                                              \
        PARAM_##ID, false, 0                                                                       \
    }
#define ADDED(level, ID)                                                                           \
    {                                                                                              \
        PARAM_##ID, false, level                                                                   \
    }

#define PARAMS(...)                                                                                \
    .params = (const struct ipc_method_param[]){__VA_ARGS__},                                      \
    .param_count =                                                                                 \
        sizeof((const struct ipc_method_param[]){__VA_ARGS__}) / sizeof(struct ipc_method_param)
#define NO_PARAMS .params = NULL
#define VIEW      .keys = NULL
#define KEYS(...)                                                                                  \
    .keys = (const char *const[])                                                                  \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define ERRORS(...)                                                                                \
    .errors = (const enum ipc_error[])                                                             \
    {                                                                                              \
        __VA_ARGS__, IPC_OK                                                                        \
    }
#define NO_ERRORS                                                                                  \
    .errors = (const enum ipc_error[])                                                             \
    {                                                                                              \
        IPC_OK                                                                                     \
    }

static const struct ipc_method_row method_rows[METHOD_COUNT] = {
/* NOLINTBEGIN(bugprone-macro-parentheses): members of an initialiser */
#define METHOD(ID, method, level, result, parameters, refusals)                                    \
    [METHOD_##ID] = {.name = #method, .since = level, result, parameters, refusals},
/* NOLINTEND(bugprone-macro-parentheses) */
#include "ipc/methods.def"
};

const struct ipc_method_row *methods_row(enum ipc_method method)
{
    assert((unsigned)method < METHOD_COUNT);
    return &method_rows[method];
}

const char *methods_name(enum ipc_method method)
{
    return methods_row(method)->name;
}

bool methods_find(const char *name, enum ipc_method *ret_method)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (strcmp(method_rows[i].name, name) == 0) {
            *ret_method = (enum ipc_method)i;
            return true;
        }
    return false;
}

bool methods_may_answer(enum ipc_method method, enum ipc_error code)
{
    const enum ipc_error *listed = methods_row(method)->errors;
    if (errors_is_any(code))
        return true;
    while (*listed != IPC_OK && *listed != code)
        listed++;
    return *listed == code && code != IPC_OK;
}

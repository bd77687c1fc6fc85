/* api: the RPC's own tables, so that clients can be generated from them. */
#include "config.h"

#include "daemon/rpc.h"

#include <stdio.h>
#include <string.h>

#include "ipc/methods.h"

/* As doc/ipc.md names them. */
static const char *const type_names[] = {
    [IPC_TYPE_TEXT] = "str",
    [IPC_TYPE_NUMBER] = "int",
    [IPC_TYPE_FLAG] = "bool",
    [IPC_TYPE_DATA] = "bin",
};

/* A text without a maximum has no limit of its own; a flag and data have none at all. */
static void write_limits(struct writer *writer, const struct ipc_param_row *row)
{
    if (row->type == IPC_TYPE_NUMBER || row->max > 0) {
        writer_number(writer, "min", row->min);
        writer_number(writer, "max", row->max);
    } else {
        writer_nil(writer, "min");
        writer_nil(writer, "max");
    }
}

static void write_param(struct writer *writer, const struct ipc_method_row *method,
                        const struct ipc_method_param *param)
{
    const struct ipc_param_row *row = methods_param(param->param);
    writer_map(writer, NULL);
    writer_text(writer, "name", row->key);
    writer_text(writer, "type", type_names[row->type]);
    writer_flag(writer, "required", param->required);
    writer_number(writer, "since", param->since > 0 ? param->since : method->since);
    write_limits(writer, row);
    writer_end(writer);
}

/* The keys of its result; nil if that is a view. */
static void write_result(struct writer *writer, const char *const *keys)
{
    if (keys == NULL) {
        writer_nil(writer, "result");
        return;
    }
    writer_array(writer, "result");
    for (; *keys != NULL; keys++)
        writer_text(writer, NULL, *keys);
    writer_end(writer);
}

static void write_method(struct writer *writer, const struct ipc_method_row *method)
{
    writer_map(writer, NULL);
    writer_text(writer, "name", method->name);
    writer_number(writer, "since", method->since);
    writer_array(writer, "params");
    for (size_t i = 0; i < method->param_count; i++)
        write_param(writer, method, &method->params[i]);
    writer_end(writer);
    write_result(writer, method->keys);
    writer_array(writer, "errors");
    for (const enum ipc_error *error = method->errors; *error != IPC_OK; error++)
        writer_text(writer, NULL, errors_name(*error));
    writer_end(writer);
    writer_end(writer);
}

/* Those that any request can be answered with. */
static void write_errors(struct writer *writer)
{
    writer_array(writer, "errors");
    for (unsigned code = IPC_OK + 1; code < IPC_ERROR_COUNT; code++)
        if (errors_is_any((enum ipc_error)code))
            writer_text(writer, NULL, errors_name((enum ipc_error)code));
    writer_end(writer);
}

/* ---- a view ---- */

static const struct {
    const char *key, *shown;
} view_keys[] = {
#define SESSION_SHOWN(tag, type, required, least, limit, member, exported, shown, meaning)         \
    {#member, shown},
#define SESSION_COMPUTED(key, shown, meaning) {#key, shown},
#include "wormhole/session_attributes.def"
};

/* `shown` is a type, or a type and this. */
#define OR_NIL " or nil"

static void write_view(struct writer *writer)
{
    writer_array(writer, "view");
    for (size_t i = 0; i < sizeof(view_keys) / sizeof(view_keys[0]); i++) {
        const char *shown = view_keys[i].shown, *nil = strstr(shown, OR_NIL);
        char type[sizeof("bool")];
        snprintf(type, sizeof(type), "%.*s", (int)strcspn(shown, " "), shown);
        writer_map(writer, NULL);
        writer_text(writer, "name", view_keys[i].key);
        writer_text(writer, "type", type);
        writer_flag(writer, "nil", nil != NULL);
        writer_end(writer);
    }
    writer_end(writer);
}

void rpc_api(struct ipc_call *call, const struct ipc_params *params)
{
    (void)params;
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_number(&writer, "api", METHODS_API);
    writer_array(&writer, "methods");
    for (unsigned method = 0; method < METHOD_COUNT; method++)
        write_method(&writer, methods_row((enum ipc_method)method));
    writer_end(&writer);
    write_errors(&writer);
    write_view(&writer);
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

/* The calls whose results are secrets. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/methods.h"
#include "libclient/error.h"
#include "libclient/sync.h"

/* ---- keys ---- */

struct key {
    void *bytes; /* the caller's */
    size_t length;
};

static bool take_key(const struct wormclient_value *result, void *into,
                     struct wormclient_error *ret_error)
{
    const struct key *key = into;
    size_t length;
    const void *bytes = wormclient_value_data(result, "key", &length);
    if (bytes == NULL || length != key->length)
        return error_bad_answer(ret_error);
    memcpy(key->bytes, bytes, length);
    return true;
}

bool wormclient_derive_key(struct wormclient *client, const char *session, const char *purpose,
                           void *ret_key, size_t length, struct wormclient_error *ret_error)
{
    struct key key = {.bytes = ret_key, .length = length};
    struct wormclient_params *params = sync_params(session);
    wormclient_params_text(params, "purpose", purpose);
    wormclient_params_number(params, "length", (int64_t)length);
    return sync_call(client, methods_name(METHOD_DERIVE_KEY), params, take_key, &key, SYNC_NEVER,
                     ret_error);
}

/* ---- sessions that move ---- */

static bool take_export(const struct wormclient_value *result, void *into,
                        struct wormclient_error *ret_error)
{
    char **export = into;
    const char *text = wormclient_value_text(result, "export");
    if (text == NULL)
        return error_bad_answer(ret_error);
    *export = strdup(text);
    if (*export == NULL)
        error_set_memory(ret_error);
    return *export != NULL;
}

char *wormclient_export(struct wormclient *client, const char *session,
                        struct wormclient_error *ret_error)
{
    char *export = NULL;
    sync_call(client, methods_name(METHOD_EXPORT), sync_params(session), take_export, &export,
              SYNC_NEVER, ret_error);
    return export;
}

bool wormclient_export_done(struct wormclient *client, const char *session,
                            struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_flag(params, "done", true);
    return sync_call(client, methods_name(METHOD_EXPORT), params, sync_take_nothing, NULL,
                     SYNC_NEVER, ret_error);
}

struct wormclient_session *wormclient_import(struct wormclient *client, const char *text,
                                             const char *name, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "export", text);
    wormclient_params_text(params, "name", name);
    return sync_call_session(client, methods_name(METHOD_IMPORT), params, SYNC_NEVER, ret_error);
}

void wormclient_secret_free(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/methods.h"
#include "libclient/error.h"
#include "libclient/sync.h"

/* The bytes that the texts take with their NULs; false if one is no text. */
static bool measure(const struct wormclient_value *texts, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < wormclient_value_count(texts); i++) {
        const char *text = wormclient_value_text(wormclient_value_at(texts, i), NULL);
        if (text == NULL)
            return false;
        size += strlen(text) + 1;
    }
    *ret_size = size;
    return true;
}

/* Pointers and behind them the texts, in one piece, so that one free() does. */
static char **copy_texts(const struct wormclient_value *texts, size_t size)
{
    size_t count = wormclient_value_count(texts);
    char **copy = malloc((count + 1) * sizeof(*copy) + size);
    if (copy == NULL)
        return NULL;
    char *end = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = end;
        end = stpcpy(end, wormclient_value_text(wormclient_value_at(texts, i), NULL)) + 1;
    }
    copy[count] = NULL;
    return copy;
}

static bool take_nameplates(const struct wormclient_value *result, void *into,
                            struct wormclient_error *ret_error)
{
    char ***nameplates = into;
    const struct wormclient_value *texts = wormclient_value_get(result, "nameplates");
    size_t size;
    if (texts == NULL || !measure(texts, &size))
        return error_bad_answer(ret_error);
    *nameplates = copy_texts(texts, size);
    if (*nameplates == NULL)
        error_set_memory(ret_error);
    return *nameplates != NULL;
}

char **wormclient_nameplates(struct wormclient *client, const char *appid, const char *relay,
                             struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "appid", appid);
    wormclient_params_text(params, "relay", relay);
    char **nameplates = NULL;
    sync_call(client, methods_name(METHOD_NAMEPLATES), params, take_nameplates, &nameplates,
              SYNC_NEVER, ret_error);
    return nameplates;
}

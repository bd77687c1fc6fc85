#include "config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_json.h"
#include "base/wipe.h"
#include "cli/json.h"

json_t *json_from_data(const void *data, size_t length)
{
    size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *json;

    if (text == NULL)
        return NULL;
    sodium_bin2base64(text, size, data, length, sodium_base64_VARIANT_ORIGINAL);
    json = json_string(text);
    wipe_free(text);
    return json;
}

static json_t *from_array(const struct wormclient_value *value)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < wormclient_value_count(value); i++) {
        if (json_array_append_new(array, json_from_value(wormclient_value_at(value, i))) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

/* Keys that are not texts are left out: JSON has none. */
static json_t *from_map(const struct wormclient_value *value)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < wormclient_value_count(value); i++) {
        const char *key = wormclient_value_key(value, i);

        if (key != NULL &&
            json_object_set_new(object, key, json_from_value(wormclient_value_at(value, i))) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

json_t *json_from_value(const struct wormclient_value *value)
{
    const char *text = wormclient_value_text(value, NULL);
    const void *data;
    size_t length = 0;

    switch (wormclient_value_type(value)) {
    case WORMCLIENT_TYPE_FLAG:
        return json_boolean(wormclient_value_flag(value, NULL, false));
    case WORMCLIENT_TYPE_NUMBER:
        return json_integer(wormclient_value_number(value, NULL, 0));
    case WORMCLIENT_TYPE_TEXT:
        return text != NULL ? json_string(text) : json_null(); /* the RPC has no text with a NUL */
    case WORMCLIENT_TYPE_DATA:
        data = wormclient_value_data(value, NULL, &length);
        return json_from_data(data, length);
    case WORMCLIENT_TYPE_ARRAY:
        return from_array(value);
    case WORMCLIENT_TYPE_MAP:
        return from_map(value);
    default:
        return json_null();
    }
}

json_t *json_from_view(const struct wormclient_value *view)
{
    static const char *const texts[] = {"app_versions", "peer_versions"};
    json_t *object = json_from_value(view);

    for (size_t i = 0; object != NULL && i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *text = wormclient_value_text(view, texts[i]);
        enum bounded_json_fault fault = BOUNDED_JSON_REFUSED;
        json_t *parsed;

        if (text != NULL)
            fault = bounded_json_load(text, strlen(text), &parsed);
        if (fault == BOUNDED_JSON_REFUSED)
            continue; /* there is none, or it stays a text */
        if (fault == BOUNDED_JSON_NO_MEMORY || json_object_set_new(object, texts[i], parsed) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

#include "config.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/bounded_json.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/result.h"

bool result_wanted(const struct cli_options *options)
{
    return options->given[OPTION_JSON] || options->given[OPTION_FIELDS];
}

static enum exit_status print_json(const json_t *object)
{
    char *line = bounded_json_text(object, JSON_COMPACT);
    enum exit_status status = line != NULL ? output_line(line) : report_memory();

    free(line);
    return status;
}

static enum exit_status print_picked(const json_t *object, const char *wanted)
{
    json_t *picked = fields_pick(object, wanted);
    enum exit_status status = picked != NULL ? print_json(picked) : report_memory();

    json_decref(picked);
    return status;
}

static enum exit_status print_object(const struct cli_options *options, const json_t *object)
{
    const char *fields = options->text[OPTION_FIELDS];

    if (!result_wanted(options))
        return EXIT_DONE;
    if (fields == NULL)
        return print_json(object);
    return options->given[OPTION_JSON] ? print_picked(object, fields)
                                       : fields_print(object, fields);
}

enum exit_status result_object(const struct cli_options *options, json_t *object)
{
    enum exit_status status = object != NULL ? print_object(options, object) : report_memory();

    json_decref(object);
    return status;
}

/* ---- values as JSON ---- */

/* The RPC has no text with a NUL in it. */
static json_t *load_text(const struct wormclient_value *value)
{
    const char *text = wormclient_value_text(value, NULL);

    return text != NULL ? json_string(text) : json_null();
}

static json_t *load_data(const struct wormclient_value *value)
{
    size_t length = 0;
    const void *data = wormclient_value_data(value, NULL, &length);
    size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *string = NULL;

    if (text != NULL) {
        sodium_bin2base64(text, size, data, length, sodium_base64_VARIANT_ORIGINAL);
        string = json_string(text);
    }
    free(text);
    return string;
}

static json_t *load_array(const struct wormclient_value *value)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < wormclient_value_count(value); i++)
        if (json_array_append_new(array, result_load(wormclient_value_at(value, i))) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

/* Keys that are no text are left out: JSON has none. */
static json_t *load_map(const struct wormclient_value *value)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < wormclient_value_count(value); i++) {
        const char *key = wormclient_value_key(value, i);

        if (key != NULL &&
            json_object_set_new(object, key, result_load(wormclient_value_at(value, i))) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

json_t *result_load(const struct wormclient_value *value)
{
    switch (wormclient_value_type(value)) {
    case WORMCLIENT_TYPE_FLAG:
        return json_boolean(wormclient_value_flag(value, NULL, false));
    case WORMCLIENT_TYPE_NUMBER:
        return json_integer(wormclient_value_number(value, NULL, 0));
    case WORMCLIENT_TYPE_TEXT:
        return load_text(value);
    case WORMCLIENT_TYPE_DATA:
        return load_data(value);
    case WORMCLIENT_TYPE_ARRAY:
        return load_array(value);
    case WORMCLIENT_TYPE_MAP:
        return load_map(value);
    default:
        return json_null();
    }
}

enum exit_status result_value(const struct cli_options *options,
                              const struct wormclient_value *value)
{
    return result_wanted(options) ? result_object(options, result_load(value)) : EXIT_DONE;
}

enum exit_status result_session(const struct cli_options *options,
                                const struct wormclient_session *session)
{
    return result_value(options, wormclient_session_view(session));
}

#include "config.h"

#include <stdlib.h>

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
    char *line = json_dumps(object, JSON_COMPACT);
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

json_t *result_load(const struct wormclient_value *value)
{
    char *text = wormclient_value_json(value);
    json_t *object = text != NULL ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;

    free(text);
    return object;
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

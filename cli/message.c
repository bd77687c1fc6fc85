#include "config.h"

#include <unistd.h>

#include "cli/message.h"
#include "cli/output.h"
#include "cli/result.h"

struct wormclient_value *message_ask(struct wormclient *client, const char *session, uint32_t from,
                                     struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();

    wormclient_params_text(params, "session", session);
    wormclient_params_number(params, "from", from);
    return wormclient_call(client, "recv", params, ret_error);
}

int64_t message_number(const struct wormclient_value *message)
{
    return wormclient_value_number(message, "number", -1);
}

/* The daemon's answer, with "text" added if the message is one. New; json_decref(). */
static json_t *message_json(const struct wormclient_value *message)
{
    json_t *object = result_load(message);
    size_t length = 0;
    const char *data = wormclient_value_data(message, "data", &length);
    json_t *string = data != NULL ? json_stringn(data, length) : NULL; /* NULL: no UTF-8 */

    if (object != NULL && string != NULL)
        json_object_set(object, "text", string);
    json_decref(string);
    return object;
}

static enum exit_status print_bytes(const struct wormclient_value *message)
{
    size_t length = 0;
    const char *data = wormclient_value_data(message, "data", &length);
    enum exit_status status = output_bytes(data, length);

    /* For the eye only: what is written elsewhere is the message and nothing else. */
    if (status == EXIT_DONE && isatty(STDOUT_FILENO) && length > 0 && data[length - 1] != '\n')
        status = output_line("");
    return status;
}

enum exit_status message_print(const struct cli_options *options,
                               const struct wormclient_value *message)
{
    return result_wanted(options) ? result_object(options, message_json(message))
                                  : print_bytes(message);
}

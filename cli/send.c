/* send: bytes in, one message. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/report.h"
#include "cli/result.h"

static enum exit_status send_bytes(struct wormclient *client, const struct cli_options *options,
                                   const char *data, size_t length)
{
    struct wormclient_params *params = wormclient_params_new();
    struct wormclient_error error = {0};
    struct wormclient_value *result;
    enum exit_status status;

    wormclient_params_text(params, "session", options->arguments[0]);
    wormclient_params_data(params, "data", data, length);
    result = wormclient_call(client, "send", params, &error);
    if (result == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = result_value(options, result);
    wormclient_result_free(result);
    return status;
}

enum exit_status send_run(struct wormclient *client, const struct cli_options *options)
{
    char *data;
    size_t length;
    enum exit_status status;

    if (options->count == 2)
        return send_bytes(client, options, options->arguments[1], strlen(options->arguments[1]));
    status = input_all(WORMCLIENT_MESSAGE_MAX, &data, &length);
    if (status != EXIT_DONE)
        return status;
    status = send_bytes(client, options, data, length);
    free(data);
    return status;
}

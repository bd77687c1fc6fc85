/* close, poll and forget: what is to become of a session. */
#include "config.h"

#include "cli/command.h"
#include "cli/report.h"
#include "cli/result.h"

/* Carries out a method whose only argument is the session. */
static enum exit_status call_session(struct wormclient *client, const struct cli_options *options,
                                     const char *method, bool force)
{
    struct wormclient_params *params = wormclient_params_new();
    struct wormclient_error error = {0};
    struct wormclient_value *result;
    enum exit_status status;

    wormclient_params_text(params, "session", options->arguments[0]);
    if (force)
        wormclient_params_flag(params, "force", true);
    result = wormclient_call(client, method, params, &error);
    if (result == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = result_value(options, result);
    wormclient_result_free(result);
    return status;
}

enum exit_status close_run(struct wormclient *client, const struct cli_options *options)
{
    return call_session(client, options, "close", false);
}

enum exit_status poll_run(struct wormclient *client, const struct cli_options *options)
{
    return call_session(client, options, "poll", false);
}

enum exit_status forget_run(struct wormclient *client, const struct cli_options *options)
{
    return call_session(client, options, "forget", options->given[OPTION_FORCE]);
}

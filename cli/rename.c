/* rename: what a session is called. */
#include "config.h"

#include "cli/command.h"
#include "cli/report.h"
#include "cli/result.h"

enum exit_status rename_run(struct wormclient *client, const struct cli_options *options)
{
    const char *name = options->count > 1 ? options->arguments[1] : NULL;
    struct wormclient_error error = {0};
    struct wormclient_session *session =
        wormclient_rename(client, options->arguments[0], name, &error);
    enum exit_status status;

    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = result_session(options, session);
    wormclient_session_free(session);
    return status;
}

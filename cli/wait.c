/* wait: for scripts that go on when a session has come so far. */
#include "config.h"

#include "cli/await.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/result.h"

enum exit_status wait_check(const struct cli_options *options)
{
    const char *condition = options->text[OPTION_FOR];

    if (condition == NULL)
        return report_usage("wait", "wait for what? --for CONDITION is missing");
    if (progress_find(condition) == NULL) {
        return report_usage("wait", "--for wants %s; there is no '%s'",
                            option_rows[OPTION_FOR].help, condition);
    }
    return EXIT_DONE;
}

enum exit_status wait_run(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_session *session;
    int64_t timeout = options->given[OPTION_LIMIT] ? options->number[OPTION_LIMIT] : -1;
    enum exit_status status =
        await_session(client, options->arguments[0], progress_find(options->text[OPTION_FOR]),
                      timeout, NULL, &session);

    if (status != EXIT_DONE)
        return status;
    status = result_session(options, session);
    wormclient_session_free(session);
    return status;
}

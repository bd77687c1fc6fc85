/* verify: does nobody sit between the two sides? */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/verifier.h"

enum exit_status verify_check(const struct cli_options *options)
{
    if (options->given[OPTION_YES] && options->given[OPTION_NO])
        return report_usage("verify", "either --yes or --no");
    return EXIT_DONE;
}

/* Carries out what the user decided. */
static enum exit_status decide(struct wormclient *client, const struct cli_options *options,
                               const char *session, bool same)
{
    struct wormclient_session *view;
    enum exit_status status = verifier_decide(client, session, same, &view);

    if (status != EXIT_DONE)
        return status;
    status = result_session(options, view);
    if (!same)
        report_hint("The session is ended; nothing that came is delivered.");
    wormclient_session_free(view);
    return status;
}

static enum exit_status ask(struct wormclient *client, const struct cli_options *options,
                            const struct wormclient_session *session)
{
    bool same;

    if (!input_yes_or_no("Does the other side see the same?", &same)) {
        report("no answer; nothing was changed");
        return EXIT_NOTHING;
    }
    return decide(client, options, wormclient_session_id(session), same);
}

static enum exit_status report_unkeyed(const struct wormclient_session *session)
{
    if (wormclient_session_result(session) != NULL)
        return report_ended(session);
    report("nobody has used the code yet: wormctl wait %s --for keyed", report_label(session));
    return EXIT_NOTHING;
}

/* Nothing was decided on the command line. */
static enum exit_status show(struct wormclient *client, const struct cli_options *options,
                             const struct wormclient_session *session)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    enum exit_status status;

    if (wormclient_value_text(view, "verifier") == NULL)
        return report_unkeyed(session);
    if (result_wanted(options))
        return result_session(options, session);
    verifier_print(stdout, view);
    status = output_flush();
    if (status != EXIT_DONE || !isatty(STDIN_FILENO) || wormclient_session_result(session) != NULL)
        return status;
    return ask(client, options, session);
}

enum exit_status verify_run(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status;

    if (options->given[OPTION_YES] || options->given[OPTION_NO])
        return decide(client, options, options->arguments[0], options->given[OPTION_YES]);
    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = show(client, options, session);
    wormclient_session_free(session);
    return status;
}

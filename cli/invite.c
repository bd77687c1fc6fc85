/* invite and accept: two people, one code. */
#include "config.h"

#include "cli/begin.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report.h"

enum exit_status invite_run(struct wormclient *client, const struct options *options)
{
    struct await_told told = {0};
    struct wormclient_session *session;
    enum exit_status status = begin_invite(client, options, NULL, &session);

    if (status != EXIT_DONE)
        return status;
    status = begin_print_code(client, options, wormclient_session_id(session), &told);
    if (status == EXIT_DONE) {
        report_hint("On the other machine: wormctl accept CODE\n"
                    "How it goes: wormctl show %s",
                    report_label(session));
    }
    wormclient_session_free(session);
    return status;
}

enum exit_status accept_run(struct wormclient *client, const struct options *options)
{
    struct wormclient_session *session;
    enum exit_status status = begin_accept(client, options, NULL, options->arguments[0], &session);

    if (status != EXIT_DONE)
        return status;
    if (options->given[OPTION_JSON])
        status = output_session(session);
    else if (wormclient_session_name(session) == NULL)
        status = output_line(wormclient_session_id(session));
    report_hint("The daemon goes on from here. How it goes: wormctl show %s",
                report_label(session));
    wormclient_session_free(session);
    return status;
}

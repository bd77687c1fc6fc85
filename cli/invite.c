/* invite and accept: two people, one code. */
#include "config.h"

#include <unistd.h>

#include "cli/new_session.h"
#include "cli/command.h"
#include "cli/report.h"

enum exit_status invite_check(const struct cli_options *options)
{
    return new_session_check_qr("invite", options);
}

enum exit_status invite_run(struct wormclient *client, const struct cli_options *options)
{
    struct wait_reported reported = {0};
    struct wormclient_session *session;
    enum exit_status status = new_session_invite(client, options, NULL, &session);

    if (status != EXIT_DONE)
        return status;
    status = new_session_print_code(client, options, wormclient_session_id(session), &reported);
    if (status == EXIT_DONE) {
        report_hint("On the other machine: wormctl accept CODE\n"
                    "How it goes: wormctl show %s",
                    report_label(session));
    }
    wormclient_session_free(session);
    return status;
}

enum exit_status accept_check(const struct cli_options *options)
{
    if (options->count == 0 && !options->given[OPTION_CODE] && !isatty(STDIN_FILENO))
        return report_usage("accept", "accept wants CODE, or - to read it from standard input");
    return code_check_options("accept", options);
}

enum exit_status accept_run(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_session *session;
    struct code code;
    enum exit_status status = code_read(client, options, NULL, &code);

    if (status != EXIT_DONE)
        return status;
    status = new_session_accept(client, options, NULL, &code, &session);
    code_clear(&code);
    if (status != EXIT_DONE)
        return status;
    status = new_session_print(options, session);
    report_hint("The daemon goes on from here. How it goes: wormctl show %s",
                report_label(session));
    wormclient_session_free(session);
    return status;
}

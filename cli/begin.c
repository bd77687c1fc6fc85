#include "config.h"

#include "cli/begin.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/report.h"

static struct wormclient_options wishes(const struct options *options, const char *appid)
{
    return (struct wormclient_options){
        .name = options->text[OPTION_NAME],
        .appid = appid != NULL ? appid : options->text[OPTION_APPID],
        .relay = options->text[OPTION_RELAY],
        .schedule = options->text[OPTION_SCHEDULE],
        .timeout = options->number[OPTION_TIMEOUT],
        .words = (unsigned)options->number[OPTION_WORDS],
    };
}

/* Before the daemon's answer nobody knows whether there is a session. */
static void guard_request(void)
{
    interrupt_say("interrupted; if the session has begun, it lives on: wormctl list");
}

static enum exit_status begun(struct wormclient_session *session,
                              const struct wormclient_error *error,
                              struct wormclient_session **ret_session)
{
    if (session == NULL)
        return report_error(error);
    interrupt_say("interrupted; the session lives on in the daemon: wormctl show %s",
                  report_label(session));
    *ret_session = session;
    return EXIT_DONE;
}

enum exit_status begin_invite(struct wormclient *client, const struct options *options,
                              const char *appid, struct wormclient_session **ret_session)
{
    struct wormclient_options wish = wishes(options, appid);
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    char *code = NULL;

    if (options->given[OPTION_CODE]) {
        enum exit_status status = input_code(options->text[OPTION_CODE], &code);

        if (status != EXIT_DONE)
            return status;
    }
    wish.code = code;
    guard_request();
    session = wormclient_invite(client, &wish, &error);
    input_code_free(code);
    return begun(session, &error, ret_session);
}

enum exit_status begin_accept(struct wormclient *client, const struct options *options,
                              const char *appid, char *code,
                              struct wormclient_session **ret_session)
{
    struct wormclient_options wish = wishes(options, appid);
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    char *copy;
    enum exit_status status = input_code(code, &copy);

    if (status != EXIT_DONE)
        return status;
    guard_request();
    session = wormclient_accept(client, copy, &wish, &error);
    input_code_free(copy);
    return begun(session, &error, ret_session);
}

enum exit_status begin_print_code(struct wormclient *client, const struct options *options,
                                  const char *session, struct await_told *told)
{
    struct wormclient_session *view;
    const char *code;
    enum exit_status status = await_session(client, session, progress_code, -1, told, &view);

    if (status != EXIT_DONE)
        return status;
    code = wormclient_session_code(view);
    if (code == NULL) /* it went all the way to its end meanwhile */
        status = report_ended(view);
    else
        status = options->given[OPTION_JSON] ? output_session(view) : output_line(code);
    wormclient_session_free(view);
    return status;
}

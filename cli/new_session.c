#include "config.h"

#include <string.h>
#include <unistd.h>

#include "cli/new_session.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/qr.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/uri.h"

/* ---- what is wished for ---- */

static void add_text(struct wormclient_params *params, const char *key,
                     const struct cli_options *options, enum option_id id)
{
    wormclient_params_text(params, key, options->text[id]);
}

static void add_number(struct wormclient_params *params, const char *key,
                       const struct cli_options *options, enum option_id id)
{
    wormclient_params_number(params, key, options->number[id]);
}

static void add_flag(struct wormclient_params *params, const char *key,
                     const struct cli_options *options, enum option_id id)
{
    wormclient_params_flag(params, key, options->given[id]);
}

/* Options that go to the daemon as they are; `words` is of no meaning to accept, nor taken by it.
 */
static const struct session_param {
    enum option_id id;
    const char *key;
    void (*add)(struct wormclient_params *params, const char *key,
                const struct cli_options *options, enum option_id id);
} session_params[] = {
    {OPTION_NAME, "name", add_text},
    {OPTION_RELAY, "relay", add_text},
    {OPTION_SCHEDULE, "schedule", add_text},
    {OPTION_TIMEOUT, "timeout", add_number},
    {OPTION_WORDS, "words", add_number},
    {OPTION_APP_VERSIONS, "app_versions", add_text},
    {OPTION_VERIFY, "verify", add_flag},
    {OPTION_INBOX_MESSAGES, "inbox_messages", add_number},
    {OPTION_INBOX_BYTES, "inbox_bytes", add_number},
};

static struct wormclient_params *make_params(const struct cli_options *options, const char *appid,
                                             const struct code *code)
{
    struct wormclient_params *params = wormclient_params_new();

    if (appid == NULL)
        appid = options->text[OPTION_APPID];
    if (appid != NULL)
        wormclient_params_text(params, "appid", appid);
    if (code->text != NULL)
        wormclient_params_text(params, "code", code->text);
    if (code->relay != NULL && !options->given[OPTION_RELAY])
        wormclient_params_text(params, "relay", code->relay);
    for (size_t i = 0; i < sizeof(session_params) / sizeof(session_params[0]); i++)
        if (options->given[session_params[i].id])
            session_params[i].add(params, session_params[i].key, options, session_params[i].id);
    return params;
}

/* ---- beginning ---- */

static struct wormclient_session *call(struct wormclient *client, const char *method,
                                       struct wormclient_params *params,
                                       struct wormclient_error *ret_error)
{
    struct wormclient_value *view = wormclient_call(client, method, params, ret_error);
    struct wormclient_session *session =
        view != NULL ? wormclient_session_from(view, ret_error) : NULL;

    wormclient_result_free(view);
    return session;
}

static enum exit_status begin(struct wormclient *client, const char *method,
                              struct wormclient_params *params,
                              struct wormclient_session **ret_session)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session;

    /* Before the daemon's answer nobody knows whether there is a session. */
    interrupt_say("interrupted; if the session has begun, it lives on: wormctl list");
    session = call(client, method, params, &error);
    if (session == NULL)
        return report_error(&error);
    interrupt_say("interrupted; the session lives on in the daemon: wormctl show %s",
                  report_label(session));
    *ret_session = session;
    return EXIT_DONE;
}

enum exit_status new_session_invite(struct wormclient *client, const struct cli_options *options,
                                    const char *appid, struct wormclient_session **ret_session)
{
    enum exit_status status = EXIT_DONE;
    struct code code = {0};

    if (options->given[OPTION_CODE])
        status = input_code(options->text[OPTION_CODE], &code.text);
    if (status == EXIT_DONE)
        status = begin(client, "invite", make_params(options, appid, &code), ret_session);
    code_clear(&code);
    return status;
}

enum exit_status new_session_accept(struct wormclient *client, const struct cli_options *options,
                                    const char *appid, const struct code *code,
                                    struct wormclient_session **ret_session)
{
    return begin(client, "accept", make_params(options, appid, code), ret_session);
}

/* ---- what comes of it ---- */

/* On a terminal, or where it is asked for: a picture among lines that a program reads is none.
 */
static bool wants_qr(const struct cli_options *options)
{
    return options->given[OPTION_QR] && (options->text[OPTION_QR] != NULL || isatty(STDOUT_FILENO));
}

enum exit_status new_session_check_qr(const char *command, const struct cli_options *options)
{
    if (options->given[OPTION_QR] && result_wanted(options))
        return report_usage(command, "--qr draws for people; it does not go with --json or -o");
    return EXIT_DONE;
}

static enum exit_status print_qr(const struct wormclient_session *session)
{
    const char *relay = wormclient_value_text(wormclient_session_view(session), "relay");
    char *uri = uri_make(wormclient_session_code(session), relay);
    char *picture = uri != NULL ? qr_draw(uri, isatty(STDOUT_FILENO)) : NULL;
    enum exit_status status =
        picture != NULL ? output_bytes(picture, strlen(picture)) : report_memory();

    input_code_free(uri);
    input_code_free(picture);
    return status;
}

enum exit_status new_session_await_code(struct wormclient *client, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session)
{
    enum exit_status status =
        await_session(client, session, progress_code, -1, reported, ret_session);

    if (status == EXIT_DONE && wormclient_session_code(*ret_session) == NULL) {
        status = report_ended(*ret_session); /* it went all the way to its end meanwhile */
        wormclient_session_free(*ret_session);
    }
    return status;
}

enum exit_status new_session_print_code(struct wormclient *client,
                                        const struct cli_options *options, const char *session,
                                        struct wait_reported *reported)
{
    struct wormclient_session *view;
    enum exit_status status = new_session_await_code(client, session, reported, &view);

    if (status != EXIT_DONE)
        return status;
    status = result_wanted(options) ? result_session(options, view)
                                    : output_line(wormclient_session_code(view));
    if (status == EXIT_DONE && wants_qr(options))
        status = print_qr(view);
    wormclient_session_free(view);
    return status;
}

enum exit_status new_session_print(const struct cli_options *options,
                                   const struct wormclient_session *session)
{
    if (result_wanted(options))
        return result_session(options, session);
    if (wormclient_session_name(session) == NULL)
        return output_line(wormclient_session_id(session));
    return EXIT_DONE;
}

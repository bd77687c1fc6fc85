/* invite and accept, and what they have in common with all commands that begin a session. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/wipe.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/hint.h"
#include "cli/input.h"
#include "cli/new_session.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/spelling.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "cli/uri.h"

/* The code without a password, of stock clients' mode "-0". */
#define CODE_ZERO "0-"

/* ---- codes ---- */

/* Replaces a URI by what it holds. */
static enum exit_status take_uri(struct given_code *code, const char *appid)
{
    struct uri uri;
    const char *error = uri_parse(code->text, &uri);
    enum exit_status status = EXIT_DONE;

    if (error != NULL) {
        status = report_usage(NULL, "invalid URI: %s", error);
    } else if (appid != NULL && uri.appid[0] != '\0' && strcmp(appid, uri.appid) != 0) {
        status = report_usage(NULL, "the URI is for the application '%s', not for '%s'", uri.appid,
                              appid);
    } else {
        new_session_code_clear(code);
        *code = (struct given_code){.uri = true, .send = uri.send};
        code->text = strdup(uri.code);
        code->relay = strdup(uri.relay);
        code->appid = uri.appid[0] != '\0' ? strdup(uri.appid) : NULL;
        if (code->text == NULL || code->relay == NULL ||
            (code->appid == NULL && uri.appid[0] != '\0'))
            status = report_memory();
    }
    explicit_bzero(uri.code, sizeof(uri.code));
    return status;
}

/* What is copied from a message or a page has blanks around it; the daemon, too, knows them. */
static void trim(char *text)
{
    size_t length = strlen(text);
    const char *first = utf8_trim(text, &length);

    memmove(text, first, length);
    text[length] = '\0';
}

/* What was typed: a URI or a code. */
static enum exit_status take_typed(struct wormclient *client, struct given_code *code,
                                   const char *appid)
{
    trim(code->text);
    return uri_is(code->text) ? take_uri(code, appid) : spelling_check_code(client, &code->text);
}

enum exit_status new_session_code_read(struct wormclient *client, const struct cli_options *options,
                                       const char *appid, struct given_code *ret_code)
{
    char *argument = options->count > 0 ? options->arguments[0] : options->text[OPTION_CODE];
    char zero[] = CODE_ZERO;
    struct given_code code = {0};
    enum exit_status status;

    if (appid == NULL)
        appid = options->text[OPTION_APPID];
    if (options->given[OPTION_ZERO])
        argument = zero;
    if ((argument == NULL || strcmp(argument, "-") == 0) && prompt_possible())
        status = prompt_code(client, appid, options->text[OPTION_RELAY], &code.text);
    else
        status = input_code(argument, &code.text);
    if (status == EXIT_DONE)
        status = take_typed(client, &code, appid);
    if (status == EXIT_DONE)
        *ret_code = code;
    else
        new_session_code_clear(&code);
    return status;
}

/* The code that both sides agreed on, if the options say one; otherwise ret_code->text is NULL. */
static enum exit_status read_agreed_code(struct wormclient *client,
                                         const struct cli_options *options, const char *appid,
                                         struct given_code *ret_code)
{
    char zero[] = CODE_ZERO;
    enum exit_status status = EXIT_DONE;

    if (!options->given[OPTION_CODE] && !options->given[OPTION_ZERO])
        return EXIT_DONE;
    status = input_code(options->given[OPTION_ZERO] ? zero : options->text[OPTION_CODE],
                        &ret_code->text);
    if (status == EXIT_DONE)
        status = take_typed(client, ret_code, appid != NULL ? appid : options->text[OPTION_APPID]);
    if (status == EXIT_DONE && ret_code->uri && !ret_code->send && appid != NULL)
        status = report_usage(NULL, "who made this URI wants to send; receive with: "
                                    "wormctl text receive URI");
    return status;
}

void new_session_code_clear(struct given_code *code)
{
    wipe_free(code->text);
    free(code->relay);
    free(code->appid);
    *code = (struct given_code){0};
}

enum exit_status new_session_check_code(const char *command, const struct cli_options *options)
{
    if ((options->count > 0) + options->given[OPTION_CODE] + options->given[OPTION_ZERO] > 1)
        return report_usage(command, "give only one code: CODE, --code CODE or -0");
    if (options->given[OPTION_WORDS] && options->count > 0)
        return report_usage(command, "give either CODE or --words, not both");
    return new_session_check_words(command, options);
}

enum exit_status new_session_check_words(const char *command, const struct cli_options *options)
{
    if (options->given[OPTION_WORDS] &&
        (options->given[OPTION_CODE] || options->given[OPTION_ZERO]))
        return report_usage(command, "give either --%s or --words, not both",
                            options->given[OPTION_CODE] ? "code" : "zero");
    return EXIT_DONE;
}

/* ---- beginning ---- */

char *new_session_join_relays(const struct cli_options *options, unsigned from)
{
    size_t size = 1;
    char *joined, *at;

    for (unsigned i = from; i < options->relays_count; i++)
        size += strlen(options->relays[i]) + 1;
    joined = at = malloc(size);
    if (joined == NULL)
        return NULL;
    *at = '\0';
    for (unsigned i = from; i < options->relays_count; i++) {
        if (i > from)
            at = stpcpy(at, " ");
        at = stpcpy(at, options->relays[i]);
    }
    return joined;
}

/* New; wormclient_options_free(). */
static struct wormclient_options *make_options(const struct cli_options *options, const char *appid,
                                               const struct given_code *code,
                                               enum new_session_use use)
{
    struct wormclient_options *made = wormclient_options_new();

#define VALUE_TEXT(id)     options->text[id]
#define VALUE_DURATION(id) options->number[id]
#define VALUE_NUMBER(id)   options->number[id]
#define VALUE_SIZE(id)     options->number[id]
#define VALUE_FLAG(id)     true
#define OPTION(id, name, letter, kind, value, help)
#define SESSION_OPTION(id, name, kind, value, help, set, group)                                    \
    if (options->given[OPTION_##id])                                                               \
        wormclient_options_set_##set(made, VALUE_##kind(OPTION_##id));
#include "cli/options.def"
#undef OPTION
    if (use == NEW_SESSION_OFFER)
        wormclient_options_set_await_answer(made, true);
    if (use != NEW_SESSION_LASTS && options->given[OPTION_TIMEOUT] &&
        !options->given[OPTION_EXPIRE])
        wormclient_options_set_expire(made, options->number[OPTION_TIMEOUT]);
    if (use != NEW_SESSION_LASTS)
        wormclient_options_set_once(made, true);
    if (appid == NULL)
        appid = options->given[OPTION_APPID] ? options->text[OPTION_APPID] : code->appid;
    wormclient_options_set_appid(made, appid);
    wormclient_options_set_relay(made, options->given[OPTION_RELAY] ? options->text[OPTION_RELAY]
                                                                    : code->relay);
    if (options->relays_count > 1) {
        char *more = new_session_join_relays(options, 1);
        wormclient_options_set_more_relays(made, more != NULL ? more : "");
        free(more);
    }
    if (options->given[OPTION_WORDS])
        wormclient_options_set_words(made, (unsigned)options->number[OPTION_WORDS]);
    return made;
}

enum exit_status new_session_begin(struct wormclient *client, const struct cli_options *options,
                                   const char *appid, const struct given_code *code,
                                   enum new_session_use use,
                                   struct wormclient_session **ret_session)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct given_code agreed = {0};
    const struct given_code *used = code != NULL ? code : &agreed;
    enum exit_status status =
        code == NULL ? read_agreed_code(client, options, appid, &agreed) : EXIT_DONE;
    struct wormclient_options *made;
    struct wormclient_session *session;

    if (status == EXIT_DONE && options->relays_count > 1 &&
        (use != NEW_SESSION_LASTS || options->given[OPTION_ONCE]))
        status = report_usage(NULL, "only a session that lasts can have several relays");
    if (status != EXIT_DONE) {
        new_session_code_clear(&agreed);
        return status;
    }
    /* Before the daemon answers nobody knows whether there is a session. */
    report_on_interrupt("interrupted; the session may have begun, see: wormctl list");
    made = make_options(options, appid, used, use);
    if (agreed.text != NULL)
        wormclient_options_set_code(made, agreed.text);
    session = code != NULL ? wormclient_accept(client, code->text, made, &error)
                           : wormclient_invite(client, made, &error);
    wormclient_options_free(made);
    if (session != NULL && used->text != NULL && strcmp(used->text, CODE_ZERO) == 0)
        report_note("the code " CODE_ZERO
                    " is no secret: whoever uses it at this relay is the peer");
    new_session_code_clear(&agreed);
    if (session == NULL)
        return report_error(&error);
    report_on_interrupt("interrupted; the session lives on in the daemon, see: wormctl show %s",
                        report_label(session));
    *ret_session = session;
    return EXIT_DONE;
}

/* ---- printing the code ---- */

static enum exit_status draw_qr(const char *uri)
{
    size_t columns = terminal_columns(STDOUT_FILENO), needed = 0;
    char *drawing = uri_draw_qr(uri, isatty(STDOUT_FILENO), &needed);
    enum exit_status status;

    if (drawing == NULL)
        return report_memory();
    if (columns == 0 || needed <= columns) {
        status = output_bytes(drawing, strlen(drawing));
    } else {
        report_note(
            "the QR code does not fit: it needs %zu columns, and the terminal has %zu; it would "
            "say:",
            needed, columns);
        status = output_line(uri);
    }
    wipe_free(drawing);
    return status;
}

/* The code, or its URI, and its QR code, for people. */
static enum exit_status print_code(const struct cli_options *options,
                                   const struct wormclient_session *session)
{
    const char *appid = wormclient_value_text(wormclient_session_view(session), "appid");
    char *uri = uri_make(wormclient_session_code(session), wormclient_session_relay(session),
                         appid != NULL ? appid : "");
    enum exit_status status;

    if (uri == NULL)
        return report_memory();
    status = output_line(options->given[OPTION_URI] ? uri : wormclient_session_code(session));
    if (status == EXIT_DONE && options->given[OPTION_QR] &&
        (options->text[OPTION_QR] != NULL || isatty(STDOUT_FILENO)))
        status = draw_qr(uri);
    wipe_free(uri);
    return status;
}

enum exit_status new_session_await_code(struct wormclient *client, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session)
{
    enum exit_status status =
        wait_for(client, session, wormclient_has_code, -1, reported, ret_session);

    if (status == EXIT_DONE && wormclient_session_code(*ret_session) == NULL) {
        status = report_ended(*ret_session); /* it has run its whole course meanwhile */
        wormclient_session_free(*ret_session);
    }
    return status;
}

enum exit_status new_session_print_code(struct wormclient *client,
                                        const struct cli_options *options, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session)
{
    struct wormclient_session *view;
    enum exit_status status = new_session_await_code(client, session, reported, &view);

    if (status != EXIT_DONE)
        return status;
    status =
        output_for_program(options) ? output_session(options, view) : print_code(options, view);
    if (status == EXIT_DONE)
        *ret_session = view;
    else
        wormclient_session_free(view);
    return status;
}

enum exit_status new_session_print(const struct cli_options *options,
                                   const struct wormclient_session *session)
{
    if (output_for_program(options))
        return output_session(options, session);
    if (wormclient_session_name(session) == NULL)
        return output_line(wormclient_session_id(session));
    return EXIT_DONE;
}

/* ---- invite ---- */

static enum exit_status run_invite(struct wormclient *client, const struct cli_options *options)
{
    struct wait_reported reported = {0};
    struct wormclient_session *session, *view;
    enum exit_status status =
        new_session_begin(client, options, NULL, NULL, NEW_SESSION_LASTS, &session);

    if (status != EXIT_DONE)
        return status;
    status =
        new_session_print_code(client, options, wormclient_session_id(session), &reported, &view);
    if (status == EXIT_DONE) {
        const char *appid = wormclient_value_text(wormclient_session_view(view), "appid");
        char *command = hint_command(view, "wormctl accept", appid);

        report_hint("On the other machine: %s\n"
                    "To see its progress: wormctl show %s",
                    command != NULL ? command : "wormctl accept CODE", report_label(session));
        wipe_free(command);
        wormclient_session_free(view);
    }
    wormclient_session_free(session);
    return status;
}

static enum exit_status check_invite(const struct cli_options *options)
{
    return new_session_check_words("invite", options);
}

const struct cli_command invite_command = {
    .name = "invite",
    .usage = "",
    .help = "begin a session and print its code",
    .details = "Waits until the code exists. The session lives on in the daemon, whatever happens\n"
               "to this command.",
    .options = NEW_SESSION_OPTIONS | OPTION_BIT(OPTION_APPID) | OPTION_BIT(OPTION_WORDS) |
               OPTION_BIT(OPTION_QR) | OPTION_BIT(OPTION_URI),
    .begins = OPTION_GROUP_LASTING,
    .fields = fields_view,
    .check = check_invite,
    .run = run_invite,
};

/* ---- accept ---- */

static enum exit_status check_accept(const struct cli_options *options)
{
    if (options->count == 0 && !options->given[OPTION_CODE] && !isatty(STDIN_FILENO))
        return report_usage("accept", "no code given; - reads it from standard input");
    if (options->given[OPTION_MEET] && options->given[OPTION_NO_MEET])
        return report_usage("accept", "give either --wait or --no-wait, not both");
    return new_session_check_code("accept", options);
}

/* The peer is there, and has proven to know the code. */
static void hint_met(const struct wormclient_session *session)
{
    if (report_is(wormclient_session_view(session), "verification", "pending"))
        report_hint("The peer is there. Compare verifiers with it: wormctl verify %s",
                    report_label(session));
    else
        report_hint("The peer is there, and knows the code.\n"
                    "To send it a text: wormctl send %s TEXT\n"
                    "To get what it sends: wormctl recv --wait %s",
                    report_label(session), report_label(session));
}

/* The time ran out, and nothing is wrong with the session: what happens now. */
static void hint_goes_on(const struct wormclient_session *session)
{
    char until[WHEN_MAX];

    when_absolute(wormclient_session_deadline(session), clock_now(), until);
    report_hint("The daemon goes on until %s.\n"
                "To wait for the peer: wormctl wait %s --for established\n"
                "To see its progress: wormctl show %s",
                until, report_label(session), report_label(session));
}

/* Waits until the peer has come, or it is known why not. */
static enum exit_status meet(struct wormclient *client, const struct cli_options *options,
                             const char *session)
{
    bool asked = options->given[OPTION_MEET];
    struct wait_reported reported = {.briefly = !asked};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *view;
    enum exit_status status = EXIT_DONE;

    switch (wait_until(client, session, wormclient_is_established,
                       asked ? options->number[OPTION_MEET] : WAIT_ABSENT_AFTER, &reported, &view,
                       &error)) {
    case WAIT_REACHED:
        hint_met(view);
        break;
    case WAIT_ENDED:
        status = report_ended(view);
        break;
    case WAIT_TIME:
        if (view != NULL) {
            wait_report_reason(client, view, wormclient_is_established, &reported);
            hint_goes_on(view);
        }
        /* Who asked to wait for the peer did not get it; otherwise the session has begun. */
        status = asked ? EXIT_NOTHING : EXIT_DONE;
        break;
    case WAIT_ERROR:
        status = report_error_about(&error, session);
        break;
    }
    wormclient_session_free(view);
    return status;
}

static enum exit_status run_accept(struct wormclient *client, const struct cli_options *options)
{
    /* A person at a terminal is told how it goes; a program only if it asks for that. */
    bool waits =
        options->given[OPTION_MEET] ||
        (terminal_attended() && !options->given[OPTION_NO_MEET] && !output_for_program(options));
    struct wormclient_session *session = NULL;
    struct given_code code;
    enum exit_status status = new_session_code_read(client, options, NULL, &code);

    if (status != EXIT_DONE)
        return status;
    bool asked_to_send = code.send;
    status = new_session_begin(client, options, NULL, &code, NEW_SESSION_LASTS, &session);
    new_session_code_clear(&code);
    if (session == NULL)
        return status;
    status = new_session_print(options, session);
    if (asked_to_send)
        report_hint("The peer waits for something that you send.");
    if (status == EXIT_DONE && waits)
        status = meet(client, options, wormclient_session_id(session));
    else
        report_hint("The daemon does the rest. To see its progress: wormctl show %s",
                    report_label(session));
    wormclient_session_free(session);
    return status;
}

const struct cli_command accept_command = {
    .name = "accept",
    .usage = "[CODE]",
    .help = "join a session with the code from the other side",
    .details =
        "CODE may be a URI as in the QR codes of wormctl and other clients, or - to read it\n"
        "from standard input. Without CODE, wormctl asks for it on a terminal, where TAB\n"
        "completes it.\n"
        "Prints the id of the new session, unless --name gives it a name. On a terminal it then\n"
        "waits some seconds, and says whether the peer was there; elsewhere with --wait.",
    .options = NEW_SESSION_OPTIONS | OPTION_BIT(OPTION_APPID) | OPTION_BIT(OPTION_MEET) |
               OPTION_BIT(OPTION_NO_MEET),
    .begins = OPTION_GROUP_LASTING,
    .fields = fields_view,
    .most = 1,
    .check = check_accept,
    .run = run_accept,
};

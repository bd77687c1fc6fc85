/* wait, and how all other commands wait. */
#include "config.h"

#include "cli/command.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/wait.h"

struct wait_arg {
    wormclient_condition condition;
    struct wait_reported *reported;
};

static void report_down(const struct wormclient_value *view, struct wait_reported *reported)
{
    const char *error = wormclient_value_text(view, "last_error");
    const char *relay = wormclient_value_text(view, "relay");

    /* The relay may be known to be down before this session ever tried, or be up but of no use. */
    if (reported->down || (!wormclient_value_flag(view, "relay_down", false) &&
                           wormclient_value_number(view, "failures", 0) == 0))
        return;
    reported->down = true;
    report("cannot reach the relay %s%s%s", relay != NULL ? relay : "", error != NULL ? ": " : "",
           error != NULL ? error : "");
    report("the daemon keeps trying; still waiting");
}

const char wait_nobody_there[] =
    "nobody is there with this code yet: if somebody should be, its number was mistyped, or the "
    "code is used up (trying a wrong one with this number uses it up): ask for a new one";

static void report_nobody(const struct wormclient_value *view, struct wait_reported *reported)
{
    if (reported->nobody || !wormclient_value_flag(view, "nobody_there", false))
        return;
    reported->nobody = true;
    report("%s", wait_nobody_there);
    report("still waiting");
}

static void report_text(const struct wormclient_value *view, const char *key, const char *prefix,
                        bool *reported)
{
    const char *text = wormclient_value_text(view, key);

    if (text != NULL && !*reported) {
        *reported = true;
        report_lines(prefix, text);
    }
}

static enum wormclient_progress is_settled(const struct wormclient_session *session, void *arg)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    const struct wait_arg *wait = arg;
    enum wormclient_progress progress = wait->condition(session, NULL);

    report_text(view, "motd", "message from the relay: ", &wait->reported->motd);
    report_text(view, "relay_error", "the relay refuses: ", &wait->reported->error);
    if (progress == WORMCLIENT_PROGRESS_PENDING) {
        report_down(view, wait->reported);
        report_nobody(view, wait->reported);
    }
    return progress == WORMCLIENT_PROGRESS_PENDING ? progress : WORMCLIENT_PROGRESS_REACHED;
}

/* A session that lives can fail to meet a condition only if nothing is sent any more, or the peer
 * does not tell. */
static enum exit_status report_never(const struct wormclient_session *session)
{
    if (!wormclient_session_alive(session, NULL))
        return report_ended(session);
    if (wormclient_value_flag(wormclient_session_view(session), "copied", false))
        return report_copied(session);
    report("the peer sends no receipts because it is not wormholed; --for sent waits until the "
           "relay has everything");
    return EXIT_FAILED;
}

enum exit_status wait_for(struct wormclient *client, const char *session,
                          wormclient_condition condition, int64_t timeout,
                          struct wait_reported *reported, struct wormclient_session **ret_session)
{
    struct wait_arg wait = {.condition = condition, .reported = reported};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *view;
    enum exit_status status;

    view = wormclient_wait(client, session, is_settled, &wait, timeout, &error);
    if (view == NULL)
        return report_error_about(&error, session);
    status = condition(view, NULL) == WORMCLIENT_PROGRESS_REACHED ? EXIT_DONE : report_never(view);
    if (status == EXIT_DONE && ret_session != NULL) {
        *ret_session = view;
        return EXIT_DONE;
    }
    wormclient_session_free(view);
    return status;
}

/* ---- wait ---- */

static enum exit_status check_wait(const struct cli_options *options)
{
    const char *condition = options->text[OPTION_FOR];

    if (condition == NULL)
        return report_usage("wait", "missing option --for CONDITION");
    if (wormclient_condition_find(condition) == NULL)
        return report_usage("wait", "unknown condition '%s'", condition);
    return EXIT_DONE;
}

static enum exit_status run_wait(struct wormclient *client, const struct cli_options *options)
{
    wormclient_condition condition = wormclient_condition_find(options->text[OPTION_FOR]);
    int64_t timeout = options->given[OPTION_LIMIT] ? options->number[OPTION_LIMIT] : -1;
    struct wormclient_session *session = NULL;
    struct wait_reported reported = {.down = false};
    enum exit_status status;

    wormclient_set_reconnect(client, true); /* the wait goes on when the daemon restarts */
    status = wait_for(client, options->arguments[0], condition, timeout, &reported, &session);
    if (status != EXIT_DONE)
        return status;
    status = output_session(options, session);
    wormclient_session_free(session);
    return status;
}

const struct cli_command wait_command = {
    .name = "wait",
    .usage = "SESSION --for CONDITION",
    .help = "wait until a session meets a condition",
    .details = "  code         its code exists\n"
               "  keyed        somebody has used the code, but has not proved to know it yet\n"
               "  established  the peer has proved that it knows the code\n"
               "  verified     the verifiers have been compared and match\n"
               "  message      there is an unread message\n"
               "  sent         the relay has stored every message sent\n"
               "  delivered    the peer's daemon has stored every message sent\n"
               "  read         every message sent has been read\n"
               "  closed       the session has ended and the relay has been told",
    .options = OPTION_BIT(OPTION_FOR) | OPTION_BIT(OPTION_LIMIT),
    .fields = fields_view,
    .least = 1,
    .most = 1,
    .check = check_wait,
    .run = run_wait,
};

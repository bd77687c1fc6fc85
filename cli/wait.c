/* wait, and how all other commands wait. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/absent.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/wait.h"
#include "cli/when.h"

/* How often the line on the terminal is brought up to date, ms. */
#define TICK 1000
/* Room for that line, which is cut to the terminal. */
#define LINE_SIZE 256
#define REST_SIZE 128

/* ---- what is waited for ---- */

enum wormclient_progress wait_is_answered(const struct wormclient_session *session, void *arg)
{
    const struct wormclient_value *view = wormclient_session_view(session);

    (void)arg;
    if (wormclient_session_result(session) != NULL)
        return WORMCLIENT_PROGRESS_REACHED;
    return wormclient_value_flag(view, "copied", false) || !wormclient_session_alive(session, NULL)
               ? WORMCLIENT_PROGRESS_NEVER
               : WORMCLIENT_PROGRESS_PENDING;
}

/* In the words of a person who waits, and what may be said while that has not come. */
static const struct wait_subject {
    wormclient_condition condition;
    const char *wanted, *missing;
} subjects[] = {
    {wormclient_has_code, "a code from the relay", "the relay has not given a code yet"},
    {wormclient_is_keyed, "somebody to use the code", "nobody has used the code yet"},
    {wormclient_is_established, "the peer", NULL},
    {wormclient_is_verified, "the verifiers to be compared",
     "nobody has said here yet that the verifiers match"},
    {wormclient_has_message, "a message", "the peer has sent nothing new"},
    {wormclient_is_sent, "the relay to have everything", "the relay has not got everything yet"},
    {wormclient_is_delivered, "the peer to get everything",
     "the peer's daemon has not fetched everything yet"},
    {wormclient_is_read, "the peer to read everything", "the peer has not read everything yet"},
    {wait_is_answered, "the peer to take the text", "the peer has not answered yet"},
    {wormclient_is_closed, "the session to end", "nobody has closed the session yet"},
};

static const struct wait_subject *find_subject(wormclient_condition condition)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        if (subjects[i].condition == condition)
            return &subjects[i];
    return NULL;
}

/* The relay may be known to be down before this session ever tried, or be up but of no use. */
static bool is_out_of_reach(const struct wormclient_value *view)
{
    return wormclient_value_flag(view, "relay_down", false) ||
           wormclient_value_number(view, "failures", 0) > 0;
}

/* Why; or NULL. */
static const char *trouble(const struct wormclient_value *view)
{
    const char *error = wormclient_value_text(view, "last_error");

    return error != NULL ? error : wormclient_value_text(view, "relay_failure");
}

static bool is_connected(const struct wormclient_value *view)
{
    return report_is(view, "connection", "visiting") || report_is(view, "connection", "held");
}

/* ---- while it waits ---- */

/* One wait. */
struct wait_run {
    struct wormclient *client;
    wormclient_condition condition;
    struct wait_reported *reported;  /* NULL: nothing is reported */
    struct wormclient_session *view; /* the newest; NULL before the first */
    struct wormclient_error error;
    int64_t begun; /* monotonic */
    bool live;     /* a line on the terminal tells how it goes */
    bool done, failed;
};

static void report_down(const struct wormclient_value *view, struct wait_reported *reported)
{
    const char *error = trouble(view);
    const char *relay = wormclient_value_text(view, "relay");

    if (reported->down || !is_out_of_reach(view))
        return;
    reported->down = true;
    report_note("cannot reach the relay %s%s%s", relay != NULL ? relay : "",
                error != NULL ? ": " : "", error != NULL ? error : "");
    report_note("the daemon keeps trying; still waiting");
}

const char wait_nobody_there[] =
    "nobody is there with this code yet: if somebody should be, its number was mistyped, or the "
    "code is used up (trying a wrong one with this number uses it up): ask for a new one";

const char wait_unexpected[] =
    "somebody who knows the number of this code leaves messages, but does not exchange keys: if "
    "whoever you expect cannot come, agree on a new code";

static void report_unexpected(const struct wormclient_value *view, struct wait_reported *reported)
{
    if (reported->unexpected || wormclient_value_number(view, "unexpected", 0) == 0)
        return;
    reported->unexpected = true;
    report_note("%s", wait_unexpected);
    report_note("still waiting");
}

static void report_nobody(const struct wormclient_value *view, struct wait_reported *reported)
{
    if (reported->nobody || !wormclient_value_flag(view, "nobody_there", false))
        return;
    reported->nobody = true;
    report_note("%s", wait_nobody_there);
    report_note("still waiting");
}

static void report_text(const struct wormclient_value *view, const char *key, const char *prefix,
                        bool *reported)
{
    const char *text = wormclient_value_text(view, key);

    if (text != NULL && !*reported) {
        *reported = true;
        report_lines(true, prefix, text);
    }
}

/* Takes a newer view. False: out of memory, the older one remains. */
static bool take_view(struct wait_run *run, const struct wormclient_session *session,
                      struct wormclient_error *ret_error)
{
    struct wormclient_session *copy = wormclient_session_dup(session, ret_error);

    if (copy == NULL)
        return false;
    wormclient_session_free(run->view);
    run->view = copy;
    return true;
}

static enum wormclient_progress is_settled(const struct wormclient_session *session, void *arg)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    struct wait_run *run = arg;
    enum wormclient_progress progress = run->condition(session, NULL);

    take_view(run, session, NULL); /* an older one will do until the wait ends */
    if (run->reported != NULL) {
        report_text(view, "motd", "message from the relay: ", &run->reported->motd);
        report_text(view, "relay_error", "the relay refuses: ", &run->reported->error);
        if (progress == WORMCLIENT_PROGRESS_PENDING) {
            report_down(view, run->reported);
            report_nobody(view, run->reported);
            report_unexpected(view, run->reported);
        }
    }
    return progress == WORMCLIENT_PROGRESS_PENDING ? progress : WORMCLIENT_PROGRESS_REACHED;
}

static void on_settled(struct wormclient *client, const struct wormclient_error *error,
                       const struct wormclient_session *session, void *arg)
{
    struct wait_run *run = arg;

    (void)client;
    run->done = true;
    if (error != NULL)
        wormclient_error_copy(&run->error, error);
    run->failed = error != NULL || !take_view(run, session, &run->error);
}

/* ---- the line on the terminal ---- */

/* How the connection to the relay is: the rest of the line. */
static void describe_connection(const struct wormclient_value *view, char *text, size_t size)
{
    bool down = is_out_of_reach(view);
    int64_t next = wormclient_value_number(view, "next_visit", -1), now = clock_now();
    char when[WHEN_MAX];

    when_relative(next, now, when);
    if (is_connected(view))
        snprintf(text, size, "; connected");
    else if (report_is(view, "connection", "connecting") || next < 0 || next <= now)
        snprintf(text, size, down ? "; trying the relay again" : "; connecting");
    else
        snprintf(text, size, "; next %s %s", down ? "try" : "look", when);
}

static void draw(const struct wait_run *run)
{
    const struct wait_subject *subject = find_subject(run->condition);
    char text[LINE_SIZE], rest[REST_SIZE] = "";

    if (wormclient_fd(run->client) < 0)
        snprintf(rest, sizeof(rest), "; the daemon is away");
    else if (run->view != NULL)
        describe_connection(wormclient_session_view(run->view), rest, sizeof(rest));
    snprintf(text, sizeof(text), "Waiting for %s%s", subject != NULL ? subject->wanted : "it",
             rest);
    report_progress(text);
}

/* The moment that the line tells has come, or a connection is being made: changes of that are not
 * told. */
static bool is_view_over(const struct wormclient_value *view)
{
    int64_t next = wormclient_value_number(view, "next_visit", -1);

    return !report_is(view, "connection", "none") || next < 0 || next <= clock_now();
}

static void look_again(struct wait_run *run)
{
    struct wormclient_session *session;

    if (run->view == NULL || wormclient_fd(run->client) < 0 ||
        !is_view_over(wormclient_session_view(run->view)))
        return;
    session = wormclient_show(run->client, wormclient_session_id(run->view), NULL);
    if (session != NULL && !run->done) {
        is_settled(session, run);
    }
    wormclient_session_free(session);
}

/* ---- nobody there ---- */

/* Nobody has come, and nothing else is wrong. */
static bool is_absent(const struct wormclient_session *session)
{
    const struct wormclient_value *view = wormclient_session_view(session);

    return wormclient_value_flag(view, "nobody_there", false) && !is_out_of_reach(view);
}

/* In how many ms it is to be said that nobody is there; -1: never. */
static int64_t absent_in(const struct wait_run *run)
{
    int64_t left = run->begun + WAIT_ABSENT_AFTER - clock_monotonic();

    if (run->reported == NULL || run->reported->briefly || run->reported->absent)
        return -1;
    return left > 0 ? left : 0;
}

static void look_for_peer(struct wait_run *run)
{
    struct wormclient_session *session;

    if (absent_in(run) != 0 || run->view == NULL)
        return;
    if (!is_absent(run->view))
        return;
    run->reported->absent = true;
    session = wormclient_session_dup(run->view, NULL); /* a newer one may come meanwhile */
    if (session != NULL)
        absent_report(run->client, session);
    wormclient_session_free(session);
}

/* ---- waiting ---- */

static bool sleep_for_news(struct wait_run *run, struct wormclient_error *ret_error)
{
    int64_t pause = absent_in(run);

    /* What is past was looked at, and can only be told after a change. */
    if (pause == 0)
        pause = TICK;
    if (run->live && (pause < 0 || pause > TICK))
        pause = TICK;
    return wormclient_run_once(run->client, (int)pause, ret_error);
}

static enum wait_end follow(struct wait_run *run, const char *session, int64_t timeout)
{
    struct wormclient_waiter *waiter = wormclient_wait_async(run->client, session, is_settled, run,
                                                             timeout, on_settled, run, &run->error);

    run->failed = waiter == NULL;
    run->done = run->failed;
    while (!run->done) {
        if (run->live)
            draw(run);
        if (!sleep_for_news(run, &run->error) && !run->done) {
            wormclient_waiter_cancel(waiter); /* it must not be called when `run` is gone */
            run->failed = run->done = true;
        }
        if (!run->done && run->live)
            look_again(run);
        if (!run->done)
            look_for_peer(run);
    }
    if (run->live)
        report_progress(NULL);
    if (run->failed)
        return run->error.code == WORMCLIENT_ERROR_TIMEOUT ? WAIT_TIME : WAIT_ERROR;
    return run->condition(run->view, NULL) == WORMCLIENT_PROGRESS_REACHED ? WAIT_REACHED
                                                                          : WAIT_ENDED;
}

/* The reason is told by what is so now: the newest change may not have arrived in time. */
static void refresh(struct wait_run *run)
{
    struct wormclient_session *now =
        run->view == NULL ? NULL
                          : wormclient_show(run->client, wormclient_session_id(run->view), NULL);

    if (now == NULL)
        return;
    wormclient_session_free(run->view);
    run->view = now;
}

enum wait_end wait_until(struct wormclient *client, const char *session,
                         wormclient_condition condition, int64_t timeout,
                         struct wait_reported *reported, struct wormclient_session **ret_session,
                         struct wormclient_error *ret_error)
{
    bool live = isatty(STDERR_FILENO);
    struct wait_reported own = {0};
    struct wait_run run = {
        .client = client,
        .condition = condition,
        .reported = reported != NULL ? reported
                    : live           ? &own
                                     : NULL,
        .error = WORMCLIENT_ERROR_INIT,
        .begun = clock_monotonic(),
        .live = live,
    };
    enum wait_end end;

    wormclient_set_reconnect(client, true); /* the wait goes on when the daemon restarts */
    wormclient_set_hold(client, true);
    end = follow(&run, session, timeout);
    if (end == WAIT_TIME)
        refresh(&run);
    *ret_session = run.view;
    if (end == WAIT_TIME || end == WAIT_ERROR)
        wormclient_error_copy(ret_error, &run.error);
    return end;
}

/* ---- how it ended ---- */

/* What has not come yet, of a session at whose relay nothing is wrong. */
static const char *missing(const struct wormclient_session *session, wormclient_condition condition)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    const struct wait_subject *subject = find_subject(condition);

    if (report_is(view, "state", "allocating"))
        return "the relay has not given a code yet";
    if (report_is(view, "state", "waiting"))
        return "nobody has used the code yet";
    if (report_is(view, "state", "keyed"))
        return "somebody has used the code, and still has to prove to know it";
    if (condition == wormclient_has_message && report_is(view, "verification", "pending"))
        return "messages are held back until the verifiers have been compared";
    if (condition == wormclient_has_message && wormclient_value_flag(view, "leased", false))
        return "another program is at work on the unread messages";
    return subject != NULL ? subject->missing : NULL;
}

void wait_report_reason(struct wormclient *client, const struct wormclient_session *session,
                        wormclient_condition condition, struct wait_reported *reported)
{
    static struct wait_reported nothing;
    const struct wait_reported *said = reported != NULL ? reported : &nothing;
    const struct wormclient_value *view = wormclient_session_view(session);
    const char *error = wormclient_value_text(view, "relay_error"), *reason;
    int64_t next = wormclient_value_number(view, "next_visit", -1);
    char when[WHEN_MAX] = "soon";

    if (next > clock_now())
        when_relative(next, clock_now(), when);
    if (error != NULL) {
        if (!said->error)
            report("the relay refuses: %s", error);
    } else if (is_out_of_reach(view)) {
        error = trouble(view);
        if (said->down)
            report("the relay is still out of reach; next try %s", when);
        else
            report("cannot reach the relay %s%s%s; next try %s", wormclient_session_relay(session),
                   error != NULL ? ": " : "", error != NULL ? error : "", when);
    } else if (said->briefly && is_absent(session)) {
        absent_report(client, session);
    } else if (!said->absent && !said->nobody) {
        reason = missing(session, condition);
        if (reason != NULL)
            report("%s", reason);
    }
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

bool wait_until_back(struct wormclient *client, struct wormclient_error *error)
{
    struct wormclient_error end = WORMCLIENT_ERROR_INIT;

    if (error->code != WORMCLIENT_ERROR_LOST && error->code != WORMCLIENT_ERROR_NO_DAEMON)
        return false;
    while (wormclient_fd(client) < 0) {
        if (isatty(STDERR_FILENO))
            report_progress("Waiting for the daemon to come back");
        if (!wormclient_run_once(client, -1, &end)) {
            wormclient_error_copy(error, &end);
            return false;
        }
    }
    report_progress(NULL);
    *error = (struct wormclient_error)WORMCLIENT_ERROR_INIT;
    return true;
}

enum exit_status wait_for(struct wormclient *client, const char *session,
                          wormclient_condition condition, int64_t timeout,
                          struct wait_reported *reported, struct wormclient_session **ret_session)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *view;
    enum wait_end end = wait_until(client, session, condition, timeout, reported, &view, &error);
    enum exit_status status = EXIT_DONE;

    if (end == WAIT_ENDED)
        status = report_never(view);
    else if (end != WAIT_REACHED)
        status = report_error_about(&error, session);
    if (end == WAIT_TIME && view != NULL)
        wait_report_reason(client, view, condition, reported);
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
    struct wait_reported reported = {.down = false};
    struct wormclient_session *session = NULL;
    enum exit_status status;

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

/* watch: every change as it happens. */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/typos.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/list.h"
#include "cli/watch_known.h"
#include "cli/watch_line.h"

/* Room for all events in one sentence, and for one that is none. */
#define EVENTS_MAX 192
#define EVENT_MAX  32

/* One run of watch. */
struct watch_run {
    struct wormclient *client; /* comes back by itself when the daemon restarts */
    const struct cli_options *options;
    char id[WATCH_ID_SIZE]; /* of the only session that is watched; "": all are */
    struct watch_known known;
    bool complete;          /* `known` has every session there is */
    int64_t since;          /* all changes up to this one were reported; -1: before the first */
    int64_t newest;         /* the daemon's newest change, as it was notified last */
    uint64_t notifications; /* counted up by each */
    bool connected;         /* false until the watch has begun, and while the daemon is away */
    bool reported_lost;
    enum exit_status status; /* of a watch that is over */
    uint32_t events;         /* a change with none of these is not reported */
};

/* How a step went. */
enum watch_step {
    WATCH_GOING_ON = 0,
    WATCH_LOST, /* the connection, which comes back */
    WATCH_OVER, /* the watch ends with run->status */
};

/* The watch ends with this status. */
static enum watch_step end_with(struct watch_run *run, enum exit_status status)
{
    run->status = status;
    return WATCH_OVER;
}

static enum watch_step lose_connection(struct watch_run *run, const char *reason)
{
    run->connected = false;
    if (!run->reported_lost) {
        report_note("%s; continuing after change %" PRId64 " once the daemon is back", reason,
                    run->since);
    }
    run->reported_lost = true;
    return WATCH_LOST;
}

/* A daemon that goes away comes back; any other error is final. */
static enum watch_step handle_error(struct watch_run *run, const struct wormclient_error *error)
{
    return wormclient_error_is_fatal(error) ? lose_connection(run, error->text)
                                            : end_with(run, report_error(error));
}

/* ---- signals and sleep ---- */

static const int signals[] = {SIGINT, SIGTERM};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* From now on SIGINT and SIGTERM do not end the program at once; a second one does. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND}, old;

    for (size_t i = 0; i < SIGNALS; i++) {
        /* Whoever started wormctl in the background, out of reach of Ctrl-C, meant it. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

/* Sleeps until wormclient_process() has something to do, or a signal comes. The signals are blocked
 * but for the sleep itself, so that none is missed. */
static void sleep_on(struct wormclient *client, const sigset_t *mask)
{
    int interest = wormclient_interest(client), timeout = wormclient_timeout(client);
    struct pollfd socket = {.fd = wormclient_fd(client)};
    struct timespec time = {.tv_sec = timeout / 1000, .tv_nsec = (timeout % 1000) * 1000000L};

    socket.events = (short)(((interest & WORMCLIENT_WANT_READ) != 0 ? POLLIN : 0) |
                            ((interest & WORMCLIENT_WANT_WRITE) != 0 ? POLLOUT : 0));
    ppoll(&socket, 1, timeout >= 0 ? &time : NULL, mask);
}

/* Sleeps until a notification has come that is not counted in `seen`, or the user interrupts. */
static enum watch_step await_notification(struct watch_run *run, uint64_t seen)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    enum watch_step step = WATCH_GOING_ON;
    sigset_t held, before;

    sigemptyset(&held);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&held, signals[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    while (step != WATCH_OVER && !interrupted && run->notifications == seen) {
        sleep_on(run->client, &before);
        if (!wormclient_process(run->client, &error))
            step = end_with(run, report_error(&error));
        else if (run->connected && wormclient_fd(run->client) < 0)
            lose_connection(run, "lost the connection to the daemon");
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return step;
}

/* ---- reporting changes ---- */

static enum watch_step report_line(struct watch_run *run, const struct watch_line *line)
{
    const char *command = run->options->text[OPTION_EXEC];
    enum exit_status status;

    if (run->options->given[OPTION_ON] && (line->events & run->events) == 0)
        return WATCH_GOING_ON;
    status = watch_line_print(run->options, line);

    if (status == EXIT_DONE && command != NULL)
        status = watch_line_exec(command, run->options->text[OPTION_SOCKET], line);
    return status == EXIT_DONE ? WATCH_GOING_ON : end_with(run, status);
}

static enum watch_step report_change(struct watch_run *run, int64_t change,
                                     const struct wormclient_session *session)
{
    const char *id = wormclient_session_id(session);
    const struct snapshot now = snapshot_take(session), *before = watch_known_find(&run->known, id);
    struct watch_line line = {
        .change = change,
        .time = clock_now(),
        .session = id,
        .name = now.name,
        .events = snapshot_compare(before, &now),
        .messages = snapshot_new_messages(before, &now),
        .view = wormclient_session_view(session),
    };
    enum watch_step step;

    if (before != NULL && before->change >= change)
        return WATCH_GOING_ON;
    step = report_line(run, &line);
    if (step == WATCH_GOING_ON && !watch_known_remember(&run->known, id, &now))
        step = end_with(run, report_memory());
    return step;
}

static enum watch_step report_forgotten(struct watch_run *run, const char *id)
{
    const struct snapshot gone = snapshot_take(NULL), *before = watch_known_find(&run->known, id);
    struct watch_line line = {
        .change = run->since,
        .time = clock_now(),
        .session = id,
        .name = before != NULL ? before->name : "",
        .events = snapshot_compare(before, &gone),
    };
    enum watch_step step = report_line(run, &line);

    watch_known_forget(&run->known, id);
    return step;
}

/* ---- one session ---- */

static enum watch_step scan_one(struct watch_run *run)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = wormclient_show(run->client, run->id, &error);
    enum watch_step step = WATCH_GOING_ON;
    int64_t change;

    if (session == NULL && error.code == WORMCLIENT_ERROR_NOT_FOUND) {
        step = report_forgotten(run, run->id);
        return step == WATCH_GOING_ON ? end_with(run, EXIT_DONE) : step;
    }
    if (session == NULL)
        return handle_error(run, &error);
    change = (int64_t)wormclient_session_change(session);
    if (change > run->since) {
        step = report_change(run, change, session);
        if (step == WATCH_GOING_ON)
            run->since = change;
    }
    wormclient_session_free(session);
    return step;
}

/* ---- all sessions ---- */

/* Reports one session that has changed. If it is forgotten already, that is reported separately. */
static enum watch_step scan_changed(struct watch_run *run, const char *id, int64_t change)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = wormclient_show(run->client, id, &error);
    enum watch_step step = WATCH_GOING_ON;

    if (session != NULL)
        step = report_change(run, change, session);
    else if (error.code != WORMCLIENT_ERROR_NOT_FOUND)
        step = handle_error(run, &error);
    if (step == WATCH_GOING_ON)
        run->since = change;
    wormclient_session_free(session);
    return step;
}

/* Reports a page of changes: *ret_more if there may be others. */
static enum watch_step scan_page(struct watch_run *run, bool *ret_more)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_changes *page =
        wormclient_changes(run->client, (uint64_t)run->since, WORMCLIENT_PAGE_MAX, &error);
    enum watch_step step = WATCH_GOING_ON;
    size_t count;

    if (page == NULL)
        return handle_error(run, &error);
    count = wormclient_changes_count(page);
    for (size_t i = 0; i < count && step == WATCH_GOING_ON && !interrupted; i++) {
        uint64_t change = 0;
        const char *id = wormclient_changes_at(page, i, &change);

        step = scan_changed(run, id, (int64_t)change);
    }
    /* Changes that are no longer listed were of sessions that have been forgotten. */
    if (count == 0)
        run->since = (int64_t)wormclient_changes_newest(page);
    wormclient_changes_free(page);
    *ret_more = count > 0;
    return step;
}

/* Reports the known sessions that no longer exist. */
static enum watch_step scan_missing(struct watch_run *run)
{
    struct list_pages pages = {.client = run->client};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    const struct wormclient_list *page;
    char id[WATCH_ID_SIZE];
    enum watch_step step;

    watch_known_begin_round(&run->known);
    while ((page = list_next_page(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_list_count(page); i++)
            watch_known_mark(&run->known, wormclient_session_id(wormclient_list_at(page, i)));
    list_pages_clear(&pages);
    step = error.code == WORMCLIENT_ERROR_NONE ? WATCH_GOING_ON : handle_error(run, &error);
    while (step == WATCH_GOING_ON && watch_known_missing(&run->known, id))
        step = report_forgotten(run, id);
    return step;
}

static enum watch_step scan_all(struct watch_run *run)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_status *status;
    enum watch_step step;
    int64_t count;
    bool more = false;

    do {
        step = scan_page(run, &more);
    } while (step == WATCH_GOING_ON && more && !interrupted);
    if (step != WATCH_GOING_ON || more)
        return step;
    /* No list tells which sessions were forgotten, and notifications may be merged; but then there
     * are fewer than are known. */
    status = wormclient_status(run->client, &error);
    if (status == NULL)
        return handle_error(run, &error);
    count = wormclient_status_sessions(status);
    wormclient_status_free(status);
    return count < (int64_t)watch_known_count(&run->known) ? scan_missing(run) : WATCH_GOING_ON;
}

/* ---- the beginning, and after the daemon was away ---- */

/* Remembers how a session was before anything is reported of it; what has changed since then counts
 * as all new. */
static enum watch_step remember(struct watch_run *run, const struct wormclient_session *session)
{
    struct snapshot snapshot = snapshot_take(session);

    if (snapshot.change > run->since ||
        watch_known_remember(&run->known, wormclient_session_id(session), &snapshot))
        return WATCH_GOING_ON;
    return end_with(run, report_memory());
}

static enum watch_step remember_all(struct watch_run *run)
{
    struct list_pages pages = {.client = run->client};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    const struct wormclient_list *page;
    enum watch_step step = WATCH_GOING_ON;

    while (step == WATCH_GOING_ON && (page = list_next_page(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_list_count(page) && step == WATCH_GOING_ON; i++)
            step = remember(run, wormclient_list_at(page, i));
    list_pages_clear(&pages);
    if (step == WATCH_GOING_ON && error.code != WORMCLIENT_ERROR_NONE)
        step = handle_error(run, &error);
    return step;
}

static enum watch_step remember_one(struct watch_run *run)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = wormclient_show(run->client, run->id, &error);
    enum watch_step step;

    /* Forgotten while the daemon was away: the scan will tell. */
    if (session == NULL && error.code == WORMCLIENT_ERROR_NOT_FOUND)
        return WATCH_GOING_ON;
    if (session == NULL)
        return handle_error(run, &error);
    step = remember(run, session);
    wormclient_session_free(session);
    return step;
}

/* The watch has begun, or has begun again, before anything is looked at: nothing happens unseen. */
static enum watch_step begin(struct watch_run *run)
{
    enum watch_step step = WATCH_GOING_ON;

    if (run->reported_lost)
        report_note("the daemon is back");
    run->reported_lost = false;
    run->connected = true;
    if (run->since < 0) {
        run->since = run->newest;
    } else if (run->newest < run->since) {
        report_note("the daemon's newest change is %" PRId64 ": it has a different store",
                    run->newest);
        run->since = run->newest;
        run->complete = false;
        watch_known_clear(&run->known);
    }
    if (!run->complete)
        step = run->id[0] != '\0' ? remember_one(run) : remember_all(run);
    run->complete = run->complete || step == WATCH_GOING_ON;
    return step;
}

/* ---- watching ---- */

static void on_changed(struct wormclient *client, const struct wormclient_error *error,
                       uint64_t change, const char *session, void *arg)
{
    struct watch_run *run = arg;

    (void)client;
    (void)session;
    /* An error is about a session that was forgotten, as the scan will find. */
    if (error == NULL)
        run->newest = (int64_t)change;
    run->notifications++;
}

/* Until the user interrupts, or it is over. */
static enum exit_status follow(struct watch_run *run)
{
    enum watch_step step = WATCH_GOING_ON;
    uint64_t seen = 0;

    while (step != WATCH_OVER && !interrupted) {
        step = await_notification(run, seen);
        seen = run->notifications;
        if (step == WATCH_GOING_ON && !interrupted && !run->connected)
            step = begin(run);
        if (step == WATCH_GOING_ON && !interrupted)
            step = run->id[0] != '\0' ? scan_one(run) : scan_all(run);
    }
    return step == WATCH_OVER ? run->status : EXIT_DONE;
}

/* `wrong` begins with what is no event. */
static enum exit_status report_no_event(const char *wrong)
{
    char word[EVENT_MAX], words[EVENTS_MAX];
    struct typos_nearest nearest = {.word = word, .most = TYPOS_MAX};
    size_t end = 0;

    snprintf(word, sizeof(word), "%.*s", (int)strcspn(wrong, ","), wrong);
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        const char *event = snapshot_word((enum snapshot_event)i);

        typos_offer(&nearest, event, strlen(event));
        if (end < sizeof(words))
            end += (size_t)snprintf(words + end, sizeof(words) - end, "%s%s", i > 0 ? ", " : "",
                                    event);
    }
    if (nearest.name != NULL)
        return report_usage("watch",
                            "--on: unknown event '%s', did you mean '%s'? The events are: %s", word,
                            nearest.name, words);
    return report_usage("watch", "--on: unknown event '%s'; the events are: %s", word, words);
}

static enum exit_status check_watch(const struct cli_options *options)
{
    const char *wrong;
    uint32_t events;

    return !options->given[OPTION_ON] ||
                   snapshot_read_events(options->text[OPTION_ON], &events, &wrong)
               ? EXIT_DONE
               : report_no_event(wrong);
}

static enum exit_status run_watch(struct wormclient *client, const struct cli_options *options)
{
    struct watch_run run = {.client = client, .options = options, .since = -1};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_watch *watch;
    enum exit_status status;
    const char *wrong;

    if (options->count > 0) { /* by its id from now on: its name may change */
        struct wormclient_session *session = wormclient_show(client, options->arguments[0], &error);

        if (session == NULL)
            return report_error_about(&error, options->arguments[0]);
        snprintf(run.id, sizeof(run.id), "%s", wormclient_session_id(session));
        wormclient_session_free(session);
    }
    if (options->given[OPTION_ON])
        (void)snapshot_read_events(options->text[OPTION_ON], &run.events, &wrong); /* checked */
    if (options->given[OPTION_SINCE])
        run.since = options->number[OPTION_SINCE];
    catch_signals();
    wormclient_set_reconnect(client, true);
    watch = wormclient_watch(client, run.id[0] != '\0' ? run.id : NULL, on_changed, &run, &error);
    if (watch == NULL)
        return report_error(&error);
    status = follow(&run);
    wormclient_watch_free(watch);
    watch_known_clear(&run.known);
    return status;
}

const struct cli_command watch_command = {
    .name = "watch",
    .usage = "[SESSION]",
    .help = "report every change as it happens",
    .details =
        "Runs until it is interrupted, even across restarts of the daemon. Each line begins\n"
        "with the number of the change, which can be passed to --since.",
    .options = OPTION_BIT(OPTION_SINCE) | OPTION_BIT(OPTION_ON) | OPTION_BIT(OPTION_EXEC),
    .fields = fields_change,
    .most = 1,
    .check = check_watch,
    .run = run_watch,
};

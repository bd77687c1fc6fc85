#include "config.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/candidates.h"
#include "cli/escape.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/report_json.h"
#include "cli/terminal.h"

/* Room for what Ctrl-C writes: two lines of text with a petname or two in them. */
#define INTERRUPT_TEXT_MAX 1024

/* Exit status and hint for errors that have more to say than "failed". SESSION stands for what
 * the user called it. */
static const struct error_hint {
    enum wormclient_error_code code;
    enum exit_status status;
    const char *text; /* NULL: the error says it all */
} error_hints[] = {
    {WORMCLIENT_ERROR_NO_DAEMON, EXIT_NO_DAEMON,
     "start the daemon with 'systemctl --user start wormholed', or run 'wormholed'"},
    {WORMCLIENT_ERROR_DENIED, EXIT_FAILED, "the daemon serves only the user who started it"},
    {WORMCLIENT_ERROR_LOST, EXIT_FAILED,
     "whatever the daemon had accepted is safe, even if it has stopped; check with: wormctl list"},
    {WORMCLIENT_ERROR_PROTOCOL, EXIT_FAILED, "check that the socket belongs to wormholed"},
    {WORMCLIENT_ERROR_ARGUMENT, EXIT_USAGE, NULL},
    {WORMCLIENT_ERROR_TIMEOUT, EXIT_NOTHING, NULL},
    {WORMCLIENT_ERROR_LONELY, EXIT_SESSION, "to see how it ended: wormctl show SESSION"},
    {WORMCLIENT_ERROR_FAILED, EXIT_SESSION, "to see how it ended: wormctl show SESSION"},
    {WORMCLIENT_ERROR_NOT_FOUND, EXIT_FAILED, "to list all sessions: wormctl list"},
    {WORMCLIENT_ERROR_AMBIGUOUS, EXIT_FAILED, "give more of the id, or a name; see: wormctl list"},
    {WORMCLIENT_ERROR_NAME_TAKEN, EXIT_FAILED, "choose another name, or forget the old session"},
    {WORMCLIENT_ERROR_BAD_CODE, EXIT_USAGE, NULL},
    {WORMCLIENT_ERROR_CLOSED, EXIT_FAILED, "to see how it ended: wormctl show SESSION"},
    {WORMCLIENT_ERROR_NOT_CLOSED, EXIT_FAILED,
     "close it first, or remove it without telling the relay: wormctl forget --force SESSION"},
    {WORMCLIENT_ERROR_NOT_KEYED, EXIT_NOTHING,
     "wait for the peer first: wormctl wait SESSION --for established"},
    {WORMCLIENT_ERROR_UNVERIFIED, EXIT_FAILED,
     "compare verifiers with the peer first: wormctl verify SESSION"},
    {WORMCLIENT_ERROR_STORE, EXIT_FAILED, "free space on the disk or in the store, then try again"},
};

/* What they are called with --json where the daemon has no word for them, and the exit status says
 * too little. */
static const struct error_word {
    enum wormclient_error_code code;
    const char *word;
} error_words[] = {
    {WORMCLIENT_ERROR_DENIED, "denied"},
    {WORMCLIENT_ERROR_LOST, "lost"},
    {WORMCLIENT_ERROR_PROTOCOL, "protocol"},
    {WORMCLIENT_ERROR_TIMEOUT, "timeout"},
};

/* ---- writing ---- */

/* Columns of the line that report_progress() has shown. */
static size_t progress_columns;

/* Without the terminal's own sequences: what is written here must not drive it. */
static void clear_progress(void)
{
    if (progress_columns > 0)
        fprintf(stderr, "\r%*s\r", (int)progress_columns, "");
    progress_columns = 0;
}

void report_progress(const char *text)
{
    size_t columns = report_json_is_on() ? 0 : terminal_columns(STDERR_FILENO);
    char *line = NULL;

    if (columns > 0 && text != NULL)
        line = malloc(strlen(text) + ESCAPE_CUT_EXTRA + 1);
    clear_progress();
    if (line != NULL) {
        strcpy(line, text);
        escape_cut(line, columns - 1); /* the last column would begin a line on some terminals */
        fputs(line, stderr);
        progress_columns = escape_width(line);
    }
    fflush(stderr);
    wipe_free(line);
}

/* Formats, and escapes control characters; newlines and tabs too unless `lines`. New; free();
 * NULL: out of memory. */
static char *format_safe(bool lines, const char *format, va_list arguments)
{
    char *text, *safe;

    if (vasprintf(&text, format, arguments) < 0)
        return NULL;
    safe = escape_text(text, strlen(text), lines);
    wipe_free(text);
    return safe;
}

/* What a line is to a program that reads it. */
enum line_kind {
    LINE_PLAIN = 0,
    LINE_NOTE,    /* no error */
    LINE_LEADING, /* the error that ends the command: what was reported before only leads to it */
};

/* Writes a line, after the name of a command unless that is NULL. */
static void write_line(enum line_kind kind, const char *command, const char *format,
                       va_list arguments)
{
    char *safe = format_safe(false, format, arguments), *line;

    if (safe == NULL || asprintf(&line, "%s%s%s", command != NULL ? command : "",
                                 command != NULL ? ": " : "", safe) < 0)
        line = strdup("out of memory");
    wipe_free(safe);
    clear_progress();
    if (line == NULL)
        return;
    if (!report_json_is_on())
        fprintf(stderr, "wormctl: %s\n", line);
    else if (kind == LINE_NOTE)
        report_json_note(line);
    else
        report_json_add(kind == LINE_LEADING, line);
    wipe_free(line);
}

void report(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LINE_PLAIN, NULL, format, arguments);
    va_end(arguments);
}

void report_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LINE_NOTE, NULL, format, arguments);
    va_end(arguments);
}

static void __attribute__((format(printf, 1, 2))) report_leading(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LINE_LEADING, NULL, format, arguments);
    va_end(arguments);
}

void report_lines(bool note, const char *prefix, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        (note ? report_note : report)("%s%.*s", prefix, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

void report_hint(const char *format, ...)
{
    va_list arguments;
    char *safe;

    if (!isatty(STDERR_FILENO) || report_json_is_on())
        return;
    va_start(arguments, format);
    safe = format_safe(true, format, arguments);
    va_end(arguments);
    clear_progress();
    if (safe != NULL)
        fprintf(stderr, "%s\n", safe);
    wipe_free(safe);
}

/* ---- errors ---- */

enum exit_status report_usage(const char *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LINE_LEADING, command, format, arguments);
    va_end(arguments);
    return report_try_help(command);
}

enum exit_status report_try_help(const char *command)
{
    static const char words[] = "Try 'wormctl %s%s--help'.";
    const char *gap = command != NULL ? " " : "";

    command = command != NULL ? command : "";
    if (report_json_is_on()) {
        report(words, command, gap);
    } else {
        fprintf(stderr, words, command, gap);
        fputc('\n', stderr);
    }
    return EXIT_USAGE;
}

/* Reports the hint, with the session's name in place of the word SESSION. */
static void report_hint_about(const char *text, const char *session)
{
    static const char word[] = "SESSION";
    const char *place = strstr(text, word);

    if (place == NULL)
        report("%s", text);
    else
        report("%.*s%s%s", (int)(place - text), text, session, place + strlen(word));
}

/* What hints call a session that the user has not named. */
static const char unknown_session[] = "SESSION";
/* Room for the name of a parameter. */
#define PARAMETER_MAX 32

static uint64_t taken_options;

void report_set_options(uint64_t set)
{
    taken_options = set;
}

/* What the daemon calls a parameter, a person knows as an option or an argument. */
static void report_bad_parameter(const char *text)
{
    static const char begin[] = "parameter \"";
    const char *key = strncmp(text, begin, strlen(begin)) == 0 ? text + strlen(begin) : "";
    size_t length = strcspn(key, "\"");
    char name[PARAMETER_MAX];
    bool is_option;

    if (length == 0 || length >= sizeof(name)) {
        report_leading("%s", text);
        return;
    }
    for (size_t i = 0; i < length; i++)
        name[i] = (char)(key[i] == '_' ? '-' : key[i]);
    name[length] = '\0';
    is_option = options_have(taken_options, name);
    for (size_t i = 0; i < length && !is_option; i++)
        name[i] = (char)toupper((unsigned char)name[i]);
    report_leading("%s%s%s", is_option ? "--" : "", name, key + length + 1);
}

enum exit_status report_error_about(const struct wormclient_error *error, const char *session)
{
    bool about = session != unknown_session && (error->code == WORMCLIENT_ERROR_NOT_FOUND ||
                                                error->code == WORMCLIENT_ERROR_AMBIGUOUS);

    if (error->daemon_code[0] != '\0')
        report_json_add_code(error->daemon_code);
    for (size_t i = 0; i < sizeof(error_words) / sizeof(error_words[0]); i++)
        if (error_words[i].code == error->code)
            report_json_add_code(error_words[i].word);
    /* The daemon found a mistake in the command line: as good as found here. */
    if (strcmp(error->daemon_code, "bad-params") == 0) {
        report_bad_parameter(error->text);
        return EXIT_USAGE;
    }
    report_leading("%s%s%s", about ? session : "", about ? ": " : "",
                   error->text[0] != '\0' ? error->text : "the daemon gave no reason");
    if (about && error->code == WORMCLIENT_ERROR_AMBIGUOUS)
        candidates_report(session);
    if (strcmp(error->daemon_code, "store-failed") == 0) {
        report("how the store of the daemon is: wormctl status");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < sizeof(error_hints) / sizeof(error_hints[0]); i++) {
        if (error_hints[i].code == error->code) {
            if (error_hints[i].text != NULL)
                report_hint_about(error_hints[i].text, session);
            return error_hints[i].status;
        }
    }
    return EXIT_FAILED;
}

enum exit_status report_error(const struct wormclient_error *error)
{
    return report_error_about(error, unknown_session);
}

enum exit_status report_memory(void)
{
    report("out of memory");
    return EXIT_FAILED;
}

/* ---- sessions ---- */

bool report_is_failure(const struct wormclient_session *session)
{
    const char *result = wormclient_session_result(session);

    return result != NULL && strcmp(result, "happy") != 0;
}

bool report_is(const struct wormclient_value *view, const char *key, const char *text)
{
    const char *found = wormclient_value_text(view, key);

    return found != NULL && strcmp(found, text) == 0;
}

bool report_has_ended(const struct wormclient_session *session)
{
    return report_is(wormclient_session_view(session), "state", "closed");
}

enum terminal_colour report_colour(const struct wormclient_session *session)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    const char *result = wormclient_session_result(session);

    if (wormclient_value_flag(view, "copied", false))
        return TERMINAL_RED;
    if (report_is(view, "result", "lonely"))
        return TERMINAL_YELLOW;
    if (result != NULL)
        return report_is_failure(session) ? TERMINAL_RED : TERMINAL_PLAIN;
    if (wormclient_value_flag(view, "paused", false) ||
        wormclient_value_flag(view, "nobody_there", false))
        return TERMINAL_YELLOW;
    return report_is(view, "state", "established") ? TERMINAL_GREEN : TERMINAL_PLAIN;
}

enum exit_status report_ended(const struct wormclient_session *session)
{
    const char *reason = wormclient_session_reason(session);

    if (report_is_failure(session)) {
        report_json_add_code(wormclient_session_result(session));
        report_leading("session %s failed (%s)%s%s", report_label(session),
                       wormclient_session_result(session), reason != NULL ? ": " : "",
                       reason != NULL ? reason : "");
        if (report_is(wormclient_session_view(session), "result", "scary"))
            report("the code is used up at both ends: the one who made it must make a new one; "
                   "then type it with care");
        return EXIT_SESSION;
    }
    report_leading("session %s has ended", report_label(session));
    return EXIT_NOTHING;
}

enum exit_status report_copied(const struct wormclient_session *session)
{
    report_leading("session %s: the daemon's store is an older copy, or one of two: the relay "
                   "holds messages in its name that it never sent; nothing more is sent from here",
                   report_label(session));
    return EXIT_SESSION;
}

const char *report_label(const struct wormclient_session *session)
{
    const char *name = wormclient_session_name(session);

    return name != NULL ? name : wormclient_session_id(session);
}

/* ---- Ctrl-C ---- */

static char interrupt_text[INTERRUPT_TEXT_MAX];

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (write(STDERR_FILENO, interrupt_text, strlen(interrupt_text)) < 0) {
        /* Nobody reads it; it is true all the same. */
    }
    _exit(EXIT_INTERRUPTED);
}

void report_on_interrupt(const char *format, ...)
{
    struct sigaction action = {.sa_handler = on_interrupt}, old;
    sigset_t block, before;
    va_list arguments;
    char *safe, *line;

    va_start(arguments, format);
    safe = format_safe(false, format, arguments);
    va_end(arguments);
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, &before); /* the handler must not see half of a text */
    line = report_json_is_on() ? report_json_format(safe, NULL, EXIT_INTERRUPTED, NULL) : NULL;
    if (line != NULL)
        snprintf(interrupt_text, sizeof(interrupt_text), "%s\n", line);
    else
        snprintf(interrupt_text, sizeof(interrupt_text), "\nwormctl: %s\n",
                 safe != NULL ? safe : "interrupted");
    wipe_free(line);
    /* Whoever started wormctl in the background, out of reach of Ctrl-C, meant it. */
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    wipe_free(safe);
}

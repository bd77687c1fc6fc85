#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/report.h"

/* Exit status and advice for errors that have more to say than "failed". SESSION stands for what
 * the user called it. */
static const struct error_hint {
    enum wormclient_error_code code;
    enum exit_status status;
    const char *text; /* NULL: the error says it all */
} error_hints[] = {
    {WORMCLIENT_ERROR_NO_DAEMON, EXIT_NO_DAEMON,
     "start the daemon: systemctl --user start wormholed, or just: wormholed"},
    {WORMCLIENT_ERROR_DENIED, EXIT_FAILED,
     "the daemon serves the user who started it, and nobody else"},
    {WORMCLIENT_ERROR_LOST, EXIT_FAILED,
     "what the daemon had accepted is safe, even if it has ended: look with wormctl list"},
    {WORMCLIENT_ERROR_PROTOCOL, EXIT_FAILED, "is that socket really wormholed's?"},
    {WORMCLIENT_ERROR_ARGUMENT, EXIT_USAGE, NULL},
    {WORMCLIENT_ERROR_TIMEOUT, EXIT_NOTHING, NULL},
    {WORMCLIENT_ERROR_LONELY, EXIT_SESSION, "how it ended: wormctl show SESSION"},
    {WORMCLIENT_ERROR_FAILED, EXIT_SESSION, "how it ended: wormctl show SESSION"},
    {WORMCLIENT_ERROR_NOT_FOUND, EXIT_FAILED, "see which sessions there are: wormctl list"},
    {WORMCLIENT_ERROR_AMBIGUOUS, EXIT_FAILED, "give more of the id, or a name: wormctl list"},
    {WORMCLIENT_ERROR_NAME_TAKEN, EXIT_FAILED, "choose another name, or forget the old session"},
    {WORMCLIENT_ERROR_BAD_CODE, EXIT_USAGE, NULL},
    {WORMCLIENT_ERROR_CLOSED, EXIT_FAILED, "how it ended: wormctl show SESSION"},
    {WORMCLIENT_ERROR_NOT_CLOSED, EXIT_FAILED,
     "close it first, or drop it without telling the relay: forget --force"},
    {WORMCLIENT_ERROR_NOT_KEYED, EXIT_NOTHING,
     "wait for the other side: wormctl wait SESSION --for established"},
    {WORMCLIENT_ERROR_UNVERIFIED, EXIT_FAILED,
     "compare the verifiers with the other side first: wormctl verify SESSION"},
    {WORMCLIENT_ERROR_STORE, EXIT_FAILED, "make room on the disk, or in the store, and try again"},
};

static void say(const char *format, va_list arguments)
{
    char *text, *safe = NULL;

    if (vasprintf(&text, format, arguments) >= 0) {
        safe = escape_text(text, strlen(text), false);
        free(text);
    }
    fprintf(stderr, "wormctl: %s\n", safe != NULL ? safe : "out of memory");
    free(safe);
}

void report(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void report_lines(const char *prefix, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        report("%s%.*s", prefix, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

void report_hint(const char *format, ...)
{
    va_list arguments;
    char *text, *safe = NULL;

    if (!isatty(STDERR_FILENO))
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        safe = escape_text(text, strlen(text), true);
        free(text);
    }
    va_end(arguments);
    if (safe != NULL)
        fprintf(stderr, "%s\n", safe);
    free(safe);
}

enum exit_status report_usage(const char *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return report_try_help(command);
}

enum exit_status report_try_help(const char *command)
{
    fprintf(stderr, "Try 'wormctl %s%s--help'.\n", command != NULL ? command : "",
            command != NULL ? " " : "");
    return EXIT_USAGE;
}

/* Says the advice, with the session's name for the word SESSION. */
static void hint_about(const char *text, const char *session)
{
    static const char word[] = "SESSION";
    const char *place = strstr(text, word);

    if (place == NULL)
        report("%s", text);
    else
        report("%.*s%s%s", (int)(place - text), text, session, place + strlen(word));
}

enum exit_status report_error_about(const struct wormclient_error *error, const char *session)
{
    report("%s", error->text[0] != '\0' ? error->text : "the daemon gave no reason");
    /* The daemon found a mistake that the command line brought: as good as found here. */
    if (report_is_code(error, "bad-params"))
        return EXIT_USAGE;
    for (size_t i = 0; i < sizeof(error_hints) / sizeof(error_hints[0]); i++) {
        if (error_hints[i].code == error->code) {
            if (error_hints[i].text != NULL)
                hint_about(error_hints[i].text, session);
            return error_hints[i].status;
        }
    }
    return EXIT_FAILED;
}

enum exit_status report_error(const struct wormclient_error *error)
{
    return report_error_about(error, "SESSION");
}

bool report_is_code(const struct wormclient_error *error, const char *code)
{
    return strcmp(error->daemon_code, code) == 0;
}

enum exit_status report_memory(void)
{
    report("out of memory");
    return EXIT_FAILED;
}

bool report_is_failure(const struct wormclient_session *session)
{
    const char *result = wormclient_session_result(session);

    return result != NULL && strcmp(result, "happy") != 0;
}

enum exit_status report_ended(const struct wormclient_session *session)
{
    const char *reason = wormclient_value_text(wormclient_session_view(session), "reason");

    if (report_is_failure(session)) {
        report("session %s failed (%s)%s%s", report_label(session),
               wormclient_session_result(session), reason != NULL ? ": " : "",
               reason != NULL ? reason : "");
        return EXIT_SESSION;
    }
    report("session %s has ended", report_label(session));
    return EXIT_NOTHING;
}

const char *report_label(const struct wormclient_session *session)
{
    const char *name = wormclient_session_name(session);

    return name != NULL ? name : wormclient_session_id(session);
}

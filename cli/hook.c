#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/hook.h"
#include "cli/report.h"

/* Room for a 64-bit number. */
#define NUMBER_MAX 24
/* As shells have it: there is no such command. */
#define STATUS_NO_SHELL 127

/* ---- its environment ---- */

static bool set_number(const char *name, int64_t number)
{
    char text[NUMBER_MAX];

    snprintf(text, sizeof(text), "%" PRId64, number);
    return setenv(name, text, 1) == 0;
}

/* Members of the view that are texts and numbers, and no secrets: what is not there is empty. */
static const char *const text_keys[][2] = {
    {"WORMHOLED_STATE", "state"},
    {"WORMHOLED_RESULT", "result"},
    {"WORMHOLED_VERIFICATION", "verification"},
};
static const char *const number_keys[][2] = {
    {"WORMHOLED_SENT", "sent"},           {"WORMHOLED_STORED", "stored"},
    {"WORMHOLED_DELIVERED", "delivered"}, {"WORMHOLED_READ", "read"},
    {"WORMHOLED_RECEIVED", "received"},   {"WORMHOLED_UNREAD", "unread"},
};

static bool set_view(const struct wormclient_value *view)
{
    bool done = true;

    for (size_t i = 0; i < sizeof(text_keys) / sizeof(text_keys[0]); i++) {
        const char *text = wormclient_value_text(view, text_keys[i][1]);

        done = done && setenv(text_keys[i][0], text != NULL ? text : "", 1) == 0;
    }
    for (size_t i = 0; i < sizeof(number_keys) / sizeof(number_keys[0]); i++) {
        int64_t number = wormclient_value_number(view, number_keys[i][1], -1);

        done = done && (number >= 0 ? set_number(number_keys[i][0], number)
                                    : setenv(number_keys[i][0], "", 1) == 0);
    }
    return done && setenv("WORMHOLED_PAUSED",
                          wormclient_value_flag(view, "paused", false) ? "1" : "0", 1) == 0;
}

static bool set_variables(const struct watch_line *line)
{
    char *words = watch_line_words(line, " ");
    bool done = words != NULL && setenv("WORMHOLED_EVENTS", words, 1) == 0 &&
                set_number("WORMHOLED_CHANGE", line->change) &&
                setenv("WORMHOLED_SESSION", line->session, 1) == 0 &&
                setenv("WORMHOLED_NAME", line->name, 1) == 0 && set_view(line->view);

    free(words);
    return done;
}

/* ---- running it ---- */

/* In the child. Signals that wormctl ignores or catches are nothing to the command. */
static _Noreturn void exec_command(const char *command, const char *socket,
                                   const struct watch_line *line)
{
    static const int signals[] = {SIGPIPE, SIGINT, SIGTERM};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], SIG_DFL);
    if (set_variables(line) && (socket == NULL || setenv("WORMHOLED_SOCKET", socket, 1) == 0))
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(STATUS_NO_SHELL);
}

static void report_end(int64_t change, int status)
{
    if (WIFSIGNALED(status))
        report("change %" PRId64 ": signal %d ended the command", change, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        report("change %" PRId64 ": the command failed with status %d", change,
               WEXITSTATUS(status));
}

enum exit_status hook_run(const char *command, const char *socket, const struct watch_line *line)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        exec_command(command, socket, line);
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            child = -1;
    }
    if (child < 0) {
        report("cannot run the command: %s", strerror(errno));
        return EXIT_FAILED;
    }
    report_end(line->change, status);
    return EXIT_DONE;
}

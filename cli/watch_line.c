#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/watch_line.h"
#include "cli/when.h"

/* Room for a 64-bit number. */
#define NUMBER_MAX 24
/* As in shells: command not found. */
#define STATUS_NO_SHELL 127

static bool has(const struct watch_line *line, unsigned event)
{
    return (line->events & UINT32_C(1) << event) != 0;
}

char *watch_line_words(const struct watch_line *line, const char *gap)
{
    const char *before = "";
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL)
        return NULL;
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (has(line, i)) {
            fprintf(file, "%s%s", before, snapshot_word((enum snapshot_event)i));
            before = gap;
        }
    }
    return wipe_stream_close(file, &text);
}

/* ---- for programs ---- */

/* New; json_decref(); NULL: out of memory. */
static json_t *make_object(const struct watch_line *line)
{
    json_t *events = json_array();
    json_t *view = line->view != NULL ? json_from_view(line->view) : json_null();

    for (unsigned i = 0; events != NULL && i < SNAPSHOT_EVENTS; i++) {
        if (has(line, i) &&
            json_array_append_new(events, json_string(snapshot_word((enum snapshot_event)i)))) {
            json_decref(events);
            events = NULL;
        }
    }
    return json_pack("{s:I, s:I, s:s, s:s?, s:o, s:o}", "change", (json_int_t)line->change, "time",
                     (json_int_t)line->time, "session", line->session, "name",
                     line->name[0] != '\0' ? line->name : NULL, "events", events, "view", view);
}

/* ---- for people ---- */

static void print_events(const struct watch_line *line)
{
    const char *result = wormclient_value_text(line->view, "result");
    const char *gap = "";

    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (!has(line, i))
            continue;
        printf("%s%s", gap, snapshot_word((enum snapshot_event)i));
        if (i == SNAPSHOT_MESSAGE)
            printf(" (%" PRId64 " new)", line->messages);
        if (i == SNAPSHOT_ENDED && result != NULL)
            printf(" (%s)", result);
        gap = ", ";
    }
    if (line->events == 0)
        fputs("changed", stdout);
}

static enum exit_status print_line(const struct watch_line *line)
{
    const char *label = line->name[0] != '\0' ? line->name : line->session;
    char *safe = escape_text(label, strlen(label), false);
    char time[WHEN_MAX];

    if (safe == NULL)
        return report_memory();
    when_stamp(line->time, time);
    printf("%" PRId64 "  %s  %s  ", line->change, time, safe);
    wipe_free(safe);
    print_events(line);
    return output_line("");
}

enum exit_status watch_line_print(const struct cli_options *options, const struct watch_line *line)
{
    return output_for_program(options) ? output_object(options, make_object(line))
                                       : print_line(line);
}

/* ---- for --exec: the environment ---- */

static bool set_number(const char *name, int64_t number)
{
    char text[NUMBER_MAX];

    snprintf(text, sizeof(text), "%" PRId64, number);
    return setenv(name, text, 1) == 0;
}

/* Texts and numbers of the view that are not secret; what is missing is empty. */
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

static bool set_environment(const struct watch_line *line)
{
    const char *paused = wormclient_value_flag(line->view, "paused", false) ? "1" : "0";
    char *words = watch_line_words(line, " ");
    bool done = words != NULL && setenv("WORMHOLED_EVENTS", words, 1) == 0 &&
                set_number("WORMHOLED_CHANGE", line->change) &&
                setenv("WORMHOLED_SESSION", line->session, 1) == 0 &&
                setenv("WORMHOLED_NAME", line->name, 1) == 0 &&
                setenv("WORMHOLED_PAUSED", paused, 1) == 0;

    for (size_t i = 0; i < sizeof(text_keys) / sizeof(text_keys[0]); i++) {
        const char *text = wormclient_value_text(line->view, text_keys[i][1]);

        done = done && setenv(text_keys[i][0], text != NULL ? text : "", 1) == 0;
    }
    for (size_t i = 0; i < sizeof(number_keys) / sizeof(number_keys[0]); i++) {
        int64_t number = wormclient_value_number(line->view, number_keys[i][1], -1);

        done = done && (number >= 0 ? set_number(number_keys[i][0], number)
                                    : setenv(number_keys[i][0], "", 1) == 0);
    }
    free(words);
    return done;
}

/* ---- for --exec: the command ---- */

/* In the child. The command gets default actions for the signals that wormctl ignores or catches.
 */
static _Noreturn void exec_command(const char *command, const char *socket,
                                   const struct watch_line *line)
{
    static const int signals[] = {SIGPIPE, SIGINT, SIGTERM};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], SIG_DFL);
    if (set_environment(line) && (socket == NULL || setenv("WORMHOLED_SOCKET", socket, 1) == 0))
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(STATUS_NO_SHELL);
}

enum exit_status watch_line_exec(const char *command, const char *socket,
                                 const struct watch_line *line)
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
        report("cannot run the command of --exec: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (WIFSIGNALED(status))
        report_note("change %" PRId64 ": the command was killed by signal %d", line->change,
                    WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        report_note("change %" PRId64 ": the command failed with status %d", line->change,
                    WEXITSTATUS(status));
    return EXIT_DONE;
}

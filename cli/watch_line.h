/* One change of a session, as watch reports it: a line, and the command of --exec. */
#ifndef CLI_WATCH_LINE_H
#define CLI_WATCH_LINE_H

#include "cli/report.h"
#include "cli/options.h"
#include "cli/snapshot.h"

struct watch_line {
    int64_t change; /* its number */
    int64_t time;   /* when it was noticed */
    const char *session;
    const char *name;                    /* "" if it has none */
    uint32_t events;                     /* of snapshot_compare() */
    int64_t messages;                    /* how many are new */
    const struct wormclient_value *view; /* NULL if the session was forgotten */
};

/* Prints it as a line (or as output_object() does), and flushes. */
enum exit_status watch_line_print(const struct cli_options *options, const struct watch_line *line);

/* Its events as words, with `gap` between them; "" if there is none. New; free(); NULL: out of
 * memory. */
char *watch_line_words(const struct watch_line *line, const char *gap);

/*
 * Runs `command` in a shell, with what happened in its environment (wormctl(1) lists the variables;
 * none is a secret), and waits for it. `socket` (NULL: none was given) becomes $WORMHOLED_SOCKET.
 * Reports a command that fails; EXIT_FAILED only if it cannot be run at all.
 */
enum exit_status watch_line_exec(const char *command, const char *socket,
                                 const struct watch_line *line);

#endif

/* One change of a session, as watch tells it. */
#ifndef CLI_WATCH_LINE_H
#define CLI_WATCH_LINE_H

#include "cli/exit.h"
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

/* Prints it as a line (or as result_object() does), and flushes. */
enum exit_status watch_line_print(const struct cli_options *options, const struct watch_line *line);

/* Its events as words, with `gap` between them; "" if there is none. New; free(); NULL: out of
 * memory. */
char *watch_line_words(const struct watch_line *line, const char *gap);

#endif

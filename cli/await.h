/* Waiting for a session to come so far, and telling the person at the terminal what holds it up. */
#ifndef CLI_AWAIT_H
#define CLI_AWAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "cli/progress.h"

/* What was reported already: each thing is reported once. Begin with `= {0}`, or all set to hear
 * nothing.
 */
struct wait_reported {
    bool down, error, motd;
};

/*
 * Waits until `check` says that it is reached (timeout in ms, -1: no limit). Meanwhile tells on
 * standard error, unless `reported` is NULL, what the relay says and that it is out of reach.
 * Returns EXIT_DONE, with the new view if `ret_session` is not NULL; otherwise what went wrong was
 * reported: EXIT_SESSION or EXIT_NOTHING if the session ended, EXIT_NOTHING if the time ran out,
 * EXIT_FAILED if the other side never says whether it is reached.
 */
enum exit_status await_session(struct wormclient *client, const char *session, progress_check check,
                               int64_t timeout, struct wait_reported *reported,
                               struct wormclient_session **ret_session);

#endif

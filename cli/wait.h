/* Waiting for a condition of a session, and telling the person at the terminal what holds it up. */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/report.h"
#include "libclient/wormclient.h"

/* What was reported already: each thing is reported once. Begins as `= {0}`. */
struct wait_reported {
    bool down, error, motd, nobody;
};

/* The view's nobody_there, for people. */
extern const char wait_nobody_there[];

/*
 * Waits until `condition` is reached (timeout in ms, -1: no limit). Meanwhile reports to
 * standard error what the relay says, that it cannot be reached, and that nobody is there.
 * Returns EXIT_DONE, with the new view if `ret_session` is not NULL; otherwise what went wrong was
 * reported: EXIT_SESSION or EXIT_NOTHING if the session ended, EXIT_NOTHING if the time ran out,
 * EXIT_FAILED if the peer never tells whether it is reached.
 */
enum exit_status wait_for(struct wormclient *client, const char *session,
                          wormclient_condition condition, int64_t timeout,
                          struct wait_reported *reported, struct wormclient_session **ret_session);

#endif

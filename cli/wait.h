/* Waiting for a condition of a session, and telling the person at the terminal what holds it up. */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/report.h"
#include "libclient/wormclient.h"

/* What was reported already: each thing is reported once. Begins as `= {0}`. */
struct wait_reported {
    bool down, error, motd, nobody, absent, unexpected;
    bool briefly; /* set by who waits for the peer, but not for so long that more could be said */
};

/* How long nobody is there before it is said which command the code may be for, ms. */
#define WAIT_ABSENT_AFTER ((int64_t)10 * 1000)

enum wait_end {
    WAIT_REACHED = 0,
    WAIT_ENDED, /* the session ended, or can never reach it */
    WAIT_TIME,  /* the time ran out */
    WAIT_ERROR, /* any other error */
};

/* A condition: the session of a text has ended, or is about to (await_answer in the RPC). */
enum wormclient_progress wait_is_answered(const struct wormclient_session *session, void *arg);

/* The view's nobody_there, for people. */
extern const char wait_nobody_there[];

/* What may be behind the view's `unexpected`, for people. */
extern const char wait_unexpected[];

/*
 * Waits until `condition` is reached (timeout in ms, -1: no limit), however often the daemon
 * restarts meanwhile, and as long as it waits the daemon holds the session's connection. Reports to
 * standard error, unless `reported` is NULL, what the relay says and that it cannot be reached; on
 * a terminal always, and there one line tells what is waited for. *ret_session is the newest view,
 * new (wormclient_session_free()), or NULL if there was none. WAIT_TIME and WAIT_ERROR set
 * *ret_error.
 */
enum wait_end wait_until(struct wormclient *client, const char *session,
                         wormclient_condition condition, int64_t timeout,
                         struct wait_reported *reported, struct wormclient_session **ret_session,
                         struct wormclient_error *ret_error);

/*
 * wait_until(), and reports how it ended. Returns EXIT_DONE, with the new view if `ret_session` is
 * not NULL; otherwise what went wrong was reported: EXIT_SESSION or EXIT_NOTHING if the session
 * ended, EXIT_NOTHING if the time ran out, EXIT_FAILED if the peer never tells whether it is
 * reached.
 */
enum exit_status wait_for(struct wormclient *client, const char *session,
                          wormclient_condition condition, int64_t timeout,
                          struct wait_reported *reported, struct wormclient_session **ret_session);

/*
 * After a request that may be repeated has failed: true if that was because the daemon went away,
 * and it is back by now. Only where somebody has waited before, since other commands want to know.
 */
bool wait_until_back(struct wormclient *client, struct wormclient_error *error);

/* Reports why `condition` has not been reached yet, as far as the view tells, and whatever of it
 * was not reported before (`reported` as in wait_until(), NULL: nothing was). Who did not wait for
 * long for a peer that should be there is told more. */
void wait_report_reason(struct wormclient *client, const struct wormclient_session *session,
                        wormclient_condition condition, struct wait_reported *reported);

#endif

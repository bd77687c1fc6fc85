/* What wakes watch: notifications of the daemon, and the signals that end it. */
#ifndef CLI_WATCH_WAIT_H
#define CLI_WATCH_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/wormclient.h"

/* From now on SIGINT and SIGTERM do not end the program at once, but make watch_is_over() true; a
 * second one does end it. */
void watch_catch_signals(void);
bool watch_is_over(void);

/* Sleeps until a notification comes that is not counted in `seen`, or it is over: true. False if
 * the connection is lost. `counter` is what the client's callback counts up. */
bool watch_wait(struct wormclient *client, const uint64_t *counter, uint64_t seen,
                struct wormclient_error *ret_error);

/* Sleeps for so many ms, or until it is over. */
void watch_pause(int milliseconds);

#endif

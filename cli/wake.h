/* What wakes watch: notifications of the daemon, and the signals that end it. */
#ifndef CLI_WAKE_H
#define CLI_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/wormclient.h"

/* From now on SIGINT and SIGTERM do not end the program at once, but make wake_is_over() true; a
 * second one does end it. */
void wake_prepare(void);
bool wake_is_over(void);

/* Sleeps until a notification comes that is not counted in `seen`, or it is over: true. False if
 * the connection is lost. `counter` is what the client's callback counts up. */
bool wake_wait(struct wormclient *client, const uint64_t *counter, uint64_t seen,
               struct wormclient_error *ret_error);

/* Sleeps for so many ms, or until it is over. */
void wake_pause(int milliseconds);

#endif

/* Going into the background, once there is something to connect to. */
#ifndef SERVICE_BACKGROUND_H
#define SERVICE_BACKGROUND_H

#include <stdbool.h>

/*
 * Forks. The caller continues in the child, in a session of its own. The parent waits inside this
 * call: it exits with 0 when the child calls background_ready(), or with the child's status if the
 * child ends first. So `wormholed && wormctl …` works, and a failed start is noticed. False if it
 * cannot fork.
 *
 * To be called while no descriptor, thread or lock is open that a fork would break.
 */
bool background_start(void);

/* Lets the parent exit, and leaves the working directory and the terminal; the log goes to syslog,
 * unless stderr is a file, which then keeps it. Does nothing without background_start(). */
void background_ready(void);

#endif

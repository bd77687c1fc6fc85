/* Listening sockets that the service manager has opened for us (sd_listen_fds(3)). */
#ifndef SERVICE_ACTIVATION_H
#define SERVICE_ACTIVATION_H

/* The first of them; the others follow. */
#define ACTIVATION_FIRST 3

/* How many there are. From now on they are non-blocking and close-on-exec, and the environment no
 * longer mentions them. */
int activation_take(void);

#endif

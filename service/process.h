/* What a daemon requests from the kernel for its process. */
#ifndef SERVICE_PROCESS_H
#define SERVICE_PROCESS_H

/* Forbids core dumps and tracing by other processes of the user, because secrets are in memory;
 * allows as many descriptors, and as much locked memory, as the hard limits do; ignores signals
 * that must not end the daemon. What is not granted is logged and done without. Gives large pages
 * to libevent's buffers, of which there must be none yet. */
void process_prepare(void);

#endif

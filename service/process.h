/* What a daemon asks of the kernel for its process. */
#ifndef SERVICE_PROCESS_H
#define SERVICE_PROCESS_H

/* No core dumps and no tracing by other processes of the user, since secrets are in memory; as many
 * descriptors, and as much locked memory, as the hard limits allow; signals that must not end it
 * are ignored. What cannot be had is logged and done without. */
void process_prepare(void);

#endif

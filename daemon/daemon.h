/* The whole daemon: creates its parts, connects them, and runs them until a signal ends it. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

struct service_options;
struct settings;

/* Exit status if another daemon has the state directory or the socket: a caller that only wants one
 * running has what it wants. */
#define DAEMON_EXIT_RUNNING 3

/* Runs until SIGTERM or SIGINT; `ready` is called once clients can connect. SIGHUP rereads the
 * settings into `settings`. Returns the process's exit status. Errors have been logged. */
int daemon_run(const struct service_options *options, struct settings *settings,
               void (*ready)(void));

#endif

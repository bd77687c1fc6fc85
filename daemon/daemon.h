/* The whole daemon: makes its parts, joins them, and runs them until a signal ends it. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

struct settings;

/* Runs until SIGTERM or SIGINT; `ready` is called once clients can come in. Returns the process's
 * exit status. What went wrong has been logged. */
int daemon_run(const struct settings *settings, void (*ready)(void));

#endif

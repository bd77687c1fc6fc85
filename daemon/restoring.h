/* wormholed --restore: puts a backup, as wormctl(1) makes it, where the sessions of a daemon are.
 */
#ifndef DAEMON_RESTORING_H
#define DAEMON_RESTORING_H

struct service_options;

/* Reads options->restore ("-": standard input) into the state directory, which must be empty or
 * not be there; asks for the passphrase at the terminal unless options->passphrase_file names one.
 * Says on standard error what is wrong; nothing has changed then. Returns the exit status. */
int restoring_run(const struct service_options *options);

#endif

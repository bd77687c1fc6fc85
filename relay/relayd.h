/* The relay as a process: creates its parts, connects them, runs the event loop. */
#ifndef RELAY_RELAYD_H
#define RELAY_RELAYD_H

#include "relay/relay_settings.h"

/* Runs until SIGTERM or SIGINT. On SIGHUP the settings are read anew from `options`, and replaced
 * in `settings`. Returns the exit status. */
int relayd_run(const struct service_options *options, struct relay_settings *settings);

/* Checks what the settings refer to. False with a sentence in ret_why (of `size` bytes). */
bool relayd_check(const struct relay_settings *settings, char *ret_why, size_t size);

#endif

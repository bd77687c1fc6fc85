/* --start-daemon: a wormholed in the background where there was none. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "cli/exit.h"
#include "libclient/wormclient.h"

/*
 * Starts the wormholed that stands beside this program, else the one in $PATH, for the socket
 * `path` (as for wormclient_connect()), and connects to it. If somebody else started one at the
 * same time, that one is as good. Says what is wrong if there is none in the end.
 * *ret_client is new; wormclient_free().
 */
enum exit_status launch_daemon(const char *path, struct wormclient **ret_client);

#endif

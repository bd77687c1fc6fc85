/* --start-daemon: starts wormholed in the background if there is none. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "cli/report.h"
#include "libclient/wormclient.h"

/*
 * Starts the wormholed beside this program, or else the one in $PATH, for the socket `path` (as for
 * wormclient_connect()), and connects to it. One that another program started at the same time will
 * do as well. If there is none in the end, reports why.
 * *ret_client is new; wormclient_free().
 */
enum exit_status launch_daemon(const char *path, struct wormclient **ret_client);

#endif

/* --start-daemon: starts wormholed in the background if there is none; or asks it what it finds. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

#include "cli/report.h"
#include "libclient/wormclient.h"

/*
 * Starts the wormholed beside this program, or else the one in $PATH, for the socket `path` (as for
 * wormclient_connect()), and connects to it. One that another program started at the same time will
 * do as well. If there is none in the end, reports why.
 * *ret_client is new; wormclient_free().
 */
enum exit_status launch_daemon(const char *path, struct wormclient **ret_client);

/* What became of a wormholed that was started to print something. */
enum launch_end {
    LAUNCH_ENDED = 0,
    LAUNCH_LATE,        /* it was killed, since it took too long; what it printed is there */
    LAUNCH_NOT_STARTED, /* the reason is there in its place */
};

/* Runs the same wormholed with these arguments (as for execv(3)) for `ms` at most. What it prints
 * goes to ret_text, of `size` bytes; if that is too little, it counts as late. */
enum launch_end launch_diagnose(char *const arguments[], int64_t ms, char *ret_text, size_t size);

#endif

/* Where the daemon listens, and reaching it there. */
#ifndef LIBCLIENT_ADDRESS_H
#define LIBCLIENT_ADDRESS_H

#include <stdbool.h>

#include "libclient/wormclient.h"

/*
 * Connects to the socket that wormclient_socket_path() names for `path`. When the daemon's queue of
 * new connections is full, waits for a place if `may_wait`, else fails. Returns the new descriptor,
 * or -1.
 */
int address_connect(const char *path, bool may_wait, struct wormclient_error *ret_error);

#endif

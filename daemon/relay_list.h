/* Several relays in one text, as settings and parameters have them. */
#ifndef DAEMON_RELAY_LIST_H
#define DAEMON_RELAY_LIST_H

#include "wormhole/session.h"

/* Room for a list of relays, as text. */
#define RELAY_LIST_SIZE (SESSION_ROUTES_MAX * (SESSION_ROUTE_MAX + 1))

/* Reads URLs of relays with blanks between, `most` at most, none of them twice. NULL: they are
 * good, and in ret_urls with one blank between; else a sentence. Borrowed. */
const char *relay_list_read(const char *text, unsigned most, char ret_urls[RELAY_LIST_SIZE]);

#endif

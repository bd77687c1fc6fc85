/* Which sessions somebody may have meant. */
#ifndef CLI_CANDIDATES_H
#define CLI_CANDIDATES_H

#include "libclient/wormclient.h"

/* The connection to ask over; NULL: none. Borrowed. */
void candidates_ask(struct wormclient *client);

/* Reports the sessions whose name or id begins like this. */
void candidates_report(const char *beginning);

#endif

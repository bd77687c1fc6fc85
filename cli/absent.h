/* Nobody is there with the code that somebody gave: perhaps it was made for another application. */
#ifndef CLI_ABSENT_H
#define CLI_ABSENT_H

#include "libclient/wormclient.h"

/* Reports that nobody is at the session's nameplate, and the command that the code may have been
 * made for: asks the relay (for ten seconds at most) whether its number is in use there. */
void absent_report(struct wormclient *client, const struct wormclient_session *session);

#endif

/* What may stand in the parameters that several methods have in common. Each function returns true,
 * or has refused the call with a sentence that names the parameter. */
#ifndef DAEMON_VALIDATE_H
#define DAEMON_VALIDATE_H

#include <stdbool.h>

struct call;
struct session;

/*
 * `name`: a petname stands in command lines, tables and some day in file names, so it is not an
 * option, not a path, has no blanks at its ends, and is not as long as an id in hex digits, since
 * ids must go on meaning what they say. NULL is fine: none is given.
 */
bool checks_name(struct call *call, const char *name);

/* `appid` */
bool checks_appid(struct call *call, const char *appid);

/* `relay`: a URL */
bool checks_relay(struct call *call, const char *relay);

/* `app_versions`: a JSON object that peers would take. NULL is fine. */
bool checks_versions(struct call *call, const char *versions);

/* `purpose` of a derived key. */
bool checks_purpose(struct call *call, const char *purpose);

/* Petname and relay of a session that came in a text: refused as `bad-export`. */
bool checks_session(struct call *call, const struct session *session);

#endif

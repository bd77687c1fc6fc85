/* Rules for parameters beyond their type and length, which the table of methods gives. */
#ifndef DAEMON_VALIDATE_H
#define DAEMON_VALIDATE_H

#include <stdbool.h>

#include "ipc/params.h"
#include "wormhole/session.h"

/* Checks every parameter of this method's request that has a rule. False, with a sentence that
 * names the first wrong one, for `bad-params`. */
bool validate_params(enum ipc_method method, const struct ipc_params *params,
                     char ret_wrong[PARAMS_WRONG_SIZE]);

/* Parses an id: 16 hex digits. False if the text is not one. */
bool validate_id(const char *text, uint8_t ret_id[SESSION_ID_BYTES]);

/* True if the petname and relay of an imported session could have been given here. */
bool validate_session(const struct session *session);

#endif

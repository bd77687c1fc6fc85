/* Asking a person for a code on the terminal, with completion. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include <stdbool.h>

#include "cli/report.h"
#include "libclient/wormclient.h"

/* True if there is a person to ask: standard input and standard error are a terminal. */
bool prompt_possible(void);

/*
 * Asks for a code on standard error. TAB completes the nameplates that `relay` lists for `appid`
 * (NULL: the daemon's defaults), which the daemon gets from the relay, then word by word. The relay
 * learns nothing of what is typed. *ret_code is new; wipe_free(). At the end of the input,
 * and for an empty line, reports it and returns EXIT_USAGE.
 */
enum exit_status prompt_code(struct wormclient *client, const char *appid, const char *relay,
                             char **ret_code);

#endif

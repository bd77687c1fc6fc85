/* The code of the other side, in all the ways in which a person may give it. */
#ifndef CLI_CODE_H
#define CLI_CODE_H

#include "cli/exit.h"
#include "cli/options.h"
#include "libclient/wormclient.h"

struct code {
    char *text;  /* secret */
    char *relay; /* where it says to meet; NULL if it does not say */
};

/*
 * Takes the code that is the first argument, or stands behind --code; "-" or none: from standard
 * input, which on a terminal asks for it (cli/prompt.h; `appid` as there). It may be a
 * wormhole-transfer: URI. *ret_code is new; code_clear().
 */
enum exit_status code_read(struct wormclient *client, const struct cli_options *options,
                           const char *appid, struct code *ret_code);

/* Wipes and frees. */
void code_clear(struct code *code);

/* A usage error in `command` if the code stands both in the arguments and behind --code. */
enum exit_status code_check_options(const char *command, const struct cli_options *options);

#endif

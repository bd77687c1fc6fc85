/* Words that are nearly right: of commands, of options, and of codes. */
#ifndef CLI_SPELLING_H
#define CLI_SPELLING_H

#include <stddef.h>

#include "cli/report.h"
#include "libclient/wormclient.h"

/*
 * Asks about each word of a code that is not on the daemon's list, if the others make it look as if
 * it should be: on a terminal only, since a person has to answer. Codes that people made up pass
 * unasked. *code (new; wipe_free()) may be replaced. EXIT_USAGE if it is not to be used, or
 * there was no answer; that was reported.
 */
enum exit_status spelling_check_code(struct wormclient *client, char **code);

#endif

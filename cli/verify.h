/* The verifier of a session: shown for comparison, and what the user says about it. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include <stdio.h>

#include "cli/wait.h"

/* Prints the verifier of a view (nothing if there is none yet), as digits and as words, in lines
 * that can be read aloud, after labels as of output_labelled(). */
void verify_print(FILE *file, const struct wormclient_session *session);

/*
 * For a session that holds its messages back: waits for the verifier, shows it on standard error,
 * and asks on the terminal, or, where there is none, says what to type elsewhere and waits for
 * that. EXIT_DONE if messages may flow; otherwise what is wrong was reported.
 */
enum exit_status verify_agree(struct wormclient *client, const struct wormclient_session *session,
                              struct wait_reported *reported);

#endif

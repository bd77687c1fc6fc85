/* The verifier of a session: shown for comparison, and what the user says of it. */
#ifndef CLI_VERIFIER_H
#define CLI_VERIFIER_H

#include <stdio.h>

#include "cli/await.h"

/* Prints the verifier of a view (nothing if there is none yet), as digits and as words, in lines
 * that can be read aloud, behind labels as of cli/details.h. */
void verifier_print(FILE *file, const struct wormclient_value *view);

/* Tells the daemon what the user said. *ret_session (may be NULL) is the new view;
 * wormclient_session_free(). */
enum exit_status verifier_decide(struct wormclient *client, const char *session, bool same,
                                 struct wormclient_session **ret_session);

/*
 * For a session that holds its messages back: waits for the verifier, shows it on standard error,
 * and asks on the terminal, or, where there is none, says what to type elsewhere and waits for
 * that. EXIT_DONE if messages may flow; otherwise what is wrong was reported.
 */
enum exit_status verifier_agree(struct wormclient *client, const struct wormclient_session *session,
                                struct wait_reported *reported);

#endif

/* Words that are nearly right: of commands, of options, and of codes. */
#ifndef CLI_SPELLING_H
#define CLI_SPELLING_H

#include <stddef.h>

#include "cli/report.h"
#include "libclient/wormclient.h"

/* Longest word that is compared, and most typing errors that a suggestion forgives. */
#define SPELLING_WORD_MAX  24
#define SPELLING_TYPOS_MAX 2

/*
 * How many letters must be changed, added or left out to make `word` of the first `length` bytes of
 * `name`; without regard to upper and lower case. More than SPELLING_TYPOS_MAX if either is longer
 * than SPELLING_WORD_MAX, or nothing of the word would be left.
 */
size_t spelling_distance(const char *name, size_t length, const char *word);

/*
 * Asks about each word of a code that is not on the daemon's list, if the others make it look as if
 * it should be: on a terminal only, since a person has to answer. Codes that people made up pass
 * unasked. *code (new; input_code_free()) may be replaced. EXIT_USAGE if it is not to be used, or
 * there was no answer; that was reported.
 */
enum exit_status spelling_check_code(struct wormclient *client, char **code);

#endif

/* Standard input. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/report.h"

/* Reads all of standard input, exactly. If that fails, or it is over `limit` bytes, reports it and
 * returns EXIT_FAILED. *ret_data is new (free()), never NULL, with a NUL after it. */
enum exit_status input_all(size_t limit, char **ret_data, size_t *ret_length);

/* Likewise a file; standard input if `path` is NULL or "-". */
enum exit_status input_file(const char *path, size_t limit, char **ret_data, size_t *ret_length);

/*
 * A code: `argument`, or a line of standard input if that is "-" or NULL (with a prompt, on a
 * terminal). A code is secret, and anybody on the machine can read the arguments of a process, so
 * `argument` is overwritten. *ret_code is new; wipe_free().
 */
enum exit_status input_code(char *argument, char **ret_code);

/* A copy of `argument`, which is then overwritten. New; free(). NULL: out of memory. */
char *input_take_argument(char *argument);

/* Asks a question on the terminal until the answer is "yes" or "no": *ret_yes. False at the end of
 * the input. */
bool input_yes_or_no(const char *question, bool *ret_yes);

#endif

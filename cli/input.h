/* What comes from standard input. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/exit.h"

/* Reads all of standard input, exactly. Says so and returns EXIT_FAILED if that fails or is over
 * `limit` bytes. *ret_data is new (free()), never NULL, with a NUL behind it. */
enum exit_status input_all(size_t limit, char **ret_data, size_t *ret_length);

/* Likewise a file; standard input if `path` is NULL or "-". */
enum exit_status input_file(const char *path, size_t limit, char **ret_data, size_t *ret_length);

/*
 * A code: `argument`, or a line of standard input if that is "-" or NULL (asked for, on a
 * terminal). A code is a secret, and the whole machine can read the arguments of a process: those
 * in `argument` are overwritten. *ret_code is new; input_code_free().
 */
enum exit_status input_code(char *argument, char **ret_code);
void input_code_free(char *code);

/* A copy of `argument`, which is then overwritten. New; free(). NULL: out of memory. */
char *input_take_argument(char *argument);

/* Asks a question on the terminal until the answer is "yes" or "no": *ret_yes. False if there is no
 * answer. */
bool input_yes_or_no(const char *question, bool *ret_yes);

#endif

/* What comes from standard input. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stddef.h>

#include "cli/exit.h"

/* Reads all of standard input, exactly. Says so and returns EXIT_FAILED if that fails or is over
 * `limit` bytes. *ret_data is new (free()), never NULL, with a NUL behind it. */
enum exit_status input_all(size_t limit, char **ret_data, size_t *ret_length);

/*
 * A code: `argument`, or a line of standard input if that is "-" or NULL (asked for, on a
 * terminal). A code is a secret, and the whole machine can read the arguments of a process: those
 * in `argument` are overwritten. *ret_code is new; input_code_free().
 */
enum exit_status input_code(char *argument, char **ret_code);
void input_code_free(char *code);

#endif

/* What goes to standard output. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>

#include "cli/exit.h"

/* Something was not printed, for want of memory: the next flush fails. */
void output_lacks(void);

/* Pushes out all that was printed. Says so and returns EXIT_FAILED if some of it was lost, or
 * lacks. */
enum exit_status output_flush(void);

/* Writes bytes exactly as they are, and flushes. */
enum exit_status output_bytes(const void *data, size_t length);

/* Writes a line, and flushes. */
enum exit_status output_line(const char *text);

#endif

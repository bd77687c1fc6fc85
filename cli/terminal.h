/* What a terminal offers: its width, and colours. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* The columns of the terminal behind a descriptor: as the terminal says, else by $COLUMNS, else 80.
 * 0 if it is no terminal. */
size_t terminal_columns(int fd);

/* True if a person works at a terminal: standard output and standard error are one. */
bool terminal_attended(void);

#endif

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

/* What is worth a colour. */
enum terminal_colour {
    TERMINAL_PLAIN = 0,
    TERMINAL_RED,    /* something went wrong */
    TERMINAL_YELLOW, /* somebody should do something */
    TERMINAL_GREEN,  /* all is well */
    TERMINAL_COLOURS,
};

/* What begins a colour behind a descriptor; empty unless that is a terminal that can do so, and the
 * user has not set NO_COLOR. Then TERMINAL_COLOUR_END ends it. */
const char *terminal_colour_begin(int fd, enum terminal_colour colour);
#define TERMINAL_COLOUR_END "\033[0m"

#endif

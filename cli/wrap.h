/* Text that is broken into lines at its blanks, to fit a terminal. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints a text that begins in column `at` and whose further lines are indented; its own newlines
 * are kept. `columns` of the terminal, 0: lines are as long as they are. No newline at the end. */
void wrap_print(FILE *file, const char *text, size_t at, size_t indent, size_t columns);

/* Prints a paragraph whose lines were broken for a wide terminal: broken anew for so many columns
 * (0: as it is). Lines that begin with two blanks and a word are items of a list, and stay lines.
 * Ends with a newline. */
void wrap_paragraph(FILE *file, const char *text, size_t columns);

#endif

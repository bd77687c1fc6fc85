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

/* Standard input by lines, for those who wait for other things as well. */
struct input_lines {
    char *buffer;
    size_t size;
    size_t start, end; /* what was read and not taken yet */
    size_t scanned;    /* up to here there is no newline */
    size_t limit;      /* longest line, bytes */
    bool skipping;     /* the beginning of a line over the limit was dropped */
    bool ended;        /* nothing more can be read */
};

void input_lines_init(struct input_lines *lines, size_t limit);
void input_lines_clear(struct input_lines *lines);

/* Reads what is there, and waits if nothing is. If that fails, reports it. */
enum exit_status input_lines_read(struct input_lines *lines);

/* The next whole line without its newline, NULL if none was read yet. Of one over the limit only
 * *ret_length tells, which is over it. Borrowed until the next call. */
const char *input_lines_next(struct input_lines *lines, size_t *ret_length);

/* Asks a question on the terminal until the answer is "yes" or "no": *ret_yes. False at the end of
 * the input. */
bool input_yes_or_no(const char *question, bool *ret_yes);

#endif

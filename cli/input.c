#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/input.h"
#include "cli/report.h"

/* Initial size of the buffer, which doubles. */
#define BUFFER_FIRST 4096
/* Longest line that is read for a code: a code has at most 255 bytes, and the daemon checks it. */
#define LINE_MAX_BYTES 1024

/* Longest answer to a question; "yes" is the longest that is valid. */
#define ANSWER_MAX 64

static ssize_t read_retry(int fd, void *buffer, size_t size)
{
    ssize_t got;

    do {
        got = read(fd, buffer, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

static bool grow(char **buffer, size_t *size)
{
    size_t larger = *size == 0 ? BUFFER_FIRST : *size * 2;
    char *moved = malloc(larger); /* realloc() would leave a copy behind */

    if (moved == NULL)
        return false;
    if (*size > 0)
        memcpy(moved, *buffer, *size);
    wipe_free(*buffer);
    *buffer = moved;
    *size = larger;
    return true;
}

/* Reads until the end, over the limit, or a failure, which is returned; otherwise NULL. */
static const char *read_all(int fd, size_t limit, char **buffer, size_t *length)
{
    size_t size = 0;
    ssize_t got;

    do {
        if (size - *length < 2 && !grow(buffer, &size))
            return "out of memory";
        got = read_retry(fd, *buffer + *length, size - *length - 1);
        if (got < 0)
            return strerror(errno);
        *length += (size_t)got;
    } while (got > 0 && *length <= limit);
    (*buffer)[*length] = '\0';
    return NULL;
}

/* Reads `fd`, which is called `name`, to its end. */
static enum exit_status read_limited(int fd, const char *name, size_t limit, char **ret_data,
                                     size_t *ret_length)
{
    char *buffer = NULL;
    size_t length = 0;
    const char *failure = read_all(fd, limit, &buffer, &length);

    if (failure == NULL && length <= limit) {
        *ret_data = buffer;
        *ret_length = length;
        return EXIT_DONE;
    }
    if (failure != NULL)
        report("cannot read %s: %s", name, failure);
    else
        report("%s is too long; the limit is %zu bytes", name, limit);
    wipe_free(buffer);
    return EXIT_FAILED;
}

enum exit_status input_all(size_t limit, char **ret_data, size_t *ret_length)
{
    if (isatty(STDIN_FILENO))
        report_hint("Type the text, then press Ctrl-D on an empty line.");
    return read_limited(STDIN_FILENO, "standard input", limit, ret_data, ret_length);
}

enum exit_status input_file(const char *path, size_t limit, char **ret_data, size_t *ret_length)
{
    enum exit_status status;
    int fd;

    if (path == NULL || strcmp(path, "-") == 0)
        return read_limited(STDIN_FILENO, "standard input", limit, ret_data, ret_length);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        report("cannot read %s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    status = read_limited(fd, path, limit, ret_data, ret_length);
    close(fd);
    return status;
}

/* Byte by byte: what follows the line is left for the next reader of standard input. False if there
 * is no line, or it is too long. */
static bool read_line(char *line, size_t size)
{
    size_t length = 0;
    char byte = '\0';

    while (length + 1 < size && read_retry(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
        line[length++] = byte;
    while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
        length--;
    line[length] = '\0';
    return length > 0 && (byte == '\n' || length + 1 < size);
}

static enum exit_status read_code(char **ret_code)
{
    char *line = malloc(LINE_MAX_BYTES);

    if (line == NULL)
        return report_memory();
    if (isatty(STDIN_FILENO))
        fputs("Code: ", stderr);
    if (!read_line(line, LINE_MAX_BYTES)) {
        report("no code on standard input");
        free(line);
        return EXIT_USAGE;
    }
    *ret_code = line;
    return EXIT_DONE;
}

char *input_take_argument(char *argument)
{
    char *copy = strdup(argument);

    if (copy != NULL)
        memset(argument, 'x', strlen(argument));
    return copy;
}

enum exit_status input_code(char *argument, char **ret_code)
{
    char *code;

    if (argument == NULL || strcmp(argument, "-") == 0)
        return read_code(ret_code);
    code = input_take_argument(argument);
    if (code == NULL)
        return report_memory();
    *ret_code = code;
    return EXIT_DONE;
}

/* ---- lines ---- */

void input_lines_init(struct input_lines *lines, size_t limit)
{
    *lines = (struct input_lines){.limit = limit};
}

void input_lines_clear(struct input_lines *lines)
{
    wipe_free(lines->buffer);
    lines->buffer = NULL;
}

/* The beginning of a line that is too long need not be kept. */
static void drop_start(struct input_lines *lines)
{
    if (lines->end - lines->start <= lines->limit)
        return;
    lines->skipping = true;
    lines->start = lines->scanned = lines->end;
}

/* Makes room at the end. */
static bool make_room(struct input_lines *lines)
{
    if (lines->start > 0)
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->scanned -= lines->start;
    lines->start = 0;
    return lines->end < lines->size || grow(&lines->buffer, &lines->size);
}

enum exit_status input_lines_read(struct input_lines *lines)
{
    ssize_t got;

    drop_start(lines);
    if (!make_room(lines))
        return report_memory();
    got = read_retry(STDIN_FILENO, lines->buffer + lines->end, lines->size - lines->end);
    if (got < 0) {
        report("cannot read standard input: %s", strerror(errno));
        return EXIT_FAILED;
    }
    lines->end += (size_t)got;
    lines->ended = got == 0;
    return EXIT_DONE;
}

const char *input_lines_next(struct input_lines *lines, size_t *ret_length)
{
    const char *line = lines->buffer + lines->start, *newline = NULL;

    if (lines->end > lines->scanned)
        newline = memchr(lines->buffer + lines->scanned, '\n', lines->end - lines->scanned);
    lines->scanned = lines->end;
    if (newline == NULL && !(lines->ended && (lines->end > lines->start || lines->skipping)))
        return NULL;
    *ret_length = (size_t)((newline != NULL ? newline : lines->buffer + lines->end) - line);
    lines->start += *ret_length + (newline != NULL);
    lines->scanned = lines->start;
    if (lines->skipping)
        *ret_length = lines->limit + 1;
    lines->skipping = false;
    return line;
}

bool input_yes_or_no(const char *question, bool *ret_yes)
{
    char line[ANSWER_MAX];

    do {
        fprintf(stderr, "%s [yes/no] ", question);
        if (!read_line(line, sizeof(line))) {
            putc('\n', stderr);
            return false;
        }
    } while (strcasecmp(line, "yes") != 0 && strcasecmp(line, "no") != 0);
    *ret_yes = strcasecmp(line, "yes") == 0;
    return true;
}

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input.h"
#include "cli/report.h"

/* First size of the buffer; it doubles. */
#define BUFFER_FIRST 4096
/* Longest line that is read for a code: a code has at most 255 bytes, and the daemon judges it. */
#define LINE_MAX_BYTES 1024

static ssize_t read_retry(void *buffer, size_t size)
{
    ssize_t got;

    do {
        got = read(STDIN_FILENO, buffer, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

static bool grow(char **buffer, size_t *size)
{
    size_t larger = *size == 0 ? BUFFER_FIRST : *size * 2;
    char *moved = realloc(*buffer, larger);

    if (moved == NULL)
        return false;
    *buffer = moved;
    *size = larger;
    return true;
}

/* Reads until the end, the limit is passed, or something fails; returns what fails, or NULL. */
static const char *read_all(size_t limit, char **buffer, size_t *length)
{
    size_t size = 0;
    ssize_t got;

    do {
        if (size - *length < 2 && !grow(buffer, &size))
            return "out of memory";
        got = read_retry(*buffer + *length, size - *length - 1);
        if (got < 0)
            return strerror(errno);
        *length += (size_t)got;
    } while (got > 0 && *length <= limit);
    (*buffer)[*length] = '\0';
    return NULL;
}

enum exit_status input_all(size_t limit, char **ret_data, size_t *ret_length)
{
    char *buffer = NULL;
    size_t length = 0;
    const char *failure;

    if (isatty(STDIN_FILENO))
        report_hint("Type the text; Ctrl-D on a line of its own ends it.");
    failure = read_all(limit, &buffer, &length);
    if (failure != NULL) {
        report("cannot read standard input: %s", failure);
        free(buffer);
        return EXIT_FAILED;
    }
    if (length > limit) {
        report("a message has at most %zu bytes; send it in parts", limit);
        free(buffer);
        return EXIT_FAILED;
    }
    *ret_data = buffer;
    *ret_length = length;
    return EXIT_DONE;
}

/* Byte by byte: what follows the line stays for whoever reads standard input next. False if there
 * is no line, or it is too long. */
static bool read_line(char *line, size_t size)
{
    size_t length = 0;
    char byte = '\0';

    while (length + 1 < size && read_retry(&byte, 1) == 1 && byte != '\n')
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
        report("there is no code on standard input");
        free(line);
        return EXIT_USAGE;
    }
    *ret_code = line;
    return EXIT_DONE;
}

enum exit_status input_code(char *argument, char **ret_code)
{
    char *code;

    if (argument == NULL || strcmp(argument, "-") == 0)
        return read_code(ret_code);
    code = strdup(argument);
    if (code == NULL)
        return report_memory();
    memset(argument, 'x', strlen(argument));
    *ret_code = code;
    return EXIT_DONE;
}

void input_code_free(char *code)
{
    if (code != NULL) {
        explicit_bzero(code, strlen(code));
        free(code);
    }
}

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/terminal.h"

#define COLUMNS_USUAL 80
/* Where nothing fits, nothing is made to fit. */
#define COLUMNS_LEAST 20

size_t terminal_columns(int fd)
{
    const char *text = getenv("COLUMNS");
    struct winsize size;
    long columns = 0;

    if (!isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns == 0 && text != NULL)
        columns = strtol(text, NULL, 10);
    if (columns <= 0)
        columns = COLUMNS_USUAL;
    return columns > COLUMNS_LEAST ? (size_t)columns : COLUMNS_LEAST;
}

bool terminal_attended(void)
{
    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

static bool has_colours(int fd)
{
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");

    return (refused == NULL || refused[0] == '\0') && kind != NULL && kind[0] != '\0' &&
           strcmp(kind, "dumb") != 0 && isatty(fd);
}

const char *terminal_colour_begin(int fd, enum terminal_colour colour)
{
    static const char *const sequences[TERMINAL_COLOURS] = {
        [TERMINAL_PLAIN] = "",
        [TERMINAL_RED] = "\033[31m",
        [TERMINAL_YELLOW] = "\033[33m",
        [TERMINAL_GREEN] = "\033[32m",
    };

    return has_colours(fd) ? sequences[colour] : "";
}

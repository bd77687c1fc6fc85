#include "config.h"

#include <stdlib.h>
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

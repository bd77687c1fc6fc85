#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <jansson.h>

#include "base/wipe.h"
#include "cli/command.h"

int main(int argc, char **argv)
{
    /* A standard descriptor that the caller closed must not become the daemon's socket. Its
     * replacement fails to read or write, so that no message counts as written that nobody got. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            abort();
    /* Codes and messages are in memory: no core dump. exec resets this: commands that `watch` runs
     * are dumped as the user likes. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    json_set_alloc_funcs(malloc, wipe_free); /* messages and codes pass through JSON */
    signal(SIGPIPE, SIG_IGN);                /* a reader that has gone is an error of the write */
    setlocale(LC_CTYPE, ""); /* widths of characters; numbers keep the decimal point */
    return (int)command_main(argc, argv);
}

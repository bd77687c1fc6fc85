#include "config.h"

#include "service/activation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* More would be a mistake. */
#define ACTIVATION_MAX 64

static long number_of(const char *variable)
{
    const char *text = getenv(variable);
    return text != NULL ? strtol(text, NULL, 10) : 0;
}

int activation_take(void)
{
    long count = number_of("LISTEN_PID") == getpid() ? number_of("LISTEN_FDS") : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (count < 0 || count > ACTIVATION_MAX)
        return 0;
    for (int fd = ACTIVATION_FIRST; fd < ACTIVATION_FIRST + count; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
            return fd - ACTIVATION_FIRST;
    return (int)count;
}

#include "config.h"

#include "service/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/log.h"

/* The pipe's end on which the parent waits for a byte; -1 in the foreground. */
static int ready_pipe = -1;

/* Ends the parent: well when the child is ready, or with the status with which it died. */
static _Noreturn void wait_for_child(pid_t child, int pipe_end)
{
    char byte;
    ssize_t length;
    int status;
    while ((length = read(pipe_end, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (length == 1)
        _exit(EXIT_SUCCESS);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            _exit(EXIT_FAILURE);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

bool background_start(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    ready_pipe = ends[1];
    setsid();
    return true;
}

void background_ready(void)
{
    struct stat status;
    if (ready_pipe < 0)
        return;
    /* A pipe or terminal that we kept open would keep its reader waiting. If stderr is a file, the
     * caller wants the log there. */
    bool file = fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (!file) {
            log_to_syslog();
            dup2(null, STDERR_FILENO);
        }
        if (null > STDERR_FILENO)
            close(null);
    }
    if (chdir("/") < 0)
        log_warning("daemon", "cannot change to the root directory");
    if (write(ready_pipe, "", 1) < 0)
        log_warning("daemon", "the process that started the daemon is gone");
    close(ready_pipe);
    ready_pipe = -1;
}

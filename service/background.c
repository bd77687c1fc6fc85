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

/* The child died: the caller of the command must see its status. */
static int status_of(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static _Noreturn void wait_for_child(pid_t child, int pipe_end)
{
    char byte;
    ssize_t length;
    while ((length = read(pipe_end, &byte, 1)) < 0 && errno == EINTR)
        ;
    _exit(length == 1 ? EXIT_SUCCESS : status_of(child));
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

/* A pipe or terminal that we kept open would keep its reader waiting. If it is a file, the caller
 * wants the log there. */
static void let_go_of_streams(void)
{
    struct stat status;
    bool file = fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (!file) {
        log_to_syslog();
        dup2(null, STDERR_FILENO);
    }
    if (null > STDERR_FILENO)
        close(null);
}

void background_ready(void)
{
    if (ready_pipe < 0)
        return;
    let_go_of_streams();
    if (chdir("/") < 0)
        log_warning("daemon", "cannot change to the root directory");
    if (write(ready_pipe, "", 1) < 0)
        log_warning("daemon", "the process that started the daemon is gone");
    close(ready_pipe);
    ready_pipe = -1;
}

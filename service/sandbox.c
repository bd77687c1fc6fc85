#include "config.h"

#include "service/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/log.h"
#include "service/syscall_filter.h"

/* What a kernel, or a container, says that does not have it or does not let us have it. */
static bool is_missing(int error)
{
    return error == ENOSYS || error == EOPNOTSUPP || error == EINVAL || error == EPERM;
}

static bool entered(const char *part, int error)
{
    if (error == 0)
        return true;
    if (is_missing(error))
        log_debug("sandbox", "the kernel gives us no %s: %s", part, strerror(error));
    else
        log_warning("sandbox", "running without %s: %s", part, strerror(error));
    return false;
}

/* Of this process: a directory has a link for each directory in it, and two more. */
static unsigned long threads(void)
{
    struct stat status;
    return stat("/proc/self/task", &status) == 0 && status.st_nlink > 2 ? status.st_nlink - 2 : 1;
}

void sandbox_enter(struct landlock *rules, struct sandbox *ret_sandbox)
{
    struct sandbox sandbox = {.landlock = rules->level};
    char text[SANDBOX_TEXT_SIZE];
    if (threads() > 1) /* of a library that was preloaded: none of ours is there yet */
        log_warning("sandbox", "threads that were begun before it are not in Landlock");
    /* Both parts demand it. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        log_warning("sandbox", "cannot give up new privileges: %s", strerror(errno));
    if (!entered("Landlock", landlock_enter(rules)))
        sandbox.landlock = 0;
    sandbox.seccomp = entered("seccomp", syscall_filter_enter());
    log_debug("sandbox", "in force: %s", sandbox_text(&sandbox, text));
    *ret_sandbox = sandbox;
}

const char *sandbox_text(const struct sandbox *sandbox, char ret_text[SANDBOX_TEXT_SIZE])
{
    char landlock[SANDBOX_TEXT_SIZE / 2] = "";
    if (sandbox->landlock > 0)
        snprintf(landlock, sizeof(landlock), "Landlock (level %d)", sandbox->landlock);
    snprintf(ret_text, SANDBOX_TEXT_SIZE, "%s%s%s", sandbox->seccomp ? "seccomp" : "",
             sandbox->seccomp && *landlock != '\0' ? ", " : "", landlock);
    return *ret_text != '\0' ? ret_text : "none";
}

/* access() looks at permissions only, and is not in Landlock's way. */
bool sandbox_admits(const struct sandbox *sandbox, const char *path, char *ret_why, size_t size)
{
    if (sandbox->landlock == 0 || path == NULL || access(path, R_OK) < 0)
        return true;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0)
        close(file);
    if (file >= 0 || errno != EACCES)
        return true;
    snprintf(ret_why, size,
             "the sandbox was closed before %s came: put it beside the files that were named when "
             "the daemon started, in a directory of their own, or start the daemon anew",
             path);
    return false;
}

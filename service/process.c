#include "config.h"

#include "service/process.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/large.h"
#include "service/log.h"

static void raise_limit(int resource, const char *what)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(resource, &limit) < 0)
        log_warning("daemon", "cannot raise the limit of %s: %s", what, strerror(errno));
}

static void *allocate(size_t size)
{
    return large_pages(malloc(size), size);
}

static void *reallocate(void *memory, size_t size)
{
    return large_pages(realloc(memory, size), size);
}

void process_prepare(void)
{
    static const struct rlimit none = {0, 0};
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        log_warning("daemon", "cannot disable core dumps: %s", strerror(errno));
    raise_limit(RLIMIT_NOFILE, "descriptors");
    raise_limit(RLIMIT_MEMLOCK, "locked memory");
    event_set_mem_functions(allocate, reallocate, free); /* whole messages are in its buffers */
    /* A client that went away, or a file that may not grow, shows as an error of write(). SIGHUP
     * also comes from a terminal that goes away: until a daemon has its own use for it, it is
     * ignored. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

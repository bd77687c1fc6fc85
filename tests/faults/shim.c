/*
 * Preloaded into a program: one call to the system, or for memory, fails once. $WORMHOLED_SHIM is
 * NAME:PLACE:N:ERRNO, and the N-th call of the function NAME that comes from PLACE (place.h; 0:
 * from anywhere) fails with that errno; `memory` stands for all that allocate. An errno of 0 means
 * that the process is killed before that call. Standard error is told what failed, and at whose
 * wish; `addr2line -pfie PROGRAM` knows the addresses. An N of 0 makes nothing fail: at a proper
 * end it is told how often each function was called, and from where.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/place.h"

/* Calls of one function from one place. A program has some hundreds of these. */
#define SITES_MAX 4096

struct site {
    const char *name;
    uint32_t place;
    atomic_ulong calls;
};

static struct site sites[SITES_MAX];
static atomic_size_t site_count;
static char planned_name[32];
static uint32_t planned_place;
static unsigned long planned_call;
static int planned_errno;
static atomic_ulong planned_seen; /* calls that could have been the planned one */
static atomic_bool armed;         /* not before the program itself begins, nor after the failure */

/* Neither stdio nor write(), which may be what is to fail. */
__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    syscall(SYS_write, STDERR_FILENO, line, (size_t)length);
}

__attribute__((constructor)) static void begin(void)
{
    const char *plan = getenv("WORMHOLED_SHIM");
    armed = plan && sscanf(plan, "%31[^:]:%" SCNx32 ":%lu:%d", planned_name, &planned_place,
                           &planned_call, &planned_errno) == 4;
}

__attribute__((destructor)) static void end(void)
{
    armed = false;
    for (size_t i = 0; i < site_count; i++)
        tell("shim: %s was called %lu times from %08" PRIx32 "\n", sites[i].name, sites[i].calls,
             sites[i].place);
}

/* ---- without locks: other threads may call, and the handler of a signal ---- */

static struct site *find_site(const char *name, uint32_t place)
{
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].place == place && sites[i].name == name)
            return &sites[i];
    return NULL;
}

static void count(const char *name)
{
    struct place place;
    place_find(&place);
    struct site *site = find_site(name, place.hash);
    if (!site) {
        if (site_count == SITES_MAX)
            abort();
        site = &sites[site_count];
        site->name = name;
        site->place = place.hash;
        site_count++;
    }
    site->calls++;
}

static bool is_planned(const char *name, struct place *ret_place)
{
    if (strcmp(name, planned_name) != 0)
        return false;
    place_find(ret_place);
    if (planned_place != 0 && ret_place->hash != planned_place)
        return false;
    return ++planned_seen == planned_call;
}

static void tell_place(const struct place *place)
{
    for (size_t i = 0; i < place->depth; i++)
        tell("%s%#" PRIxPTR, i == 0 ? " at " : " ", place->at[i]);
    tell("\n");
}

/* True, with errno, if the call is to fail. */
static bool refuse(const char *name)
{
    struct place place;
    if (!armed)
        return false;
    if (planned_call == 0)
        count(name);
    if (!is_planned(name, &place))
        return false;
    armed = false;
    tell("shim: %s fails with %d", name, planned_errno);
    tell_place(&place);
    if (planned_errno == 0)
        kill(getpid(), SIGKILL);
    errno = planned_errno;
    return true;
}

/* A function that returns `failed` when it is refused, and otherwise does what the next library
 * does; `name` is what a plan calls it. */
#define FAULTY_NAMED(name, type, failed, function, parameters, arguments)                          \
    type function parameters                                                                       \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #function);                                         \
        return refuse(name) ? failed : real arguments;                                             \
    }
#define FAULTY(type, failed, function, parameters, arguments)                                      \
    FAULTY_NAMED(#function, type, failed, function, parameters, arguments)

static const char memory[] = "memory";

FAULTY_NAMED(memory, void *, NULL, malloc, (size_t size), (size))
FAULTY_NAMED(memory, void *, NULL, calloc, (size_t count, size_t size), (count, size))
FAULTY_NAMED(memory, void *, NULL, realloc, (void *old, size_t size), (old, size))

FAULTY(ssize_t, -1, write, (int file, const void *data, size_t size), (file, data, size))
FAULTY(ssize_t, -1, writev, (int file, const struct iovec *parts, int count), (file, parts, count))
FAULTY(ssize_t, -1, pwrite, (int file, const void *data, size_t size, off_t at),
       (file, data, size, at))
FAULTY(ssize_t, -1, pwritev, (int file, const struct iovec *parts, int count, off_t at),
       (file, parts, count, at))
FAULTY(ssize_t, -1, sendto,
       (int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
        socklen_t length),
       (fd, data, size, flags, to, length))
FAULTY(ssize_t, -1, sendmsg, (int fd, const struct msghdr *message, int flags),
       (fd, message, flags))
FAULTY(ssize_t, -1, send, (int fd, const void *data, size_t size, int flags),
       (fd, data, size, flags))
FAULTY(ssize_t, -1, read, (int file, void *data, size_t size), (file, data, size))
FAULTY(ssize_t, -1, readv, (int file, const struct iovec *parts, int count), (file, parts, count))
FAULTY(ssize_t, -1, pread, (int file, void *data, size_t size, off_t at), (file, data, size, at))
FAULTY(ssize_t, -1, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
FAULTY(int, -1, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
FAULTY(int, -1, ppoll,
       (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
       (fds, count, timeout, mask))
FAULTY(int, -1, epoll_create1, (int flags), (flags))
FAULTY(int, -1, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event),
       (epoll, operation, fd, event))
FAULTY(int, -1, eventfd, (unsigned count, int flags), (count, flags))
FAULTY(int, -1, pipe2, (int fds[2], int flags), (fds, flags))
FAULTY(int, -1, flock, (int file, int operation), (file, operation))
FAULTY(int, -1, fsync, (int file), (file))
FAULTY(int, -1, fdatasync, (int file), (file))
FAULTY(int, -1, msync, (void *where, size_t size, int flags), (where, size, flags))
FAULTY(int, -1, ftruncate, (int file, off_t size), (file, size))
FAULTY(int, -1, fallocate, (int file, int mode, off_t from, off_t size), (file, mode, from, size))
FAULTY(int, -1, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
FAULTY(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
FAULTY(int, -1, mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode))
FAULTY(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
FAULTY(int, -1, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
FAULTY(int, -1, bind, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
FAULTY(int, -1, listen, (int fd, int backlog), (fd, backlog))
FAULTY(int, -1, accept4, (int fd, struct sockaddr *from, socklen_t *size, int flags),
       (fd, from, size, flags))
FAULTY(void *, MAP_FAILED, mmap,
       (void *where, size_t size, int protection, int flags, int file, off_t at),
       (where, size, protection, flags, file, at))

/* Those whose last parameter may be missing. */
#define FAULTY_OPEN(function, parameters, directory, path, flags)                                  \
    int function parameters                                                                        \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = (flags)&O_CREAT ? va_arg(more, mode_t) : 0;                                  \
        va_end(more);                                                                              \
        return refuse(#function) ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);    \
    }

FAULTY_OPEN(open, (const char *path, int flags, ...), AT_FDCWD, path, flags)
FAULTY_OPEN(openat, (int directory, const char *path, int flags, ...), directory, path, flags)
/* What <fcntl.h> makes of open() where it checks its arguments. */
FAULTY_NAMED("open", int, -1, __open_2, (const char *path, int flags), (path, flags))

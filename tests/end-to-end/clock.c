/*
 * Preloaded into a relay: its wall clock is ahead of the machine's by as many seconds as the file
 * $WORMHOLED_TEST_CLOCK says, an int64_t, at any moment. So weeks pass in a test. Clocks that only
 * measure how much time has passed stay as they are.
 */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t none;
static const volatile int64_t *ahead = &none;

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("WORMHOLED_TEST_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd >= 0 ? mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (map != MAP_FAILED)
        ahead = map;
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, ret_now);
    if (result == 0 && clock == CLOCK_REALTIME)
        ret_now->tv_sec += *ahead;
    return result;
}

/* libevent, and SQLite, ask for the time in older ways too. */
int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_now = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_now)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}

/*
 * Preloaded into a daemon or a relay: its clocks are ahead of the machine's by as many seconds as
 * the file $WORMHOLED_TEST_CLOCK says at any moment. So weeks pass in a test. The first int64_t in
 * it is for the wall clock; the second, which may be missing, for the clock that counts suspends,
 * too; the third, which may be missing, for the one by which programs wait.
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

struct ahead {
    int64_t wall, boot, awake;
};

static const struct ahead none;
static const volatile struct ahead *ahead = &none;

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
        ret_now->tv_sec += ahead->wall;
    if (result == 0 && clock == CLOCK_BOOTTIME)
        ret_now->tv_sec += ahead->boot;
    if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
        ret_now->tv_sec += ahead->awake;
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

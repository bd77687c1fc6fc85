#include "config.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "cli/watch_wait.h"

static const int signals[] = {SIGINT, SIGTERM};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t over;

static void end(int signal_number)
{
    (void)signal_number;
    over = 1;
}

void watch_catch_signals(void)
{
    struct sigaction action = {.sa_handler = end, .sa_flags = SA_RESETHAND}, old;

    for (size_t i = 0; i < SIGNALS; i++) {
        /* Who started us in the background and out of reach of Ctrl-C meant it. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

bool watch_is_over(void)
{
    return over != 0;
}

/* The signals come while poll sleeps and at no other moment, so that none is missed. Returns the
 * mask to be restored. */
static sigset_t hold_signals(void)
{
    sigset_t held, before;

    sigemptyset(&held);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&held, signals[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    return before;
}

static void sleep_on(struct wormclient *client, const sigset_t *mask)
{
    int interest = wormclient_interest(client);
    struct pollfd socket = {.fd = wormclient_fd(client)};
    int timeout = wormclient_timeout(client);
    struct timespec time = {.tv_sec = timeout / 1000, .tv_nsec = (long)(timeout % 1000) * 1000000};

    socket.events = (short)(((interest & WORMCLIENT_WANT_READ) != 0 ? POLLIN : 0) |
                            ((interest & WORMCLIENT_WANT_WRITE) != 0 ? POLLOUT : 0));
    ppoll(&socket, 1, timeout < 0 ? NULL : &time, mask);
}

bool watch_wait(struct wormclient *client, const uint64_t *counter, uint64_t seen,
                struct wormclient_error *ret_error)
{
    sigset_t before = hold_signals();
    bool alive = true;

    while (alive && !over && *counter == seen) {
        sleep_on(client, &before);
        alive = wormclient_process(client, ret_error);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return alive;
}

void watch_pause(int milliseconds)
{
    struct timespec time = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    sigset_t before = hold_signals();

    if (!over)
        ppoll(NULL, 0, &time, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

#include "config.h"

#include "base/interrupts.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t heard(bool stop)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    size_t count = sizeof(signals) / sizeof(*signals) - !stop;
    struct sigaction action;
    sigset_t set;
    sigemptyset(&set);
    /* While it is blocked, an ignored signal would be kept like others. */
    for (size_t i = 0; i < count; i++)
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, signals[i]);
    return set;
}

bool interrupts_begin(bool stop, struct interrupts *ret_interrupts)
{
    struct interrupts interrupts;
    sigset_t set = heard(stop);
    interrupts.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (interrupts.fd < 0)
        return false;
    sigprocmask(SIG_BLOCK, &set, &interrupts.before);
    *ret_interrupts = interrupts;
    return true;
}

int interrupts_wait(const struct interrupts *interrupts, int file)
{
    struct pollfd polled[] = {{.fd = interrupts->fd, .events = POLLIN},
                              {.fd = file, .events = POLLIN}};
    struct signalfd_siginfo signal;
    int ready;
    do {
        ready = poll(polled, 2, -1);
        if (ready > 0 && polled[0].revents != 0 &&
            read(interrupts->fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
            return (int)signal.ssi_signo;
    } while (ready < 0 ? errno == EINTR : polled[1].revents == 0);
    return 0; /* also if that failed: whoever reads will see */
}

void interrupts_end(struct interrupts *interrupts)
{
    close(interrupts->fd);
    sigprocmask(SIG_SETMASK, &interrupts->before, NULL);
}

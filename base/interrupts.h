/*
 * Signals that end a program, heard only where it waits, so that it can put everything in order
 * first. They are blocked, and a signalfd(2) is waited for beside what is to be read: none is lost
 * between looking and waiting, and none is kept back by a file that can always be read. Those that
 * were ignored, as by nohup(1), still are.
 */
#ifndef BASE_INTERRUPTS_H
#define BASE_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

struct interrupts {
    int fd;
    sigset_t before;
};

/* From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT wait for interrupts_wait(); with `stop` SIGTSTP
 * (Ctrl-Z), too. May be nested. False with errno, and nothing has changed. */
bool interrupts_begin(bool stop, struct interrupts *ret_interrupts);

/* Waits until the file can be read, and returns 0, or until there is a signal, and returns its
 * number: it has been taken, and raise() after interrupts_end() does what it would have done. */
int interrupts_wait(const struct interrupts *interrupts, int file);

void interrupts_end(struct interrupts *interrupts);

#endif

/*
 * Named points at which a test can crash a daemon: before and after whatever must not be lost, or
 * must not happen too early. They cost nothing unless ./configure --enable-fault-injection was
 * given, which no build for use should be.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef ENABLE_FAULT_INJECTION

/*
 * Crashes the process, as kill -9 does, where $WORMHOLED_FAULT is "NAME:HIT", this point has that
 * name, and is passed for the HIT-th time (from 1). Where it is "list", each name goes to standard
 * error when its point is passed for the first time. Weak: programs that are linked without
 * fault.c, as unit tests are, have no such points.
 */
void fault_point(const char *name) __attribute__((weak));

/* `name` is a literal: the runner of the tests finds all of them in the sources. */
#define FAULT_POINT(name)                                                                          \
    do {                                                                                           \
        if (fault_point)                                                                           \
            fault_point(name);                                                                     \
    } while (0)

#else
#define FAULT_POINT(name) ((void)0)
#endif

#endif

/*
 * Named points at which a test can crash a daemon: before and after whatever must not be lost, or
 * must not happen too early. They cost nothing unless ./configure --enable-fault-injection was
 * given, as it should not be for a build that is to be used.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef ENABLE_FAULT_INJECTION

/*
 * Crashes the process, as kill -9 does, if $WORMHOLED_FAULT is "NAME:HIT", this point has that
 * name, and it is passed for the HIT-th time (from 1). If the variable is "list", each name goes to
 * standard error when its point is passed for the first time. Weak: programs that are linked
 * without fault.c, such as unit tests, have no such points.
 */
void fault_point(const char *name) __attribute__((weak));

/* `name` must be a literal: the test runner finds all of them in the sources. */
#define FAULT_POINT(name)                                                                          \
    do {                                                                                           \
        if (fault_point)                                                                           \
            fault_point(name);                                                                     \
    } while (0)

#else
#define FAULT_POINT(name) ((void)0)
#endif

#endif

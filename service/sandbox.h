/*
 * What a daemon gives up once it has started, so that a stranger who took it over through a fault
 * in it could do little with it: Landlock, as far as the kernel has it, closes the file system
 * except for what the daemon needs, and a filter of system calls (service/syscall_filter.h) closes
 * the kernel. doc/architecture.md says what is closed, and why in this way.
 */
#ifndef SERVICE_SANDBOX_H
#define SERVICE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "service/landlock.h"

/* Which parts are in force. */
struct sandbox {
    int landlock; /* the level of its interface, from 1 on; 0: none */
    bool seccomp; /* the filter of system calls */
};

/* Room for sandbox_text(), with its NUL. */
#define SANDBOX_TEXT_SIZE 64

/*
 * Enters it, by the rules that the caller has added to those of landlock_begin(), and says so in
 * the log. To be called when there is one thread only: those that are begun later are in it, too.
 * What the kernel lacks is left out, and so is what fails, after a warning: a daemon with half a
 * sandbox does more for its user than one that does not run. There is no way out.
 */
void sandbox_enter(struct landlock *rules, struct sandbox *ret_sandbox);

/* Which parts are in force, for people: "seccomp, Landlock (level 6)"; "none". */
const char *sandbox_text(const struct sandbox *sandbox, char ret_text[SANDBOX_TEXT_SIZE]);

/* False, with a sentence in ret_why (of `size` bytes), if it is the sandbox that keeps this file
 * (NULL: none) from being read. */
bool sandbox_admits(const struct sandbox *sandbox, const char *path, char *ret_why, size_t size);

#endif

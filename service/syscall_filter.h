/* The filter of system calls that a daemon of ours puts over itself: seccomp(2). */
#ifndef SERVICE_SYSCALL_FILTER_H
#define SERVICE_SYSCALL_FILTER_H

/* From now on, in all threads, only what a daemon needs is allowed. Anything else fails as in a
 * kernel that does not have it (ENOSYS), except what no library does on our behalf: that ends the
 * process. Returns 0 or an errno; ENOSYS if this build has no libseccomp. */
int syscall_filter_enter(void);

#endif

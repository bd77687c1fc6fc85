#include "config.h"

#include "service/syscall_filter.h"

#include <errno.h>

#if HAVE_LIBSECCOMP

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/*
 * What libc, libevent, LMDB, OpenSSL, the modules of the name service switch, and we, use. Names
 * that an architecture does not have, or that an old libseccomp does not know, are skipped; so each
 * is there in all its forms.
 */
static const char *const allowed[] = {
    /* memory */
    "brk",
    "madvise",
    "membarrier",
    "mincore",
    "mlock",
    "mlock2",
    "mremap",
    "msync",
    "munlock",
    "munmap",
    /* threads, signals and the end */
    "arch_prctl",
    "cacheflush",
    "exit",
    "exit_group",
    "futex",
    "futex_time64",
    "futex_waitv",
    "get_robust_list",
    "get_thread_area",
    "getcpu",
    "prctl",
    "restart_syscall",
    "riscv_flush_icache",
    "riscv_hwprobe",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_sigtimedwait_time64",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_yield",
    "seccomp",
    "set_robust_list",
    "set_thread_area",
    "set_tid_address",
    "set_tls",
    "sigaction",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "sigprocmask",
    "sigreturn",
    "sigsuspend",
    /* who and where we are */
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getgroups",
    "getgroups32",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getresgid",
    "getresgid32",
    "getresuid",
    "getresuid32",
    "getrlimit",
    "getrusage",
    "getsid",
    "gettid",
    "getuid",
    "getuid32",
    "sysinfo",
    "ugetrlimit",
    "uname",
    /* time and randomness */
    "clock_getres",
    "clock_getres_time64",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "getitimer",
    "getrandom",
    "gettimeofday",
    "nanosleep",
    "setitimer",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_gettime64",
    "timer_settime",
    "timer_settime64",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_gettime64",
    "timerfd_settime",
    "timerfd_settime64",
    "times",
    /* descriptors */
    "_llseek",
    "close",
    "close_range",
    "copy_file_range",
    "dup",
    "dup2",
    "dup3",
    "fadvise64",
    "fadvise64_64",
    "arm_fadvise64_64",
    "fallocate",
    "fdatasync",
    "flock",
    "fstat",
    "fstat64",
    "fstatfs",
    "fstatfs64",
    "fsync",
    "ftruncate",
    "ftruncate64",
    "getdents",
    "getdents64",
    "lseek",
    "pipe",
    "pipe2",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readv",
    "sendfile",
    "sendfile64",
    "sync_file_range",
    "sync_file_range2",
    "syncfs",
    "write",
    "writev",
    /* names of files */
    "access",
    "chdir",
    "chmod",
    "creat",
    "faccessat",
    "faccessat2",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fstatat64",
    "getcwd",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "lstat",
    "lstat64",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "readlink",
    "readlinkat",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statx",
    "truncate",
    "truncate64",
    "umask",
    "unlink",
    "unlinkat",
    "utimensat",
    "utimensat_time64",
    /* waiting */
    "_newselect",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "poll",
    "ppoll",
    "ppoll_time64",
    "pselect6",
    "pselect6_time64",
    "select",
    /* sockets, once there is one */
    "accept",
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmmsg_time64",
    "recvmsg",
    "send",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
};

/* What is an attack whoever calls it. */
static const char *const deadly[] = {
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev",
};

#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

#define WHOLE UINT32_MAX

/* Calls that depend on an argument: allowed if, in the bits of the mask, it has this value. */
static const struct condition {
    const char *call;
    unsigned argument;
    uint32_t mask, value;
} conditions[] = {
    /* Threads, and no processes. What clone3() is asked for cannot be seen: libc does without. */
    {"clone", CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD},
    /* No memory becomes code that was written by this process. */
    {"mmap", 2, PROT_WRITE | PROT_EXEC, 0},
    {"mmap", 2, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {"mmap", 2, PROT_WRITE | PROT_EXEC, PROT_EXEC},
    {"mmap2", 2, PROT_WRITE | PROT_EXEC, 0},
    {"mmap2", 2, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {"mmap2", 2, PROT_WRITE | PROT_EXEC, PROT_EXEC},
    {"mprotect", 2, PROT_EXEC, 0},
    /* Netlink is for getaddrinfo(3), which asks what addresses this machine has. */
    {"socket", 0, WHOLE, AF_UNIX},
    {"socket", 0, WHOLE, AF_INET},
    {"socket", 0, WHOLE, AF_INET6},
    {"socket", 0, WHOLE, AF_NETLINK},
    {"socketpair", 0, WHOLE, AF_UNIX},
    /* The limits of this process only. */
    {"prlimit64", 0, WHOLE, 0},
    /* Above all nothing that puts input into a terminal. */
    {"ioctl", 1, WHOLE, FIOCLEX},
    {"ioctl", 1, WHOLE, FIONBIO},
    {"ioctl", 1, WHOLE, FIONREAD},
    {"ioctl", 1, WHOLE, SIOCGIFADDR},
    {"ioctl", 1, WHOLE, SIOCGIFCONF},
    {"ioctl", 1, WHOLE, SIOCGIFFLAGS},
    {"ioctl", 1, WHOLE, SIOCGIFINDEX},
    {"ioctl", 1, WHOLE, SIOCGIFNAME},
    {"ioctl", 1, WHOLE, SIOCOUTQ},
    {"ioctl", 1, WHOLE, TCGETS},
    {"ioctl", 1, WHOLE, TIOCGWINSZ},
};

/* Commands of fcntl(2), for descriptors, flags and locks: F_DUPFD to F_SETLKW are 0 to 7, and what
 * F_SETLK64 and the like are in 32-bit kernels, whatever libc calls them, 12 to 14. Not among them
 * are F_SETOWN and F_SETSIG, by which another process is sent signals. */
static const unsigned commands[] = {
    0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_DUPFD_CLOEXEC,
};
static const char *const commanded[] = {"fcntl", "fcntl64"};

/* Signals for this process: abort(3), raise(3). */
static const char *const own[] = {"kill", "tgkill"};

/* A name that libseccomp does not know is none that we need here. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name)
{
    int call = seccomp_syscall_resolve_name(name);
    return call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, action, call, 0);
}

static int add_condition(scmp_filter_ctx filter, const struct condition *condition)
{
    int call = seccomp_syscall_resolve_name(condition->call);
    struct scmp_arg_cmp compare =
        SCMP_CMP(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, condition->value);
    return call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, compare);
}

static int add_all(scmp_filter_ctx filter)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < COUNT(allowed); i++)
        error = add(filter, SCMP_ACT_ALLOW, allowed[i]);
    for (size_t i = 0; error == 0 && i < COUNT(deadly); i++)
        error = add(filter, SCMP_ACT_KILL_PROCESS, deadly[i]);
    for (size_t i = 0; error == 0 && i < COUNT(conditions); i++)
        error = add_condition(filter, &conditions[i]);
    for (size_t i = 0; error == 0 && i < COUNT(commands) * COUNT(commanded); i++)
        error = add_condition(filter, &(struct condition){commanded[i % COUNT(commanded)], 1, WHOLE,
                                                          commands[i / COUNT(commanded)]});
    for (size_t i = 0; error == 0 && i < COUNT(own); i++)
        error = add_condition(filter, &(struct condition){own[i], 0, WHOLE, (uint32_t)getpid()});
    return error;
}

int syscall_filter_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return ENOMEM;
    /* Calls in the form of another architecture would go past the names. */
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    /* A tree instead of a list of comparisons: the kernel runs it for each call. */
    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (error == 0)
        error = add_all(filter);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return -error;
}

#else

int syscall_filter_enter(void)
{
    return ENOSYS;
}

#endif

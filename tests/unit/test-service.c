/* What the service manager gives and is told. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "service/activation.h"
#include "service/notify.h"

/* A manager that listens at an abstract socket; `ret_name` as in $NOTIFY_SOCKET. */
static int manager(char ret_name[64])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(ret_name, 64, "@test-service-%d", (int)getpid());
    memcpy(address.sun_path, ret_name, (size_t)length);
    address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static void expect(int fd, const char *beginning)
{
    char text[128] = "";
    ssize_t length = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(length >= (ssize_t)strlen(beginning));
    assert_memory_equal(text, beginning, strlen(beginning));
}

static void tells_the_manager(void **state)
{
    (void)state;
    char name[64];
    int fd = manager(name);
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    setenv("NOTIFY_SOCKET", name, 1);
    notify_reloading();
    notify_ready();
    notify_stopping();
    expect(fd, "RELOADING=1\nMONOTONIC_USEC=");
    expect(fd, "READY=1");
    expect(fd, "STOPPING=1");
    close(fd);
}

static void feeds_the_watchdog(void **state)
{
    (void)state;
    char name[64], pid[32];
    int fd = manager(name);
    struct event_base *base = event_base_new();
    setenv("NOTIFY_SOCKET", name, 1);
    unsetenv("WATCHDOG_USEC");
    assert_null(notify_watch(base));
    setenv("WATCHDOG_USEC", "10000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_null(notify_watch(base));
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    struct event *watch = notify_watch(base);
    assert_non_null(watch);
    event_base_loop(base, EVLOOP_ONCE);
    expect(fd, "WATCHDOG=1");
    event_free(watch);
    event_base_free(base);
    close(fd);
}

/* In a child, whose descriptors are its own. */
static void take_sockets(long pid_offset, const char *count, int expected)
{
    pid_t child = fork();
    if (child == 0) {
        char pid[32];
        snprintf(pid, sizeof(pid), "%ld", (long)getpid() + pid_offset);
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", count, 1);
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || dup2(pair[0], ACTIVATION_FIRST) < 0)
            _exit(1);
        bool right = activation_take() == expected && !getenv("LISTEN_FDS");
        if (expected > 0)
            right = right && fcntl(ACTIVATION_FIRST, F_GETFD) == FD_CLOEXEC &&
                    fcntl(ACTIVATION_FIRST, F_GETFL) & O_NONBLOCK;
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void takes_sockets(void **state)
{
    (void)state;
    take_sockets(0, "1", 1);
    take_sockets(1, "1", 0); /* meant for another process */
    take_sockets(0, "-1", 0);
    take_sockets(0, "100000", 0);
    take_sockets(0, "", 0);
}

static void says_how_it_fares(void **state)
{
    (void)state;
    char name[64];
    int fd = manager(name);
    unsetenv("NOTIFY_SOCKET");
    assert_false(notify_is_heard());
    setenv("NOTIFY_SOCKET", name, 1);
    assert_true(notify_is_heard());
    notify_status("2 sessions");
    expect(fd, "STATUS=2 sessions");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_manager),
        cmocka_unit_test(feeds_the_watchdog),
        cmocka_unit_test(takes_sockets),
        cmocka_unit_test(says_how_it_fares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

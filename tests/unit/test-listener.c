/* The socket's place in the file system: private from the start, never taken from a living daemon,
 * taken from a dead one, and left to whoever has it when we end. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "daemon/listener.h"
#include "daemon/socket_path.h"
#include "service/log.h"

struct place {
    struct event_base *base;
    char directory[32];
    char path[64];
    int accepted[64];
    int count;
};

static void on_accepted(void *arg, int fd)
{
    struct place *place = arg;
    place->accepted[place->count++] = fd;
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    strcpy(place->directory, "/tmp/test-listener-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof(place->path), "%s/d/socket", place->directory);
    place->base = event_base_new();
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    char directory[64];
    for (int i = 0; i < place->count; i++)
        close(place->accepted[i]);
    snprintf(directory, sizeof(directory), "%s/d", place->directory);
    unlink(place->path);
    rmdir(directory);
    rmdir(place->directory);
    event_base_free(place->base);
    free(place);
    return 0;
}

static struct listener *listen_there(struct place *place)
{
    struct listener_why why;
    struct listener *listener = listener_new(place->base, place->path, on_accepted, place, &why);
    if (!listener)
        fail_msg("%s", why.text);
    return listener;
}

static void expect_refusal(struct place *place, const char *part)
{
    struct listener_why why;
    assert_null(listener_new(place->base, place->path, on_accepted, place, &why));
    if (!strstr(why.text, part))
        fail_msg("'%s' does not say '%s'", why.text, part);
    assert_int_equal(why.taken, strcmp(part, "another daemon") == 0);
}

/* A connection, or -1. */
static int come_in(const struct place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, place->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void is_private(void **state)
{
    struct place *place = *state;
    char directory[64];
    snprintf(directory, sizeof(directory), "%s/d", place->directory);
    mode_t mask = umask(0);
    struct listener *listener = listen_there(place);
    assert_int_equal(umask(mask), 0); /* it was put back */
    assert_int_equal(mode_of(directory), 0700);
    assert_int_equal(mode_of(place->path), 0600);
    listener_free(listener);
    assert_false(exists(place->path));
}

static void lets_clients_in(void **state)
{
    struct place *place = *state;
    struct listener *listener = listen_there(place);
    int clients[40];
    for (int i = 0; i < 40; i++)
        assert_true((clients[i] = come_in(place)) >= 0);
    for (int i = 0; i < 10; i++)
        event_base_loop(place->base, EVLOOP_NONBLOCK);
    assert_int_equal(place->count, 40);
    for (int i = 0; i < 40; i++)
        close(clients[i]);
    listener_free(listener);
}

static void living_daemon_keeps_its_socket(void **state)
{
    struct place *place = *state;
    struct listener *listener = listen_there(place);
    expect_refusal(place, "another daemon");
    int client = come_in(place);
    assert_true(client >= 0);
    close(client);
    listener_free(listener);
}

/* A daemon whose queue of clients is full does not answer either, and lives all the same. */
static void busy_daemon_keeps_its_socket(void **state)
{
    struct place *place = *state;
    char why[256];
    struct socket_mark mark;
    int fd = socket_path_listen(place->path, &mark, why, sizeof(why));
    assert_true(fd >= 0);
    int clients[1024], count = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, place->path);
    for (; count < 1000; count++) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(clients[count], (struct sockaddr *)&address, sizeof(address)) < 0)
            break;
    }
    expect_refusal(place, "another daemon");
    for (int i = 0; i <= count && i < 1000; i++)
        close(clients[i]);
    close(fd);
}

static void stale_socket_is_replaced(void **state)
{
    struct place *place = *state;
    char why[256];
    struct socket_mark mark;
    close(socket_path_listen(place->path, &mark, why, sizeof(why))); /* as if killed */
    assert_true(exists(place->path));
    struct listener *listener = listen_there(place);
    int client = come_in(place);
    assert_true(client >= 0);
    close(client);
    listener_free(listener);
}

static void no_socket_in_the_way(void **state)
{
    struct place *place = *state;
    char directory[64];
    snprintf(directory, sizeof(directory), "%s/d", place->directory);
    mkdir(directory, 0700);
    close(open(place->path, O_CREAT | O_WRONLY, 0600));
    expect_refusal(place, "not a socket");
    assert_true(exists(place->path));
}

static void open_directory_is_refused(void **state)
{
    struct place *place = *state;
    char directory[64];
    snprintf(directory, sizeof(directory), "%s/d", place->directory);
    mkdir(directory, 0700);
    chmod(directory, 0777);
    expect_refusal(place, "writable by others");
    chmod(directory, 01777);
    listener_free(listen_there(place));
}

static void two_that_start_are_kept_apart(void **state)
{
    struct place *place = *state;
    listener_free(listen_there(place)); /* makes the directory */
    char directory[64];
    snprintf(directory, sizeof(directory), "%s/d", place->directory);
    int other = open(directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(other, LOCK_EX), 0);
    expect_refusal(place, "locked");
    close(other);
    listener_free(listen_there(place));
}

static void path_too_long(void **state)
{
    struct place *place = *state;
    struct listener_why why;
    char path[200];
    memset(path, 'x', sizeof(path));
    memcpy(path, place->directory, strlen(place->directory));
    path[strlen(place->directory)] = '/';
    path[199] = 0;
    assert_null(listener_new(place->base, path, on_accepted, place, &why));
    assert_non_null(strstr(why.text, "199 bytes"));
}

static void ends_without_touching_another_ones_socket(void **state)
{
    struct place *place = *state;
    struct listener *first = listen_there(place);
    unlink(place->path);
    struct listener *second = listen_there(place);
    listener_free(first);
    int client = come_in(place);
    assert_true(client >= 0);
    close(client);
    listener_free(second);
    assert_false(exists(place->path));
}

static void removed_socket_is_made_anew(void **state)
{
    struct place *place = *state;
    char directory[64];
    snprintf(directory, sizeof(directory), "%s/d", place->directory);
    struct listener *listener = listen_there(place);
    unlink(place->path);
    rmdir(directory);
    listener_check(listener);
    int client = come_in(place);
    assert_true(client >= 0);
    event_base_loop(place->base, EVLOOP_NONBLOCK);
    assert_int_equal(place->count, 1);
    close(client);
    listener_check(listener); /* now there is nothing to do */
    listener_free(listener);
    assert_false(exists(place->path));
}

/* Somebody else sits there now: we do not take it back, and try again later. */
static void taken_place_is_left_alone(void **state)
{
    struct place *place = *state;
    struct listener *first = listen_there(place);
    unlink(place->path);
    struct listener *second = listen_there(place);
    listener_check(first);
    assert_true(come_in(place) >= 0);
    event_base_loop(place->base, EVLOOP_NONBLOCK);
    listener_free(second);
    listener_check(first);
    assert_true(exists(place->path));
    listener_free(first);
}

/* The manager's socket is served, and not touched. */
static void adopts_a_socket(void **state)
{
    struct place *place = *state;
    struct listener_why why;
    struct socket_mark mark;
    char text[256];
    int fd = socket_path_listen(place->path, &mark, text, sizeof(text));
    int the_managers = dup(fd);
    struct listener *listener = listener_adopt(place->base, fd, on_accepted, place, &why);
    assert_non_null(listener);
    socket_path_of(the_managers, text, sizeof(text));
    assert_string_equal(text, place->path);
    int client = come_in(place);
    event_base_loop(place->base, EVLOOP_NONBLOCK);
    assert_int_equal(place->count, 1);
    listener_check(listener);
    listener_free(listener);
    assert_true(exists(place->path));
    close(client);
    close(the_managers);
}

static void adopts_no_other_thing(void **state)
{
    struct place *place = *state;
    struct listener_why why;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_null(listener_adopt(place->base, pair[0], on_accepted, place, &why));
    assert_non_null(strstr(why.text, "not pass a listening Unix socket"));
    assert_int_equal(fcntl(pair[0], F_GETFD), -1); /* it is closed */
    close(pair[1]);
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From now on no new descriptor can be had. */
static struct rlimit use_up_descriptors(void)
{
    struct rlimit before, none;
    int next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

/* One client is turned away, the others wait, and nobody spins meanwhile. */
static void out_of_descriptors(void **state)
{
    struct place *place = *state;
    struct listener *listener = listen_there(place);
    int clients[3];
    for (int i = 0; i < 3; i++)
        assert_true((clients[i] = come_in(place)) >= 0);
    struct rlimit before = use_up_descriptors();
    int64_t start = milliseconds();
    event_base_loop(place->base, EVLOOP_ONCE); /* they come */
    event_base_loop(place->base, EVLOOP_ONCE); /* the pause is over: nothing else wakes the loop */
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(milliseconds() - start >= 900);
    assert_int_equal(place->count, 0);
    char byte;
    assert_int_equal(recv(clients[0], &byte, 1, MSG_DONTWAIT), 0);  /* turned away */
    assert_int_equal(recv(clients[1], &byte, 1, MSG_DONTWAIT), -1); /* waiting */
    while (place->count < 2)
        event_base_loop(place->base, EVLOOP_ONCE);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    listener_free(listener);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Somebody who is told that the daemon runs wants to reach it now. */
static void heard_when_a_file_is_opened(void **state)
{
    struct place *place = *state;
    struct listener *listener = listen_there(place);
    char file[64];
    struct stat status;
    snprintf(file, sizeof(file), "%s/d/lock", place->directory);
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    listener_hear(listener, file);
    assert_int_equal(unlink(place->path), 0);
    event_base_loop(place->base, EVLOOP_NONBLOCK);
    assert_int_not_equal(stat(place->path, &status), 0);
    close(open(file, O_RDONLY | O_CLOEXEC));
    event_base_loop(place->base, EVLOOP_ONCE);
    assert_int_equal(stat(place->path, &status), 0);
    unlink(file);
    listener_free(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_private),
        TEST(lets_clients_in),
        TEST(living_daemon_keeps_its_socket),
        TEST(busy_daemon_keeps_its_socket),
        TEST(stale_socket_is_replaced),
        TEST(no_socket_in_the_way),
        TEST(open_directory_is_refused),
        TEST(two_that_start_are_kept_apart),
        TEST(path_too_long),
        TEST(ends_without_touching_another_ones_socket),
        TEST(removed_socket_is_made_anew),
        TEST(heard_when_a_file_is_opened),
        TEST(taken_place_is_left_alone),
        TEST(adopts_a_socket),
        TEST(adopts_no_other_thing),
        TEST(out_of_descriptors),
    };
    log_set_level(LOG_LEVEL_ERROR);
    /* There accept4() takes a client beyond the limit all the same, and drops it. */
    if (getenv("UNDER_VALGRIND"))
        cmocka_set_skip_filter("out_of_descriptors");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

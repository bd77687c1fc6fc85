/* Finding the daemon's socket, and what is said when nobody is there. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "libclient/wormclient.h"
#include "wormclient-script.h"

/* Somebody who may use nothing of root's. */
#define NOBODY ((uid_t)65534)

struct place {
    char dir[64];
    char path[96];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    const char *tmp = getenv("TMPDIR");
    snprintf(place->dir, sizeof(place->dir), "%s/wormclient.XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/socket", place->dir);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    assert_return_code(rmdir(place->dir), errno);
    free(place);
    return 0;
}

static int listen_at(const struct place *place, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, place->path, strlen(place->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(fd, errno);
    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
    assert_return_code(listen(fd, backlog), errno);
    return fd;
}

/* ---- which path ---- */

static void assert_path(const char *given, const char *expected)
{
    char path[108];
    assert_true(wormclient_socket_path(given, path, sizeof(path)));
    assert_string_equal(path, expected);
}

static void order_of_paths(void **state)
{
    (void)state;
    assert_return_code(setenv("WORMHOLED_SOCKET", "/a/s", 1), errno);
    assert_return_code(setenv("XDG_RUNTIME_DIR", "/run/x", 1), errno);
    assert_path("/given", "/given");
    assert_path(NULL, "/a/s");
    assert_return_code(setenv("WORMHOLED_SOCKET", "", 1), errno);
    assert_path(NULL, "/run/x/wormholed/socket");
    assert_return_code(unsetenv("WORMHOLED_SOCKET"), errno);
    assert_path(NULL, "/run/x/wormholed/socket");
    char runtime[64], expected[128];
    struct stat there;
    snprintf(runtime, sizeof(runtime), "/run/user/%lu", (unsigned long)getuid());
    bool ours = stat(runtime, &there) == 0 && there.st_uid == getuid();
    snprintf(expected, sizeof(expected), "%s/wormholed/socket", ours ? runtime : "/state");
    assert_return_code(setenv("XDG_STATE_HOME", "/state", 1), errno);
    assert_return_code(setenv("XDG_RUNTIME_DIR", "not/absolute", 1), errno);
    assert_path(NULL, expected);
    assert_return_code(unsetenv("XDG_RUNTIME_DIR"), errno);
    assert_path(NULL, expected);
}

static void path_in_the_home_directory(void **state)
{
    char path[108];
    (void)state;
    setenv("HOME", "/home/somebody", 1);
    assert_true(wormclient_socket_path("~/s", path, sizeof(path)));
    assert_string_equal(path, "/home/somebody/s");
    assert_true(wormclient_socket_path("./~/s", path, sizeof(path)));
    assert_string_equal(path, "./~/s");
}

static void paths_that_do_not_fit(void **state)
{
    (void)state;
    char path[256] = "untouched";
    assert_true(wormclient_socket_path("/1234", path, 6));
    assert_false(wormclient_socket_path("/12345", path, 6));
    assert_string_equal(path, "/1234");
    char large[110];
    memset(large, 'x', sizeof(large));
    large[107] = '\0';
    assert_true(wormclient_socket_path(large, path, sizeof(path)));
    large[107] = 'x';
    large[108] = '\0';
    assert_false(wormclient_socket_path(large, path, sizeof(path)));
    assert_false(wormclient_socket_path("", path, sizeof(path)));
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_connect(large, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_ARGUMENT);
    assert_false(wormclient_error_is_fatal(&error));
}

/* ---- nobody there ---- */

static void assert_refused(const char *path, enum wormclient_error_code code)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_start(path, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.text, path));
    assert_null(strchr(error.text, '\n'));
    assert_int_not_equal(error.system, 0);
}

static void nobody_there(void **state)
{
    const struct place *place = *state;
    assert_refused(place->path, WORMCLIENT_ERROR_NO_DAEMON);
    assert_null(wormclient_connect(place->path, NULL));
    /* What a daemon that was killed leaves behind. */
    close(listen_at(place, 1));
    assert_refused(place->path, WORMCLIENT_ERROR_NO_DAEMON);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_connect(place->path, &error));
    assert_true(wormclient_error_is_fatal(&error));
}

static void not_allowed(void **state)
{
    const struct place *place = *state;
    int fd = listen_at(place, 1);
    bool root = geteuid() == 0;
    assert_return_code(chmod(place->dir, 0), errno);
    if (root)
        assert_return_code(seteuid(NOBODY), errno);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient *client = wormclient_start(place->path, &error);
    if (root)
        assert_return_code(seteuid(0), errno);
    assert_return_code(chmod(place->dir, 0700), errno);
    close(fd);
    assert_null(client);
    assert_int_equal(error.code, WORMCLIENT_ERROR_DENIED);
    assert_int_equal(error.system, EACCES);
}

/* ---- somebody there ---- */

/* wormclient_start never waits, even when the daemon does not come round to accepting. */
static void full_queue(void **state)
{
    const struct place *place = *state;
    int fd = listen_at(place, 0);
    struct wormclient *clients[16] = {NULL};
    struct wormclient_error error = {0};
    size_t count = 0;
    while (count < 16 && (clients[count] = wormclient_start(place->path, &error)) != NULL)
        count++;
    assert_true(count < 16);
    assert_int_equal(error.code, WORMCLIENT_ERROR_REFUSED);
    assert_int_equal(error.system, EAGAIN);
    while (count > 0)
        wormclient_free(clients[--count]);
    close(fd);
}

static void keyed(struct script *script, const struct message *request)
{
    script_view(script, request, "keyed");
}

static void connected(void **state)
{
    const struct place *place = *state;
    static const struct step steps[] = {{"show", keyed}, {NULL, NULL}};
    int fd = listen_at(place, 1);
    assert_return_code(setenv("WORMHOLED_SOCKET", place->path, 1), errno);
    struct script script;
    script_listen(&script, steps, fd);
    script.client = wormclient_connect(NULL, NULL);
    assert_non_null(script.client);
    struct wormclient_session *session = wormclient_show(script.client, "x", NULL);
    assert_non_null(session);
    wormclient_session_free(session);
    script_end(&script);
    assert_return_code(unsetenv("WORMHOLED_SOCKET"), errno);
    close(fd);
}

static void *accept_and_close(void *arg)
{
    close(accept(*(int *)arg, NULL, NULL));
    return NULL;
}

/* A daemon that goes while we say hello. */
static void connected_and_lost(void **state)
{
    const struct place *place = *state;
    int fd = listen_at(place, 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, accept_and_close, &fd), 0);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_connect(place->path, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_paths),
        cmocka_unit_test(path_in_the_home_directory),
        cmocka_unit_test(paths_that_do_not_fit),
        cmocka_unit_test_setup_teardown(nobody_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_queue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connected_and_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

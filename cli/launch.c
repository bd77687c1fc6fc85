#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/launch.h"
#include "cli/report.h"

#define DAEMON "wormholed"
/* Most bytes that are shown of what the daemon prints when it cannot start. */
#define OUTPUT_MAX 2048
/* If it does not start, the reason may be another one that was started at the same time, and needs
 * a moment until it listens: how often to try, and how far apart (ms). */
#define ATTEMPTS 50
#define PAUSE    100
/* Longest path of a socket, with its NUL (unix(7)). */
#define SOCKET_PATH_MAX 108

extern char **environ;

/* ---- starting it ---- */

/* The daemon beside this program, or just its name, for a search of $PATH. */
static void find_daemon(char ret_path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - sizeof(DAEMON));
    char *slash;

    ret_path[length > 0 ? length : 0] = '\0';
    slash = strrchr(ret_path, '/');
    if (slash != NULL) {
        strcpy(slash + 1, DAEMON);
        if (access(ret_path, X_OK) == 0)
            return;
    }
    strcpy(ret_path, DAEMON);
}

/* It shares no stream with us, but we read what it prints; and it must not ignore the signals that
 * we ignore. Returns 0, or an errno. */
static int spawn_daemon(char *const arguments[], int output, pid_t *ret_pid)
{
    char daemon[PATH_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int failure = posix_spawn_file_actions_init(&actions);

    if (failure != 0)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return failure;
    }
    find_daemon(daemon);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (failure == 0)
        failure = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (failure == 0)
        failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (failure == 0)
        failure = posix_spawnp(ret_pid, daemon, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Reads to the end; what does not fit is thrown away. */
static void read_output(int fd, char ret_output[OUTPUT_MAX])
{
    char rest[256];
    size_t length = 0;
    ssize_t got;

    do {
        bool room = length + 1 < OUTPUT_MAX;

        got = read(fd, room ? ret_output + length : rest,
                   room ? OUTPUT_MAX - 1 - length : sizeof(rest));
        if (got > 0 && room)
            length += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    ret_output[length] = '\0';
}

/* Returns what went wrong; the empty string if nothing did. */
static void start(char *socket, char ret_output[OUTPUT_MAX])
{
    char name[] = DAEMON, option[] = "--socket";
    char *arguments[] = {name, option, socket, NULL};
    int ends[2], failure;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(ret_output, OUTPUT_MAX, "%s", strerror(errno));
        return;
    }
    failure = spawn_daemon(arguments, ends[1], &pid);
    close(ends[1]);
    if (failure == 0) {
        /* It goes into the background once it can be reached: then, or when it failed, the process
         * that we started ends. */
        read_output(ends[0], ret_output);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    } else {
        snprintf(ret_output, OUTPUT_MAX, "%s: %s", DAEMON, strerror(failure));
    }
    close(ends[0]);
}

/* ---- asking it what it finds ---- */

/* Reads to the end, or until clock_monotonic() is `end`: false then. */
static bool read_until(int fd, int64_t end, char *ret_text, size_t size)
{
    size_t length = 0;
    ssize_t got = 1;
    int64_t left;

    while (got > 0 && length + 1 < size && (left = end - clock_monotonic()) > 0) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};

        if (poll(&waiting, 1, (int)left) <= 0)
            continue;
        got = read(fd, ret_text + length, size - length - 1);
        length += got > 0 ? (size_t)got : 0;
    }
    ret_text[length] = '\0';
    return got <= 0;
}

enum launch_end launch_diagnose(char *const arguments[], int64_t ms, char *ret_text, size_t size)
{
    int ends[2], failure;
    bool ended;
    pid_t pid;

    ret_text[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(ret_text, size, "%s", strerror(errno));
        return LAUNCH_NOT_STARTED;
    }
    failure = spawn_daemon(arguments, ends[1], &pid);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        snprintf(ret_text, size, "%s", strerror(failure));
        return LAUNCH_NOT_STARTED;
    }
    ended = read_until(ends[0], clock_monotonic() + ms, ret_text, size);
    close(ends[0]);
    if (!ended)
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return ended ? LAUNCH_ENDED : LAUNCH_LATE;
}

/* ---- reaching it ---- */

enum exit_status launch_daemon(const char *path, struct wormclient **ret_client)
{
    char socket[SOCKET_PATH_MAX], output[OUTPUT_MAX] = "";
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient *client = NULL;

    if (!wormclient_socket_path(path, socket, sizeof(socket))) {
        report("the path of the daemon's socket is too long");
        return EXIT_FAILED;
    }
    start(socket, output);
    for (int i = 0; i < ATTEMPTS && client == NULL; i++) {
        if (i > 0)
            poll(NULL, 0, PAUSE);
        client = wormclient_connect(socket, &error);
        if (client == NULL && error.code != WORMCLIENT_ERROR_NO_DAEMON)
            break;
    }
    if (client != NULL) {
        *ret_client = client;
        return EXIT_DONE;
    }
    report("cannot start the daemon");
    report_lines(false, "", output);
    return report_error(&error);
}

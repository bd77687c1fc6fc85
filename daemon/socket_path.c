#include "config.h"

#include "daemon/socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

/* Clients that may wait to be accepted; beyond that, connect() fails or waits. */
#define BACKLOG 128
/* A starting daemon holds the directory's lock for some milliseconds. But the directory may be open
 * to everyone, and then anyone could hold the lock forever. */
#define LOCK_TRIES   200
#define LOCK_WAIT_NS (10 * 1000 * 1000)

/* ---- the directory ---- */

/* Others who can write to the directory could put a socket of their own in place of ours. The
 * sticky bit, as on /tmp, prevents that. */
static bool directory_is_safe(int directory)
{
    struct stat status;
    if (fstat(directory, &status) < 0)
        return false;
    bool owner = status.st_uid == geteuid() || status.st_uid == 0;
    bool shared = status.st_mode & (S_IWGRP | S_IWOTH);
    return owner && (!shared || (status.st_mode & S_ISVTX));
}

/* Makes a directory, and what is missing above it. False with errno. */
static bool make_directories(char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    char *slash = strrchr(path, '/');
    if (errno != ENOENT || slash == NULL || slash == path)
        return false;
    *slash = '\0';
    bool made = make_directories(path);
    *slash = '/';
    return made && (mkdir(path, 0700) == 0 || errno == EEXIST);
}

/* Opens the directory, creating it if it is missing. */
static int open_directory(const char *path, char *ret_why, size_t size)
{
    char copy[sizeof((struct sockaddr_un *)NULL)->sun_path];
    snprintf(copy, sizeof(copy), "%s", path);
    char *name = dirname(copy);
    if (!make_directories(name)) {
        snprintf(ret_why, size, "cannot create the socket's directory %s: %s", name,
                 strerror(errno));
        return -1;
    }
    int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        snprintf(ret_why, size, "cannot open the socket's directory %s: %s", name, strerror(errno));
    } else if (!directory_is_safe(directory)) {
        snprintf(ret_why, size,
                 "the socket's directory %s belongs to another user or is writable by others",
                 name);
        close(directory);
        return -1;
    }
    return directory;
}

static bool lock_directory(int directory, char *ret_why, size_t size)
{
    static const struct timespec nap = {.tv_nsec = LOCK_WAIT_NS};
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(directory, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&nap, NULL);
    }
    snprintf(ret_why, size, "the socket's directory is locked by another program");
    return false;
}

/* ---- what is there already ---- */

/* connect() must not wait for a daemon whose queue is full: such a daemon is alive, too. */
static bool is_answered(const struct sockaddr_un *address, int *ret_error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *ret_error = errno;
        return false;
    }
    bool connected = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    *ret_error = connected ? 0 : errno;
    close(fd);
    return connected || *ret_error == EAGAIN;
}

/* Frees the path unless a daemon answers there. Returns 0, or what socket_path_listen() returns. */
static int clear_place(const struct sockaddr_un *address, char *ret_why, size_t size)
{
    struct stat status;
    const char *path = address->sun_path;
    if (lstat(path, &status) < 0)
        return 0; /* if the path is not free after all, bind() will say so */
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(ret_why, size, "%s exists and is not a socket", path);
        return -1;
    }
    int error;
    if (is_answered(address, &error)) {
        snprintf(ret_why, size, "another daemon is listening on %s", path);
        return SOCKET_PATH_TAKEN;
    }
    if (error != ECONNREFUSED || unlink(path) < 0) {
        snprintf(ret_why, size, "cannot replace %s: %s", path,
                 strerror(error != ECONNREFUSED ? error : errno));
        return -1;
    }
    return 0;
}

/* ---- the socket ---- */

static int bind_socket(const struct sockaddr_un *address, struct socket_mark *ret_mark,
                       char *ret_why, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        /* The file has its mode from the start: there is no moment at which others could
         * connect. */
        mode_t mask = umask(0177);
        int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));
        umask(mask);
        struct stat status;
        FAULT_POINT("socket.bind.after");
        if (result == 0 && listen(fd, BACKLOG) == 0 && stat(address->sun_path, &status) == 0) {
            *ret_mark = (struct socket_mark){status.st_dev, status.st_ino};
            return fd;
        }
    }
    snprintf(ret_why, size, "cannot listen on %s: %s", address->sun_path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int socket_path_listen(const char *path, struct socket_mark *ret_mark, char *ret_why, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    int fd = -1;
    if (length >= sizeof(address.sun_path)) {
        snprintf(ret_why, size,
                 "the path of the socket is %zu bytes long, and %zu is the limit: %s", length,
                 sizeof(address.sun_path) - 1, path);
        return -1;
    }
    memcpy(address.sun_path, path, length + 1);
    int directory = open_directory(path, ret_why, size);
    if (directory < 0)
        return -1;
    if (lock_directory(directory, ret_why, size))
        fd = clear_place(&address, ret_why, size);
    FAULT_POINT("socket.bind.before");
    if (fd == 0)
        fd = bind_socket(&address, ret_mark, ret_why, size);
    close(directory); /* this releases the lock, too */
    return fd;
}

bool socket_path_is(const char *path, const struct socket_mark *mark)
{
    struct stat status;
    return lstat(path, &status) == 0 && status.st_dev == mark->device &&
           status.st_ino == mark->inode;
}

static bool has_option(int fd, int option, int wanted)
{
    int value;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

bool socket_path_is_listening(int fd)
{
    return has_option(fd, SO_DOMAIN, AF_UNIX) && has_option(fd, SO_TYPE, SOCK_STREAM) &&
           has_option(fd, SO_ACCEPTCONN, 1);
}

void socket_path_of(int fd, char *ret_path, size_t size)
{
    struct sockaddr_un address = {0};
    socklen_t length = sizeof(address);
    bool known = getsockname(fd, (struct sockaddr *)&address, &length) == 0;
    snprintf(ret_path, size, "%.*s", known ? (int)sizeof(address.sun_path) : 0, address.sun_path);
}

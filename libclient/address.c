#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/home.h"
#include "libclient/client.h"

#define SOCKET_UNDER_RUNTIME_DIR "wormholed/socket"

static const char *variable(const char *name)
{
    const char *value = secure_getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Like snprintf: returns the path's full length, whether or not it fits. */
static int print_path(const char *path, char *buffer, size_t size)
{
    if (path == NULL)
        path = variable("WORMHOLED_SOCKET");
    if (path != NULL) {
        char why[1], *expanded = home_expand(path, why, sizeof(why));
        int length = snprintf(buffer, size, "%s", expanded != NULL ? expanded : path);
        free(expanded);
        return length;
    }
    return home_socket(SOCKET_UNDER_RUNTIME_DIR, buffer, size);
}

bool wormclient_socket_path(const char *path, char *ret_path, size_t size)
{
    struct sockaddr_un address;
    char found[sizeof(address.sun_path)];
    int length = print_path(path, found, sizeof(found));
    if (length <= 0 || (size_t)length >= sizeof(found) || (size_t)length >= size)
        return false;
    memcpy(ret_path, found, (size_t)length + 1);
    return true;
}

/* Explains a failed connect() to people. */
static void explain(struct wormclient_error *ret_error, int system, const char *path)
{
    switch (system) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        wormclient__error(ret_error, WORMCLIENT_ERROR_NO_DAEMON, system, "no daemon listens on %s",
                          path);
        break;
    case EACCES:
    case EPERM:
        wormclient__error(ret_error, WORMCLIENT_ERROR_DENIED, system,
                          "you may not use the daemon's socket %s", path);
        break;
    case EAGAIN:
        wormclient__error(ret_error, WORMCLIENT_ERROR_REFUSED, system,
                          "the daemon on %s is too busy to take another connection", path);
        break;
    default:
        wormclient__error(ret_error, WORMCLIENT_ERROR_NO_DAEMON, system,
                          "cannot reach a daemon on %s: %s", path, strerror(system));
    }
}

/* An interrupted connect() to a Unix socket has not started, so it is simply repeated. */
static int connect_again(int fd, const struct sockaddr_un *address)
{
    int result;
    do
        result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    while (result < 0 && errno == EINTR);
    return result;
}

/* Whoever takes the path of a socket in a directory that others may write to would be told codes.
 */
static bool is_trusted(int fd, const char *path, struct wormclient_error *ret_error)
{
    struct ucred listener;
    socklen_t size = sizeof(listener);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_DENIED, errno,
                          "cannot tell who listens on %s: %s", path, strerror(errno));
        return false;
    }
    if (listener.uid == 0 || listener.uid == geteuid())
        return true;
    wormclient__error(
        ret_error, WORMCLIENT_ERROR_DENIED, EPERM,
        "another user (%lu) listens on %s, and is told nothing; to use that user's daemon, "
        "become that user",
        (unsigned long)listener.uid, path);
    return false;
}

int wormclient__dial(const char *path, bool may_wait, struct wormclient_error *ret_error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!wormclient_socket_path(path, address.sun_path, sizeof(address.sun_path))) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_ARGUMENT, ENAMETOOLONG,
                          "the path of the daemon's socket is empty or longer than %zu bytes",
                          sizeof(address.sun_path) - 1);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (may_wait ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_MEMORY, errno, "cannot make a socket: %s",
                          strerror(errno));
        return -1;
    }
    if (connect_again(fd, &address) < 0) {
        explain(ret_error, errno, address.sun_path);
        close(fd);
        return -1;
    }
    if (!is_trusted(fd, address.sun_path, ret_error)) {
        close(fd);
        return -1;
    }
    return fd;
}

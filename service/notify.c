#include "config.h"

#include "service/notify.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

/* Nobody reads longer lines. */
#define STATUS_MAX 256

/* A path, or '@' and the name of an abstract socket. It does not matter whether anybody receives
 * the text. */
static void say(const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t length = name != NULL ? strlen(name) : 0;
    if (length == 0 || length >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, name, length);
    if (*name == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}

void notify_ready(void)
{
    say("READY=1");
}

void notify_reloading(void)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)clock_monotonic_us());
    say(text);
}

void notify_stopping(void)
{
    say("STOPPING=1");
}

void notify_status(const char *line)
{
    char text[STATUS_MAX];
    snprintf(text, sizeof(text), "STATUS=%s", line);
    say(text);
}

bool notify_is_heard(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    return name != NULL && *name;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    say("WATCHDOG=1");
}

struct event *notify_watch(struct event_base *base)
{
    /* The variables may be meant for another process, from which this one descends. */
    const char *pid = getenv("WATCHDOG_PID"), *text = getenv("WATCHDOG_USEC");
    if (text == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
        return NULL;
    int64_t half = strtoll(text, NULL, 10) / 2;
    if (half <= 0)
        return NULL;
    struct event *watch = event_new(base, -1, EV_PERSIST, on_time, NULL);
    if (watch != NULL)
        event_add(watch, &(struct timeval){.tv_sec = half / 1000000, .tv_usec = half % 1000000});
    return watch;
}

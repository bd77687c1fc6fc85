/* What the service manager is told (sd_notify(3)): nothing, unless it has set $NOTIFY_SOCKET. */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include <stdbool.h>

struct event;
struct event_base;

/* The daemon can be reached; is reading its settings anew, until it is ready again; is ending. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* The daemon's state: one line for people. */
void notify_status(const char *line);

/* True if there is somebody to tell. */
bool notify_is_heard(void);

/* Notifies the watchdog, if $WATCHDOG_USEC asks for it, as long as the event loop turns. New:
 * event_free() it. NULL if there is no watchdog, or no memory. */
struct event *notify_watch(struct event_base *base);

#endif

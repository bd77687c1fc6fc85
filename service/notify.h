/* What the service manager is told (sd_notify(3)): nothing, unless it has set $NOTIFY_SOCKET. */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include <stdbool.h>

struct event;
struct event_base;

/* It can be reached; reading its settings anew, until it is ready again; ending. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* How it fares: one line for people. */
void notify_status(const char *line);

/* True if anybody is told. */
bool notify_is_heard(void);

/* As long as the event loop turns, tells the watchdog that asks for it in $WATCHDOG_USEC. New:
 * event_free() it. NULL where there is none, or no memory. */
struct event *notify_watch(struct event_base *base);

#endif

/* One line for the service manager: "412 sessions, 3 due". */
#ifndef DAEMON_STATUS_LINE_H
#define DAEMON_STATUS_LINE_H

#include <stdint.h>

struct event_base;
struct status_line;
struct kv;
struct turns;

/* Room for the line, with its NUL. */
#define STATUS_LINE_SIZE 64

/* The line for `sessions` sessions, `due` of which are due for a visit. */
void status_line_format(uint64_t sessions, unsigned due, char ret_line[STATUS_LINE_SIZE]);

/* New; status_line_free(). NULL when out of memory. First reports to the manager soon, from the
 * event loop. */
struct status_line *status_line_new(struct event_base *base, struct kv *store, struct turns *turns);
void status_line_free(struct status_line *line); /* NULL is fine */

/* Something may have changed. If it has, the manager is told, at most once a second. */
void status_line_look(struct status_line *line);

#endif

/*
 * Which nameplates of an application are in use at a relay, for completion while a user types a
 * code. Each inquiry uses a short connection of its own, which claims nothing and belongs to no
 * session.
 */
#ifndef DAEMON_NAMEPLATES_H
#define DAEMON_NAMEPLATES_H

#include <stdbool.h>

struct event_base;
struct inquiry;
struct nameplates;
struct worker;
struct relays;
struct relay_dialer;
struct wire_message;

/* Inquiries under way at a time: a person types one code at a time. */
#define NAMEPLATES_INQUIRIES_MAX 16
/* How long an inquiry may take, from the name look-up to the list, seconds. */
#define NAMEPLATES_SECONDS 10

/* What inquiries work with; all of it must outlive them. */
struct nameplates_parts {
    struct event_base *base;
    struct relay_dialer *routes;
    struct relays *relays;
    struct worker *hashcash_worker;
};

/*
 * Called once for each inquiry that was not cancelled, from the event loop: `list` is the relay's
 * answer (wire_next_nameplate()), or NULL, and then `why` is one sentence for people. Borrowed for
 * the duration of the call.
 */
typedef void (*nameplates_done)(void *arg, const struct wire_message *list, const char *why);

/* New; nameplates_free(), which drops all inquiries silently. NULL when out of memory. */
struct nameplates *nameplates_new(const struct nameplates_parts *parts);
void nameplates_free(struct nameplates *nameplates); /* NULL is fine */

/* True if no further inquiry is allowed at present. */
bool nameplates_busy(const struct nameplates *nameplates);

/* Asks a relay (its URL has been checked). Borrowed until `done` or nameplates_cancel(). NULL when
 * out of memory. */
struct inquiry *nameplates_ask(struct nameplates *nameplates, const char *relay, const char *appid,
                               nameplates_done done, void *arg);

/* The answer is no longer wanted: the connection is dropped, and `done` is not called. */
void nameplates_cancel(struct inquiry *inquiry);

#endif

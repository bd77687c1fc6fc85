/* Sessions that watch has seen, and how they were then. */
#ifndef CLI_WATCH_KNOWN_H
#define CLI_WATCH_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/snapshot.h"

/* Room for an id of a session, 16 hex digits, and its NUL. */
#define WATCH_ID_SIZE 17

struct known_session;

/* Begins as `= {0}`. */
struct watch_known {
    struct known_session *sessions;
    unsigned round; /* of watch_known_begin_round() */
};

/* How the session was; borrowed, NULL if it was never seen. */
const struct snapshot *watch_known_find(const struct watch_known *known, const char *id);

/* Remembers it. False: out of memory. */
bool watch_known_remember(struct watch_known *known, const char *id,
                          const struct snapshot *snapshot);

/* Forgets it; fine if it was never seen. */
void watch_known_forget(struct watch_known *known, const char *id);
void watch_known_clear(struct watch_known *known);

size_t watch_known_count(const struct watch_known *known);

/* To find those that are gone: begin a round, mark all that are still there, and take one after the
 * other that is not marked (copies its id; false if there is none any more). */
void watch_known_begin_round(struct watch_known *known);
void watch_known_mark(struct watch_known *known, const char *id);
bool watch_known_missing(const struct watch_known *known, char ret_id[WATCH_ID_SIZE]);

#endif

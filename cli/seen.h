/* Sessions that watch has seen, and how they were then. */
#ifndef CLI_SEEN_H
#define CLI_SEEN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/snapshot.h"

/* Room for an id of a session, 16 hex digits, and its NUL. */
#define SEEN_ID_MAX 17

struct seen_session;

/* Begins as `= {0}`. */
struct seen {
    struct seen_session *sessions;
    unsigned round; /* of seen_begin_round() */
};

/* How the session was; borrowed, NULL if it was never seen. */
const struct snapshot *seen_find(const struct seen *seen, const char *id);

/* Remembers it. False: out of memory. */
bool seen_remember(struct seen *seen, const char *id, const struct snapshot *snapshot);

/* Forgets it; fine if it was never seen. */
void seen_forget(struct seen *seen, const char *id);
void seen_clear(struct seen *seen);

size_t seen_count(const struct seen *seen);

/* To find those that are gone: begin a round, mark all that are still there, and take one after the
 * other that is not marked (copies its id; false if there is none any more). */
void seen_begin_round(struct seen *seen);
void seen_mark(struct seen *seen, const char *id);
bool seen_missing(const struct seen *seen, char ret_id[SEEN_ID_MAX]);

#endif

/* What is remembered of a session's view, to find out later what happened to it. */
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/wormclient.h"

/* Room for a petname (at most 64 bytes) and its NUL. */
#define SNAPSHOT_NAME_MAX 65

struct snapshot {
    int64_t change; /* number of the session's newest change */
    char name[SNAPSHOT_NAME_MAX];
    bool code, keyed, established, verified, paused, copied, exported, ended, forgotten;
    int64_t received, unread, sent, stored, delivered, read;
};

/* What can happen; wormctl(1) promises the words to scripts. */
enum snapshot_event {
    SNAPSHOT_CODE = 0,
    SNAPSHOT_KEYED,
    SNAPSHOT_ESTABLISHED,
    SNAPSHOT_VERIFIED,
    SNAPSHOT_MESSAGE,
    SNAPSHOT_SENT,
    SNAPSHOT_STORED,
    SNAPSHOT_DELIVERED,
    SNAPSHOT_READ,
    SNAPSHOT_PAUSED,
    SNAPSHOT_COPIED,
    SNAPSHOT_RENAMED,
    SNAPSHOT_EXPORTED,
    SNAPSHOT_ENDED,
    SNAPSHOT_FORGOTTEN,
    SNAPSHOT_EVENTS,
};

/* The word for it. Constant. */
const char *snapshot_word(enum snapshot_event event);

/* What a view says; NULL: the session was forgotten. */
struct snapshot snapshot_take(const struct wormclient_session *session);

/*
 * The events that "message,ended" names, a bit for each: *ret_events. False if one of the words is
 * none: *ret_wrong is where it begins, in `words`.
 */
bool snapshot_read_events(const char *words, uint32_t *ret_events, const char **ret_wrong);

/* What happened between the two, a bit for each event. Without a state before (NULL), all that is
 * true now counts as having happened. */
uint32_t snapshot_compare(const struct snapshot *before, const struct snapshot *now);

/* How many messages came between the two; without a state before, those that are unread. */
int64_t snapshot_new_messages(const struct snapshot *before, const struct snapshot *now);

#endif

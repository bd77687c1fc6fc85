#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table that cannot grow gives the new entry back instead of ending the program. */
#define HASH_NONFATAL_OOM       1
#define uthash_nonfatal_oom(it) ((it)->lost = true)
#include <uthash.h>

#include "cli/watch_known.h"

struct known_session {
    UT_hash_handle hh;
    char id[WATCH_ID_SIZE];
    struct snapshot snapshot;
    unsigned round;
    bool lost;
};

static struct known_session *find(const struct watch_known *known, const char *id)
{
    struct known_session *session = NULL;

    HASH_FIND_STR(known->sessions, id, session);
    return session;
}

const struct snapshot *watch_known_find(const struct watch_known *known, const char *id)
{
    const struct known_session *session = find(known, id);

    return session != NULL ? &session->snapshot : NULL;
}

bool watch_known_remember(struct watch_known *known, const char *id,
                          const struct snapshot *snapshot)
{
    struct known_session *session = find(known, id);

    if (session == NULL) {
        session = calloc(1, sizeof(*session));
        if (session == NULL)
            return false;
        snprintf(session->id, sizeof(session->id), "%s", id);
        HASH_ADD_STR(known->sessions, id, session);
        if (session->lost) {
            free(session);
            return false;
        }
    }
    session->snapshot = *snapshot;
    session->round = known->round;
    return true;
}

void watch_known_forget(struct watch_known *known, const char *id)
{
    struct known_session *session = find(known, id);

    if (session != NULL) {
        HASH_DEL(known->sessions, session);
        free(session);
    }
}

void watch_known_clear(struct watch_known *known)
{
    struct known_session *session, *next;

    HASH_ITER(hh, known->sessions, session, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(known->sessions, session);
        free(session);
    }
}

size_t watch_known_count(const struct watch_known *known)
{
    return HASH_COUNT(known->sessions);
}

void watch_known_begin_round(struct watch_known *known)
{
    known->round++;
}

void watch_known_mark(struct watch_known *known, const char *id)
{
    struct known_session *session = find(known, id);

    if (session != NULL)
        session->round = known->round;
}

bool watch_known_missing(const struct watch_known *known, char ret_id[WATCH_ID_SIZE])
{
    const struct known_session *session, *next;

    HASH_ITER(hh, known->sessions, session, next)
    {
        if (session->round != known->round) {
            memcpy(ret_id, session->id, WATCH_ID_SIZE);
            return true;
        }
    }
    return false;
}

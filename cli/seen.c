#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table that cannot grow gives the new entry back instead of ending the program. */
#define HASH_NONFATAL_OOM       1
#define uthash_nonfatal_oom(it) ((it)->lost = true)
#include <uthash.h>

#include "cli/seen.h"

struct seen_session {
    UT_hash_handle hh;
    char id[SEEN_ID_MAX];
    struct snapshot snapshot;
    unsigned round;
    bool lost;
};

static struct seen_session *find(const struct seen *seen, const char *id)
{
    struct seen_session *session = NULL;

    HASH_FIND_STR(seen->sessions, id, session);
    return session;
}

const struct snapshot *seen_find(const struct seen *seen, const char *id)
{
    const struct seen_session *session = find(seen, id);

    return session != NULL ? &session->snapshot : NULL;
}

static struct seen_session *add(struct seen *seen, const char *id)
{
    struct seen_session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return NULL;
    snprintf(session->id, sizeof(session->id), "%s", id);
    HASH_ADD_STR(seen->sessions, id, session);
    if (session->lost) {
        free(session);
        return NULL;
    }
    return session;
}

bool seen_remember(struct seen *seen, const char *id, const struct snapshot *snapshot)
{
    struct seen_session *session = find(seen, id);

    if (session == NULL)
        session = add(seen, id);
    if (session == NULL)
        return false;
    session->snapshot = *snapshot;
    session->round = seen->round;
    return true;
}

void seen_forget(struct seen *seen, const char *id)
{
    struct seen_session *session = find(seen, id);

    if (session != NULL) {
        HASH_DEL(seen->sessions, session);
        free(session);
    }
}

void seen_clear(struct seen *seen)
{
    struct seen_session *session, *next;

    HASH_ITER(hh, seen->sessions, session, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(seen->sessions, session);
        free(session);
    }
}

size_t seen_count(const struct seen *seen)
{
    return HASH_COUNT(seen->sessions);
}

void seen_begin_round(struct seen *seen)
{
    seen->round++;
}

void seen_mark(struct seen *seen, const char *id)
{
    struct seen_session *session = find(seen, id);

    if (session != NULL)
        session->round = seen->round;
}

bool seen_missing(const struct seen *seen, char ret_id[SEEN_ID_MAX])
{
    const struct seen_session *session, *next;

    HASH_ITER(hh, seen->sessions, session, next)
    {
        if (session->round != seen->round) {
            memcpy(ret_id, session->id, SEEN_ID_MAX);
            return true;
        }
    }
    return false;
}

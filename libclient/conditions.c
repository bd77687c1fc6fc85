/* What can be waited for, asked of a session's view. */
#include "config.h"

#include <string.h>

#include "libclient/error.h"

static bool has_state(const struct wormclient_session *session, const char *state)
{
    return strcmp(wormclient_session_state(session), state) == 0;
}

static bool has_result(const struct wormclient_session *session, const char *expected)
{
    const char *result = wormclient_session_result(session);
    return result != NULL && strcmp(result, expected) == 0;
}

/* For what has not come: may it still? */
static enum wormclient_progress not_yet(const struct wormclient_session *session)
{
    return wormclient_session_alive(session, NULL) ? WORMCLIENT_PENDING : WORMCLIENT_NEVER;
}

/* For what a view shows, or does not show: then nobody who was told "reached" looks in vain. */
static enum wormclient_progress is_there(const struct wormclient_session *session, const char *what)
{
    return what != NULL ? WORMCLIENT_REACHED : not_yet(session);
}

enum wormclient_progress wormclient_has_code(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return is_there(session, wormclient_session_code(session));
}

enum wormclient_progress wormclient_is_keyed(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return is_there(session, wormclient_session_verifier(session));
}

/* Only who was established ends happily. */
enum wormclient_progress wormclient_is_established(const struct wormclient_session *session,
                                                   void *arg)
{
    (void)arg;
    bool reached = has_state(session, "established") || has_result(session, "happy");
    return reached ? WORMCLIENT_REACHED : not_yet(session);
}

/* Messages are acknowledged from the front: the unread ones are the last that were received. */
static bool has_unread(const struct wormclient_session *session, uint32_t from)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    return wormclient_value_number(view, "unread", 0) > 0 &&
           wormclient_value_number(view, "received", 0) > from;
}

static bool is_held_back(const struct wormclient_session *session)
{
    const char *verification = wormclient_session_verification(session);
    return verification != NULL && strcmp(verification, "pending") == 0;
}

enum wormclient_progress wormclient_has_message(const struct wormclient_session *session, void *arg)
{
    const uint32_t *from = arg;
    bool there = has_unread(session, from == NULL ? 0 : *from) && !is_held_back(session);
    return there ? WORMCLIENT_REACHED : not_yet(session);
}

enum wormclient_progress wormclient_has_ended(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    bool over = has_state(session, "closed") || has_state(session, "exported");
    return over ? WORMCLIENT_REACHED : WORMCLIENT_PENDING;
}

/* ---- how it ended ---- */

/* Every result but these is WORMCLIENT_FAILED. */
static const struct ending {
    const char *result;
    enum wormclient_code code;
    const char *what;
} ENDINGS[] = {
    {"happy", WORMCLIENT_CLOSED, "the session has ended"},
    {"lonely", WORMCLIENT_LONELY, "the session has ended"},
    {"exported", WORMCLIENT_CLOSED, "the session was taken out of this daemon"},
};

static const struct ending *find_ending(const char *result)
{
    static const struct ending failed = {NULL, WORMCLIENT_FAILED, "the session failed"};
    for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++)
        if (strcmp(ENDINGS[i].result, result) == 0)
            return &ENDINGS[i];
    return &failed;
}

bool wormclient_session_alive(const struct wormclient_session *session,
                              struct wormclient_error *ret_error)
{
    const char *result = wormclient_session_result(session);
    if (result == NULL && has_state(session, "exported"))
        result = "exported";
    if (result == NULL)
        return true;
    const struct ending *ending = find_ending(result);
    const char *reason = wormclient_session_reason(session);
    error_set(ret_error, ending->code, 0, "%s (%s)%s%s", ending->what, result,
              reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    error_set_word(ret_error, result);
    return false;
}

/* The conditions that can be waited for, as questions about a session's view. */
#include "config.h"

#include <string.h>

#include "libclient/client.h"

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static bool has_state(const struct wormclient_session *session, const char *state)
{
    return is(wormclient_session_state(session), state);
}

static bool is_happy(const struct wormclient_session *session)
{
    return is(wormclient_session_result(session), "happy");
}

/* It has ended, or is ending, with a result other than happy. */
static bool has_failed(const struct wormclient_session *session)
{
    return wormclient_session_result(session) != NULL && !is_happy(session);
}

bool wormclient__is_over(const struct wormclient_session *session)
{
    return has_state(session, "closed") || has_state(session, "exported");
}

/* The daemon's store is a copy: nothing more leaves it, and no receipt counts. */
static bool is_copied(const struct wormclient_session *session)
{
    return wormclient_value_flag(wormclient_session_view(session), "copied", false);
}

static enum wormclient_progress settled(bool reached, bool never)
{
    return reached ? WORMCLIENT_PROGRESS_REACHED
           : never ? WORMCLIENT_PROGRESS_NEVER
                   : WORMCLIENT_PROGRESS_PENDING;
}

static bool is_dead(const struct wormclient_session *session)
{
    return !wormclient_session_alive(session, NULL);
}

/* ---- how far the session has come ---- */

/* The stages of a session: one that is in a later stage has passed through the earlier ones. */
static const char *const stages[] = {"allocating", "waiting", "keyed", "established"};

/* Only an established session ends happily. One that ended alone, or badly, may have been keyed,
 * but with whom is unknown: nothing can be built on that. */
static enum wormclient_progress has_come_to(const struct wormclient_session *session, size_t stage)
{
    bool reached = is_happy(session);
    if (wormclient_session_result(session) == NULL)
        for (size_t i = stage; i < sizeof(stages) / sizeof(stages[0]); i++)
            reached = reached || has_state(session, stages[i]);
    return settled(reached, is_dead(session));
}

enum wormclient_progress wormclient_has_code(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return has_come_to(session, 1);
}

enum wormclient_progress wormclient_is_keyed(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return has_come_to(session, 2);
}

enum wormclient_progress wormclient_is_established(const struct wormclient_session *session,
                                                   void *arg)
{
    (void)arg;
    return has_come_to(session, 3);
}

/* True if something is there that only a proven peer can have caused. */
bool wormclient_session_was_established(const struct wormclient_session *session)
{
    return has_come_to(session, 3) == WORMCLIENT_PROGRESS_REACHED ||
           wormclient_session_peer_versions(session) != NULL ||
           wormclient_session_received(session) > 0;
}

enum wormclient_progress wormclient_is_verified(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return settled(is(wormclient_session_verification(session), "done"), is_dead(session));
}

/* ---- messages ---- */

/* Messages are acknowledged from the front: the unread ones are the last ones received. While
 * another client is at work on some, none is given out. */
enum wormclient_progress wormclient_has_message(const struct wormclient_session *session, void *arg)
{
    const uint32_t *from = arg;
    bool unread = wormclient_session_unread(session) > 0 &&
                  wormclient_session_received(session) > (from == NULL ? 0 : *from);
    bool held_back = is(wormclient_session_verification(session), "pending");
    bool leased = wormclient_value_flag(wormclient_session_view(session), "leased", false);
    return settled(unread && !held_back && !leased, is_dead(session) && !(unread && leased));
}

enum wormclient_progress wormclient_is_sent(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    if (has_failed(session))
        return WORMCLIENT_PROGRESS_NEVER;
    return settled(wormclient_session_stored(session) >= wormclient_session_sent(session),
                   is_copied(session) || wormclient__is_over(session));
}

/* Receipts count how much of everything sent the peer has received. A peer whose version has come
 * has announced in it whether it sends any. */
static enum wormclient_progress is_confirmed(const struct wormclient_session *session,
                                             int64_t receipt)
{
    bool silent = receipt < 0 && wormclient_session_peer_versions(session) != NULL;
    return settled(receipt >= 0 && receipt >= wormclient_session_sent(session),
                   silent || is_copied(session) || has_failed(session) ||
                       wormclient__is_over(session));
}

enum wormclient_progress wormclient_is_delivered(const struct wormclient_session *session,
                                                 void *arg)
{
    (void)arg;
    return is_confirmed(session, wormclient_session_delivered(session));
}

enum wormclient_progress wormclient_is_read(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return is_confirmed(session, wormclient_session_read(session));
}

/* ---- the end ---- */

enum wormclient_progress wormclient_is_closed(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    if (!wormclient__is_over(session))
        return WORMCLIENT_PROGRESS_PENDING;
    return settled(!has_failed(session), true);
}

/* How it ended. Every result not listed here is WORMCLIENT_ERROR_FAILED. */
static const struct ending {
    const char *result;
    enum wormclient_error_code code;
    const char *what;
} endings[] = {
    {"happy", WORMCLIENT_ERROR_CLOSED, "the session has ended"},
    {"lonely", WORMCLIENT_ERROR_LONELY, "the session has ended"},
    {"exported", WORMCLIENT_ERROR_CLOSED, "the session was taken out of this daemon"},
};

static const struct ending *find_ending(const char *result)
{
    static const struct ending failed = {NULL, WORMCLIENT_ERROR_FAILED, "the session failed"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(endings[i].result, result) == 0)
            return &endings[i];
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
    wormclient__error(ret_error, ending->code, 0, "%s (%s)%s%s", ending->what, result,
                      reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    wormclient__error_word(ret_error, result);
    return false;
}

/* ---- by name ---- */

static const struct named_condition {
    const char *name;
    wormclient_condition condition;
} conditions[] = {
    {"code", wormclient_has_code},
    {"keyed", wormclient_is_keyed},
    {"established", wormclient_is_established},
    {"verified", wormclient_is_verified},
    {"message", wormclient_has_message},
    {"sent", wormclient_is_sent},
    {"delivered", wormclient_is_delivered},
    {"read", wormclient_is_read},
    {"closed", wormclient_is_closed},
};

wormclient_condition wormclient_condition_find(const char *name)
{
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (strcmp(conditions[i].name, name) == 0)
            return conditions[i].condition;
    return NULL;
}

const char *wormclient_condition_name(size_t index)
{
    return index < sizeof(conditions) / sizeof(conditions[0]) ? conditions[index].name : NULL;
}

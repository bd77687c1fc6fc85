#include "config.h"

#include <string.h>

#include "cli/progress.h"
#include "cli/report.h"

static const char *const states[] = {"allocating", "waiting", "keyed", "established"};

/* The living states are stages on one way, so that a later one has been through the earlier ones;
 * so has a session that ended well. */
static enum progress check_stage(const struct wormclient_session *session, size_t stage)
{
    const char *state = wormclient_session_state(session);

    if (wormclient_session_result(session) != NULL)
        return report_is_failure(session) ? PROGRESS_ENDED : PROGRESS_REACHED;
    for (size_t i = stage; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(state, states[i]) == 0)
            return PROGRESS_REACHED;
    return PROGRESS_PENDING;
}

/* Nothing comes of it any more, here. */
static bool is_closed(const struct wormclient_session *session)
{
    const char *state = wormclient_session_state(session);

    return strcmp(state, "closed") == 0 || strcmp(state, "exported") == 0;
}

enum progress progress_code(const struct wormclient_session *session)
{
    return check_stage(session, 1);
}

enum progress progress_keyed(const struct wormclient_session *session)
{
    return check_stage(session, 2);
}

enum progress progress_established(const struct wormclient_session *session)
{
    return check_stage(session, 3);
}

enum progress progress_message(const struct wormclient_session *session)
{
    if (progress_number(session, "unread") > 0 && !progress_is_unverified(session))
        return PROGRESS_REACHED;
    return wormclient_session_result(session) != NULL ? PROGRESS_ENDED : PROGRESS_PENDING;
}

enum progress progress_sent(const struct wormclient_session *session)
{
    if (report_is_failure(session))
        return PROGRESS_ENDED;
    if (progress_number(session, "stored") >= progress_number(session, "sent"))
        return PROGRESS_REACHED;
    return is_closed(session) ? PROGRESS_ENDED : PROGRESS_PENDING;
}

enum progress progress_verified(const struct wormclient_session *session)
{
    const char *verification =
        wormclient_value_text(wormclient_session_view(session), "verification");

    if (verification != NULL && strcmp(verification, "done") == 0)
        return PROGRESS_REACHED;
    return wormclient_session_result(session) != NULL ? PROGRESS_ENDED : PROGRESS_PENDING;
}

/* Receipts count what the peer got of all that was sent. A peer whose version came announced in it
 * whether it sends any. */
static enum progress check_receipt(const struct wormclient_session *session, const char *key)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    int64_t receipt = wormclient_value_number(view, key, -1);

    if (receipt >= 0 && receipt >= progress_number(session, "sent"))
        return PROGRESS_REACHED;
    if (report_is_failure(session) || is_closed(session))
        return PROGRESS_ENDED;
    if (receipt < 0 && wormclient_value_text(view, "peer_versions") != NULL)
        return PROGRESS_DEAF;
    return PROGRESS_PENDING;
}

enum progress progress_delivered(const struct wormclient_session *session)
{
    return check_receipt(session, "delivered");
}

enum progress progress_read(const struct wormclient_session *session)
{
    return check_receipt(session, "read");
}

enum progress progress_closed(const struct wormclient_session *session)
{
    if (!is_closed(session))
        return PROGRESS_PENDING;
    return report_is_failure(session) ? PROGRESS_ENDED : PROGRESS_REACHED;
}

static const struct wait_condition {
    const char *name;
    progress_check check;
} conditions[] = {
    {"code", progress_code},
    {"keyed", progress_keyed},
    {"established", progress_established},
    {"verified", progress_verified},
    {"message", progress_message},
    {"sent", progress_sent},
    {"delivered", progress_delivered},
    {"read", progress_read},
    {"closed", progress_closed},
};

progress_check progress_find(const char *name)
{
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (strcmp(name, conditions[i].name) == 0)
            return conditions[i].check;
    return NULL;
}

bool progress_is_unverified(const struct wormclient_session *session)
{
    const char *verification =
        wormclient_value_text(wormclient_session_view(session), "verification");

    return verification != NULL && strcmp(verification, "pending") == 0;
}

int64_t progress_number(const struct wormclient_session *session, const char *key)
{
    return wormclient_value_number(wormclient_session_view(session), key, 0);
}

#include "config.h"

#include <stdlib.h>

#include "libclient/error.h"
#include "libclient/value.h"

struct wormclient_session {
    struct wormclient_value *view; /* ours */
};

struct wormclient_session *wormclient_session_from(const struct wormclient_value *view,
                                                   struct wormclient_error *ret_error)
{
    if (wormclient_value_text(view, "id") == NULL || wormclient_value_text(view, "state") == NULL) {
        error_set(ret_error, WORMCLIENT_PROTOCOL, 0,
                  "the daemon's answer does not describe a session");
        return NULL;
    }
    struct wormclient_session *session = malloc(sizeof(*session));
    if (session != NULL)
        session->view = value_copy(view);
    if (session == NULL || session->view == NULL) {
        free(session);
        error_set_memory(ret_error);
        return NULL;
    }
    return session;
}

void wormclient_session_free(struct wormclient_session *session)
{
    if (session == NULL)
        return;
    wormclient_result_free(session->view);
    free(session);
}

const struct wormclient_value *wormclient_session_view(const struct wormclient_session *session)
{
    return session->view;
}

const char *wormclient_session_id(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "id");
}

const char *wormclient_session_name(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "name");
}

const char *wormclient_session_code(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "code");
}

const char *wormclient_session_state(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "state");
}

const char *wormclient_session_result(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "result");
}

const char *wormclient_session_reason(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "reason");
}

const char *wormclient_session_verifier(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "verifier");
}

const char *wormclient_session_verifier_words(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "verifier_words");
}

const char *wormclient_session_verification(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "verification");
}

const char *wormclient_session_peer_versions(const struct wormclient_session *session)
{
    return wormclient_value_text(session->view, "peer_versions");
}

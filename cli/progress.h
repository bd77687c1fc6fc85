/* How far a session has come: the conditions that can be waited for, as a table over its view. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "libclient/wormclient.h"

enum progress {
    PROGRESS_PENDING = 0, /* it may still come */
    PROGRESS_REACHED,
    PROGRESS_ENDED, /* the session has ended, and it cannot come any more */
};

typedef enum progress (*progress_check)(const struct wormclient_session *session);

enum progress progress_code(const struct wormclient_session *session);
enum progress progress_keyed(const struct wormclient_session *session);
enum progress progress_established(const struct wormclient_session *session);
enum progress progress_message(const struct wormclient_session *session);
enum progress progress_sent(const struct wormclient_session *session);
enum progress progress_closed(const struct wormclient_session *session);

/* By the name that `wait --for` takes; NULL if there is none such. */
progress_check progress_find(const char *name);

/* A number of the view, 0 if it is missing. */
int64_t progress_number(const struct wormclient_session *session, const char *key);

#endif

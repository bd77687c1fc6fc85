/* How far a session has come: the conditions that can be waited for, as a table over its view. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/wormclient.h"

enum progress {
    PROGRESS_PENDING = 0, /* it may still come */
    PROGRESS_REACHED,
    PROGRESS_ENDED, /* the session has ended, and it cannot come any more */
    PROGRESS_DEAF,  /* the other side says nothing about it, and never will */
};

typedef enum progress (*progress_check)(const struct wormclient_session *session);

enum progress progress_code(const struct wormclient_session *session);
enum progress progress_keyed(const struct wormclient_session *session);
enum progress progress_established(const struct wormclient_session *session);
enum progress progress_message(const struct wormclient_session *session);
enum progress progress_sent(const struct wormclient_session *session);
enum progress progress_verified(const struct wormclient_session *session);
enum progress progress_delivered(const struct wormclient_session *session);
enum progress progress_read(const struct wormclient_session *session);
enum progress progress_closed(const struct wormclient_session *session);

/* By the name that `wait --for` takes; NULL if there is none such. */
progress_check progress_find(const char *name);

/* True while messages are held back until the verifiers were compared. */
bool progress_is_unverified(const struct wormclient_session *session);

/* A number of the view, 0 if it is missing. */
int64_t progress_number(const struct wormclient_session *session, const char *key);

#endif

/* The synchronous layer's own tools. */
#ifndef LIBCLIENT_SYNC_H
#define LIBCLIENT_SYNC_H

#include "libclient/wormclient.h"

/* A deadline that never comes. */
#define SYNC_NEVER INT64_MAX

/* The moment in `timeout` ms; never if that is negative. */
int64_t sync_deadline(int64_t timeout);

/* Processes until `done` says so. `deadline` is by clock_monotonic(); past it, WORMCLIENT_TIMEOUT.
 */
typedef bool (*sync_done)(const struct wormclient *client, const void *arg);
bool sync_until(struct wormclient *client, sync_done done, const void *arg, int64_t deadline,
                struct wormclient_error *ret_error);

/* Takes what the caller wants out of a result. */
typedef bool (*sync_take)(const struct wormclient_value *result, void *into,
                          struct wormclient_error *ret_error);

/* Sends a request, and waits until its result was taken. `params` is consumed. */
bool sync_call(struct wormclient *client, const char *method, struct wormclient_params *params,
               sync_take take, void *into, int64_t deadline, struct wormclient_error *ret_error);

/* A request about one session, with its view as the result. New; wormclient_session_free(). */
struct wormclient_session *sync_call_session(struct wormclient *client, const char *method,
                                             struct wormclient_params *params, int64_t deadline,
                                             struct wormclient_error *ret_error);

/* Parameters that name a session. */
struct wormclient_params *sync_params(const char *session);

/* wormclient_wait with a deadline. */
struct wormclient_session *sync_wait(struct wormclient *client, const char *session,
                                     wormclient_condition condition, void *arg, int64_t deadline,
                                     struct wormclient_error *ret_error);

/* For results that nobody wants. */
bool sync_take_nothing(const struct wormclient_value *result, void *into,
                       struct wormclient_error *ret_error);

#endif

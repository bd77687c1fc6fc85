/*
 * What the library's own files share. Names used in more than one file begin with wormclient__: a
 * static archive exposes them to programs, and they must not collide with names of theirs. Code
 * from other directories that is compiled into the library gets the same prefix from
 * libclient/prefix.h.
 */
#ifndef LIBCLIENT_CLIENT_H
#define LIBCLIENT_CLIENT_H

#include <sys/queue.h>

#include <msgpack.h>

#include "ipc/writer.h"
#include "ipc/message.h"
#include "ipc/methods.h"
#include "libclient/wormclient.h"

/* ---- errors (error.c): `ret_error` may be NULL; `system` is an errno or 0 ---- */

__attribute__((format(printf, 4, 5))) void wormclient__error(struct wormclient_error *ret_error,
                                                             enum wormclient_error_code code,
                                                             int system, const char *format, ...);

/* WORMCLIENT_ERROR_MEMORY, WORMCLIENT_ERROR_PROTOCOL, and the error of a function that waits but is
 * called from a callback. They return false. */
bool wormclient__error_memory(struct wormclient_error *ret_error);
bool wormclient__error_answer(struct wormclient_error *ret_error);
bool wormclient__error_callback(struct wormclient_error *ret_error);

/* Sets daemon_code in an error that has been set. */
void wormclient__error_word(struct wormclient_error *ret_error, const char *word);

/* From the error map of a response; anything else becomes WORMCLIENT_ERROR_REFUSED, too. */
void wormclient__error_from(struct wormclient_error *ret_error, const msgpack_object *map);

/* ---- time (sync.c): milliseconds of clock_monotonic() ---- */

#define WORMCLIENT__NEVER INT64_MAX

/* The time `timeout` ms from now; never if that is negative. */
int64_t wormclient__deadline(int64_t timeout);

/* The earlier of two waits as poll(2) takes them; -1 is the longest. */
int wormclient__sooner(int timeout, int64_t deadline);

/* ---- the connection (connection.c) ---- */

/* Connects to the socket that wormclient_socket_path() gives for `path` (address.c). If the
 * daemon's queue of new connections is full, waits for a place if `may_wait`, otherwise fails.
 * Returns the new descriptor, or -1. */
int wormclient__dial(const char *path, bool may_wait, struct wormclient_error *ret_error);

/* Calls a callback of its own type with a result or an error. */
typedef void (*wormclient__function)(void);
typedef void (*wormclient__deliver)(struct wormclient *client, const struct wormclient_error *error,
                                    const struct wormclient_value *result,
                                    wormclient__function callback, void *arg);

/* A request that is waiting for its response. */
struct wormclient__request {
    STAILQ_ENTRY(wormclient__request) link;
    uint32_t id;
    wormclient__deliver deliver;
    wormclient__function callback; /* NULL: the result is not wanted */
    void *arg;
};

struct wormclient {
    int fd;     /* -1 while there is no connection */
    char *path; /* NULL: the connection was adopted, and cannot be made again */
    struct frame_reader in;
    struct buffer out;
    size_t out_sent; /* how much of `out` has been sent */
    STAILQ_HEAD(, wormclient__request) requests;
    uint32_t last_id;
    bool greeted;    /* hello was answered, and we can talk to this daemon */
    bool processing; /* wormclient_process is running: callbacks run inside it */
    bool freed;      /* wormclient_free was called; during processing it takes effect at the end */

    /* The end, and what may follow it. */
    bool failed;                     /* for good */
    struct wormclient_error failure; /* why fd is -1 */
    bool reconnect;                  /* the user wants to reconnect */
    bool hold;                       /* while it waits for one session, that is to be connected */
    bool away;                       /* the user was told that the connection was lost */
    int64_t retry_at;                /* if not failed, when to dial again */
    int64_t backoff;                 /* how long to wait after the next failure */
    wormclient_connection_callback on_connection;
    void *on_connection_arg;
    wormclient_notification_callback on_notification;
    void *on_notification_arg;

    /* The watches for changes (watch.c). */
    TAILQ_HEAD(, wormclient_watch) watches;
    enum wormclient__subscription { SUBSCRIBED_NONE, SUBSCRIBED_ONE, SUBSCRIBED_ALL } subscribed;
    char subscribed_id[17]; /* if to one session, and once known */
    bool subscribing;       /* another one was asked for: this; if to one session, for whom */
    enum wormclient__subscription asked;
    struct wormclient_watch *subscriber;
    uint64_t told; /* every watch has been told of all changes up to this number */
};

/* The connection is no longer usable: closes it, and tells the callbacks of all requests why. Does
 * nothing if there is none. */
void wormclient__fail(struct wormclient *client, const struct wormclient_error *why);

/* wormclient__fail with a sentence. */
__attribute__((format(printf, 4, 5))) void wormclient__fail_with(struct wormclient *client,
                                                                 enum wormclient_error_code code,
                                                                 int system, const char *format,
                                                                 ...);

/* ---- requests (request.c) ---- */

struct wormclient_params {
    struct writer writer; /* a map that stays open until the request ends it */
};

/* Parameters that name a session. */
struct wormclient_params *wormclient__about(const char *session);

/* wormclient_request() for any type of callback. */
bool wormclient__request(struct wormclient *client, const char *method,
                         struct wormclient_params *params, wormclient__deliver deliver,
                         wormclient__function callback, void *arg,
                         struct wormclient_error *ret_error);

/* Requests with this callback and argument continue, but their results are not wanted. */
void wormclient__abandon(struct wormclient *client, wormclient__function callback, const void *arg);

/* Takes what has arrived, message by message, and calls the callbacks. */
void wormclient__dispatch(struct wormclient *client);

/* ---- values (value.c) ---- */

/* struct wormclient_value is never defined: it is a msgpack_object under a name of our own, so that
 * the public header does not depend on msgpack-c. */
static inline const struct wormclient_value *wormclient__value(const msgpack_object *object)
{
    return (const struct wormclient_value *)object;
}

/* An independent copy. New; wormclient_result_free(). NULL when out of memory. */
struct wormclient_value *wormclient__value_dup(const struct wormclient_value *value);

/* ---- results (result.c) ---- */

struct wormclient_session {
    const struct wormclient_value *value; /* ours, unless lent by a callback or a list */
};

/* Takes what the caller wants from a result. */
typedef bool (*wormclient__take)(const struct wormclient_value *result, void *into,
                                 struct wormclient_error *ret_error);

/* For each type of result: how to call its callbacks, and how to make a new object of it. `into` is
 * the address of a pointer to the new object, unless noted otherwise. */
void wormclient__deliver_value(struct wormclient *client, const struct wormclient_error *error,
                               const struct wormclient_value *result, wormclient__function callback,
                               void *arg);
void wormclient__deliver_done(struct wormclient *client, const struct wormclient_error *error,
                              const struct wormclient_value *result, wormclient__function callback,
                              void *arg);
void wormclient__deliver_session(struct wormclient *client, const struct wormclient_error *error,
                                 const struct wormclient_value *result,
                                 wormclient__function callback, void *arg);
void wormclient__deliver_message(struct wormclient *client, const struct wormclient_error *error,
                                 const struct wormclient_value *result,
                                 wormclient__function callback, void *arg);
void wormclient__deliver_sent(struct wormclient *client, const struct wormclient_error *error,
                              const struct wormclient_value *result, wormclient__function callback,
                              void *arg);
void wormclient__deliver_key(struct wormclient *client, const struct wormclient_error *error,
                             const struct wormclient_value *result, wormclient__function callback,
                             void *arg);
void wormclient__deliver_export(struct wormclient *client, const struct wormclient_error *error,
                                const struct wormclient_value *result,
                                wormclient__function callback, void *arg);
void wormclient__deliver_list(struct wormclient *client, const struct wormclient_error *error,
                              const struct wormclient_value *result, wormclient__function callback,
                              void *arg);
void wormclient__deliver_changes(struct wormclient *client, const struct wormclient_error *error,
                                 const struct wormclient_value *result,
                                 wormclient__function callback, void *arg);
void wormclient__deliver_log(struct wormclient *client, const struct wormclient_error *error,
                             const struct wormclient_value *result, wormclient__function callback,
                             void *arg);
void wormclient__deliver_status(struct wormclient *client, const struct wormclient_error *error,
                                const struct wormclient_value *result,
                                wormclient__function callback, void *arg);
void wormclient__deliver_nameplates(struct wormclient *client, const struct wormclient_error *error,
                                    const struct wormclient_value *result,
                                    wormclient__function callback, void *arg);
void wormclient__deliver_backup(struct wormclient *client, const struct wormclient_error *error,
                                const struct wormclient_value *result,
                                wormclient__function callback, void *arg);
void wormclient__deliver_words(struct wormclient *client, const struct wormclient_error *error,
                               const struct wormclient_value *result, wormclient__function callback,
                               void *arg);

bool wormclient__take_nothing(const struct wormclient_value *result, void *into,
                              struct wormclient_error *ret_error);
bool wormclient__take_session(const struct wormclient_value *result, void *into,
                              struct wormclient_error *ret_error);
bool wormclient__take_message(const struct wormclient_value *result, void *into,
                              struct wormclient_error *ret_error);
bool wormclient__take_number(const struct wormclient_value *result, void *into, /* uint32_t * */
                             struct wormclient_error *ret_error);
bool wormclient__take_export(const struct wormclient_value *result, void *into, /* char ** */
                             struct wormclient_error *ret_error);
bool wormclient__take_list(const struct wormclient_value *result, void *into,
                           struct wormclient_error *ret_error);
bool wormclient__take_changes(const struct wormclient_value *result, void *into,
                              struct wormclient_error *ret_error);
bool wormclient__take_log(const struct wormclient_value *result, void *into,
                          struct wormclient_error *ret_error);
bool wormclient__take_status(const struct wormclient_value *result, void *into,
                             struct wormclient_error *ret_error);
bool wormclient__take_nameplates(const struct wormclient_value *result, void *into,
                                 struct wormclient_error *ret_error);
bool wormclient__take_backup(const struct wormclient_value *result, void *into,
                             struct wormclient_error *ret_error);
bool wormclient__take_words(const struct wormclient_value *result, void *into,
                            struct wormclient_error *ret_error);

/* ---- watches (watch.c) ---- */

/* The session is closed or was exported: nothing more happens to it here. */
bool wormclient__is_over(const struct wormclient_session *session);

/* A `changed` notification has come. */
void wormclient__changed(struct wormclient *client, uint64_t change, const char *session);

/* The connection is there (again): subscribes for the watches. */
void wormclient__watches_resume(struct wormclient *client);

/* The connection was lost: called before its requests are told, and, if it does not come back,
 * after that. */
void wormclient__watches_lost(struct wormclient *client);
void wormclient__watches_fail(struct wormclient *client, const struct wormclient_error *why);

/* Frees the watches that the user has not freed. */
void wormclient__watches_free(struct wormclient *client);

/* Tells the watches that are due, and ends waiters whose time has run out. */
void wormclient__watches_run(struct wormclient *client);

/* When wormclient__watches_run() is needed next. */
int64_t wormclient__watches_deadline(const struct wormclient *client);

/* ---- the synchronous layer (sync.c) ---- */

/* Processes until `done` says so. False if the connection fails for good before that. */
typedef bool (*wormclient__done)(const struct wormclient *client, const void *arg);
bool wormclient__until(struct wormclient *client, wormclient__done done, const void *arg,
                       struct wormclient_error *ret_error);

/* Sends a request, and waits until its result has been taken. `params` is consumed. */
bool wormclient__call(struct wormclient *client, const char *method,
                      struct wormclient_params *params, wormclient__take take, void *into,
                      struct wormclient_error *ret_error);

#endif

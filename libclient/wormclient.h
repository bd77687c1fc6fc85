/*
 * wormclient.h - talk to wormholed, the Magic Wormhole daemon that does not forget.
 *
 * Two layers:
 *
 *  - The asynchronous core never waits. Give wormclient_fd() to your event loop, ask
 * wormclient_interest() what to wait for, call wormclient_process() when it is ready. Requests are
 * queued by wormclient_request(); each has a callback.
 *  - The synchronous calls (wormclient_invite() and the other functions from there on) are poll(2)
 * around that core. Do not call them from a callback.
 *
 *     struct wormclient_error error;
 *     struct wormclient *client = wormclient_connect(NULL, &error);
 *     struct wormclient_session *session = wormclient_invite(client, NULL, &error);
 *     ...
 *     wormclient_session_free(session);
 *     wormclient_free(client);
 *
 * Conventions. A pointer that is returned "new" is the caller's, to be freed with the function
 * named; one that is "borrowed" lives as long as the object that it came from. Functions that can
 * fail return NULL or false and fill the struct wormclient_error that the caller passes (NULL if
 * not wanted). Times are milliseconds since the epoch, durations milliseconds. Strings are UTF-8. A
 * struct wormclient may be used by one thread at a time.
 */
#ifndef WORMCLIENT_H
#define WORMCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The level of the RPC that this library was written for; see doc/ipc.md. */
#define WORMCLIENT_API 1

/* The largest application message, in bytes, that send accepts. */
#define WORMCLIENT_MESSAGE_MAX ((size_t)16 * 1024 * 1024)

enum wormclient_code {
    WORMCLIENT_OK = 0,
    WORMCLIENT_NO_DAEMON, /* nobody listens on the socket */
    WORMCLIENT_DENIED,    /* the socket or the daemon refuses this user */
    WORMCLIENT_LOST, /* the connection ended before the answer: the request may or may not have been
                        carried out */
    WORMCLIENT_PROTOCOL,   /* the other end does not speak the RPC */
    WORMCLIENT_MEMORY,     /* out of memory, or of file descriptors */
    WORMCLIENT_ARGUMENT,   /* an argument was wrong; nothing was sent */
    WORMCLIENT_TIMEOUT,    /* the time given ran out */
    WORMCLIENT_NOT_FOUND,  /* daemon: no session matches */
    WORMCLIENT_AMBIGUOUS,  /* daemon: more than one session matches */
    WORMCLIENT_NAME_TAKEN, /* daemon: the petname is in use */
    WORMCLIENT_BAD_CODE,   /* daemon: the code is malformed */
    WORMCLIENT_CLOSED,     /* daemon: the session has ended or is ending */
    WORMCLIENT_NOT_CLOSED, /* daemon: the session is alive */
    WORMCLIENT_TOO_LARGE,  /* daemon, or known before: over a limit */
    WORMCLIENT_STORE,      /* daemon: the store is full or failed; nothing was changed */
    WORMCLIENT_REFUSED,    /* daemon: any other error; see daemon_code */
};

struct wormclient_error {
    enum wormclient_code code;
    int system;           /* errno where one is the cause, else 0 */
    char daemon_code[32]; /* the daemon's own error code, or "" */
    char text[512];       /* one sentence for a person, without newline */
};

/* True if the connection cannot be used after this error; a new one may work. */
bool wormclient_error_is_fatal(const struct wormclient_error *error);

/* ---- lifecycle ---- */

struct wormclient;

/*
 * The socket path that would be used: `path` if not NULL, else $WORMHOLED_SOCKET, else
 * $XDG_RUNTIME_DIR/wormholed/socket (if that is an absolute path), else
 * /run/user/UID/wormholed/socket. Writes at most `size` bytes with the NUL; false if it does not
 * fit (or fits no socket address).
 */
bool wormclient_socket_path(const char *path, char *ret_path, size_t size);

/* Connects to the daemon and says hello (waits for the answer). `path` as for
 * wormclient_socket_path(). New; wormclient_free(). */
struct wormclient *wormclient_connect(const char *path, struct wormclient_error *ret_error);

/* As wormclient_connect, but never waits: the hello is queued, and requests may be queued behind it
 * at once. If the daemon then refuses the hello, or has a lower api level than this library, the
 * connection fails. */
struct wormclient *wormclient_start(const char *path, struct wormclient_error *ret_error);

/* Takes a connected stream socket (for tests and socket pairs); the client owns it from then on.
 * Never waits, as wormclient_start. On failure it is closed. */
struct wormclient *wormclient_adopt(int fd, struct wormclient_error *ret_error);

/* Ends the connection. Callbacks of unanswered requests are called with WORMCLIENT_LOST. NULL is
 * fine. May be called from a callback of wormclient_process (which then returns false, and the
 * client is gone), but not while a synchronous call runs. */
void wormclient_free(struct wormclient *client);

/* ---- the asynchronous core ---- */

#define WORMCLIENT_READ  1
#define WORMCLIENT_WRITE 2

/* The file descriptor to watch; -1 once the connection has failed. */
int wormclient_fd(const struct wormclient *client);

/* What to wait for on it: WORMCLIENT_READ, WORMCLIENT_WRITE or both; derived from the buffers. */
int wormclient_interest(const struct wormclient *client);

/* Reads and writes what can be done without waiting, and calls callbacks. False once the connection
 * has failed, with the reason in *ret_error. Callbacks may queue requests and free the client; they
 * may not call this. Never raises SIGPIPE. */
bool wormclient_process(struct wormclient *client, struct wormclient_error *ret_error);

struct wormclient_value; /* a MessagePack value: map, string, number, ... */

/* Called once for each request: `result` is borrowed (for the call only) and NULL if `error` is
 * not. */
typedef void (*wormclient_callback)(struct wormclient *client, const struct wormclient_error *error,
                                    const struct wormclient_value *result, void *arg);

/* Parameters of a request. New, never NULL; consumed by wormclient_request, or freed with
 * wormclient_params_free. Keys and strings are copied. A failed allocation is remembered and
 * reported by wormclient_request. */
struct wormclient_params *wormclient_params_new(void);
void wormclient_params_text(struct wormclient_params *params, const char *key, const char *value);
void wormclient_params_data(struct wormclient_params *params, const char *key, const void *data,
                            size_t length);
void wormclient_params_number(struct wormclient_params *params, const char *key, int64_t value);
void wormclient_params_flag(struct wormclient_params *params, const char *key, bool value);
void wormclient_params_free(struct wormclient_params *params);

/* Queues a request. `params` (may be NULL for none) is consumed, also on failure; `callback` may be
 * NULL. */
bool wormclient_request(struct wormclient *client, const char *method,
                        struct wormclient_params *params, wormclient_callback callback, void *arg,
                        struct wormclient_error *ret_error);

/* Looks into a map, or, with `key` NULL, at a text, bytes or a number itself, such as an element of
 * an array. Borrowed. Absent keys and other types give NULL, 0, or
 * `fallback`. The functions take NULL for a value that has nothing in it. */
const struct wormclient_value *wormclient_value_get(const struct wormclient_value *map,
                                                    const char *key);
size_t wormclient_value_count(const struct wormclient_value *array);
const struct wormclient_value *wormclient_value_at(const struct wormclient_value *array,
                                                   size_t index);
const char *wormclient_value_text(const struct wormclient_value *map,
                                  const char *key); /* NUL-terminated */
const void *wormclient_value_data(const struct wormclient_value *map, const char *key,
                                  size_t *ret_length);
int64_t wormclient_value_number(const struct wormclient_value *map, const char *key,
                                int64_t fallback);
bool wormclient_value_flag(const struct wormclient_value *map, const char *key, bool fallback);

/* The value as one line of JSON (binary data as base64). New; free(). NULL when out of memory, or
 * if a text in it is not UTF-8. */
char *wormclient_value_json(const struct wormclient_value *value);

/* Is told of every `changed` notification: the newest change number, and the session that it is
 * about. */
typedef void (*wormclient_changed)(struct wormclient *client, uint64_t change, const char *session,
                                   void *arg);
void wormclient_on_changed(struct wormclient *client, wormclient_changed callback, void *arg);

/* ---- sessions, as the daemon described them at one moment ---- */

struct wormclient_session;

/* Copies a view (doc/ipc.md) out of a callback's result. New; wormclient_session_free(). */
struct wormclient_session *wormclient_session_from(const struct wormclient_value *view,
                                                   struct wormclient_error *ret_error);
void wormclient_session_free(struct wormclient_session *session);

/* The whole view as a borrowed map, for wormclient_value_text and its like; keys in doc/ipc.md. */
const struct wormclient_value *wormclient_session_view(const struct wormclient_session *session);

const char *wormclient_session_id(const struct wormclient_session *session);
const char *wormclient_session_name(const struct wormclient_session *session); /* NULL if none */
const char *wormclient_session_code(
    const struct wormclient_session *session); /* NULL while not known, or no longer */
const char *wormclient_session_state(const struct wormclient_session *session); /* "waiting", ... */
const char *
wormclient_session_result(const struct wormclient_session *session); /* NULL while alive */

/* ---- the synchronous layer ---- */

/* Options of a new session; zero or NULL is the daemon's default. Always initialise with `= {0}`.
 */
struct wormclient_options {
    const char *name;     /* petname */
    const char *appid;    /* application identifier */
    const char *relay;    /* relay URL */
    const char *code;     /* invite: a code that people agreed on */
    const char *schedule; /* "realtime", "email", or "WHEN:INTERVAL,..." in seconds */
    int64_t timeout;      /* ms until an unanswered invitation is given up */
    unsigned words;       /* invite: words of the code */
};

/* Sends one request and waits for its result. `params` is consumed. New; wormclient_result_free().
 */
struct wormclient_value *wormclient_call(struct wormclient *client, const char *method,
                                         struct wormclient_params *params,
                                         struct wormclient_error *ret_error);
void wormclient_result_free(struct wormclient_value *result);

/* Each returns a new view of the session; wormclient_session_free(). `session` is a petname, an id,
 * or the start of one. */
struct wormclient_session *wormclient_invite(struct wormclient *client,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error);
struct wormclient_session *wormclient_accept(struct wormclient *client, const char *code,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error);
struct wormclient_session *wormclient_show(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error);
struct wormclient_session *wormclient_close(struct wormclient *client, const char *session,
                                            struct wormclient_error *ret_error);
struct wormclient_session *wormclient_poll(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error);
struct wormclient_session *wormclient_ack(struct wormclient *client, const char *session,
                                          uint32_t number, struct wormclient_error *ret_error);

bool wormclient_forget(struct wormclient *client, const char *session, bool force,
                       struct wormclient_error *ret_error);

/* Durable in the daemon's store when it returns true. `ret_number` may be NULL. */
bool wormclient_send(struct wormclient *client, const char *session, const void *data,
                     size_t length, uint32_t *ret_number, struct wormclient_error *ret_error);

/* The first unacknowledged message with a number of at least `from`. *ret_data is new (free()), and
 * NULL if there is none yet. */
bool wormclient_recv(struct wormclient *client, const char *session, uint32_t from,
                     uint32_t *ret_number, void **ret_data, size_t *ret_length,
                     struct wormclient_error *ret_error);

/* A predicate over a session's view. */
typedef bool (*wormclient_condition)(const struct wormclient_session *session, void *arg);

/*
 * Waits until `condition` holds for the session, and returns the view that it held for. It is asked
 * at least once. `timeout` in milliseconds, -1 for no limit; when it has passed,
 * WORMCLIENT_TIMEOUT. Sleeps on the daemon's notifications and never polls it; for that it takes
 * the connection's one subscription, which stays with this session.
 */
struct wormclient_session *wormclient_wait(struct wormclient *client, const char *session,
                                           wormclient_condition condition, void *arg,
                                           int64_t timeout, struct wormclient_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif

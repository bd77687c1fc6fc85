/*
 * wormclient.h - talk to wormholed, the Magic Wormhole daemon that does not forget.
 *
 * Two programs that share a short code ("7-crossover-clockwork") find each other over a relay, and
 * exchange messages that nobody else can read or alter. wormholed does the work and keeps it for
 * weeks: neither program has to be running when the other one is. This library asks it to.
 *
 * A complete program: it uses the code that somebody told its user, sends a line, and prints the
 * answer. Build it with `cc hello.c $(pkg-config --cflags --libs wormclient)`.
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <wormclient.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct wormclient_error error = {0};
 *         struct wormclient *client = wormclient_connect(NULL, &error);
 *         struct wormclient_session *session = NULL;
 *         void *answer = NULL;
 *         size_t length;
 *         bool done = false;
 *         if (client != NULL)
 *             session = wormclient_accept(client, argc > 1 ? argv[1] : "", NULL, &error);
 *         if (session != NULL) {
 *             const char *id = wormclient_session_id(session);
 *             done = wormclient_send(client, id, "hello", 5, NULL, &error) &&
 *                    wormclient_recv_wait(client, id, 0, -1, NULL, &answer, &length, &error);
 *         }
 *         if (done)
 *             printf("%.*s\n", (int)length, (char *)answer);
 *         else
 *             fprintf(stderr, "%s\n", error.text);
 *         free(answer);
 *         wormclient_session_free(session);
 *         wormclient_free(client);
 *         return done ? EXIT_SUCCESS : EXIT_FAILURE;
 *     }
 *
 * THE LIFE OF A SESSION. One side invites, the daemon asks the relay for a code, people carry it to
 * the other side, which accepts it; or both sides accept a code that people agreed on. The session
 * is `waiting` until somebody used the code (`keyed`) and was proven to know it (`established`).
 * Messages may be queued from the first moment on. Whoever has got what they wanted closes the
 * session; it ends by itself when nobody came within the time allowed, or somebody guessed
 * (`closing`, then `closed`). Sessions belong to the daemon: they go on when the program that began
 * them ends, and any program of the same user finds them again by petname or id.
 *
 * TWO LAYERS. The asynchronous core never waits: give wormclient_fd() to your event loop, ask
 * wormclient_interest() what to wait for, call wormclient_process() when it is ready; requests are
 * queued by wormclient_request(), each with a callback. The synchronous calls, wormclient_connect()
 * and everything from wormclient_call() on, are poll(2) around that core: each sends a request and
 * returns when its answer is there. Both may be used on one connection, but no synchronous call
 * from a callback (WORMCLIENT_ARGUMENT).
 *
 * THREADS, SIGNALS, FORKS. There is no global state. A struct wormclient may be used by one thread
 * at a time; each thread with a connection of its own is simplest. A signal that is caught ends no
 * wait, and no function raises SIGPIPE. The descriptor is closed by exec; after a fork only one of
 * the two may go on with it.
 *
 * OWNERSHIP. What is returned "new" is the caller's, to be freed with the function named; what is
 * "borrowed" lives as long as the object that it came from. Functions copy what they are given.
 * Every free function takes NULL. Out-parameters are written on success only.
 *
 * ERRORS. Functions that can fail return NULL or false and fill the struct wormclient_error that
 * the caller passes (NULL if not wanted); on success they leave it alone. What the daemon says that
 * it did is durable: it survives a crash of the daemon and of the machine. When it answers with an
 * error nothing was changed. Only when its answer did not arrive, or could not be taken
 * (WORMCLIENT_LOST, WORMCLIENT_MEMORY, WORMCLIENT_PROTOCOL), the request may have been carried out:
 * look before you ask again.
 *
 * Times are milliseconds since the epoch, durations milliseconds. Strings are UTF-8. "The daemon's
 * contract" is doc/ipc.md, which lists all methods, and all keys of a session's view.
 */
#ifndef WORMCLIENT_H
#define WORMCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The level of the RPC that this library was written for. A daemon with a lower one is refused. */
#define WORMCLIENT_API 1

/* The largest application message, in bytes, that send accepts. */
#define WORMCLIENT_MESSAGE_MAX ((size_t)16 * 1024 * 1024)

/* ---- errors ---- */

/* What went wrong, as far as a program may want to act on it. Those with "daemon" are the daemon's
 * answer to a request, those with "session" tell a waiter that the session ended: the connection is
 * good in both cases. */
enum wormclient_code {
    WORMCLIENT_OK = 0,
    WORMCLIENT_NO_DAEMON,   /* nobody listens on the socket */
    WORMCLIENT_DENIED,      /* the socket or the daemon refuses this user */
    WORMCLIENT_LOST,        /* the connection ended before the answer */
    WORMCLIENT_PROTOCOL,    /* the other end does not speak the RPC */
    WORMCLIENT_MEMORY,      /* out of memory, or of file descriptors */
    WORMCLIENT_ARGUMENT,    /* an argument was wrong; nothing was sent */
    WORMCLIENT_TIMEOUT,     /* the time that the caller gave ran out; the session goes on */
    WORMCLIENT_LONELY,      /* session: it ended, and nobody had come in the time it had */
    WORMCLIENT_FAILED,      /* session: it ended badly, by a wrong code or a peer that misbehaves;
                               daemon_code is "scary", "errory" or "crowded" */
    WORMCLIENT_CLOSED,      /* session: it ended well; or daemon: it has ended or is ending */
    WORMCLIENT_NOT_CLOSED,  /* daemon: the session is alive */
    WORMCLIENT_NOT_FOUND,   /* daemon: no session matches */
    WORMCLIENT_AMBIGUOUS,   /* daemon: more than one session matches */
    WORMCLIENT_NAME_TAKEN,  /* daemon: the petname is in use */
    WORMCLIENT_BAD_CODE,    /* daemon: the code is malformed */
    WORMCLIENT_NOT_KEYED,   /* daemon: too early, the peer is not there or not proven yet */
    WORMCLIENT_UNVERIFIED,  /* daemon: the user has yet to compare the verifiers */
    WORMCLIENT_IMPORTED,    /* daemon: what is to be imported is or was here already */
    WORMCLIENT_UNREACHABLE, /* daemon: the relay does not answer now */
    WORMCLIENT_TOO_LARGE,   /* daemon, or known before: over a limit */
    WORMCLIENT_STORE,       /* daemon: the store is full or failed */
    WORMCLIENT_REFUSED,     /* daemon: any other error; see daemon_code */
};

struct wormclient_error {
    enum wormclient_code code;
    int system;           /* errno where one is the cause, else 0 */
    char daemon_code[32]; /* the daemon's own word for it: its error code, or the result; or "" */
    char text[512];       /* one sentence for a person, without newline or control characters */
};

/* True if the connection cannot be used after this error; a new one may work. */
bool wormclient_error_is_fatal(const struct wormclient_error *error);

/* ---- a connection's life ---- */

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

/* Ends the connection. Callbacks of unanswered requests are called with WORMCLIENT_LOST. May be
 * called from a callback of wormclient_process (which then returns false, and the client is gone),
 * but not while a synchronous call runs. Sessions are not touched. */
void wormclient_free(struct wormclient *client);

/* ---- the asynchronous core ---- */

#define WORMCLIENT_READ  1
#define WORMCLIENT_WRITE 2

/* The file descriptor to watch; -1 once the connection has failed. The same as long as it lives. */
int wormclient_fd(const struct wormclient *client);

/* What to wait for on it: WORMCLIENT_READ, WORMCLIENT_WRITE or both (0 once failed). Ask again
 * after each wormclient_process() and wormclient_request(). */
int wormclient_interest(const struct wormclient *client);

/* Reads and writes what can be done without waiting, and calls callbacks. False once the connection
 * has failed, with the reason in *ret_error. Callbacks may queue requests and free the client; they
 * may not call this. */
bool wormclient_process(struct wormclient *client, struct wormclient_error *ret_error);

struct wormclient_value; /* a MessagePack value: map, string, number, ... */

/* Called once for each request: `result` is borrowed (for the call only) and NULL if `error` is
 * not. */
typedef void (*wormclient_callback)(struct wormclient *client, const struct wormclient_error *error,
                                    const struct wormclient_value *result, void *arg);

struct wormclient_params; /* the parameters of a request, as a map that is being written */

/* No parameters yet. New, never NULL; consumed by wormclient_request() or wormclient_call(), or
 * freed with wormclient_params_free(). */
struct wormclient_params *wormclient_params_new(void);

/* Each adds a parameter; keys and values are copied, and no key may come twice. A text of NULL is
 * nil, which is as if it were absent. A failed allocation is remembered, and reported by the
 * request. */
void wormclient_params_text(struct wormclient_params *params, const char *key, const char *value);
void wormclient_params_data(struct wormclient_params *params, const char *key, const void *data,
                            size_t length);
void wormclient_params_number(struct wormclient_params *params, const char *key, int64_t value);
void wormclient_params_flag(struct wormclient_params *params, const char *key, bool value);

/* Frees parameters that no request consumed. */
void wormclient_params_free(struct wormclient_params *params);

/* Queues a request: any method of the daemon's contract. `params` (may be NULL for none) is
 * consumed, also on failure; `callback` may be NULL. */
bool wormclient_request(struct wormclient *client, const char *method,
                        struct wormclient_params *params, wormclient_callback callback, void *arg,
                        struct wormclient_error *ret_error);

/* Is told of every `changed` notification: the newest change number, and the id of the session that
 * it is about (borrowed, for the call only). */
typedef void (*wormclient_changed)(struct wormclient *client, uint64_t change, const char *session,
                                   void *arg);

/* From now on `callback` (NULL: nobody) is told. Notifications come after the request `subscribe`
 * was made, or wormclient_wait() was called. */
void wormclient_on_changed(struct wormclient *client, wormclient_changed callback, void *arg);

/* ---- values ---- */

/* The value of a map's key. Borrowed. NULL if it is absent, or `map` is NULL or no map. */
const struct wormclient_value *wormclient_value_get(const struct wormclient_value *map,
                                                    const char *key);

/* The number of elements of an array; 0 if it is none. */
size_t wormclient_value_count(const struct wormclient_value *array);

/* The element at `index`, from 0. Borrowed. NULL behind the last. */
const struct wormclient_value *wormclient_value_at(const struct wormclient_value *array,
                                                   size_t index);

/* Each gives what stands under `key` in a map; if `key` is NULL, what the value itself is, as for
 * elements of an array. If it is absent or of another type, NULL or `fallback`. Borrowed. Texts are
 * NUL-terminated (one with a NUL inside counts as of another type), data has *ret_length bytes. */
const char *wormclient_value_text(const struct wormclient_value *map, const char *key);
const void *wormclient_value_data(const struct wormclient_value *map, const char *key,
                                  size_t *ret_length);
int64_t wormclient_value_number(const struct wormclient_value *map, const char *key,
                                int64_t fallback);
bool wormclient_value_flag(const struct wormclient_value *map, const char *key, bool fallback);

/* The value as one line of JSON (binary data as base64). New; free(). NULL when out of memory, or
 * if a text in it is not UTF-8. */
char *wormclient_value_json(const struct wormclient_value *value);

/* ---- sessions, as the daemon described them at one moment ---- */

struct wormclient_session; /* a view: it does not change when the session does */

/* Copies a view out of a callback's result. New; wormclient_session_free(). */
struct wormclient_session *wormclient_session_from(const struct wormclient_value *view,
                                                   struct wormclient_error *ret_error);

/* Frees the view; the session itself is the daemon's. */
void wormclient_session_free(struct wormclient_session *session);

/* The whole view as a borrowed map, for wormclient_value_text() and its like: numbers of messages,
 * times, receipts and all else that the daemon's contract lists. */
const struct wormclient_value *wormclient_session_view(const struct wormclient_session *session);

/* The id, 16 hex digits: how to name the session in all calls. Borrowed, as all texts here. */
const char *wormclient_session_id(const struct wormclient_session *session);

/* The petname; NULL if it has none. */
const char *wormclient_session_name(const struct wormclient_session *session);

/* The code; NULL while the relay has not given one, and when the session has ended. */
const char *wormclient_session_code(const struct wormclient_session *session);

/* "allocating", "waiting", "keyed", "established", "closing", "closed" or "exported". */
const char *wormclient_session_state(const struct wormclient_session *session);

/* Once it is ending: "happy", "lonely", "scary", "errory" or "crowded". NULL while alive. */
const char *wormclient_session_result(const struct wormclient_session *session);

/* A sentence that says why it ended; NULL while alive. */
const char *wormclient_session_reason(const struct wormclient_session *session);

/* What both users see alike if nobody is between them: as 64 hex digits, and as 32 words to be read
 * aloud. NULL before somebody used the code, and after the end. */
const char *wormclient_session_verifier(const struct wormclient_session *session);
const char *wormclient_session_verifier_words(const struct wormclient_session *session);

/* "none" (nobody asked for one), "pending" (messages are held back until wormclient_verify()), or
 * "done". */
const char *wormclient_session_verification(const struct wormclient_session *session);

/* The peer's `app_versions`, JSON text; NULL before it is established. */
const char *wormclient_session_peer_versions(const struct wormclient_session *session);

/*
 * True while the session can still bring something. False when it is ending, has ended or was
 * exported, and then *ret_error says how: WORMCLIENT_LONELY, WORMCLIENT_FAILED or WORMCLIENT_CLOSED
 * with the result in daemon_code ("exported" if it was) and the reason in its text. Messages that
 * came before may still be there to be received.
 */
bool wormclient_session_alive(const struct wormclient_session *session,
                              struct wormclient_error *ret_error);

/* ---- synchronous calls: sessions ---- */

/* Options of a new session; zero or NULL is the daemon's default. Always initialise with `= {0}` or
 * by name. */
struct wormclient_options {
    const char *name;         /* petname: 1-64 bytes */
    const char *appid;        /* application identifier: both ends must use the same */
    const char *relay;        /* relay URL, ws:// or wss:// */
    const char *code;         /* invite: a code that people agreed on */
    const char *schedule;     /* when to visit the relay: "realtime" (both sides are there), "email"
                                 (they may come days apart), or "WHEN:INTERVAL,..." in seconds */
    int64_t timeout;          /* ms that the session lasts without news of the peer */
    unsigned words;           /* invite: words of the code */
    const char *app_versions; /* text of a JSON object that the peer gets to see */
    bool verify;              /* hold back messages, both ways, until wormclient_verify() */
    int64_t inbox_messages;   /* most unread messages that are kept: the peer is paused beyond */
    int64_t inbox_bytes;      /* most bytes of them */
};

/* Sends one request and waits for its result: any method of the daemon's contract, for example
 * "status", "list" or "words". `params` (may be NULL) is consumed. New; wormclient_result_free().
 */
struct wormclient_value *wormclient_call(struct wormclient *client, const char *method,
                                         struct wormclient_params *params,
                                         struct wormclient_error *ret_error);

/* Frees a result of wormclient_call(). */
void wormclient_result_free(struct wormclient_value *result);

/*
 * Begins a session. Without a code in `options` (NULL: all defaults) the relay gives one, which is
 * not there yet when this returns: wormclient_wait() for wormclient_has_code(). New view, as from
 * all functions here that return a session; wormclient_session_free().
 */
struct wormclient_session *wormclient_invite(struct wormclient *client,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error);

/* Begins a session with the code that the other side gave. */
struct wormclient_session *wormclient_accept(struct wormclient *client, const char *code,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error);

/* How the session is now. `session` is, here and below, a petname, an id, or the start of one. */
struct wormclient_session *wormclient_show(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error);

/* Gives it another petname; NULL: it loses the one it had. */
struct wormclient_session *wormclient_rename(struct wormclient *client, const char *session,
                                             const char *name, struct wormclient_error *ret_error);

/* Visits the relay now, whatever the schedule says. */
struct wormclient_session *wormclient_poll(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error);

/* Ends the session when what was queued is sent. Closing twice is no error. */
struct wormclient_session *wormclient_close(struct wormclient *client, const char *session,
                                            struct wormclient_error *ret_error);

/* Removes an ended session, and its unread messages, from the daemon's store; with `force` also one
 * that is alive (the relay is then told nothing). */
bool wormclient_forget(struct wormclient *client, const char *session, bool force,
                       struct wormclient_error *ret_error);

/* The user compared the verifiers with the other side. `agree`: messages flow from now on;
 * otherwise the session ends at once, badly, and none that came is given out. WORMCLIENT_NOT_KEYED
 * before there is a verifier. */
struct wormclient_session *wormclient_verify(struct wormclient *client, const char *session,
                                             bool agree, struct wormclient_error *ret_error);

/* Writes `length` (1-8160) bytes of a key which only the peer gets as well, for the same `purpose`
 * (1-128 bytes, not beginning with "wormhole:"). WORMCLIENT_NOT_KEYED before it is established,
 * WORMCLIENT_CLOSED afterwards. */
bool wormclient_derive_key(struct wormclient *client, const char *session, const char *purpose,
                           void *ret_key, size_t length, struct wormclient_error *ret_error);

/* ---- synchronous calls: messages ---- */

/* Queues a message. True: it is durable in the daemon's store, and will leave when the peer is
 * there. *ret_number (may be NULL) counts from 0. */
bool wormclient_send(struct wormclient *client, const char *session, const void *data,
                     size_t length, uint32_t *ret_number, struct wormclient_error *ret_error);

/* The first unacknowledged message with a number of at least `from`. *ret_data is new (free()), and
 * NULL if there is none yet; a NUL that is not counted stands behind it. `ret_number` may be NULL.
 * WORMCLIENT_UNVERIFIED while messages are held back. */
bool wormclient_recv(struct wormclient *client, const char *session, uint32_t from,
                     uint32_t *ret_number, void **ret_data, size_t *ret_length,
                     struct wormclient_error *ret_error);

/* As wormclient_recv, but waits up to `timeout` ms (-1: no limit) until there is one, also while
 * they are held back: *ret_data is never NULL. Fails as wormclient_wait() does. */
bool wormclient_recv_wait(struct wormclient *client, const char *session, uint32_t from,
                          int64_t timeout, uint32_t *ret_number, void **ret_data,
                          size_t *ret_length, struct wormclient_error *ret_error);

/* Messages up to and including `number` were dealt with: the daemon forgets them. Until then they
 * are received again after a crash, so acknowledge when you are done and not before. */
struct wormclient_session *wormclient_ack(struct wormclient *client, const char *session,
                                          uint32_t number, struct wormclient_error *ret_error);

/* ---- synchronous calls: waiting ---- */

/* What a condition says of a session. */
enum wormclient_progress {
    WORMCLIENT_PENDING = 0, /* not yet */
    WORMCLIENT_REACHED,     /* it holds */
    WORMCLIENT_NEVER,       /* it does not, and cannot come to hold any more */
};

/* Something to wait for, asked of each new view. `arg` is the waiter's. */
typedef enum wormclient_progress (*wormclient_condition)(const struct wormclient_session *session,
                                                         void *arg);

/*
 * Waits until `condition` has been reached, and returns the view that it held for. It is asked at
 * least once. `timeout` in milliseconds, -1 for no limit; when it has passed, WORMCLIENT_TIMEOUT.
 * If the session ends before, or the condition says never, WORMCLIENT_LONELY, WORMCLIENT_FAILED or
 * WORMCLIENT_CLOSED, as wormclient_session_alive() tells them (WORMCLIENT_REFUSED if the session
 * lives, and the condition is one of your own); WORMCLIENT_NOT_FOUND if it was forgotten. Sleeps on
 * the daemon's notifications and never polls it; for that it takes the connection's one
 * subscription, which stays with this session.
 */
struct wormclient_session *wormclient_wait(struct wormclient *client, const char *session,
                                           wormclient_condition condition, void *arg,
                                           int64_t timeout, struct wormclient_error *ret_error);

/* Conditions that are ready to be waited for, or to be asked of a view that a callback got. `arg`
 * is not used where nothing is said of it. The first: the code is known. */
enum wormclient_progress wormclient_has_code(const struct wormclient_session *session, void *arg);

/* There is a verifier, for somebody used the code. Nobody is proven yet. */
enum wormclient_progress wormclient_is_keyed(const struct wormclient_session *session, void *arg);

/* The peer has proven to know the code; also if the session ended happily since. */
enum wormclient_progress wormclient_is_established(const struct wormclient_session *session,
                                                   void *arg);

/* There is a message to be received, not held back by a pending verification. `arg` may be a
 * const uint32_t *: the lowest number that counts. */
enum wormclient_progress wormclient_has_message(const struct wormclient_session *session,
                                                void *arg);

/* It is over here, well or badly: the relay was told, or the session was exported. */
enum wormclient_progress wormclient_has_ended(const struct wormclient_session *session, void *arg);

/* ---- synchronous calls: moving house ---- */

/* Takes a session out of this daemon, to go on in another one: from now on it does not run here.
 * Possible after the code exists and before the peer was seen or a message queued. One line of JSON
 * with all its secrets; the same text again until wormclient_export_done(). New;
 * wormclient_secret_free(). */
char *wormclient_export(struct wormclient *client, const char *session,
                        struct wormclient_error *ret_error);

/* The text is in a safe place: the session is forgotten here. */
bool wormclient_export_done(struct wormclient *client, const char *session,
                            struct wormclient_error *ret_error);

/* Goes on with a session that was exported, under the same id, and the same petname unless `name`
 * is given. WORMCLIENT_IMPORTED if that was done before. */
struct wormclient_session *wormclient_import(struct wormclient *client, const char *text,
                                             const char *name, struct wormclient_error *ret_error);

/* Wipes a text, then frees it. */
void wormclient_secret_free(char *text);

/* ---- synchronous calls: typing a code ---- */

/* The nameplates that are in use at the relay by this application (NULL: the daemon's defaults), to
 * complete a code that is being typed. Claims nothing. New: an array of texts, ended by NULL, that
 * one free() frees. WORMCLIENT_UNREACHABLE if the relay does not answer within ten seconds. (The
 * words of codes come with wormclient_call(client, "words", ...).) */
char **wormclient_nameplates(struct wormclient *client, const char *appid, const char *relay,
                             struct wormclient_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif

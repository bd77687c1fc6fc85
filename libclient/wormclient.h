/*
 * wormclient.h - talk to wormholed, the Magic Wormhole daemon that does not forget.
 *
 * Two programs that share a short code ("7-crossover-clockwork") find each other over a relay, and
 * exchange messages that nobody else can read or alter. wormholed does the work and keeps it for
 * weeks: neither program has to be running when the other one is. This library asks it to.
 *
 * A complete program: it uses the code that its user was told, sends a line, and prints the answer.
 * Build it with `cc hello.c $(pkg-config --cflags --libs wormclient)`.
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <wormclient.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct wormclient_error error = WORMCLIENT_ERROR_INIT;
 *         struct wormclient *client = wormclient_connect(NULL, &error);
 *         struct wormclient_session *session = NULL;
 *         struct wormclient_message *answer = NULL;
 *         if (client != NULL)
 *             session = wormclient_accept(client, argc > 1 ? argv[1] : "", NULL, &error);
 *         if (session != NULL) {
 *             const char *id = wormclient_session_id(session);
 *             if (wormclient_send(client, id, "hello", 5, NULL, &error))
 *                 answer = wormclient_recv_wait(client, id, 0, -1, &error);
 *         }
 *         if (answer != NULL)
 *             printf("%s\n", (const char *)wormclient_message_data(answer, NULL));
 *         else
 *             fprintf(stderr, "%s\n", error.text);
 *         int status = answer != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
 *         wormclient_message_free(answer);
 *         wormclient_session_free(session);
 *         wormclient_free(client);
 *         return status;
 *     }
 *
 * THE LIFE OF A SESSION. One side invites, the daemon asks the relay for a code, people carry it to
 * the other side, which accepts it; or both sides accept a code that people agreed on. The session
 * is `waiting` until somebody has used the code (`keyed`) and has proven to know it
 * (`established`). Messages may be queued from the first moment on. Whoever has got what they
 * wanted closes the session; it ends by itself when nobody came within the time allowed, or when
 * somebody guessed (`closing`, then `closed`). Sessions belong to the daemon: they go on when the
 * program that began them ends, and any program of the same user finds them again by petname or id.
 *
 * TWO LAYERS. The asynchronous core never waits: give wormclient_fd() to your event loop, ask
 * wormclient_interest() and wormclient_timeout() what to wait for, and call wormclient_process()
 * when it has come. Each method of the daemon is a pair of functions: wormclient_show_async()
 * queues the request and calls back with its result, wormclient_show() returns the result; it is
 * poll(2) around the former. Both kinds may be used on one connection, but no function that waits
 * may be called from a callback (WORMCLIENT_ERROR_ARGUMENT).
 *
 * THREADS, SIGNALS, FORKS. There is no global state. A struct wormclient may be used by one thread
 * at a time; each thread with a connection of its own is simplest. A signal that is caught ends no
 * wait, and no function raises SIGPIPE. The descriptor is closed by exec; after a fork only one of
 * the two processes may go on with it.
 *
 * OWNERSHIP. What is returned "new" is the caller's, to be freed with the function named; what is
 * "borrowed" lives as long as the object that it came from. A callback borrows what it is given
 * until it returns: sessions and messages can be copied (_dup). Functions copy what they are given.
 * Every free function takes NULL. Out-parameters are written on success only.
 *
 * ERRORS. Functions that can fail return NULL or false and fill the struct wormclient_error that
 * the caller passes (NULL if not wanted); on success they leave it alone. What the daemon says that
 * it did is durable: it survives a crash of the daemon and of the machine. When it answers with an
 * error nothing was changed. Only when its answer did not arrive, or could not be taken
 * (WORMCLIENT_ERROR_LOST, WORMCLIENT_ERROR_MEMORY, WORMCLIENT_ERROR_PROTOCOL), the request may have
 * been carried out: look before you ask again.
 *
 * COMPATIBILITY. What a program was built with goes on working with every later library of the same
 * soname. All types but struct wormclient_error are opaque; that one begins with its size, and may
 * grow at its end. New enumerators, functions and options may come; `@since` says with which
 * version. Treat an enumerator that you do not know as the most general of its kind.
 *
 * Times are milliseconds since the epoch, durations milliseconds. Strings are UTF-8. "The daemon's
 * contract" is doc/ipc.md, which lists all methods, and all keys of a session's view.
 */
#ifndef WORMCLIENT_H
#define WORMCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What compilers are told about the functions: where NULL is wrong, whose result must be freed and
 * by what, and which argument is an error that must have been initialised. */
#if defined(__GNUC__) || defined(__clang__)
#define WORMCLIENT_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define WORMCLIENT_MUST_USE     __attribute__((warn_unused_result))
#else
#define WORMCLIENT_NONNULL(...)
#define WORMCLIENT_MUST_USE
#endif
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define WORMCLIENT_NEW(free_function) __attribute__((malloc(free_function, 1), warn_unused_result))
#define WORMCLIENT_SETS(argument)     __attribute__((access(read_write, argument)))
#else
#define WORMCLIENT_NEW(free_function) WORMCLIENT_MUST_USE
#define WORMCLIENT_SETS(argument)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- versions ---- */

/* The version of this header, for the preprocessor: as numbers, and as text. @since 0.1 */
#define WORMCLIENT_VERSION_MAJOR 0
#define WORMCLIENT_VERSION_MINOR 1
#define WORMCLIENT_VERSION_PATCH 0
#define WORMCLIENT_VERSION       "0.1.0"

/* True if this header is at least of that version. @since 0.1 */
#define WORMCLIENT_VERSION_AT_LEAST(major, minor, patch)                                           \
    ((WORMCLIENT_VERSION_MAJOR * 1000 + WORMCLIENT_VERSION_MINOR) * 1000 +                         \
         WORMCLIENT_VERSION_PATCH >=                                                               \
     ((major)*1000 + (minor)) * 1000 + (patch))

/* The version of the library that the program runs with. Constant. @since 0.1 */
const char *wormclient_version(void);

/* The level of the RPC that this library was written for. A daemon with a lower one is refused.
 * @since 0.1 */
#define WORMCLIENT_API 1

/* The largest application message, in bytes, that send accepts. @since 0.1 */
#define WORMCLIENT_MESSAGE_MAX ((size_t)16 * 1024 * 1024)

/* ---- errors ---- */

/* What went wrong, as far as a program may want to act on it. Those with "daemon" are the daemon's
 * answer to a request, those with "session" tell a waiter that the session ended: the connection is
 * good in both cases. @since 0.1 */
enum wormclient_error_code {
    WORMCLIENT_ERROR_NONE = 0,
    WORMCLIENT_ERROR_NO_DAEMON,   /* nobody listens on the socket */
    WORMCLIENT_ERROR_DENIED,      /* the socket or the daemon refuses this user */
    WORMCLIENT_ERROR_LOST,        /* the connection ended before the answer */
    WORMCLIENT_ERROR_PROTOCOL,    /* the other end does not speak the RPC */
    WORMCLIENT_ERROR_MEMORY,      /* out of memory, or of file descriptors */
    WORMCLIENT_ERROR_ARGUMENT,    /* an argument was wrong; nothing was sent */
    WORMCLIENT_ERROR_TIMEOUT,     /* the time that the caller gave ran out; the session goes on */
    WORMCLIENT_ERROR_LONELY,      /* session: its time was over, and nobody had come, or not all was
                                     fetched */
    WORMCLIENT_ERROR_FAILED,      /* session: it ended badly, by a wrong code or a peer that
                                     misbehaves; daemon_code is "scary", "errory" or "crowded" */
    WORMCLIENT_ERROR_CLOSED,      /* session: it ended well; or daemon: it has ended or is ending */
    WORMCLIENT_ERROR_NOT_CLOSED,  /* daemon: the session is alive */
    WORMCLIENT_ERROR_NOT_FOUND,   /* daemon: no session matches */
    WORMCLIENT_ERROR_AMBIGUOUS,   /* daemon: more than one session matches */
    WORMCLIENT_ERROR_NAME_TAKEN,  /* daemon: the petname is in use */
    WORMCLIENT_ERROR_BAD_CODE,    /* daemon: the code is malformed */
    WORMCLIENT_ERROR_NOT_KEYED,   /* daemon: too early, the peer is not there or not proven yet */
    WORMCLIENT_ERROR_UNVERIFIED,  /* daemon: the user has yet to compare the verifiers */
    WORMCLIENT_ERROR_IMPORTED,    /* daemon: what is to be imported is or was here already */
    WORMCLIENT_ERROR_UNREACHABLE, /* daemon: the relay does not answer now */
    WORMCLIENT_ERROR_TOO_LARGE,   /* daemon, or known before: over a limit */
    WORMCLIENT_ERROR_STORE,       /* daemon: the store is full or failed */
    WORMCLIENT_ERROR_REFUSED,     /* daemon: any other error; see daemon_code */
    WORMCLIENT_ERROR_NO_MESSAGE,  /* daemon: there is no message to be received yet */
};

/* Why a function failed. Begin with `struct wormclient_error error = WORMCLIENT_ERROR_INIT;`: the
 * size tells the library how much of it this program knows (0 stands for the members below). Copy
 * one with wormclient_error_copy(). @since 0.1 */
struct wormclient_error {
    size_t size; /* sizeof(struct wormclient_error), or 0 */
    enum wormclient_error_code code;
    int system;           /* errno where one is the cause, else 0 */
    char daemon_code[32]; /* the daemon's own word for it: its error code, or the result; or "" */
    char text[512];       /* one sentence for a person, without newline or control characters */
};

/* Initialises an error. @since 0.1 */
#define WORMCLIENT_ERROR_INIT                                                                      \
    {                                                                                              \
        sizeof(struct wormclient_error), WORMCLIENT_ERROR_NONE, 0, {0},                            \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Copies an error into one that was initialised (NULL: nowhere). @since 0.1 */
void wormclient_error_copy(struct wormclient_error *ret_error, const struct wormclient_error *error)
    WORMCLIENT_SETS(1) WORMCLIENT_NONNULL(2);

/* True if the connection cannot be used after this error; a new one may work. @since 0.1 */
bool wormclient_error_is_fatal(const struct wormclient_error *error) WORMCLIENT_NONNULL(1);

/* ---- a connection's life ---- */

/* A connection to the daemon. @since 0.1 */
struct wormclient;

/*
 * The socket path that would be used: `path` if not NULL, else $WORMHOLED_SOCKET, else
 * $XDG_RUNTIME_DIR/wormholed/socket (if that is an absolute path), else
 * /run/user/UID/wormholed/socket if that directory is ours, else the same below $XDG_STATE_HOME or
 * ~/.local/state, where the daemon goes by the same rule. Writes at most `size` bytes with the NUL;
 * false if it does not fit (or fits no socket address). @since 0.1
 */
bool wormclient_socket_path(const char *path, char *ret_path, size_t size) WORMCLIENT_NONNULL(2);

/* Ends the connection. Callbacks of unanswered requests and of waiters are called with
 * WORMCLIENT_ERROR_LOST; watches are freed. May be called from a callback of wormclient_process()
 * (which then returns false, and the client is gone), but not while a synchronous call runs.
 * Sessions are not touched. @since 0.1 */
void wormclient_free(struct wormclient *client);

/* Connects to the daemon and says hello (waits for the answer). `path` as for
 * wormclient_socket_path(). New; wormclient_free(). @since 0.1 */
struct wormclient *wormclient_connect(const char *path, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_free) WORMCLIENT_SETS(2);

/* As wormclient_connect(), but never waits: the hello is queued, and requests may be queued behind
 * it at once. If the daemon then refuses the hello, or has a lower api level than this library, the
 * connection fails. @since 0.1 */
struct wormclient *wormclient_start(const char *path, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_free) WORMCLIENT_SETS(2);

/* Takes a connected stream socket (for tests and socket pairs); the client owns it from then on.
 * Never waits, as wormclient_start(). On failure it is closed. @since 0.1 */
struct wormclient *wormclient_adopt(int fd, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_free) WORMCLIENT_SETS(2);

/*
 * Whether the connection comes back by itself when it is lost, as when the daemon restarts (not at
 * first, and never for wormclient_adopt()): it is tried again after a tenth of a second, then after
 * twice as long each time, at most five seconds. Requests that were unanswered get
 * WORMCLIENT_ERROR_LOST, and new ones fail, until it is there again; watches and waiters go on, and
 * look at what changed meanwhile. A daemon that refuses this user, or is too old, ends it.
 * @since 0.1
 */
void wormclient_set_reconnect(struct wormclient *client, bool reconnect) WORMCLIENT_NONNULL(1);

/*
 * Whether the daemon is to hold a session's connection to the relay while this client waits for it
 * or watches it, and no other one: for somebody who sits there and waits. What the schedule says
 * holds again when the connection to the daemon ends, or waits for something else. To be set before
 * the waiting begins. @since 0.1
 */
void wormclient_set_hold(struct wormclient *client, bool hold) WORMCLIENT_NONNULL(1);

/* Is told that the connection was lost, with the reason, and that it is back, with an `error` of
 * NULL. @since 0.1 */
typedef void (*wormclient_connection_callback)(struct wormclient *client,
                                               const struct wormclient_error *error, void *arg);

/* From now on `callback` (NULL: nobody) is told about a connection that can come back by itself.
 * @since 0.1 */
void wormclient_on_connection(struct wormclient *client, wormclient_connection_callback callback,
                              void *arg) WORMCLIENT_NONNULL(1);

/* ---- the event loop's part ---- */

/* What wormclient_interest() tells to wait for. @since 0.1 */
#define WORMCLIENT_WANT_READ  1
#define WORMCLIENT_WANT_WRITE 2

/* The file descriptor to watch; -1 once the connection has failed. The same as long as it lives;
 * one that comes back by itself has another then, and -1 until then: ask again after each
 * wormclient_process(). @since 0.1 */
int wormclient_fd(const struct wormclient *client) WORMCLIENT_NONNULL(1);

/* What to wait for on it: WORMCLIENT_WANT_READ, WORMCLIENT_WANT_WRITE or both (0 while there is
 * none). Ask again after each wormclient_process() and each call that queues a request.
 * @since 0.1 */
int wormclient_interest(const struct wormclient *client) WORMCLIENT_NONNULL(1);

/* In how many milliseconds wormclient_process() is to be called even if the descriptor is not
 * ready, for a waiter's time runs out then, or the connection is to be tried again; -1: never. Ask
 * again when you ask for the interest. @since 0.1 */
int wormclient_timeout(const struct wormclient *client) WORMCLIENT_NONNULL(1);

/* Reads and writes what can be done without waiting, and calls callbacks. False once the connection
 * has failed for good, with the reason in *ret_error. Callbacks may queue requests and free the
 * client; they may not call this. @since 0.1 */
bool wormclient_process(struct wormclient *client, struct wormclient_error *ret_error)
    WORMCLIENT_SETS(2) WORMCLIENT_NONNULL(1);

/* ---- values ---- */

/* A MessagePack value as the daemon sent it: a map, a text, a number... Every result is one, and
 * tells it, so that a program can use keys that a newer daemon brings. @since 0.1 */
struct wormclient_value;

/* What a value is. @since 0.1 */
enum wormclient_type {
    WORMCLIENT_TYPE_NIL = 0,
    WORMCLIENT_TYPE_FLAG,
    WORMCLIENT_TYPE_NUMBER, /* an integer */
    WORMCLIENT_TYPE_TEXT,
    WORMCLIENT_TYPE_DATA,
    WORMCLIENT_TYPE_ARRAY,
    WORMCLIENT_TYPE_MAP,
    WORMCLIENT_TYPE_OTHER, /* a type that the RPC does not use */
};

/* The type; WORMCLIENT_TYPE_NIL for NULL. @since 0.1 */
enum wormclient_type wormclient_value_type(const struct wormclient_value *value);

/* The value of a map's key. Borrowed. NULL if it is absent, or `map` is NULL or no map.
 * @since 0.1 */
const struct wormclient_value *wormclient_value_get(const struct wormclient_value *map,
                                                    const char *key) WORMCLIENT_NONNULL(2);

/* The number of elements of an array, or of entries of a map; 0 if it is neither. @since 0.1 */
size_t wormclient_value_count(const struct wormclient_value *value);

/* The element of an array, or the value of a map's entry, at `index`, from 0. Borrowed. NULL behind
 * the last. @since 0.1 */
const struct wormclient_value *wormclient_value_at(const struct wormclient_value *value,
                                                   size_t index);

/* The key of a map's entry at `index`. Borrowed. NULL behind the last, and for a key that is no
 * text. @since 0.1 */
const char *wormclient_value_key(const struct wormclient_value *map, size_t index);

/* Each gives what stands under `key` in a map; if `key` is NULL, what the value itself is, as for
 * elements of an array. If it is absent or of another type, NULL or `fallback`. Borrowed. Texts are
 * NUL-terminated (one with a NUL inside counts as of another type), data has *ret_length bytes.
 * @since 0.1 */
const char *wormclient_value_text(const struct wormclient_value *map, const char *key);
const void *wormclient_value_data(const struct wormclient_value *map, const char *key,
                                  size_t *ret_length) WORMCLIENT_NONNULL(3);
int64_t wormclient_value_number(const struct wormclient_value *map, const char *key,
                                int64_t fallback);
bool wormclient_value_flag(const struct wormclient_value *map, const char *key, bool fallback);

/* ---- sessions, as the daemon described them at one moment ---- */

/* A view: it does not change when the session does. @since 0.1 */
struct wormclient_session;

/* Frees the view; the session itself is the daemon's. @since 0.1 */
void wormclient_session_free(struct wormclient_session *session);

/* A copy that stands alone. New; wormclient_session_free(). @since 0.1 */
struct wormclient_session *wormclient_session_dup(const struct wormclient_session *session,
                                                  struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(2) WORMCLIENT_NONNULL(1);

/* Copies a view out of a value. New; wormclient_session_free(). @since 0.1 */
struct wormclient_session *wormclient_session_from(const struct wormclient_value *view,
                                                   struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(2);

/* The whole view as a borrowed map, for wormclient_value_text() and its like: all that the daemon's
 * contract lists. @since 0.1 */
const struct wormclient_value *wormclient_session_view(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* The id, 16 hex digits: how to name the session in all calls. Borrowed, as all texts here.
 * @since 0.1 */
const char *wormclient_session_id(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* The petname; NULL if it has none. @since 0.1 */
const char *wormclient_session_name(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* The code; NULL while the relay has not given one, and when the session has ended. @since 0.1 */
const char *wormclient_session_code(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* "allocating", "waiting", "keyed", "established", "closing", "closed" or "exported". @since 0.1 */
const char *wormclient_session_state(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* Once it is ending: "happy", "lonely", "scary", "errory" or "crowded". NULL while alive.
 * @since 0.1 */
const char *wormclient_session_result(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* A sentence that says why it ended; NULL while alive. @since 0.1 */
const char *wormclient_session_reason(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* The relay's URL. @since 0.1 */
const char *wormclient_session_relay(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* What both users see alike if nobody is between them: as 64 hex digits, and as 32 words to be read
 * aloud. NULL before somebody used the code, and after the end. @since 0.1 */
const char *wormclient_session_verifier(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);
const char *wormclient_session_verifier_words(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* "none" (nobody asked for one), "pending" (messages are held back until wormclient_verify()), or
 * "done". @since 0.1 */
const char *wormclient_session_verification(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* The peer's `app_versions`, JSON text; NULL before it is established. @since 0.1 */
const char *wormclient_session_peer_versions(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/* When it began, and when it ends if there is no news of the peer. @since 0.1 */
int64_t wormclient_session_created(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);
int64_t wormclient_session_deadline(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* Messages that were queued, and of these, those that the relay is known to hold. @since 0.1 */
int64_t wormclient_session_sent(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);
int64_t wormclient_session_stored(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* Of the messages sent, those that the peer's daemon has stored, and those that its user's program
 * has acknowledged; -1 if the peer does not tell. @since 0.1 */
int64_t wormclient_session_delivered(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);
int64_t wormclient_session_read(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* Messages that came, and of these, those that are not acknowledged. @since 0.1 */
int64_t wormclient_session_received(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);
int64_t wormclient_session_unread(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* The number of its newest change. @since 0.1 */
uint64_t wormclient_session_change(const struct wormclient_session *session) WORMCLIENT_NONNULL(1);

/* True if the peer has proven to know the code, whatever became of the session since. @since 0.1 */
bool wormclient_session_was_established(const struct wormclient_session *session)
    WORMCLIENT_NONNULL(1);

/*
 * True while the session can still bring something. False when it is ending, has ended or was
 * exported, and then *ret_error says how: WORMCLIENT_ERROR_LONELY, WORMCLIENT_ERROR_FAILED or
 * WORMCLIENT_ERROR_CLOSED with the result in daemon_code ("exported" if it was) and the reason in
 * its text. Messages that came before may still be there to be received. @since 0.1
 */
bool wormclient_session_alive(const struct wormclient_session *session,
                              struct wormclient_error *ret_error) WORMCLIENT_SETS(2)
    WORMCLIENT_NONNULL(1);

/* ---- options of a new session ---- */

/* What invite and accept may be told. What is not set is the daemon's default. @since 0.1 */
struct wormclient_options;

/* Frees options; sessions that began with them are not touched. @since 0.1 */
void wormclient_options_free(struct wormclient_options *options);

/* Nothing is set yet. New, never NULL; wormclient_options_free(). A failed allocation, here or in a
 * setter, is reported by the call that uses the options. They can be used for any number of calls.
 * @since 0.1 */
struct wormclient_options *wormclient_options_new(void) WORMCLIENT_NEW(wormclient_options_free);

/* The petname: 1-64 bytes. As in all setters, NULL takes back what was set. @since 0.1 */
void wormclient_options_set_name(struct wormclient_options *options, const char *name)
    WORMCLIENT_NONNULL(1);

/* The application identifier: both ends must use the same. @since 0.1 */
void wormclient_options_set_appid(struct wormclient_options *options, const char *appid)
    WORMCLIENT_NONNULL(1);

/* The relay's URL, ws:// or wss://. @since 0.1 */
void wormclient_options_set_relay(struct wormclient_options *options, const char *relay)
    WORMCLIENT_NONNULL(1);

/* Up to two other relays, URLs with blanks between, that a lasting session uses when that one
 * fails.
 * @since 0.1 */
void wormclient_options_set_more_relays(struct wormclient_options *options, const char *more_relays)
    WORMCLIENT_NONNULL(1);

/* A code that people agreed on, for wormclient_invite(); wormclient_accept() takes its own.
 * @since 0.1 */
void wormclient_options_set_code(struct wormclient_options *options, const char *code)
    WORMCLIENT_NONNULL(1);

/* The words of a code that is made, 1-16; for wormclient_invite() only. @since 0.1 */
void wormclient_options_set_words(struct wormclient_options *options, int64_t words)
    WORMCLIENT_NONNULL(1);

/* When to visit the relay: "realtime" (both sides are there), "email" (they may come days apart),
 * or "WHEN:INTERVAL,..." in seconds. @since 0.1 */
void wormclient_options_set_schedule(struct wormclient_options *options, const char *schedule)
    WORMCLIENT_NONNULL(1);

/* How long the peer has to come, in milliseconds from the beginning; and after how long without
 * news from it the session then ends, which otherwise may last for good. @since 0.1 */
void wormclient_options_set_timeout(struct wormclient_options *options, int64_t timeout)
    WORMCLIENT_NONNULL(1);
void wormclient_options_set_expire(struct wormclient_options *options, int64_t expire)
    WORMCLIENT_NONNULL(1);

/* The text of a JSON object that the peer gets to see. @since 0.1 */
void wormclient_options_set_app_versions(struct wormclient_options *options,
                                         const char *app_versions) WORMCLIENT_NONNULL(1);

/* Whether to hold back messages, both ways, until wormclient_verify(). @since 0.1 */
void wormclient_options_set_verify(struct wormclient_options *options, bool verify)
    WORMCLIENT_NONNULL(1);

/* The most unread messages that are kept, and the most bytes of them: the peer is paused beyond.
 * @since 0.1 */
void wormclient_options_set_inbox_messages(struct wormclient_options *options, int64_t messages)
    WORMCLIENT_NONNULL(1);
void wormclient_options_set_inbox_bytes(struct wormclient_options *options, int64_t bytes)
    WORMCLIENT_NONNULL(1);

/* Whether it is for one exchange: it is not renewed, and keeps its deadlines, even where the daemon
 * makes lasting sessions. @since 0.1 */
void wormclient_options_set_once(struct wormclient_options *options, bool once)
    WORMCLIENT_NONNULL(1);

/* Whether what is sent offers a text, as `wormhole send --text` does: the daemon takes the answer,
 * with or without a client, and the session ends with it; its reason says how. @since 0.1 */
void wormclient_options_set_await_answer(struct wormclient_options *options, bool await_answer)
    WORMCLIENT_NONNULL(1);

/* ---- calls: sessions ---- */

/* Each of these callbacks is called once for a request that was queued. Exactly one of `error` and
 * the result is NULL; both are borrowed. Where it may be NULL itself, nobody wants to know. This is
 * the one of calls whose result is a session. @since 0.1 */
typedef void (*wormclient_session_callback)(struct wormclient *client,
                                            const struct wormclient_error *error,
                                            const struct wormclient_session *session, void *arg);

/* Of calls that only succeed or fail: `error` is NULL if it was done. @since 0.1 */
typedef void (*wormclient_done_callback)(struct wormclient *client,
                                         const struct wormclient_error *error, void *arg);

/*
 * Begins a session. Without a code in `options` (NULL: all defaults) the relay gives one, which is
 * not there yet when this returns: wormclient_wait() for wormclient_has_code(). New view, as from
 * all functions here that return a session; wormclient_session_free(). The asynchronous form of
 * each call, which returns false if the request could not be queued, stands below it. @since 0.1
 */
struct wormclient_session *wormclient_invite(struct wormclient *client,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1);
bool wormclient_invite_async(struct wormclient *client, const struct wormclient_options *options,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1);

/* Begins a session with the code that the other side gave. @since 0.1 */
struct wormclient_session *wormclient_accept(struct wormclient *client, const char *code,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_accept_async(struct wormclient *client, const char *code,
                             const struct wormclient_options *options,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* How the session is now. `session` is, here and below, a petname, an id, or the start of one.
 * @since 0.1 */
struct wormclient_session *wormclient_show(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1, 2);
bool wormclient_show_async(struct wormclient *client, const char *session,
                           wormclient_session_callback callback, void *arg,
                           struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1, 2);

/* Gives it another petname; NULL: it loses the one it had. @since 0.1 */
struct wormclient_session *wormclient_rename(struct wormclient *client, const char *session,
                                             const char *name, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_rename_async(struct wormclient *client, const char *session, const char *name,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* Gives a lasting session other relays: URLs with blanks between, three at most, the first one to
 * be used first. The peer is told, and goes along. @since 0.1 */
struct wormclient_session *wormclient_move(struct wormclient *client, const char *session,
                                           const char *relays, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2, 3);
bool wormclient_move_async(struct wormclient *client, const char *session, const char *relays,
                           wormclient_session_callback callback, void *arg,
                           struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2, 3);

/* Visits the relay now, whatever the schedule says. @since 0.1 */
struct wormclient_session *wormclient_poll(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1, 2);
bool wormclient_poll_async(struct wormclient *client, const char *session,
                           wormclient_session_callback callback, void *arg,
                           struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1, 2);

/* Ends the session when what was queued is sent. Closing twice is no error. @since 0.1 */
struct wormclient_session *wormclient_close(struct wormclient *client, const char *session,
                                            struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1, 2);
bool wormclient_close_async(struct wormclient *client, const char *session,
                            wormclient_session_callback callback, void *arg,
                            struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1, 2);

/* Removes an ended session, and its unread messages, from the daemon's store; with `force` also one
 * that is alive (the relay is then told nothing). @since 0.1 */
bool wormclient_forget(struct wormclient *client, const char *session, bool force,
                       struct wormclient_error *ret_error) WORMCLIENT_SETS(4)
    WORMCLIENT_NONNULL(1, 2);
bool wormclient_forget_async(struct wormclient *client, const char *session, bool force,
                             wormclient_done_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* The user compared the verifiers with the other side. `agree`: messages flow from now on;
 * otherwise the session ends at once, badly, and none that came is given out.
 * WORMCLIENT_ERROR_NOT_KEYED before there is a verifier. @since 0.1 */
struct wormclient_session *wormclient_verify(struct wormclient *client, const char *session,
                                             bool agree, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_verify_async(struct wormclient *client, const char *session, bool agree,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* Bytes of a secret: a key, or the text of an exported session, which has a NUL behind it.
 * @since 0.1 */
typedef void (*wormclient_secret_callback)(struct wormclient *client,
                                           const struct wormclient_error *error, const void *secret,
                                           size_t length, void *arg);

/* Writes `length` (1-8160) bytes of a key which only the peer gets as well, for the same `purpose`
 * (1-128 bytes, not beginning with "wormhole:"). WORMCLIENT_ERROR_NOT_KEYED before it is
 * established, WORMCLIENT_ERROR_CLOSED afterwards. @since 0.1 */
bool wormclient_derive_key(struct wormclient *client, const char *session, const char *purpose,
                           void *ret_key, size_t length, struct wormclient_error *ret_error)
    WORMCLIENT_SETS(6) WORMCLIENT_NONNULL(1, 2, 3, 4);
bool wormclient_derive_key_async(struct wormclient *client, const char *session,
                                 const char *purpose, size_t length,
                                 wormclient_secret_callback callback, void *arg,
                                 struct wormclient_error *ret_error) WORMCLIENT_SETS(7)
    WORMCLIENT_NONNULL(1, 2, 3);

/* ---- calls: messages ---- */

/* A message of a session, or the fact that one was sent. @since 0.1 */
struct wormclient_message;

/* Wipes the message, then frees it. @since 0.1 */
void wormclient_message_free(struct wormclient_message *message);

/* A copy that stands alone. New; wormclient_message_free(). @since 0.1 */
struct wormclient_message *wormclient_message_dup(const struct wormclient_message *message,
                                                  struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_message_free) WORMCLIENT_SETS(2) WORMCLIENT_NONNULL(1);

/* Its number: messages of each direction are counted from 0. @since 0.1 */
uint32_t wormclient_message_number(const struct wormclient_message *message) WORMCLIENT_NONNULL(1);

/* The id of its session. Borrowed. @since 0.1 */
const char *wormclient_message_session(const struct wormclient_message *message)
    WORMCLIENT_NONNULL(1);

/* Its bytes, never NULL for one that was received, and how many (`ret_length` may be NULL); a NUL
 * that is not counted stands behind them. NULL for one that was sent. Borrowed. @since 0.1 */
const void *wormclient_message_data(const struct wormclient_message *message, size_t *ret_length)
    WORMCLIENT_NONNULL(1);

/* Of calls about one message. @since 0.1 */
typedef void (*wormclient_message_callback)(struct wormclient *client,
                                            const struct wormclient_error *error,
                                            const struct wormclient_message *message, void *arg);

/* Queues a message. True: it is durable in the daemon's store, and will leave when the peer is
 * there. *ret_number (may be NULL) is the message's number. @since 0.1 */
bool wormclient_send(struct wormclient *client, const char *session, const void *data,
                     size_t length, uint32_t *ret_number, struct wormclient_error *ret_error)
    WORMCLIENT_SETS(6) WORMCLIENT_NONNULL(1, 2);
bool wormclient_send_async(struct wormclient *client, const char *session, const void *data,
                           size_t length, wormclient_message_callback callback, void *arg,
                           struct wormclient_error *ret_error) WORMCLIENT_SETS(7)
    WORMCLIENT_NONNULL(1, 2);

/* The first unacknowledged message with a number of at least `from`. New;
 * wormclient_message_free(). WORMCLIENT_ERROR_NO_MESSAGE if there is none yet, or if another client
 * has received some that it has not acknowledged: what this one receives is likewise kept from
 * others, until it is acknowledged or the connection ends. WORMCLIENT_ERROR_UNVERIFIED while
 * messages are held back. @since 0.1 */
struct wormclient_message *wormclient_recv(struct wormclient *client, const char *session,
                                           uint32_t from, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_message_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_recv_async(struct wormclient *client, const char *session, uint32_t from,
                           wormclient_message_callback callback, void *arg,
                           struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* As wormclient_recv(), but waits up to `timeout` ms (-1: no limit) until there is one, also while
 * they are held back. Fails as wormclient_wait() does. @since 0.1 */
struct wormclient_message *wormclient_recv_wait(struct wormclient *client, const char *session,
                                                uint32_t from, int64_t timeout,
                                                struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_message_free) WORMCLIENT_SETS(5) WORMCLIENT_NONNULL(1, 2);

/* Messages up to and including `number` were dealt with: the daemon forgets them. Until then they
 * are received again after a crash, so acknowledge when you are done and not before. @since 0.1 */
struct wormclient_session *wormclient_ack(struct wormclient *client, const char *session,
                                          uint32_t number, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_ack_async(struct wormclient *client, const char *session, uint32_t number,
                          wormclient_session_callback callback, void *arg,
                          struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* ---- calls: moving a session to another daemon ---- */

/* Wipes a text, then frees it. @since 0.1 */
void wormclient_secret_free(char *text);

/* Takes a session out of this daemon, to go on in another one: from now on it does not run here.
 * Possible after the code exists and before the peer was seen or a message queued. One line of JSON
 * with all its secrets; the same text again until wormclient_export_done(). New;
 * wormclient_secret_free(). @since 0.1 */
char *wormclient_export(struct wormclient *client, const char *session,
                        struct wormclient_error *ret_error) WORMCLIENT_NEW(wormclient_secret_free)
    WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1, 2);
bool wormclient_export_async(struct wormclient *client, const char *session,
                             wormclient_secret_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1, 2);

/* The text is in a safe place: the session is forgotten here. @since 0.1 */
bool wormclient_export_done(struct wormclient *client, const char *session,
                            struct wormclient_error *ret_error) WORMCLIENT_SETS(3)
    WORMCLIENT_NONNULL(1, 2);
bool wormclient_export_done_async(struct wormclient *client, const char *session,
                                  wormclient_done_callback callback, void *arg,
                                  struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1, 2);

/* Goes on with a session that was exported, under the same id, and the same petname unless `name`
 * is given. WORMCLIENT_ERROR_IMPORTED if that was done before. @since 0.1 */
struct wormclient_session *wormclient_import(struct wormclient *client, const char *text,
                                             const char *name, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_import_async(struct wormclient *client, const char *text, const char *name,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* ---- calls: the daemon ---- */

/* The most sessions or changes that one call of wormclient_list() or wormclient_changes() gives.
 * @since 0.1 */
#define WORMCLIENT_PAGE_MAX 1000

/* Some of the daemon's sessions. @since 0.1 */
struct wormclient_list;

/* Frees it, and all its views. @since 0.1 */
void wormclient_list_free(struct wormclient_list *list);

/* How many sessions it holds. @since 0.1 */
size_t wormclient_list_count(const struct wormclient_list *list) WORMCLIENT_NONNULL(1);

/* The view at `index`, from 0. Borrowed. NULL behind the last. @since 0.1 */
const struct wormclient_session *wormclient_list_at(const struct wormclient_list *list,
                                                    size_t index) WORMCLIENT_NONNULL(1);

/* What wormclient_list() is told to go on behind these; NULL if there are no more. Borrowed.
 * @since 0.1 */
const char *wormclient_list_next(const struct wormclient_list *list) WORMCLIENT_NONNULL(1);

/* Of wormclient_list_async(). @since 0.1 */
typedef void (*wormclient_list_callback)(struct wormclient *client,
                                         const struct wormclient_error *error,
                                         const struct wormclient_list *list, void *arg);

/* At most `limit` sessions (0: as many as the daemon likes) in order of their ids, from the
 * beginning (NULL) or after what wormclient_list_next() said. New; wormclient_list_free().
 * @since 0.1 */
struct wormclient_list *wormclient_list(struct wormclient *client, const char *after,
                                        unsigned limit, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_list_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1);
bool wormclient_list_async(struct wormclient *client, const char *after, unsigned limit,
                           wormclient_list_callback callback, void *arg,
                           struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1);

/* Which sessions changed. @since 0.1 */
struct wormclient_changes;

/* Frees it. @since 0.1 */
void wormclient_changes_free(struct wormclient_changes *changes);

/* How many sessions it holds. @since 0.1 */
size_t wormclient_changes_count(const struct wormclient_changes *changes) WORMCLIENT_NONNULL(1);

/* The id of the session at `index`, from 0, and the number of its newest change. Borrowed. NULL
 * behind the last, and then *ret_change (may be NULL) is left alone. @since 0.1 */
const char *wormclient_changes_at(const struct wormclient_changes *changes, size_t index,
                                  uint64_t *ret_change) WORMCLIENT_NONNULL(1);

/* The number of the newest change of all sessions. @since 0.1 */
uint64_t wormclient_changes_newest(const struct wormclient_changes *changes) WORMCLIENT_NONNULL(1);

/* Of wormclient_changes_async(). @since 0.1 */
typedef void (*wormclient_changes_callback)(struct wormclient *client,
                                            const struct wormclient_error *error,
                                            const struct wormclient_changes *changes, void *arg);

/* Which sessions changed after change number `since` (0: ever), at most `limit` (0: as many as the
 * daemon likes), oldest change first, each once. One that was forgotten appears no more. New;
 * wormclient_changes_free(). @since 0.1 */
struct wormclient_changes *wormclient_changes(struct wormclient *client, uint64_t since,
                                              unsigned limit, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_changes_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1);
bool wormclient_changes_async(struct wormclient *client, uint64_t since, unsigned limit,
                              wormclient_changes_callback callback, void *arg,
                              struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1);

/* What happened to a session. @since 0.1 */
struct wormclient_log;

/* Frees it. @since 0.1 */
void wormclient_log_free(struct wormclient_log *log);

/* How many entries it holds. @since 0.1 */
size_t wormclient_log_count(const struct wormclient_log *log) WORMCLIENT_NONNULL(1);

/* How many older ones the daemon no longer has. @since 0.1 */
int64_t wormclient_log_dropped(const struct wormclient_log *log) WORMCLIENT_NONNULL(1);

/* The entry at `index`, from 0, which is the oldest: a sentence, without a full stop. *ret_first is
 * when it happened, *ret_last when it happened again, or the same, in ms since the epoch (either
 * may be NULL). Parts of it may come from the relay. Borrowed. NULL behind the last, and then
 * neither is set. @since 0.1 */
const char *wormclient_log_at(const struct wormclient_log *log, size_t index, int64_t *ret_first,
                              int64_t *ret_last) WORMCLIENT_NONNULL(1);

/* The same entry with all of its keys, as doc/ipc.md lists them. Borrowed. NULL behind the last.
 * @since 0.1 */
const struct wormclient_value *wormclient_log_view(const struct wormclient_log *log, size_t index)
    WORMCLIENT_NONNULL(1);

/* Of wormclient_log_async(). @since 0.1 */
typedef void (*wormclient_log_callback)(struct wormclient *client,
                                        const struct wormclient_error *error,
                                        const struct wormclient_log *log, void *arg);

/* What happened to the session, oldest first; only the newest `limit` entries (0: all). New;
 * wormclient_log_free(). @since 0.1 */
struct wormclient_log *wormclient_log(struct wormclient *client, const char *session,
                                      unsigned limit, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_log_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);
bool wormclient_log_async(struct wormclient *client, const char *session, unsigned limit,
                          wormclient_log_callback callback, void *arg,
                          struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* How the daemon is. @since 0.1 */
struct wormclient_status;

/* Frees it. @since 0.1 */
void wormclient_status_free(struct wormclient_status *status);

/* The whole of it as a borrowed map, for wormclient_value_text() and its like: all that the
 * daemon's contract lists, its relays included. @since 0.1 */
const struct wormclient_value *wormclient_status_view(const struct wormclient_status *status)
    WORMCLIENT_NONNULL(1);

/* The daemon's version, and the relay that it uses if no other is named. Borrowed. @since 0.1 */
const char *wormclient_status_version(const struct wormclient_status *status) WORMCLIENT_NONNULL(1);
const char *wormclient_status_default_relay(const struct wormclient_status *status)
    WORMCLIENT_NONNULL(1);

/* How many sessions there are, and how many of them are connected to their relay now. @since 0.1 */
int64_t wormclient_status_sessions(const struct wormclient_status *status) WORMCLIENT_NONNULL(1);
int64_t wormclient_status_active(const struct wormclient_status *status) WORMCLIENT_NONNULL(1);

/* The number of the newest change. @since 0.1 */
uint64_t wormclient_status_change(const struct wormclient_status *status) WORMCLIENT_NONNULL(1);

/* Of wormclient_status_async(). @since 0.1 */
typedef void (*wormclient_status_callback)(struct wormclient *client,
                                           const struct wormclient_error *error,
                                           const struct wormclient_status *status, void *arg);

/* Asks how the daemon is. New; wormclient_status_free(). @since 0.1 */
struct wormclient_status *wormclient_status(struct wormclient *client,
                                            struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_status_free) WORMCLIENT_SETS(2) WORMCLIENT_NONNULL(1);
bool wormclient_status_async(struct wormclient *client, wormclient_status_callback callback,
                             void *arg, struct wormclient_error *ret_error) WORMCLIENT_SETS(4)
    WORMCLIENT_NONNULL(1);

/* ---- calls: typing a code ---- */

/* Nameplates in use at a relay: the numbers that codes begin with. @since 0.1 */
struct wormclient_nameplates;

/* Frees them. @since 0.1 */
void wormclient_nameplates_free(struct wormclient_nameplates *nameplates);

/* How many there are. @since 0.1 */
size_t wormclient_nameplates_count(const struct wormclient_nameplates *nameplates)
    WORMCLIENT_NONNULL(1);

/* The one at `index`, from 0. Borrowed. NULL behind the last. @since 0.1 */
const char *wormclient_nameplates_at(const struct wormclient_nameplates *nameplates, size_t index)
    WORMCLIENT_NONNULL(1);

/* Of wormclient_nameplates_async(). @since 0.1 */
typedef void (*wormclient_nameplates_callback)(struct wormclient *client,
                                               const struct wormclient_error *error,
                                               const struct wormclient_nameplates *nameplates,
                                               void *arg);

/* The nameplates that this application uses at the relay (NULL: the daemon's defaults), to complete
 * a code that is being typed. Claims nothing. New; wormclient_nameplates_free().
 * WORMCLIENT_ERROR_UNREACHABLE if the relay does not answer within ten seconds. @since 0.1 */
struct wormclient_nameplates *wormclient_nameplates(struct wormclient *client, const char *appid,
                                                    const char *relay,
                                                    struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_nameplates_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1);
bool wormclient_nameplates_async(struct wormclient *client, const char *appid, const char *relay,
                                 wormclient_nameplates_callback callback, void *arg,
                                 struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1);

/* The words of codes. @since 0.1 */
struct wormclient_words;

/* Frees them. @since 0.1 */
void wormclient_words_free(struct wormclient_words *words);

/* How many words there are to choose from at each place. @since 0.1 */
size_t wormclient_words_count(const struct wormclient_words *words) WORMCLIENT_NONNULL(1);

/* The word at `index`, from 0, of those for the first (0), second (1), third... place behind the
 * nameplate; lower case. Borrowed. NULL behind the last. @since 0.1 */
const char *wormclient_words_at(const struct wormclient_words *words, size_t place, size_t index)
    WORMCLIENT_NONNULL(1);

/* Of wormclient_words_async(). @since 0.1 */
typedef void (*wormclient_words_callback)(struct wormclient *client,
                                          const struct wormclient_error *error,
                                          const struct wormclient_words *words, void *arg);

/* Asks for the words of codes. New; wormclient_words_free(). @since 0.1 */
struct wormclient_words *wormclient_words(struct wormclient *client,
                                          struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_words_free) WORMCLIENT_SETS(2) WORMCLIENT_NONNULL(1);
bool wormclient_words_async(struct wormclient *client, wormclient_words_callback callback,
                            void *arg, struct wormclient_error *ret_error) WORMCLIENT_SETS(4)
    WORMCLIENT_NONNULL(1);

/* ---- calls: backups ---- */

/* A piece of a backup. @since 0.1 */
struct wormclient_backup;

/* Wipes and frees it. @since 0.1 */
void wormclient_backup_free(struct wormclient_backup *backup);

/* Its bytes, some hundred kilobytes at most. Borrowed. @since 0.1 */
const void *wormclient_backup_data(const struct wormclient_backup *backup, size_t *ret_length)
    WORMCLIENT_NONNULL(1);

/* The position of the piece behind it; -1: it is the last one. @since 0.1 */
int64_t wormclient_backup_next(const struct wormclient_backup *backup) WORMCLIENT_NONNULL(1);

/* Of wormclient_backup_async(). @since 0.1 */
typedef void (*wormclient_backup_callback)(struct wormclient *client,
                                           const struct wormclient_error *error,
                                           const struct wormclient_backup *backup, void *arg);

/*
 * All that the daemon stores, with all secrets, as it is when position 0 is asked for: a piece of
 * it. Ask for the others one after the other, over the same connection; a minute without a request
 * ends the backup, and so does a store that needs the room that is kept for it: then daemon_code is
 * "no-backup". `wormholed --restore` takes the pieces, one behind the other, in a file as
 * base/sealed_file.h describes it. New; wormclient_backup_free(). @since 0.1
 */
struct wormclient_backup *wormclient_backup(struct wormclient *client, int64_t position,
                                            struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_backup_free) WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1);
bool wormclient_backup_async(struct wormclient *client, int64_t position,
                             wormclient_backup_callback callback, void *arg,
                             struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1);

/* ---- conditions ---- */

/* What a condition says of a session. @since 0.1 */
enum wormclient_progress {
    WORMCLIENT_PROGRESS_PENDING = 0, /* not yet */
    WORMCLIENT_PROGRESS_REACHED,     /* it has come so far */
    WORMCLIENT_PROGRESS_NEVER,       /* it has not, and cannot any more */
};

/*
 * Something to wait for, asked of each new view. `arg` is the waiter's.
 *
 * The nine below are ready to be waited for, or to be asked of a view that a callback got; `arg` is
 * not used where nothing is said of it. They are milestones: what has been reached stays so while
 * the session lives, and when it has ended happily; but what a view shows may have been wiped by
 * then (wormclient_session_code() may be NULL although the code was known). A session that ended
 * badly, or alone, reaches nothing more than what each says of it. @since 0.1
 */
typedef enum wormclient_progress (*wormclient_condition)(const struct wormclient_session *session,
                                                         void *arg);

/* "code": the code is known. @since 0.1 */
enum wormclient_progress wormclient_has_code(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* "keyed": there is a verifier, for somebody used the code. Nobody is proven yet. @since 0.1 */
enum wormclient_progress wormclient_is_keyed(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* "established": the peer has proven to know the code. @since 0.1 */
enum wormclient_progress wormclient_is_established(const struct wormclient_session *session,
                                                   void *arg) WORMCLIENT_NONNULL(1);

/* "verified": the user has said that the verifiers agree; however the session ended. @since 0.1 */
enum wormclient_progress wormclient_is_verified(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* "message": there is a message to be received, neither held back by a pending verification nor
 * kept for another client that is at work on it; however the session ended. `arg` may be a const
 * uint32_t *: the lowest number that counts. @since 0.1 */
enum wormclient_progress wormclient_has_message(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* "sent": the relay holds all messages that were sent so far. @since 0.1 */
enum wormclient_progress wormclient_is_sent(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* "delivered": the peer's daemon has stored all that was sent; however the session ended. Never, if
 * the peer does not tell: not every Magic Wormhole program does. @since 0.1 */
enum wormclient_progress wormclient_is_delivered(const struct wormclient_session *session,
                                                 void *arg) WORMCLIENT_NONNULL(1);

/* "read": the peer's program has acknowledged all that was sent; otherwise as "delivered".
 * @since 0.1 */
enum wormclient_progress wormclient_is_read(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* "closed": it has ended happily, and the relay was told, or the session was exported. Never, if it
 * ended otherwise. @since 0.1 */
enum wormclient_progress wormclient_is_closed(const struct wormclient_session *session, void *arg)
    WORMCLIENT_NONNULL(1);

/* The condition with the name that stands above in quotes, as `wormctl wait --for` takes it; NULL
 * if there is none. @since 0.1 */
wormclient_condition wormclient_condition_find(const char *name) WORMCLIENT_NONNULL(1);

/* The name at `index`, from 0; NULL behind the last. Constant. @since 0.1 */
const char *wormclient_condition_name(size_t index);

/* ---- waiting ---- */

/*
 * Waits until `condition` has been reached, and returns the view that it held for. It is asked at
 * least once. `timeout` in milliseconds, -1 for no limit; when it has passed,
 * WORMCLIENT_ERROR_TIMEOUT. If the session ends before, or the condition says never,
 * WORMCLIENT_ERROR_LONELY, WORMCLIENT_ERROR_FAILED or WORMCLIENT_ERROR_CLOSED, as
 * wormclient_session_alive() tells them (WORMCLIENT_ERROR_REFUSED if the session lives);
 * WORMCLIENT_ERROR_NOT_FOUND if it was forgotten. Sleeps on the daemon's notifications and never
 * polls it. With wormclient_set_reconnect() it goes on when the daemon restarts. @since 0.1
 */
struct wormclient_session *wormclient_wait(struct wormclient *client, const char *session,
                                           wormclient_condition condition, void *arg,
                                           int64_t timeout, struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_session_free) WORMCLIENT_SETS(6) WORMCLIENT_NONNULL(1, 2, 3);

/* As wormclient_wait(), for the first of `count` (at least one) sessions that reaches it, or ends:
 * *ret_index (may be NULL) says which one it was, also when it failed, unless that was for the time
 * or the connection. @since 0.1 */
struct wormclient_session *
wormclient_wait_any(struct wormclient *client, const char *const *sessions, size_t count,
                    wormclient_condition condition, void *arg, int64_t timeout, size_t *ret_index,
                    struct wormclient_error *ret_error) WORMCLIENT_NEW(wormclient_session_free)
    WORMCLIENT_SETS(8) WORMCLIENT_NONNULL(1, 2, 4);

/* One that waits without holding up its program. There may be any number on one connection, of the
 * same session or of different ones. @since 0.1 */
struct wormclient_waiter;

/* As wormclient_wait(), but `callback` is told what that returns, once, from inside of
 * wormclient_process(); the waiter is gone then. `condition_arg` is passed to the condition, `arg`
 * to the callback. NULL if it cannot begin. @since 0.1 */
struct wormclient_waiter *wormclient_wait_async(struct wormclient *client, const char *session,
                                                wormclient_condition condition, void *condition_arg,
                                                int64_t timeout,
                                                wormclient_session_callback callback, void *arg,
                                                struct wormclient_error *ret_error)
    WORMCLIENT_SETS(8) WORMCLIENT_NONNULL(1, 2, 3, 6);

/* Ends the waiting; the callback is not called any more. Not after it was called. @since 0.1 */
void wormclient_waiter_cancel(struct wormclient_waiter *waiter);

/* One that is told of changes. There may be any number on one connection, beside waiters.
 * @since 0.1 */
struct wormclient_watch;

/*
 * Is told that `session` (its id, borrowed) has changed, was forgotten, or may have: look again.
 * `change` is the newest change number. `session` is NULL, which can happen if all are watched,
 * when several may have changed, since notifications were merged or the connection was lost
 * meanwhile: wormclient_changes() tells which. With an `error`, the watch has ended, and `change`
 * is 0.
 * @since 0.1
 */
typedef void (*wormclient_watch_callback)(struct wormclient *client,
                                          const struct wormclient_error *error, uint64_t change,
                                          const char *session, void *arg);

/* From now on `callback` is told of each change of a session, named by its id, or of all (NULL);
 * first when the watch has begun: what is looked at from then on misses nothing. Never waits. New;
 * wormclient_watch_free(), or else wormclient_free() does it. @since 0.1 */
struct wormclient_watch *wormclient_watch(struct wormclient *client, const char *id,
                                          wormclient_watch_callback callback, void *arg,
                                          struct wormclient_error *ret_error) WORMCLIENT_SETS(5)
    WORMCLIENT_NONNULL(1, 3);

/* Ends the watch, from a callback as well; others are not disturbed. @since 0.1 */
void wormclient_watch_free(struct wormclient_watch *watch);

/* Sleeps until wormclient_process() has something to do, at most `timeout` ms (-1: no limit), and
 * calls it: an event loop for programs that have none. True also if the time ran out or a signal
 * came; false as wormclient_process(). @since 0.1 */
bool wormclient_run_once(struct wormclient *client, int timeout, struct wormclient_error *ret_error)
    WORMCLIENT_SETS(3) WORMCLIENT_NONNULL(1);

/* ---- any method ---- */

/* For methods, parameters and results that a newer daemon has and this library does not know:
 * called once for each request; `result` is NULL if `error` is not. Both are borrowed. @since 0.1
 */
typedef void (*wormclient_callback)(struct wormclient *client, const struct wormclient_error *error,
                                    const struct wormclient_value *result, void *arg);

/* The parameters of a request, as a map that is being written. @since 0.1 */
struct wormclient_params;

/* Frees parameters that no request consumed. @since 0.1 */
void wormclient_params_free(struct wormclient_params *params);

/* No parameters yet. New, never NULL; consumed by wormclient_request() or wormclient_call(), or
 * freed with wormclient_params_free(). @since 0.1 */
struct wormclient_params *wormclient_params_new(void) WORMCLIENT_MUST_USE;

/* Each adds a parameter; keys and values are copied, and no key may come twice. A text of NULL is
 * nil, which is as if it were absent. A failed allocation is remembered, and reported by the
 * request. @since 0.1 */
void wormclient_params_text(struct wormclient_params *params, const char *key, const char *value)
    WORMCLIENT_NONNULL(1, 2);
void wormclient_params_data(struct wormclient_params *params, const char *key, const void *data,
                            size_t length) WORMCLIENT_NONNULL(1, 2);
void wormclient_params_number(struct wormclient_params *params, const char *key, int64_t value)
    WORMCLIENT_NONNULL(1, 2);
void wormclient_params_flag(struct wormclient_params *params, const char *key, bool value)
    WORMCLIENT_NONNULL(1, 2);

/* Queues a request: any method of the daemon's contract. `params` (may be NULL for none) is
 * consumed, also on failure; `callback` may be NULL. @since 0.1 */
bool wormclient_request(struct wormclient *client, const char *method,
                        struct wormclient_params *params, wormclient_callback callback, void *arg,
                        struct wormclient_error *ret_error) WORMCLIENT_SETS(6)
    WORMCLIENT_NONNULL(1, 2);

/* Is told of each notification of the daemon, as it comes, whatever this library makes of it. Its
 * method and parameters are borrowed. @since 0.1 */
typedef void (*wormclient_notification_callback)(struct wormclient *client, const char *method,
                                                 const struct wormclient_value *params, void *arg);

/* From now on `callback` (NULL: nobody) is told of notifications: for programs that ask for them by
 * wormclient_request(). Watches and waiters, which do so by themselves, and share the daemon's one
 * subscription of this connection, are not to be used beside it. @since 0.1 */
void wormclient_on_notification(struct wormclient *client,
                                wormclient_notification_callback callback, void *arg)
    WORMCLIENT_NONNULL(1);

/* Frees a result of wormclient_call(). @since 0.1 */
void wormclient_result_free(struct wormclient_value *result);

/* Sends one request and waits for its result. `params` (may be NULL) is consumed. New;
 * wormclient_result_free(). @since 0.1 */
struct wormclient_value *wormclient_call(struct wormclient *client, const char *method,
                                         struct wormclient_params *params,
                                         struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_result_free) WORMCLIENT_SETS(4) WORMCLIENT_NONNULL(1, 2);

/* Asks for the daemon's tables of methods, parameters, errors and keys, as doc/ipc.md describes
 * `api`. New; wormclient_result_free(). @since 0.1 */
struct wormclient_value *wormclient_api(struct wormclient *client,
                                        struct wormclient_error *ret_error)
    WORMCLIENT_NEW(wormclient_result_free) WORMCLIENT_SETS(2) WORMCLIENT_NONNULL(1);
bool wormclient_api_async(struct wormclient *client, wormclient_callback callback, void *arg,
                          struct wormclient_error *ret_error) WORMCLIENT_SETS(4)
    WORMCLIENT_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif

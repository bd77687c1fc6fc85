/*
 * A wormhole session: everything that one end of a wormhole has to remember, and the state machine
 * that advances it.
 *
 *     session_step(session, event, context, outcome)
 *
 * is a function of the session and the event: it does no I/O, reads no clock (the time is
 * context->now) and has no source of randomness of its own (it calls context->random). What must be
 * done goes into the outcome: `writes`, which must become durable together with the session itself,
 * and `effects`, which may be released only once all of that is durable; except for changes of the
 * session that wormhole/session_attributes.def lists as deferred.
 */
#ifndef WORMHOLE_SESSION_H
#define WORMHOLE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wormhole/code.h"
#include "wormhole/epoch.h"
#include "wormhole/journal.h"
#include "wormhole/keys.h"
#include "wormhole/pake.h"
#include "wormhole/schedule.h"

#define SESSION_ID_BYTES 8  /* random: a million sessions collide with a probability of 3e-8 */
#define SESSION_ID_TEXT  17 /* in hex, with the NUL */
#define NAME_MAX_BYTES   64 /* petname: fits a table column */
#define APPID_MAX        128
#define RELAY_MAX        512 /* URL */
/* Relays of a lasting session; and with those that new lists of them leave out, which are visited
 * until the peer has the list. */
#define SESSION_ROUTES_MAX  3
#define SESSION_ROUTE_MAX   128 /* URL: it stands in what both ends leave at each visit */
#define SESSION_ROUTE_SLOTS (3 * SESSION_ROUTES_MAX)
#define REASON_MAX          256 /* one sentence */
/* A buffer for one that may be longer, so that it is seen, and cut between characters. */
#define REASON_ROOM        (REASON_MAX + 8)
#define CURSOR_VERSION_MAX 64 /* of a program */

/* Largest application message. In hex, with the JSON around it, it just fits the limit of
 * net/ws.h. */
#define SESSION_MESSAGE_MAX ((size_t)16 * 1024 * 1024)
/* Limits on the messages and bytes that one session sends in its life. They are kept until it ends,
 * so that a mailbox that the relay has forgotten can be filled again. In a lasting session: of
 * those that are not delivered; only these are kept. */
#define SESSION_OUTBOX_MAX       65536
#define SESSION_OUTBOX_BYTES_MAX ((uint64_t)256 * 1024 * 1024)
/* Numbers of messages end here, so that epoch_labels.shift can be added to them. */
#define SESSION_NUMBERS_MAX ((uint32_t)INT32_MAX)
/* Limits on unread messages and bytes. What a peer sends beyond that is not accepted until some
 * have been acknowledged. */
#define SESSION_INBOX_MAX       4096
#define SESSION_INBOX_BYTES_MAX ((uint64_t)64 * 1024 * 1024)
/* How far beyond the first missing number messages are kept: one bit each in a 64-bit word. */
#define SESSION_AHEAD_MAX 64
/* Mailboxes remembered besides the session's own while that one is lost. To defeat this, a stock
 * relay would have to prune at the worst moment this many times in a row, 11 minutes apart. */
#define SESSION_FALLBACK_MAILBOXES 3

enum session_state {
    SESSION_ALLOCATING = 0, /* no code yet: the relay must assign a nameplate */
    SESSION_WAITING,        /* code known, our pake stored, no peer seen */
    SESSION_KEYED, /* a peer's pake has arrived; it has not yet proven that it knows the code */
    SESSION_ESTABLISHED, /* a message decrypted: the peer knew the code */
    SESSION_CLOSING,     /* the result is known; the relay must still be told */
    SESSION_CLOSED,
    SESSION_EXPORTED, /* exported as a text (state/export.h): never runs here again, and is closed
                         at its deadline */
    SESSION_STATES,
};

enum session_result {
    RESULT_NONE = 0,
    RESULT_HAPPY,
    RESULT_LONELY,  /* closed, or its deadline passed, before a peer joined; or the deadline passed
                       while the peer had not fetched everything */
    RESULT_SCARY,   /* wrong code or attack */
    RESULT_ERRORY,  /* a protocol failure */
    RESULT_CROWDED, /* a third side is on the mailbox */
    SESSION_RESULTS,
};

enum nameplate_state {
    NAMEPLATE_NONE = 0,
    NAMEPLATE_CLAIMED,
    NAMEPLATE_RELEASED,
    NAMEPLATE_STATES
};

/* Whether the verifiers must be compared before application data flows, in either direction. */
enum verification {
    VERIFICATION_NONE = 0, /* no: it flows as soon as the peer has proven itself */
    VERIFICATION_PENDING,  /* yes: it is held back until EVENT_VERIFY */
    VERIFICATION_DONE,     /* the user confirmed that they agree */
    VERIFICATIONS
};

const char *verification_name(enum verification verification);
const char *session_state_name(enum session_state state);
const char *session_result_name(enum session_result result); /* NULL for RESULT_NONE */
const char *nameplate_state_name(enum nameplate_state state);

struct visit; /* what is remembered for the time of one relay connection; never stored */

/* The session. Every member above `unknown`, except the id, has a row in
 * wormhole/session_attributes.def, which says that it is stored. Strings are owned. Long-lived
 * secrets are inside the struct itself, which is in locked memory (base/locked.h). */
struct session {
    uint8_t id[SESSION_ID_BYTES];
    uint64_t change; /* number of its newest change, assigned by the store */
    int64_t wake;    /* when it is next due; INT64_MAX: never. Indexed by the store */

    char *name; /* petname or NULL */
    char *appid;
    char *relay; /* of the introduction; then the first of its routes */
    char side[SIDE_TEXT];
    int64_t created;
    int64_t timeout; /* ms from the creation in which the peer must come: it ends unless it is
                        established by then */
    int64_t expire;  /* established: ms without news from the peer until it ends; 0: a record of an
                        earlier version, which had one `timeout` for both, since the last news */
    int64_t last_activity;  /* creation, or the last news from the peer */
    int64_t schedule_start; /* creation; with a preset also the last news from the peer, or command
                               from the user: the schedule counts from here */
    struct schedule schedule;
    uint32_t words; /* in the code to be generated */

    enum session_state state;
    enum session_result result;
    char *reason;  /* why it ended, or NULL */
    int64_t ended; /* when it became closing; 0 while alive */
    bool flush;    /* closing: what is queued is sent first */

    char code[CODE_MAX + 1]; /* secret; empty until known, and again once closed */
    bool code_given;         /* it was not generated here: somebody else knows it */
    enum nameplate_state nameplate;
    char *mailbox; /* id, or NULL */
    /* Recovery of a mailbox that the relay has forgotten (mailbox_recovery.c). */
    bool mailbox_lost; /* keyed, and the mailbox was forgotten: the nameplate is claimed, too */
    bool reclaim_nameplate; /* the next visit claims it instead of opening a mailbox */
    /* Mailboxes found behind the nameplate meanwhile, in which our version was left; newest first,
     * NULL after the last. */
    char *fallback_mailboxes[SESSION_FALLBACK_MAILBOXES];
    uint32_t fallback_index; /* what the next visit opens if it does not claim: 0: `mailbox`,
                                others: fallback_mailboxes[fallback_index] */
    bool displaced; /* the nameplate came to lead to another mailbox, which may be a stranger's */
    uint32_t silent_visits; /* … during which whoever is there had only left a pake */
    uint32_t strangers;     /* how often it was, and the session began anew under its code */
    uint32_t heals;   /* how often the mailbox was recreated because the relay had forgotten it */
    uint32_t crowded; /* consecutive visits that the relay refused as crowded */
    uint32_t unexpected; /* messages in its mailbox though nobody there has begun a key exchange, as
                            the last visit found */
    uint32_t burdened;   /* consecutive visits that found such */

    uint8_t scalar[PAKE_SCALAR_BYTES]; /* secret; zero once keyed */
    uint8_t pake[PAKE_MESSAGE_BYTES];  /* our message; zero until the code is known */
    uint8_t key[KEY_BYTES];            /* secret; zero until keyed */
    uint8_t verifier[KEY_BYTES];       /* zero until keyed */
    uint8_t version_nonce[KEYS_NONCE_BYTES];
    char *version;       /* our version payload, as JSON text */
    char *peer_side;     /* NULL until its pake has arrived */
    char *peer_versions; /* JSON text, or NULL until its version has arrived */
    bool pake_stored;    /* the relay has echoed it */
    bool version_stored;
    enum verification verification;
    uint32_t exports; /* how often it was exported: of two copies, the one with the higher count is
                         newer */

    uint32_t sent;       /* outbox: numbers 0 … sent - 1 exist */
    uint32_t stored;     /* of these, the relay has echoed 0 … stored - 1 */
    uint64_t sent_bytes; /* of the messages that the outbox has */
    uint32_t received;   /* inbox: 0 … received - 1 have arrived */
    uint64_t ahead;      /* bit i: number received + 1 + i has arrived, too */
    uint32_t acked;      /* 0 … acked - 1 were acknowledged and deleted */
    uint32_t unread;     /* rows in the inbox, including those ahead */
    uint64_t unread_bytes;
    uint32_t inbox_messages; /* limits on the unread messages and bytes that this session keeps; */
    uint64_t inbox_bytes;    /* 0: SESSION_INBOX_MAX, SESSION_INBOX_BYTES_MAX */
    bool await_answer; /* what is sent offers a text: the answer ends the session (answer.c) */
    bool inbox_full;   /* a message was refused because the inbox was full: the peer is paused */

    /* Receipts (receipt.c). Only a peer whose version announces them is sent any, or believed.
     * Counts are cumulative: the newest receipt supersedes all earlier ones, so only that one is
     * kept. */
    bool peer_receipts;
    uint32_t delivered; /* by the peer's receipts: how many of ours its daemon has stored … */
    uint32_t read;      /* … and how many its user's client has acknowledged */
    uint32_t receipts;  /* how many we have made; the newest has number receipts - 1 */
    uint32_t receipt_delivered; /* what the newest says: how many of the peer's are stored here … */
    uint32_t receipt_read;      /* … and how many were acknowledged */
    uint8_t receipt_nonce[KEYS_NONCE_BYTES]; /* that it is sealed with, however often it is added */
    bool receipt_stored;                     /* the relay has echoed it */

    /* Lasting sessions (lasting.c). */
    uint8_t epoch_secret[EPOCH_SECRET_BYTES]; /* secret; that of the public in our version, until
                                                 there is a root; then that of the epoch; zero: does
                                                 not last */
    uint8_t root[KEY_BYTES]; /* secret; of the epoch; zero unless the session is lasting */
    uint32_t epoch;
    int64_t epoch_since;
    uint32_t epoch_messages;               /* sent + received at its beginning */
    uint8_t peer_next[EPOCH_PUBLIC_BYTES]; /* the peer's public of the epoch; zero until it was met
                                              there */
    uint8_t old_root[KEY_BYTES]; /* secret; of the epoch before, until that is over; then zero */
    uint8_t old_public[EPOCH_PUBLIC_BYTES]; /* ours of that epoch */
    bool turn_old;                          /* the next visit goes to the place of that one */
    uint8_t left_places[KEY_BYTES]; /* epoch_places_key() of an epoch that is over, and whose
                                       mailbox is to be closed; else zero */
    uint32_t left_epoch;
    uint32_t left_tries;            /* to close it */
    bool receipt_bye;               /* our newest receipt says that we close */
    bool closed_by_peer;            /* the peer's says so, … */
    uint32_t bye_sent;              /* … after so many messages, … */
    enum session_result bye_result; /* … with this result */
    bool expires; /* one of the users said after what time it ends: a lasting session else does
                     not */

    /* Routes of a lasting session (routes.c). While there is no list, `relay` is the only one, and
     * the second and third of these are what the user wants besides. */
    char *route_urls[SESSION_ROUTE_SLOTS]; /* the list; then, those that it leaves out */
    uint32_t route_numbers[SESSION_ROUTE_SLOTS];
    uint32_t routes_own;     /* a bit for each that our user named */
    uint32_t routes_version; /* of the list; 0: there is none */
    bool routes_by_b;        /* whose it is: B's; else A's */
    bool routes_met;         /* the peer has shown it, at one of its routes */
    int64_t routes_since;    /* when one of the peer's was taken */
    bool peer_routes;        /* the peer knows of routes */
    uint32_t routes_shut;    /* a bit for each that is left only to be closed there */
    uint32_t left_routes;    /* likewise, where the mailbox of left_places is to be closed */
    uint32_t route_round;    /* what was tried in this round of visits … */
    uint32_t route_rounds;   /* … and how many there were since all were looked at */

    /* Copies of the store (copies.c). */
    bool copied;    /* something was said in this session's name that this store did not say */
    uint32_t fresh; /* of the messages sent, how many of the newest were never given to a relay */

    /* Where the next replay may begin (cursor.c). */
    char *cursor; /* the relay's token of a place in the mailbox, or NULL: at its beginning */
    char *cursor_version;     /* of the program that dealt with what is before that, or NULL */
    uint32_t cursor_stored;   /* of the messages sent, the first so many are before it */
    uint32_t cursor_receipts; /* so many receipts had been made, and the newest is before it */
    uint64_t cursor_bytes;    /* of the messages before it */
    char *old_cursor;         /* the same in the place of the epoch before, or NULL */
    uint32_t old_cursor_receipts;
    uint32_t cursor_route;     /* where the first is: no other relay hears of it … */
    uint32_t old_cursor_route; /* … and the second */

    bool called;          /* somebody waits for a visit of the newest place */
    int64_t last_visit;   /* that was completed; 0 if none */
    uint64_t visit_bytes; /* of the messages that it fetched from the newest place */
    int64_t retention; /* ms that the relay keeps an unvisited mailbox, by its last welcome; 0: it
                          does not say */
    int64_t waited;    /* ms that it has spent waiting: after its deadline, in vain for the relay;
                          while closing */
    uint32_t failures; /* consecutive failed visits */
    char *last_error;  /* why the last visit failed, or NULL */

    struct journal journal; /* what happened to it, for people */

    void *unknown; /* MessagePack pairs with tags that this version does not know, kept unchanged;
                      or NULL */
    size_t unknown_length;

    struct visit *visit; /* NULL unless a visit is under way */
    uint32_t visits;     /* begun since it is in memory */
};

/* ---- events ---- */

enum event_type {
    EVENT_WAKE = 0, /* it is due, or the visit's alarm went off */
    EVENT_RELAY,    /* a message from the relay: `relay`; with `data`, if session_echoes() says so:
                       the row of the outbox, or NULL if it cannot be read */
    EVENT_LOST,     /* the connection failed or ended: `text` says why */
    EVENT_ANEW,     /* the visit must begin anew, over another connection; the old one is gone */
    EVENT_BURDENED, /* the mailbox has more than is looked at before there is a key:
                       session_is_guarded() */
    EVENT_POSTPONE, /* the daemon cannot visit now: `until`; `text` says why, if it is the relay */
    EVENT_SEND,     /* the user sends `data` */
    EVENT_ACK,      /* the user acknowledges up to and including `number` */
    EVENT_CLOSE,    /* the user closes */
    EVENT_POLL,     /* the user wants a visit now */
    EVENT_VERIFY,   /* the user compared the verifiers: `number` is 1 if they agree, 0 if not */
    EVENT_RENAME,   /* the user gives it the petname `text`; NULL: none */
    EVENT_EXPORT,   /* the user exports it: SESSION_EXPORTED until its deadline; ends the visit */
    EVENT_MOVE,     /* the user gives it other relays: `text`, URLs with blanks between, each
                       session_route_fits(); at most SESSION_ROUTES_MAX */
    EVENT_TYPES,
};

struct wire_message;

struct session_event {
    enum event_type type;
    const struct wire_message *relay;
    const char *text;
    int64_t until;
    const uint8_t *data;
    size_t length;
    uint32_t number;
    bool ourselves; /* EVENT_RELAY: what the peer says is said by another session of this store */
};

/* Why a user's event was refused. The session is then unchanged. */
enum session_refusal {
    SESSION_ACCEPTED = 0,
    SESSION_REFUSED_CLOSED,      /* it has ended, or is ending */
    SESSION_REFUSED_TOO_LARGE,   /* the message is larger than SESSION_MESSAGE_MAX */
    SESSION_REFUSED_FULL,        /* SESSION_OUTBOX_MAX messages or bytes were sent */
    SESSION_REFUSED_UNDELIVERED, /* the same, of a lasting session: have not yet been delivered */
    SESSION_REFUSED_NUMBER,      /* the acknowledged message has not been received */
    SESSION_REFUSED_NOT_KEYED,   /* nobody has used the code yet: there is no verifier */
    SESSION_REFUSED_UNVERIFIED,  /* the acknowledged message is held back until the verifiers have
                                    been compared */
    SESSION_REFUSED_EXPORT,      /* it has no code yet, has seen a peer, or has messages queued */
    SESSION_REFUSED_COPIED,      /* this store is a copy: what it would send has a number in use */
    SESSION_REFUSED_ROUTES,      /* it is not lasting, or its peer does not know of routes */
    SESSION_REFUSED_MOVING,      /* it is to leave as many relays already as it may at a time */
};

struct session_context {
    int64_t now;
    void (*random)(void *arg, void *buffer, size_t length);
    void *random_arg;
    bool may_hold;         /* the daemon has room for a connection that stays open */
    bool attended;         /* somebody waits for this session now: its connection stays open */
    int64_t doubted_until; /* the clock has leapt and may come back: nothing ends before this time
                              (base/clock_watch.h); not after `now`: the clock is trusted */
    int64_t keep;          /* ms that an ended session stays listed */
    uint64_t place_bytes;  /* a lasting session leaves a mailbox behind that holds more, if all is
                              delivered; and one that holds much more. 0: as lasting.c has it */
};

/* ---- outcomes ---- */

/* A session that is SESSION_CLOSED needs no outbox: its rows are deleted when it is written. */
enum write_type {
    WRITE_OUTBOX,        /* put `data` (nonce ‖ plaintext) at `number` */
    WRITE_INBOX,         /* put `data` (plaintext) at `number` */
    WRITE_INBOX_FORGET,  /* delete all numbers below `number` */
    WRITE_OUTBOX_FORGET, /* the same; what their messages had goes off session->sent_bytes */
    WRITE_FORGET,        /* delete the session and everything that belongs to it */
};

struct session_write {
    enum write_type type;
    uint32_t number;
    uint8_t *data; /* owned by the outcome, wiped when freed */
    size_t length;
};

enum effect_type {
    EFFECT_CONNECT, /* open a connection to the relay */
    EFFECT_SEND,    /* send `text` to the relay */
    EFFECT_ADD,     /* if still on that visit: read outbox `number`, session_seal() it, and add it
                       to the mailbox */
    EFFECT_PROVE,   /* the connection may be dead: find out within seconds, and lose it if so */
    EFFECT_DISCONNECT, /* close the connection, which then needs no EVENT_LOST */
};

struct session_effect {
    enum effect_type type;
    char *text; /* owned by the outcome */
    uint32_t number;
    uint32_t visit; /* session->visits when it was decided: later ones may be to another place */
};

struct outcome {
    struct session_write *writes;
    size_t write_count;
    struct session_effect *effects;
    size_t effect_count;
    bool no_memory; /* something above is missing: undo the step, as after a failed commit */
};

/* Frees what the outcome holds and empties it. */
void outcome_clear(struct outcome *outcome);

/* ---- life of a session ---- */

struct session_options {
    const char *name; /* or NULL */
    const char *appid;
    const char *relay;
    const char *more_relays;  /* as for EVENT_MOVE, one less; or NULL */
    const char *code;         /* checked; NULL: ask the relay for a nameplate */
    const char *app_versions; /* JSON object as text, or NULL */
    const struct schedule *schedule;
    int64_t timeout; /* 0: the schedule's default */
    int64_t expire;  /* 0: the schedule's default, but no less than `timeout` */
    uint32_t words;
    bool verify;             /* starts as VERIFICATION_PENDING */
    bool lasting;            /* it lasts if the peer can */
    uint32_t inbox_messages; /* 0: SESSION_INBOX_MAX */
    uint64_t inbox_bytes;    /* 0: SESSION_INBOX_BYTES_MAX */
    bool await_answer;
    bool accepted; /* the code is the peer's: so says the journal */
};

/* A new session, due at once, with its pake made if the code is known. session_free(). NULL when
 * out of memory. */
struct session *session_new(const struct session_options *options,
                            const struct session_context *context);

/* An empty session, to be filled from the store. session_free(). NULL when out of memory. */
struct session *session_blank(void);

/* The code; NULL until it is known, and again once the session is closed. Borrowed. */
static inline const char *session_code(const struct session *session)
{
    return session->code[0] == '\0' ? NULL : session->code;
}

/* True while whoever comes to the nameplate of its code meets this session. */
static inline bool session_meets_by_code(const struct session *session)
{
    return session_code(session) != NULL && session->state < SESSION_ESTABLISHED;
}

/* Wipes and frees, including the visit. NULL is fine. */
void session_free(struct session *session);

/* One step. The outcome must be empty (zeroed). Unless it returns SESSION_ACCEPTED, nothing has
 * changed. */
enum session_refusal session_step(struct session *session, const struct session_event *event,
                                  const struct session_context *context, struct outcome *outcome);

/* One sentence for people. Borrowed. */
const char *session_refusal_text(enum session_refusal refusal);

/* True as long as the session is on the visit for which the effect was decided. Events that came
 * in the same turn may have ended it, or begun another. */
bool session_on_visit(const struct session *session, uint32_t visit);

/* The relay message that adds outbox row `row` (nonce ‖ plaintext) as phase `number`, for the place
 * that the visit looks at: the same bytes at every call there. New, free(); NULL when out of
 * memory, and once the session is closed. */
char *session_seal(const struct session *session, uint32_t number, const uint8_t *row,
                   size_t length);

/* True if EVENT_RELAY with this message needs row *ret_number of the outbox: it is said to be that
 * message of ours, and counts as stored only if its bytes are. */
bool session_echoes(const struct session *session, const struct wire_message *message,
                    uint32_t *ret_number);

/* True once both ends have announced that they can, and until it is closed. */
bool session_lasting(const struct session *session);

/* True if a message of `length` bytes more would be more than the outbox may hold: of a lasting
 * session, only what has not been delivered counts. */
bool session_outbox_full(const struct session *session, size_t length);

/* The relay of the visit, or of the next one. Borrowed. */
const char *session_relay(const struct session *session);

/* True if only the peer has named that relay: who connects must see to it that it is a public one,
 * as daemon/peer_relay.h says. */
bool session_relay_is_peers(const struct session *session);

/* True if it has several relays. */
bool session_routed(const struct session *session);

/* True if it may be one of several: it is short, and JSON needs no escapes for it. */
bool session_route_fits(const char *url);

/* Derives a key of `length` bytes, at most KEYS_DERIVE_MAX, for an application's `purpose`
 * (keys_derive()). False if `length` is greater, the session is not established, or a verification
 * is pending. */
bool session_derive_key(const struct session *session, const char *purpose, uint8_t *ret_key,
                        size_t length);

/* True if the code, our secret and our pake match and nothing that a visit needs is missing; false
 * if an imported text was tampered with. For sessions that are waiting, or were when exported. */
bool session_sound(const struct session *session);

/* Before there is a key nothing is expected but the peer's key exchange message, and whoever knows
 * a nameplate can leave anything: then a message (as text) and a visit have limits, beyond which
 * nothing is looked at, and the visit ends with EVENT_BURDENED. */
#define SESSION_GUARD_MESSAGE ((size_t)64 * 1024)
#define SESSION_GUARD_VISIT   ((size_t)1024 * 1024)

/* True if these limits apply when a visit begins: until session_ends_guard(). */
bool session_is_guarded(const struct session *session);

/* True for a peer's key exchange message: after it, anything may follow. */
bool session_ends_guard(const struct session *session, const struct wire_message *message);

/* How many messages in the mailbox this visit has ignored, since no peer of ours says such; 0
 * without a visit. */
uint32_t session_ignored(const struct session *session);

/* Resumes an imported session: it is waiting and due at once, and its schedule starts over. */
void session_resume(struct session *session, const struct session_context *context);

/* True if it would wake later than any plan allows: the clock has been set back since. */
bool session_wakes_too_late(const struct session *session, int64_t now);

/* How long an established session lasts without news from the peer, ms. */
int64_t session_expire(const struct session *session);

/* When (INT64_MAX: never) the session ends unless the peer has come (established: unless there is
 * news from the peer); ms. It does not end before it has looked for that: closing.c. */
int64_t session_deadline(const struct session *session);

/* Whether its mailbox survives the time between visits, on its relay. A sentence for `show`.
 * Borrowed. */
const char *session_retention_text(const struct session *session);

/* How long any one answer from the relay may take, ms, on a line on which nothing moves. The
 * network has shorter limits for connecting; a busy relay may take its time. */
#define SESSION_ANSWER_MAX ((int64_t)60 * 1000)

/* The longest time until a visit's alarm, and so the longest time that a connection is held, ms. */
#define SESSION_ALARM_MAX ((int64_t)3600 * 1000)

/* When a visit under way wants an EVENT_WAKE, whether or not the session is due; INT64_MAX if no
 * visit is under way. */
int64_t session_alarm(const struct session *session);

enum session_connection {
    CONNECTION_NONE = 0,
    CONNECTION_CONNECTING,
    CONNECTION_VISITING,
    CONNECTION_HELD
};

enum session_connection session_connection(const struct session *session);
const char *session_connection_name(enum session_connection connection);

/* "0123456789abcdef" */
void session_id_text(const uint8_t id[SESSION_ID_BYTES], char ret_text[SESSION_ID_TEXT]);

#endif

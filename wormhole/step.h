/* Private to the session's files: one step under way, and the functions that its handlers are
 * written with. Each section names the file that defines it. */
#ifndef WORMHOLE_STEP_H
#define WORMHOLE_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wormhole/session.h"

struct wire_message;

struct step {
    struct session *session;
    const struct session_event *event;
    const struct session_context *context;
    struct outcome *outcome;
    bool elsewhere; /* EVENT_POSTPONE: it has other relays, and one of them is or was reached */
};

/* ---- step.c: filling the outcome ---- */

/* Emits a write; `head` and `data` are copied, one after the other. */
void step_write(struct step *step, enum write_type type, uint32_t number, const void *head,
                size_t head_length, const void *data, size_t length);

/* Emits an effect. `text` is consumed; step_send takes the result of a wire_encode_… call,
 * including NULL. */
void step_effect(struct step *step, enum effect_type type, char *text, uint32_t number);
void step_send(struct step *step, char *text);

/* Replaces an owned string by a copy (NULL: by none); long texts are cut to `limit` bytes at a
 * character's end. */
void step_set_text(struct step *step, char **string, const char *text, size_t limit);

void step_random(struct step *step, void *buffer, size_t length);
/* One of 0 … `most`. */
int64_t step_random_below(struct step *step, int64_t most);

/* ---- journal_step.c: what happened, for people ---- */

/* What the journal's conditions ask of the session as it was before the step. */
struct journal_before {
    enum session_state state;
    enum session_result result;
    enum verification verification;
    size_t reason_length;
    bool has_mailbox, keyed, lasting, copied, closed_by_peer, inbox_full, past_fence;
    int64_t last_visit;
    uint32_t failures, heals, strangers, unexpected, epoch, exports, routes_version;
    uint32_t sent, stored, delivered, read, received, acked;
};

struct journal_before journal_before(const struct session *session);
/* After the step: notes what it did, by the conditions of journal.def. */
void journal_step(struct step *step, const struct journal_before *was);
/* Notes something else. */
void journal_note(struct step *step, enum journal_event event, uint32_t times, uint32_t number,
                  const char *text);

/* ---- session.c ---- */

/* The code is known: makes our pake. */
void session_take_code(struct step *step, const char *code);
/* Waits under the same code as another side, with another pake, as if nobody had come. */
void session_begin_anew(struct step *step);

/* What the mailbox holds of ours: the version, and the message of an outbox row (nonce ‖ plaintext,
 * not shorter than a nonce). New, free(); NULL when out of memory. */
uint8_t *session_seal_version(const struct session *session, size_t *ret_length);
uint8_t *session_seal_row(const struct session *session, uint32_t number, const uint8_t *row,
                          size_t length, size_t *ret_length);

static inline bool session_alive(const struct session *session)
{
    return session->state < SESSION_CLOSING;
}

static inline bool session_keyed(const struct session *session)
{
    return session->peer_side != NULL;
}

/* Application data is being held back, in both directions. */
static inline bool session_unverified(const struct session *session)
{
    return session->verification == VERIFICATION_PENDING;
}

/* Limits on the unread messages and bytes that this session keeps. */
static inline uint32_t session_inbox_messages(const struct session *session)
{
    return session->inbox_messages > 0 ? session->inbox_messages : SESSION_INBOX_MAX;
}

static inline uint64_t session_inbox_bytes(const struct session *session)
{
    return session->inbox_bytes > 0 ? session->inbox_bytes : SESSION_INBOX_BYTES_MAX;
}

/* ---- plan.c: when to wake ---- */

/* After a successful visit. */
void plan_next_visit(struct step *step);
/* How long to stay away from a mailbox that is crowded, or a stranger's, until a stock relay may
 * have forgotten it; ms. */
int64_t plan_crowd_wait(struct step *step);
/* After a failed visit; `at_least` ms from now. */
void plan_retry(struct step *step, int64_t at_least);
/* At once. */
void plan_visit_now(struct step *step);
/* At `when`, or at the deadline if that comes before. */
void plan_at(struct step *step, int64_t when);
/* How long the relay keeps an unvisited mailbox, ms; what a stock one does if it does not say. */
int64_t plan_retention(const struct session *session);
/* How long a connection may be held from now, ms; 0: not at all. */
int64_t plan_hold_duration(struct step *step);
/* A connection that is held, and that was to be left now, may be held on: somebody waits, and it is
 * not yet to be renewed. */
bool plan_may_stay(const struct step *step);
/* The user did something: a preset starts over. A user's own list does not. */
void plan_restart_schedule(struct step *step);
/* There was news from the peer. Until the session is established that prolongs nothing. */
void plan_peer_activity(struct step *step);

/* ---- peer_message.c: messages from the peer ---- */

/* Takes one: its pake, its version, an application message or a receipt. */
void peer_message_take(struct step *step, const struct wire_message *message);

/* ---- answer.c: the answer to an offer of a text ---- */

/* What came for a session with `await_answer`: unless it is of no account, the session ends. */
void answer_take(struct step *step, const uint8_t *plain, size_t length);

/* ---- appointment.c: two come at the same minute ---- */

/* Where the schedule has this interval: how long a connection is held because the peer should come
 * now, or has come and may say more, ms; 0: no appointment is on. */
int64_t appointment_hold(const struct step *step, int64_t interval);
/* How long until the next one, ms, from the end of a visit; -1: none is needed. */
int64_t appointment_wait(struct step *step, int64_t interval);

/* ---- receipt.c: what was stored and read ---- */

/* True if there is something to report that the mailbox is not known to hold. */
bool receipt_owed(const struct session *session);
/* Makes a new one, which says what is true now. */
void receipt_make(struct step *step);
/* Past the fence: adds the newest receipt; makes a new one if that is out of date. */
void receipt_add(struct step *step);
/* True if it is time to say goodbye, and the newest receipt does not. */
bool receipt_owes_bye(const struct session *session);
/* Takes what a receipt from the peer says. True if that is anything new. */
bool receipt_take(struct step *step, uint32_t delivered, uint32_t read);

/* ---- copies.c: a store that is older than what was said in its name, or one of two ---- */

enum copies_verdict {
    COPIES_OURS = 0, /* these bytes are ours */
    COPIES_NOT_OURS, /* this store never said it */
    COPIES_UNKNOWN,  /* there is no telling: a phase of no meaning, or too old to remember */
};

/* What to make of a message under our own side. */
enum copies_verdict copies_judge(struct step *step, const struct wire_message *message);
/* Somebody has said something in our name. From now on nothing more is sent, and what arrives is
 * still taken; a session that has not met its peer, or is ending, ends. */
void copies_found(struct step *step);
/* Why a copy ends. */
extern const char copies_reason[];

/* ---- closing.c: the result is known, the relay is told, the secrets are wiped ---- */

/* Sets the result. With `flush`, what is queued is sent before the relay is told. `reason` is a
 * sentence. Deletes unread what arrived before the verifiers were compared. */
void closing_begin(struct step *step, enum session_result result, bool flush, const char *reason);
/* Deletes what has arrived: it may be from an impostor. */
void closing_forget_inbox(struct step *step);

/* If the peer is a stock client, or like one, that would wait for ever for a text or file, or for
 * the answer to one: queues `words` as the last message, in place of what is held back. True then;
 * the end that follows must flush. */
bool closing_abandons(struct step *step, const char *words);

/* Closes a session in which nothing went wrong. The reason depends on how far it got. */
struct closing_reasons {
    const char *met;        /* happy: the peer joined; what is queued is sent first */
    const char *unverified; /* lonely: it joined, but the verifiers were never compared */
    const char *alone;      /* lonely: it did not join */
    bool answered;          /* what was offered was taken; else a session that waits for that is
                             * lonely */
};
void closing_peacefully(struct step *step, const struct closing_reasons *reasons);
/* Ends a session whose time is over and of which the relay has never heard: there is nothing to
 * look for. True if it did. */
bool closing_unseen(struct step *step);
/* A fence was passed, by a ping that left at `asked`: everything that the relay held then has
 * arrived. Ends a session whose time was over by then. True if it did. */
bool closing_after_look(struct step *step, int64_t asked);
/* There was no such fence, or closing takes longer, and the next visit comes after `wait` ms: gives
 * up what has waited for too long. */
void closing_wait(struct step *step, int64_t wait);
/* The relay has been told, or need not be: wipes the secrets. */
void closing_finish(struct step *step);
/* The mood for the relay. Borrowed. */
const char *closing_mood(const struct session *session);

/* ---- commands.c: what the user does ---- */

enum session_refusal command_send(struct step *step);
/* The user is there: the schedule starts over, and unless a back-off is running, a visit begins,
 * too. */
void command_used(struct step *step);
/* A message joins the outbox. Its nonce is stored with it, so that the bytes are the same each time
 * it must be added again. */
void command_queue(struct step *step, const void *data, size_t length);
enum session_refusal command_ack(struct step *step);
enum session_refusal command_close(struct step *step);
enum session_refusal command_poll(struct step *step);
enum session_refusal command_verify(struct step *step);
enum session_refusal command_rename(struct step *step);

/* ---- exported.c: a session that is exported ---- */

/* EVENT_EXPORT for a session that runs here. */
enum session_refusal exported_begin(struct step *step);
/* Every event of a session that is SESSION_EXPORTED. */
enum session_refusal exported_step(struct step *step);

#endif

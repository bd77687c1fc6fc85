/*
 * Private to the session's files: one connection to the relay, from welcome to goodbye.
 *
 *     connect → welcome → bind → (allocate) → (claim) → open → ping … pong: the fence
 *     → add what the mailbox lacks, wait for the echoes → (release) → held, or ping … pong → leave
 *
 * Before the fence nothing is added: only then is known what the mailbox holds.
 */
#ifndef WORMHOLE_VISIT_H
#define WORMHOLE_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "wormhole/step.h"

struct payload_abilities;
struct payload_lasting;
struct payload_receipt;
struct payload_routes;

enum visit_stage {
    VISIT_CONNECTING = 0, /* until the welcome */
    VISIT_ALLOCATING,     /* until allocated */
    VISIT_CLAIMING,       /* until claimed */
    VISIT_REPLAYING,      /* until the fence's pong */
    VISIT_DRAINING,       /* until every echo, and released, have come */
    VISIT_HELD,           /* nothing to do; the connection stays open */
    VISIT_LEAVING,        /* until the last ping's pong */
    VISIT_RELEASING,      /* ending: until released */
    VISIT_CLOSING,        /* ending: until closed */
    VISIT_STAGES,
};

/* A set of small numbers that grows as needed. All zero is empty. */
struct visit_numbers {
    uint64_t *words;
    size_t count;
};

struct visit {
    enum visit_stage stage;
    int64_t alarm; /* when to check on the visit if nothing arrives before */
    int64_t ping;  /* number of the last ping sent … */
    int64_t asked; /* … and when that was */
    bool was_held; /* it reached the point where nothing was left to do */

    int64_t relay_ahead; /* ms that the relay's clock is ahead of ours; 0 if it does not say */

    bool relay_resumes; /* the relay can begin a replay at a cursor */
    bool resumes;       /* it was asked to, and has told nothing yet */

    bool nameplate_moved;   /* the nameplate leads to a different mailbox than before */
    bool reclaim_nameplate; /* this visit claimed the nameplate again, because the mailbox was lost
                             */
    char *mailbox;          /* the one opened */

    /* Which place that is, in a lasting session (lasting.c). */
    bool old;       /* that of the epoch before */
    bool left;      /* that of an epoch that is over, or `shut`: only to close it */
    bool shut;      /* that of a route that is no longer the session's */
    uint32_t route; /* its number */
    bool derived;   /* its mailbox and sides follow from a root: these; else they are those of the
                       introduction */
    struct epoch_place place;
    struct epoch_labels labels, peer_labels; /* zero in the place of the introduction */
    bool moved;            /* it was of the newest epoch, and then the session moved on */
    bool list_waits;       /* the peer has other routes for us, too soon to be taken */
    bool peer_moved;       /* the peer has moved on from this epoch, which is the newest */
    bool peer_stated;      /* a statement of the peer's was here */
    uint64_t bytes;        /* of all messages that it is known to hold … */
    uint64_t bytes_before; /* … and of those before the cursor, which were not fetched */

    bool in_fallback; /* … which is not the session's */

    bool pake_seen, version_seen;   /* the mailbox holds ours */
    bool pake_added, version_added; /* added on this connection */
    uint32_t base;                  /* lower numbers are delivered, and not in the outbox; */
    struct visit_numbers seen; /* of the others, counted from it, those that the mailbox holds */
    uint32_t foreign;          /* 1 + the lowest number under which it first holds what is not
                                  ours; 0: none */
    uint32_t next;             /* lower numbers have been considered for adding */
    uint32_t echoes_due;       /* numbers added whose echoes have not come */
    bool receipt_seen;         /* the mailbox holds our newest receipt */
    bool receipt_added;        /* it was added on this connection */
    bool release_sent;
    uint32_t ignored; /* messages that no peer of ours says, or not before there is a key */

    bool peer_seen;      /* the peer is in this mailbox */
    bool peer_pake_seen; /* its pake is in the mailbox behind the nameplate: it may be here, or gone
                          */
    bool incomplete;     /* something of the peer's arrived out of order and was not taken: … */
    bool progressed;     /* … worth another visit at once, since this one made progress */
};

/* Begins a visit; the session must have none. */
void visit_begin(struct step *step);

/* Forgets the visit, closing the connection. */
void visit_drop(struct step *step);

/* The connection failed or the relay misbehaves: drops the visit, and plans the next for at least
 * `at_least` ms later. */
void visit_fail(struct step *step, const char *why, int64_t at_least);

/* The connection is already gone. */
void visit_lost(struct step *step, const char *why);

/* Counts a message that no peer of ours leaves there, or not before there is a key. */
void visit_ignore(struct step *step);

/* There are more of them than is looked at. */
void visit_burdened(struct step *step);

/* The connection is gone, and no harm done: begins the visit anew over another one. */
void visit_anew(struct step *step);

/* The alarm went off. */
void visit_alarm(struct step *step);

/* A message from the relay. */
void visit_relay_message(struct step *step);

/* Frees the memory; for session_free. NULL is fine. */
void visit_free(struct visit *visit);

/* ---- visit_steps.c: the stages in which something is sent ---- */

/* After the welcome: bind, and the first command that this session needs. */
void visit_bind(struct step *step);
void visit_claim(struct step *step);
void visit_open(struct step *step, const char *mailbox);
/* The fence was passed. */
void visit_fenced(struct step *step);
/* It brought what there was, and may end: notes when, and how much that was. */
void visit_note_completed(struct step *step);
/* Past the fence: does the next thing to be done, or waits. Call it after every change. */
void visit_settle(struct step *step);
/* The session is ending: releases, then closes. */
void visit_release(struct step *step);
/* Leaves, after one more fence. */
void visit_leave(struct step *step);

/* ---- mailbox_recovery.c: the relay forgot the mailbox before the peer had proven itself ---- */

/* Past the fence: notices what the relay has forgotten. */
void mailbox_recovery_notice(struct session *session);
/* The nameplate now leads to this mailbox. */
void mailbox_recovery_remember(struct step *step, const char *mailbox);
/* The mailbox to open if the nameplate is not claimed. Borrowed. */
const char *mailbox_recovery_mailbox(const struct session *session);
/* True if our version may be added to the open mailbox. */
bool mailbox_recovery_may_add_version(const struct session *session);
/* The peer is here: the open mailbox is the session's from now on. */
void mailbox_recovery_found(struct step *step);

/* Whoever is in the mailbox does not know the code: true if that is a stranger to whom the relay
 * has given the nameplate, so that the session has begun anew, and will be back later. */
bool mailbox_recovery_escape(struct step *step);
/* Past the fence: the same if whoever is there has been silent for too long. */
bool mailbox_recovery_escape_silence(struct step *step);

/* ---- cursor.c: where the next replay may begin ---- */

/* The relay has told the mailbox up to this place (or NULL: it does not say), and all of that was
 * taken: the cursor, if nothing remains to be done there. */
void cursor_note(struct step *step, const char *position);
/* The place to name when the visit's mailbox is opened; "": its beginning. Borrowed. */
const char *cursor_after(const struct session *session);
/* The replay, which has not begun, will begin there: what is before counts as seen. */
void cursor_resume(struct session *session);
/* A lasting session moves on from its place, which now is the old one; and no longer visits that.
 */
void cursor_move(struct session *session);
void cursor_retire(struct session *session);

/* ---- visit_steps.c again ---- */

/* One of our own messages came in, from the replay or as an echo. */
void visit_own_message(struct step *step, const struct wire_message *message);

/* Enters a stage that waits for an answer from the relay. */
void visit_await(struct step *step, enum visit_stage stage);

/* ---- lasting.c: epochs and their places ---- */

/* The versions are exchanged: the session is lasting if both ends said that they can. */
void lasting_begin(struct step *step, const struct payload_abilities *abilities);
/* True until the peer's version was read, if the session may be lasting: what then does not decrypt
 * may be for later, and nothing but pake and version may leave. */
bool lasting_undecided(const struct session *session);
/* Decides to which place this visit goes. The peer's side must be known in a lasting session. */
void lasting_choose_place(struct step *step);
/* A receipt of ours, as it stands in the open place: adds what makes it a statement. */
void lasting_complete_receipt(const struct session *session, struct payload_receipt *receipt);
/* The peer's, from the open place. */
void lasting_take_statement(struct step *step, const struct payload_receipt *receipt);
/* Past the fence: ends the session if the peer has closed it, and all that it had sent is here. */
void lasting_part(struct step *step);
/* A session that closes, and whose peer has not heard it yet: a stock relay would forget that; and
 * where nobody has met the peer in the newest place, what is in it goes when that is closed. */
bool lasting_awaits_peer(const struct session *session);
/* Past the fence, before anything is added: moves on if it is time. */
void lasting_settle(struct step *step);
/* The open mailbox is crowded. True if the session has moved on, or that does not matter to it: the
 * visit is over. */
bool lasting_evade_crowd(struct step *step);
/* The mailbox of an epoch that is over is closed, or that failed: the visit is over. */
void lasting_left_closed(struct step *step);
/* The visit is over, whether it failed or not. (One that must begin anew is not.) */
void lasting_visit_ended(struct session *session);
/* The session's end: true if there are mailboxes to be closed besides that of its newest epoch. */
bool lasting_retire(struct session *session);
/* This place is not where to stay. */
bool lasting_leaves(const struct session *session);
/* After a visit: another one is due at once, to another place. */
bool lasting_hurries(const struct session *session);
/* The peer was met in the newest epoch. */
bool lasting_met(const struct session *session);
/* The epoch before is still visited. */
bool lasting_has_old(const struct session *session);
/* The next visit waits no longer, ms, and a connection is held no longer: the peer is to be
 * followed. */
int64_t lasting_cap_wait(const struct step *step, int64_t wait);
int64_t lasting_cap_hold(const struct step *step, int64_t hold);
void lasting_wipe(struct session *session);

/* The end's role, once the peer's side is known. */
enum epoch_role lasting_role(const struct session *session);
/* There is a mailbox of an epoch that is over to be closed; it need not be any more. */
bool lasting_has_left(const struct session *session);
void lasting_forget_left(struct session *session);

/* ---- routes.c: which relay ---- */

/* What follows a visit, or one that was put off since its relay is out of reach. */
enum routes_turn {
    ROUTES_OTHER = 0, /* another one, at once */
    ROUTES_OVER,      /* the round is over: the next one by the schedule */
    ROUTES_FAILED,    /* the same, and no relay could be reached */
};

/* The session has just become lasting: the list that both versions make. */
void routes_begin(struct step *step, enum epoch_role role, const struct payload_lasting *theirs);
/* It is not, or has no others than its relay. */
void routes_forget(struct session *session);
/* Decides to which relay this visit goes. */
void routes_choose(struct session *session);
/* True if an epoch that is over has a mailbox there. */
bool routes_visit_left(const struct session *session);
/* After a visit that is not to be followed by another one at its route; `went`: it was completed.
 */
enum routes_turn routes_visit_ended(struct session *session, bool went);
/* The next visit would be in vain. */
enum routes_turn routes_skip(struct session *session);
/* The session ends, and its mailbox is closed there: true if it has others elsewhere. */
bool routes_close_others(struct session *session);
/* The mailbox of an epoch that is over is closed at this route: true if that was the last one. */
bool routes_left_closed(struct session *session, uint32_t number);
/* An epoch is over: its mailboxes are to be closed everywhere. */
void routes_leave(struct session *session);
/* There is a route to be left for good, after its mailbox is closed; … */
bool routes_to_shut(const struct session *session);
/* … which was done. */
void routes_shut_closed(struct session *session);
/* A connection is held no longer, ms, since the peer may be elsewhere. */
int64_t routes_cap_hold(const struct session *session, int64_t hold);
/* The list, for a statement; and that of a statement of the peer's. */
void routes_complete_receipt(const struct session *session, struct payload_routes *ret_routes);
void routes_take(struct step *step, const struct payload_routes *list);
/* EVENT_MOVE */
enum session_refusal command_move(struct step *step);

/* Our side, and the peer's (NULL: not known yet), in the place of the visit; without one, in that
 * of the introduction. Borrowed. */
const char *visit_side(const struct session *session);
const char *visit_peer_side(const struct session *session);
/* The key of an encrypted phase of this side there. */
void visit_phase_key(const struct session *session, const char *side, const char *phase,
                     uint8_t ret_key[KEY_BYTES]);
/* An encrypted message, opened with that: body_length - KEYS_SEALED_EXTRA bytes. New; to be wiped
 * and freed. NULL: it is not sealed so; or, as the outcome says, memory is short. */
uint8_t *visit_open_message(struct step *step, const struct wire_message *message);
/* Numbers of messages and receipts from names of phases there. False for any other name. */
bool visit_phase_number(const char *phase, const struct epoch_labels *labels, uint32_t *ret_number);
bool visit_receipt_number(const char *phase, const struct epoch_labels *labels,
                          uint32_t *ret_number);
/* The nonce on the wire there of something of ours. */
void visit_mask_nonce(const struct session *session, const uint8_t nonce[KEYS_NONCE_BYTES],
                      uint8_t ret_masked[KEYS_NONCE_BYTES]);

static inline bool visit_past_fence(const struct visit *visit)
{
    return visit != NULL && visit->stage >= VISIT_DRAINING && visit->stage <= VISIT_LEAVING;
}

#endif

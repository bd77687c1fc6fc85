/* Private to the session's files: one step under way, and the small words in which its handlers are
 * written. */
#ifndef WORMHOLE_STEP_H
#define WORMHOLE_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wormhole/session.h"

struct step {
    struct session *session;
    const struct session_event *event;
    const struct session_context *context;
    struct outcome *outcome;
};

/* ---- outcome.c: what is to be done ---- */

/* Emits a write; `head` and `data` are copied, one behind the other. */
void step_write(struct step *step, enum write_type type, uint32_t number, const void *head,
                size_t head_length, const void *data, size_t length);

/* Emits an effect. `text` is consumed; step_send takes the result of a wire_… call, NULL included.
 */
void step_effect(struct step *step, enum effect_type type, char *text, uint32_t number);
void step_send(struct step *step, char *text);

/* Replaces an owned string by a copy (NULL for none); long texts are cut to `limit` bytes at a
 * character's end. */
void step_set_text(struct step *step, char **string, const char *text, size_t limit);

void step_random(struct step *step, void *buffer, size_t length);

/* ---- session.c ---- */

/* The code is known: makes our pake. */
void session_take_code(struct step *step, const char *code);

static inline bool session_alive(const struct session *session)
{
    return session->state < SESSION_CLOSING;
}

static inline bool session_keyed(const struct session *session)
{
    return session->peer_side != NULL;
}

/* Application data is held back, in both directions. */
static inline bool session_unverified(const struct session *session)
{
    return session->verification == VERIFICATION_PENDING;
}

/* Most unread messages and bytes that this session keeps. */
static inline uint32_t session_inbox_messages(const struct session *session)
{
    return session->inbox_messages > 0 ? session->inbox_messages : SESSION_INBOX_MAX;
}

static inline uint64_t session_inbox_bytes(const struct session *session)
{
    return session->inbox_bytes > 0 ? session->inbox_bytes : SESSION_INBOX_BYTES_MAX;
}

/* ---- plan.c: when to wake ---- */

/* After a visit that went well. */
void plan_next_visit(struct step *step);
/* After one that did not; `at_least` ms from now. */
void plan_retry(struct step *step, int64_t at_least);
/* At once. */
void plan_visit_now(struct step *step);
/* At `when`, or at the deadline if that is earlier. */
void plan_at(struct step *step, int64_t when);
/* How long a connection may be held from now, ms; 0: not at all. */
int64_t plan_hold(const struct step *step);
/* News of the peer, or the user's interest: the schedule begins anew. */
void plan_lively(struct step *step);
void plan_peer_news(struct step *step);

/* ---- peer.c: what the peer says ---- */

void peer_message(struct step *step, const struct wire_message *message);

/* ---- receipt.c: what was stored and read ---- */

/* There is something that the peer wants to be told and the mailbox is not known to hold. */
bool receipt_owed(const struct session *session);
/* Past the fence: adds the newest receipt, made anew if it says too little. */
void receipt_add(struct step *step);
/* What a receipt of the peer says. True if that is news. */
bool receipt_believe(struct step *step, const uint8_t *plain, size_t length);

/* ---- ending.c ---- */

/* The result is known. With `flush`, what is queued is sent before the relay is told. `reason` is a
 * sentence. What came before the verifiers were compared is forgotten unread. */
void ending_begin(struct step *step, enum session_result result, bool flush, const char *reason);
/* Nobody may see what came, since it may be an impostor's. */
void ending_forget_inbox(struct step *step);

/* An ending in peace: the reason, for each way in which the peer can have been there. */
struct farewell {
    const char *met;        /* happy: what is queued is sent first */
    const char *unverified; /* lonely: it was there, but the verifiers were never compared */
    const char *alone;      /* lonely */
};
void ending_part(struct step *step, const struct farewell *farewell);
/* The relay was told, or need not be: wipes the secrets. */
void ending_finish(struct step *step);
/* The mood that the relay is told. Borrowed. */
const char *ending_mood(const struct session *session);

/* ---- commands.c: what the user does ---- */

enum session_refusal command_send(struct step *step);
enum session_refusal command_ack(struct step *step);
enum session_refusal command_close(struct step *step);
enum session_refusal command_poll(struct step *step);
enum session_refusal command_verify(struct step *step);
enum session_refusal command_rename(struct step *step);

/* ---- exported.c: one that is handed over ---- */

/* EVENT_EXPORT of one that runs here. */
enum session_refusal exported_begin(struct step *step);
/* Whatever happens to one that is SESSION_EXPORTED. */
enum session_refusal exported_step(struct step *step);

#endif

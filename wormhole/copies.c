/*
 * Copies. A store that was restored from a backup, a machine that was cloned, or an exported text
 * that two daemons took: each has a session that others go on with. Its side is the same, so the
 * mailbox shows what they say as if we had said it. What was said under a number must never be said
 * again in other words, and nothing that they were told is true of what we say: so a session that
 * finds words in its name that it never spoke sends no more.
 */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

const char copies_reason[] = "this store is an older copy of the session, or one of two: the relay "
                             "holds messages in its name that it never sent";

static bool is_same(const struct wire_message *message, const uint8_t *bytes, size_t length)
{
    return message->body_length == length && memcmp(message->body, bytes, length) == 0;
}

/* Sealed with this nonce, which was drawn when it was made. */
static bool has_nonce(const struct session *session, const struct wire_message *message,
                      const uint8_t nonce[KEYS_NONCE_BYTES])
{
    uint8_t masked[KEYS_NONCE_BYTES];
    visit_mask_nonce(session, nonce, masked);
    return message->body_length >= KEYS_NONCE_BYTES &&
           memcmp(message->body, masked, KEYS_NONCE_BYTES) == 0;
}

static enum copies_verdict verdict(bool ours)
{
    return ours ? COPIES_OURS : COPIES_NOT_OURS;
}

/* It was said by someone who has our keys. A lasting session is not ended by what anybody could
 * have added who knows its mailbox. */
static bool is_authentic(struct step *step, const struct wire_message *message)
{
    uint8_t *plain = visit_open_message(step, message);
    if (plain != NULL)
        sodium_memzero(plain, message->body_length - KEYS_SEALED_EXTRA);
    free(plain);
    return plain != NULL;
}

static enum copies_verdict judge_pake(struct step *step, const struct wire_message *message)
{
    uint8_t pake[PAKE_MESSAGE_BYTES];
    size_t length = 0;
    enum payload_fault fault =
        payload_read_pake(message->body, message->body_length, pake, &length);
    if (fault == PAYLOAD_NO_MEMORY) {
        step->outcome->no_memory = true;
        return COPIES_UNKNOWN;
    }
    return verdict(fault == PAYLOAD_OK && length == sizeof(pake) &&
                   memcmp(pake, step->session->pake, sizeof(pake)) == 0);
}

/* Before there is a key: a copy that had one left it, and we shall have the same. */
static enum copies_verdict judge_version(struct step *step, const struct wire_message *message)
{
    const struct session *session = step->session;
    if (!session_keyed(session))
        return verdict(has_nonce(session, message, session->version_nonce));
    size_t length;
    uint8_t *sealed = session_seal_version(session, &length);
    step->outcome->no_memory |= sealed == NULL;
    enum copies_verdict found =
        sealed == NULL ? COPIES_UNKNOWN : verdict(is_same(message, sealed, length));
    free(sealed);
    return found;
}

/* A row that the store cannot read is damage, and no proof of a copy. */
static enum copies_verdict judge_number(struct step *step, const struct wire_message *message,
                                        uint32_t number)
{
    const struct session_event *event = step->event;
    if (number >= step->session->sent)
        return COPIES_NOT_OURS;
    if (event->data == NULL || event->length < KEYS_NONCE_BYTES)
        return COPIES_OURS;
    if (!has_nonce(step->session, message, event->data))
        return COPIES_NOT_OURS;
    size_t length;
    uint8_t *sealed = session_seal_row(step->session, number, event->data, event->length, &length);
    step->outcome->no_memory |= sealed == NULL;
    enum copies_verdict found =
        sealed == NULL ? COPIES_UNKNOWN : verdict(is_same(message, sealed, length));
    free(sealed);
    return found;
}

/* Only the newest receipt is remembered. */
static enum copies_verdict judge_receipt(const struct session *session,
                                         const struct wire_message *message, uint32_t number)
{
    if (number >= session->receipts)
        return COPIES_NOT_OURS;
    return number < session->receipts - 1
               ? COPIES_UNKNOWN
               : verdict(has_nonce(session, message, session->receipt_nonce));
}

static enum copies_verdict judge(struct step *step, const struct wire_message *message)
{
    const struct epoch_labels *labels = &step->session->visit->labels;
    uint32_t number;
    if (strcmp(message->phase, "pake") == 0)
        return judge_pake(step, message);
    if (strcmp(message->phase, "version") == 0)
        return judge_version(step, message);
    if (visit_phase_number(message->phase, labels, &number))
        return judge_number(step, message, number);
    if (visit_receipt_number(message->phase, labels, &number))
        return judge_receipt(step->session, message, number);
    return COPIES_UNKNOWN;
}

enum copies_verdict copies_judge(struct step *step, const struct wire_message *message)
{
    enum copies_verdict found = judge(step, message);
    bool introduces = strcmp(message->phase, "pake") == 0 && !step->session->visit->derived;
    if (found == COPIES_NOT_OURS && session_lasting(step->session) && !introduces &&
        !is_authentic(step, message))
        return COPIES_UNKNOWN;
    return found;
}

bool session_echoes(const struct session *session, const struct wire_message *message,
                    uint32_t *ret_number)
{
    return message->type == WIRE_MESSAGE && session->visit != NULL &&
           strcmp(message->side, visit_side(session)) == 0 &&
           visit_phase_number(message->phase, &session->visit->labels, ret_number) &&
           *ret_number < session->sent;
}

void copies_found(struct step *step)
{
    struct session *session = step->session;
    if (session->copied)
        return;
    session->copied = true;
    if (session->state == SESSION_CLOSING) {
        session->result = RESULT_ERRORY;
        step_set_text(step, &session->reason, copies_reason, REASON_MAX);
        closing_finish(step);
    } else if (session->state != SESSION_ESTABLISHED) {
        closing_begin(step, RESULT_ERRORY, false, copies_reason);
    }
}

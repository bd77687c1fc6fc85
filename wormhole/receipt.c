/*
 * Receipts: how many of the peer's messages are stored here, and how many the user's client has
 * acknowledged. Counts are cumulative, so the newest receipt says everything, and no other is kept.
 * A phase never has two plaintexts: a receipt is stored with its nonce before it leaves, and adding
 * it again sends the same bytes; anything new since then goes into the next one.
 */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

bool receipt_owes_bye(const struct session *session)
{
    return session_lasting(session) && session->state == SESSION_CLOSING && !session->receipt_bye;
}

/* There is more to report than the newest one says. */
static bool outdated(const struct session *session)
{
    bool counts =
        session->received > session->receipt_delivered || session->acked > session->receipt_read;
    return (counts && !session_unverified(session)) ||
           (session->receipts == 0 && session_lasting(session)) || receipt_owes_bye(session);
}

/* Held back, until the verifiers were compared; but not that the user says that they differ. */
static bool is_held_back(const struct session *session)
{
    return session_unverified(session) && !receipt_owes_bye(session) && !session->receipt_bye;
}

bool receipt_owed(const struct session *session)
{
    if (!session->peer_receipts || is_held_back(session) || session->copied)
        return false;
    return outdated(session) || (session->receipts > 0 && !session->receipt_stored);
}

void receipt_make(struct step *step)
{
    struct session *session = step->session;
    session->receipts++;
    if (!session_unverified(session)) {
        session->receipt_delivered = session->received;
        session->receipt_read = session->acked;
    }
    session->receipt_bye = session->state == SESSION_CLOSING;
    session->receipt_stored = false;
    step_random(step, session->receipt_nonce, sizeof(session->receipt_nonce));
    if (session->visit != NULL)
        session->visit->receipt_seen = session->visit->receipt_added = false;
}

static void tell(struct step *step)
{
    struct session *session = step->session;
    struct payload_receipt receipt = {.delivered = session->receipt_delivered,
                                      .read = session->receipt_read};
    char phase[PAYLOAD_RECEIPT_PHASE_TEXT], text[PAYLOAD_RECEIPT_TEXT];
    uint8_t key[KEY_BYTES], nonce[KEYS_NONCE_BYTES];
    uint8_t sealed[PAYLOAD_RECEIPT_TEXT + KEYS_SEALED_EXTRA];
    payload_receipt_phase(session->receipts - 1 + session->visit->labels.shift, phase);
    lasting_complete_receipt(session, &receipt);
    payload_receipt_text(&receipt, text);
    visit_phase_key(session, visit_side(session), phase, key);
    visit_mask_nonce(session, session->receipt_nonce, nonce);
    keys_seal(key, nonce, (const uint8_t *)text, strlen(text), sealed);
    sodium_memzero(key, sizeof(key));
    session->visit->receipt_added = true;
    step_send(step, wire_encode_add(phase, sealed, strlen(text) + KEYS_SEALED_EXTRA));
}

void receipt_add(struct step *step)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    /* One at a time: whatever comes up meanwhile goes into the next one, all at once. */
    if (!session->peer_receipts || is_held_back(session) ||
        (visit->receipt_added && !visit->receipt_seen))
        return;
    if (outdated(session))
        receipt_make(step);
    if (session->receipts > 0 && !visit->receipt_seen)
        tell(step);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

bool receipt_take(struct step *step, uint32_t delivered, uint32_t read)
{
    struct session *session = step->session;
    if (session->copied)
        return false;
    /* It has more than was ever given to a relay from here. */
    if (delivered > session->sent - session->fresh) {
        copies_found(step);
        return false;
    }
    /* Replayed receipts say less; nobody can have read what was not delivered, or received what was
     * not sent. */
    delivered = larger(session->delivered, smaller(delivered, session->sent));
    read = larger(session->read, smaller(read, delivered));
    bool news = delivered > session->delivered || read > session->read;
    if (session_lasting(session) && delivered > session->delivered)
        step_write(step, WRITE_OUTBOX_FORGET, delivered, NULL, 0, NULL, 0);
    session->delivered = delivered;
    session->read = read;
    if (session_lasting(session) && session->stored < delivered)
        session->stored = delivered;
    return news;
}

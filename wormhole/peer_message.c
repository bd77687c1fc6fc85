/* What the peer says: its pake, its version, its messages. */
#include "config.h"

#include "base/large.h"
#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Visit again: the replay brings it once more. */
static void request_replay(struct step *step)
{
    step->session->visit->incomplete = true;
}

static void note_progress(struct step *step)
{
    step->session->visit->progressed = true;
    plan_peer_activity(step);
}

/* ---- pake ---- */

static void take_key(struct step *step, const char *side, const uint8_t key[KEY_BYTES])
{
    struct session *session = step->session;
    memcpy(session->key, key, KEY_BYTES);
    keys_verifier(session->key, session->verifier);
    /* The second half must never run twice on one scalar. */
    sodium_memzero(session->scalar, sizeof(session->scalar));
    step_set_text(step, &session->peer_side, side, WIRE_NAME_MAX);
    session->state = SESSION_KEYED;
    session->unexpected = session->burdened = 0;
    note_progress(step);
}

static void on_pake(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    uint8_t theirs[PAKE_MESSAGE_BYTES], key[KEY_BYTES];
    size_t length;
    if (session_keyed(session))
        return;
    if (step->event->ourselves) {
        closing_begin(step, RESULT_ERRORY, false,
                      "the peer is another session of this daemon, with the same code");
        return;
    }
    enum payload_fault unread =
        payload_read_pake(message->body, message->body_length, theirs, &length);
    if (unread == PAYLOAD_NO_MEMORY) {
        step->outcome->no_memory = true;
        return;
    }
    if (unread != PAYLOAD_OK) {
        if (mailbox_recovery_escape(step))
            return;
        closing_begin(step, RESULT_ERRORY, false, "the peer's key exchange message is malformed");
        return;
    }
    enum pake_fault fault = pake_finish(session->code, session->appid, session->scalar,
                                        session->pake, theirs, length, key);
    if (fault == PAKE_OK)
        take_key(step, message->side, key);
    else if (!mailbox_recovery_escape(step))
        closing_begin(step, fault == PAKE_REFLECTED ? RESULT_SCARY : RESULT_ERRORY, false,
                      pake_fault_text(fault));
    sodium_memzero(key, sizeof(key));
}

/* ---- encrypted messages ---- */

uint8_t *visit_open_message(struct step *step, const struct wire_message *message)
{
    uint8_t key[KEY_BYTES];
    uint8_t *plain = large_pages(malloc(message->body_length + 1), message->body_length);
    if (plain == NULL) {
        step->outcome->no_memory = true;
        return NULL;
    }
    visit_phase_key(step->session, message->side, message->phase, key);
    bool authentic = keys_open(key, message->body, message->body_length, plain);
    sodium_memzero(key, sizeof(key));
    if (authentic)
        return plain;
    free(plain);
    return NULL;
}

/* A message and its phase, decrypted. */
struct decrypted_message {
    uint8_t *plain;
    size_t length;
};

static bool decrypt_message(struct step *step, const struct wire_message *message,
                            struct decrypted_message *ret_opened)
{
    const struct session *session = step->session;
    bool version = strcmp(message->phase, "version") == 0;
    uint8_t *plain = visit_open_message(step, message);
    if (plain == NULL && step->outcome->no_memory)
        return false;
    if (plain == NULL) {
        /* Whoever knows the mailbox can add anything to it; or the key is still unknown. */
        if (session_lasting(session) && !version)
            return false;
        if (lasting_undecided(session) && !version)
            request_replay(step);
        else if (!mailbox_recovery_escape(step))
            closing_begin(
                step, RESULT_SCARY, false,
                "a message did not decrypt: the code was wrong, or someone is interfering");
        return false;
    }
    *ret_opened = (struct decrypted_message){.plain = plain,
                                             .length = message->body_length - KEYS_SEALED_EXTRA};
    return true;
}

static void free_decrypted(struct decrypted_message *opened)
{
    sodium_memzero(opened->plain, opened->length);
    free(opened->plain);
}

static void establish(struct step *step)
{
    if (step->session->state == SESSION_KEYED)
        step->session->state = SESSION_ESTABLISHED;
    note_progress(step);
}

static void on_version(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    struct decrypted_message opened;
    if (session->peer_versions != NULL || !decrypt_message(step, message, &opened))
        return;
    struct payload_abilities abilities = {0};
    char *versions = payload_read_version(opened.plain, opened.length, &abilities);
    step->outcome->no_memory |= versions == NULL;
    session->peer_receipts = abilities.receipts;
    lasting_begin(step, &abilities);
    step_set_text(step, &session->peer_versions, versions, PAYLOAD_VERSIONS_MAX);
    free(versions);
    free_decrypted(&opened);
    establish(step);
}

/* ---- application messages: numbered, delivered in order, once each ---- */

static bool has_number(const struct session *session, uint32_t number)
{
    if (number < session->received)
        return true;
    uint32_t ahead = number - session->received;
    return ahead > 0 && ahead <= SESSION_AHEAD_MAX && (session->ahead >> (ahead - 1) & 1) != 0;
}

/* Counts `number`, and those that follow it and had already arrived. */
static void count_received(struct session *session, uint32_t number)
{
    uint32_t ahead = number - session->received;
    if (ahead > 0) {
        session->ahead |= (uint64_t)1 << (ahead - 1);
        return;
    }
    bool next_is_here;
    do {
        session->received++;
        next_is_here = (session->ahead & 1) != 0;
        session->ahead >>= 1;
    } while (next_is_here);
}

/* There is always room for one message, but only for the one that the user can have next: messages
 * ahead of it must not take its place. */
static bool inbox_has_room(const struct session *session, uint32_t number, size_t length)
{
    if (session->acked == session->received && number == session->received)
        return true;
    return session->unread < session_inbox_messages(session) &&
           session->unread_bytes + length <= session_inbox_bytes(session);
}

static void refuse_for_space(struct step *step)
{
    struct session *session = step->session;
    /* From now on the peer is paused, until command_ack() lifts that. If there is nothing to
     * acknowledge, it is just that a message before this one is missing. */
    if (session->acked < session->received)
        session->inbox_full = true;
    else
        request_replay(step);
}

/* The daemon reads it itself: nothing waits for a client. */
static void take_answer(struct step *step, uint32_t number, const struct decrypted_message *opened)
{
    struct session *session = step->session;
    if (number != session->received) {
        request_replay(step); /* those before it come first */
        return;
    }
    count_received(session, number);
    session->acked = session->received;
    establish(step);
    answer_take(step, opened->plain, opened->length);
}

static void keep_message(struct step *step, uint32_t number, const struct decrypted_message *opened)
{
    struct session *session = step->session;
    if (opened->length > SESSION_MESSAGE_MAX) {
        closing_begin(step, RESULT_ERRORY, false, "the peer sent a message larger than 16 MiB");
        return;
    }
    if (session->await_answer) {
        take_answer(step, number, opened);
        return;
    }
    if (!inbox_has_room(session, number, opened->length)) {
        refuse_for_space(step);
        return;
    }
    step_write(step, WRITE_INBOX, number, NULL, 0, opened->plain, opened->length);
    count_received(session, number);
    session->unread++;
    session->unread_bytes += opened->length;
    establish(step);
}

static void on_number(struct step *step, const struct wire_message *message, uint32_t number)
{
    struct session *session = step->session;
    struct decrypted_message opened;
    if (session->inbox_full || has_number(session, number))
        return;
    if (number - session->received > SESSION_AHEAD_MAX) {
        request_replay(step);
        return;
    }
    if (!decrypt_message(step, message, &opened))
        return;
    keep_message(step, number, &opened);
    free_decrypted(&opened);
}

/* ---- receipts ---- */

/* Only from a peer that announced receipts. Before its version has come that is unknown, but a peer
 * that has nothing of ours has nothing to report yet. */
static void on_receipt(struct step *step, const struct wire_message *message)
{
    struct decrypted_message opened;
    struct payload_receipt receipt;
    if (step->session->peer_versions == NULL)
        request_replay(step);
    if (!step->session->peer_receipts || !decrypt_message(step, message, &opened))
        return;
    enum payload_fault fault = payload_read_receipt(opened.plain, opened.length, &receipt);
    step->outcome->no_memory |= fault == PAYLOAD_NO_MEMORY;
    if (fault == PAYLOAD_OK) {
        if (receipt_take(step, receipt.delivered, receipt.read))
            note_progress(step);
        lasting_take_statement(step, &receipt);
        if (receipt.routes.count > 0 && session_lasting(step->session))
            routes_take(step, &receipt.routes);
    }
    free_decrypted(&opened);
}

/* ---- dispatch ---- */

/* A session that ends wants to know only whether the peer is here, and what it has got. */
static void take_last_words(struct step *step, const struct wire_message *message)
{
    uint32_t number;
    const struct visit *visit = step->session->visit;
    step->session->visit->peer_seen |= session_keyed(step->session);
    if (step->session->flush && visit_receipt_number(message->phase, &visit->peer_labels, &number))
        on_receipt(step, message);
}

void peer_message_take(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    bool pake = strcmp(message->phase, "pake") == 0;
    uint32_t number;
    const struct epoch_labels *labels = &session->visit->peer_labels;
    if (session_keyed(session) && strcmp(message->side, visit_peer_side(session)) != 0)
        return; /* a third side; only the relay knows how it got here */
    if (!session_alive(session)) {
        take_last_words(step, message);
        return;
    }
    /* A peer that has lost the mailbox leaves a pake wherever it looks: it may have moved on. */
    if (pake && session->mailbox_lost)
        session->visit->peer_pake_seen = true;
    else
        mailbox_recovery_found(step);
    if (pake)
        on_pake(step, message);
    else if (!session_keyed(session)) {
        visit_ignore(step);
        request_replay(step); /* if it was the peer's, which comes out of order */
    } else if (strcmp(message->phase, "version") == 0)
        on_version(step, message);
    else if (visit_phase_number(message->phase, labels, &number))
        on_number(step, message, number);
    else if (visit_receipt_number(message->phase, labels, &number))
        on_receipt(step, message);
}

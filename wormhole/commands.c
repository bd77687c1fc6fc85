/* What the user does with a session. */
#include "config.h"

#include "wormhole/visit.h"

#include <stddef.h>

/* A connection that is held may have died since somebody last used it. */
static void prove_held(struct step *step)
{
    if (session_connection(step->session) == CONNECTION_HELD)
        step_effect(step, EFFECT_PROVE, NULL, 0);
}

/* A lasting session's visit to a place that it leaves; the next one may be such a visit, too. What
 * is to be said waits for the one after it. */
static bool adds_nothing(const struct visit *visit)
{
    return visit == NULL || visit->old || visit->left || visit->stage == VISIT_CONNECTING;
}

void command_used(struct step *step)
{
    struct session *session = step->session;
    plan_restart_schedule(step);
    prove_held(step);
    session->called |= adds_nothing(session->visit);
    if (visit_past_fence(session->visit))
        visit_settle(step);
    else if (session->visit == NULL && session->failures == 0)
        plan_visit_now(step);
}

void command_queue(struct step *step, const void *data, size_t length)
{
    struct session *session = step->session;
    uint8_t nonce[KEYS_NONCE_BYTES];
    step_random(step, nonce, sizeof(nonce));
    step_write(step, WRITE_OUTBOX, session->sent, nonce, sizeof(nonce), data, length);
    session->sent++;
    session->fresh++;
    session->sent_bytes += length;
}

enum session_refusal command_send(struct step *step)
{
    struct session *session = step->session;
    const struct session_event *event = step->event;
    if (!session_alive(session))
        return SESSION_REFUSED_CLOSED;
    if (session->copied)
        return SESSION_REFUSED_COPIED;
    if (event->length > SESSION_MESSAGE_MAX)
        return SESSION_REFUSED_TOO_LARGE;
    if (session->sent >= SESSION_NUMBERS_MAX)
        return SESSION_REFUSED_FULL;
    if (session_outbox_full(session, event->length))
        return session_lasting(session) ? SESSION_REFUSED_UNDELIVERED : SESSION_REFUSED_FULL;
    command_queue(step, event->data, event->length);
    command_used(step);
    return SESSION_ACCEPTED;
}

/* Half of the inbox is free, or nothing is left to acknowledge. Each visit replays the whole
 * mailbox, so a visit for each acknowledged message would be too many. */
static bool has_room_again(const struct session *session)
{
    return session->acked == session->received ||
           (session->unread <= session_inbox_messages(session) / 2 &&
            session->unread_bytes <= session_inbox_bytes(session) / 2);
}

/* A message was turned away because the inbox was full; now there is room, and the replay brings
 * it. */
static void resume_inbox(struct step *step)
{
    struct session *session = step->session;
    session->inbox_full = false;
    if (!session_alive(session))
        return;
    if (session->visit != NULL)
        visit_drop(step);
    if (session->crowded == 0)
        plan_visit_now(step);
}

enum session_refusal command_ack(struct step *step)
{
    struct session *session = step->session;
    uint32_t number = step->event->number;
    if (number >= session->received)
        return SESSION_REFUSED_NUMBER;
    if (number < session->acked)
        return SESSION_ACCEPTED;
    if (session->verification == VERIFICATION_PENDING)
        return SESSION_REFUSED_UNVERIFIED; /* nobody can have read it yet */
    step_write(step, WRITE_INBOX_FORGET, number + 1, NULL, 0, NULL, 0);
    session->unread -= number + 1 - session->acked;
    session->unread_bytes -= step->event->length;
    session->acked = number + 1;
    if (session->inbox_full && has_room_again(session))
        resume_inbox(step);
    else if (session_alive(session) && receipt_owed(session))
        command_used(step); /* the peer is waiting to know */
    return SESSION_ACCEPTED;
}

enum session_refusal command_close(struct step *step)
{
    static const struct closing_reasons reasons = {
        .met = "closed by the user",
        .unverified = "closed by the user; the verifiers were never compared",
        .alone = "closed by the user before the peer joined",
    };
    if (session_alive(step->session)) {
        prove_held(step);
        closing_peacefully(step, &reasons);
    }
    return SESSION_ACCEPTED;
}

enum session_refusal command_poll(struct step *step)
{
    struct session *session = step->session;
    if (session->state == SESSION_CLOSED)
        return SESSION_REFUSED_CLOSED;
    plan_restart_schedule(step);
    session->called = true; /* the visit under way, or the next, may look somewhere else */
    /* Where the relay calls the mailbox crowded, a visit now would only make it stay so. */
    if (session->visit != NULL)
        step_effect(step, EFFECT_PROVE, NULL, 0);
    else if (session->crowded == 0)
        plan_visit_now(step);
    return SESSION_ACCEPTED;
}

static void verifiers_agree(struct step *step)
{
    if (step->session->verification == VERIFICATION_DONE)
        return;
    step->session->verification = VERIFICATION_DONE;
    command_used(step);
}

static void verifiers_differ(struct step *step)
{
    bool abandons =
        closing_abandons(step, "{\"error\": \"verification rejected, abandoning transfer\"}");
    closing_forget_inbox(step);
    closing_begin(step, RESULT_ERRORY, abandons, "the user reported that the verifiers differ");
    if (visit_past_fence(step->session->visit))
        visit_settle(step);
}

enum session_refusal command_verify(struct step *step)
{
    const struct session *session = step->session;
    if (!session_alive(session))
        return SESSION_REFUSED_CLOSED;
    if (!session_keyed(session))
        return SESSION_REFUSED_NOT_KEYED;
    if (step->event->number != 0)
        verifiers_agree(step);
    else
        verifiers_differ(step);
    return SESSION_ACCEPTED;
}

enum session_refusal command_rename(struct step *step)
{
    step_set_text(step, &step->session->name, step->event->text, NAME_MAX_BYTES);
    return SESSION_ACCEPTED;
}

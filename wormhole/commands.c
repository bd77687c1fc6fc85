/* What the user does to a session. */
#include "config.h"

#include "wormhole/visit.h"

#include <stddef.h>

/* The user is there: the schedule starts afresh, and unless the relay is being waited for, so does
 * a visit. */
static void user_is_here(struct step *step)
{
    struct session *session = step->session;
    plan_lively(step);
    if (visit_past_fence(session->visit))
        visit_settle(step);
    else if (session->visit == NULL && session->failures == 0)
        plan_visit_now(step);
}

enum session_refusal command_send(struct step *step)
{
    struct session *session = step->session;
    const struct session_event *event = step->event;
    uint8_t nonce[KEYS_NONCE_BYTES];
    if (!session_alive(session))
        return SESSION_REFUSED_CLOSED;
    if (event->length > SESSION_MESSAGE_MAX)
        return SESSION_REFUSED_TOO_LARGE;
    if (session->sent >= SESSION_OUTBOX_MAX ||
        session->sent_bytes + event->length > SESSION_OUTBOX_BYTES_MAX)
        return SESSION_REFUSED_FULL;
    /* The nonce is stored with the message, so that it is the same bytes whenever it must be added
     * again. */
    step_random(step, nonce, sizeof nonce);
    step_write(step, WRITE_OUTBOX, session->sent, nonce, sizeof nonce, event->data, event->length);
    session->sent++;
    session->sent_bytes += event->length;
    user_is_here(step);
    return SESSION_ACCEPTED;
}

/* A message was turned away for want of room; now there may be some: the replay has it. */
static void hear_again(struct step *step)
{
    struct session *session = step->session;
    session->deaf = false;
    if (!session_alive(session))
        return;
    if (session->visit != NULL)
        visit_drop(step);
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
    step_write(step, WRITE_INBOX_FORGET, number + 1, NULL, 0, NULL, 0);
    session->unread -= number + 1 - session->acked;
    session->unread_bytes -= step->event->length;
    session->acked = number + 1;
    if (session->deaf)
        hear_again(step);
    return SESSION_ACCEPTED;
}

enum session_refusal command_close(struct step *step)
{
    struct session *session = step->session;
    if (!session_alive(session))
        return SESSION_ACCEPTED;
    if (session->state == SESSION_ESTABLISHED)
        ending_begin(step, RESULT_HAPPY, true, "closed by the user");
    else
        ending_begin(step, RESULT_LONELY, false,
                     "closed by the user before the other side was there");
    if (visit_past_fence(session->visit))
        visit_settle(step);
    return SESSION_ACCEPTED;
}

enum session_refusal command_poll(struct step *step)
{
    struct session *session = step->session;
    if (session->state == SESSION_CLOSED)
        return SESSION_REFUSED_CLOSED;
    plan_lively(step);
    if (session->visit == NULL)
        plan_visit_now(step);
    return SESSION_ACCEPTED;
}

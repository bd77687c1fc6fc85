/* A session that was handed over as a text (state/export.h). It never runs here again; what remains
 * is kept until the text is safe, but no longer than the text is worth anything. */
#include "config.h"

#include "wormhole/visit.h"

/* ---- handing over ---- */

/* Only before a peer was seen or a message queued: what is handed over is then both short and
 * complete. */
static bool may_export(const struct session *session)
{
    return session->state == SESSION_WAITING && session_code(session) != NULL && session->sent == 0;
}

enum session_refusal exported_begin(struct step *step)
{
    struct session *session = step->session;
    if (!may_export(session))
        return SESSION_REFUSED_EXPORT;
    if (session->visit != NULL)
        visit_drop(step);
    session->state = SESSION_EXPORTED;
    session->exports++;
    session->wake = session_deadline(session);
    return SESSION_ACCEPTED;
}

/* ---- afterwards ---- */

/* After the deadline the text is not accepted anywhere, so nothing is left to be kept. The relay is
 * not told: the mailbox may now be another daemon's. */
static enum session_refusal on_wake(struct step *step)
{
    struct session *session = step->session;
    session->wake = session_deadline(session);
    if (step->context->now < session->wake)
        return SESSION_ACCEPTED;
    if (step->context->now < step->context->doubted_until) {
        session->wake = step->context->doubted_until;
        return SESSION_ACCEPTED;
    }
    session->result = RESULT_LONELY;
    session->ended = step->context->now;
    step_set_text(
        step, &session->reason,
        "it was exported, and its deadline has passed: the exported text is no longer valid",
        REASON_MAX);
    closing_finish(step);
    return SESSION_ACCEPTED;
}

static enum session_refusal on_nothing(struct step *step)
{
    (void)step;
    return SESSION_ACCEPTED;
}

static enum session_refusal on_refused(struct step *step)
{
    (void)step;
    return SESSION_REFUSED_CLOSED;
}

/* EVENT_EXPORT: the same text again. */
static enum session_refusal (*const handlers[EVENT_TYPES])(struct step *) = {
    [EVENT_WAKE] = on_wake,          [EVENT_RELAY] = on_nothing,  [EVENT_LOST] = on_nothing,
    [EVENT_POSTPONE] = on_nothing,   [EVENT_SEND] = on_refused,   [EVENT_ACK] = on_refused,
    [EVENT_CLOSE] = on_refused,      [EVENT_POLL] = on_refused,   [EVENT_VERIFY] = on_refused,
    [EVENT_RENAME] = command_rename, [EVENT_EXPORT] = on_nothing, [EVENT_ANEW] = on_nothing,
    [EVENT_BURDENED] = on_nothing,   [EVENT_MOVE] = on_refused,
};

enum session_refusal exported_step(struct step *step)
{
    return handlers[step->event->type](step);
}

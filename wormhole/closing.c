/* How a session ends: result known → relay told → secrets wiped. */
#include "config.h"

#include "wormhole/step.h"
#include "wormhole/visit.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* How long a session that closes tries to send what is queued and to tell the relay. After that it
 * has forgotten the mailbox by itself. Time in which nothing runs does not count. */
#define CLOSING_PATIENCE ((int64_t)24 * 3600 * 1000)

static const char *const moods[SESSION_RESULTS] = {
    [RESULT_HAPPY] = "happy",   [RESULT_LONELY] = "lonely",  [RESULT_SCARY] = "scary",
    [RESULT_ERRORY] = "errory", [RESULT_CROWDED] = "errory",
};

const char *closing_mood(const struct session *session)
{
    return moods[session->result];
}

/* The relay can hold nothing of ours: neither a claim nor a mailbox. */
static bool relay_knows_nothing(const struct session *session)
{
    return session->nameplate == NAMEPLATE_NONE && session->mailbox == NULL &&
           (session->visit == NULL || session->visit->stage == VISIT_CONNECTING);
}

void closing_forget_inbox(struct step *step)
{
    struct session *session = step->session;
    if (session->unread > 0)
        step_write(step, WRITE_INBOX_FORGET, UINT32_MAX, NULL, 0, NULL, 0);
    session->acked = session->received;
    session->ahead = 0;
    session->unread = 0;
    session->unread_bytes = 0;
    session->inbox_full = false;
}

void closing_begin(struct step *step, enum session_result result, bool flush, const char *reason)
{
    struct session *session = step->session;
    session->state = SESSION_CLOSING;
    session->result = result;
    session->flush = flush && (session->stored < session->sent || receipt_owed(session) ||
                               (session->peer_receipts && session->delivered < session->sent));
    /* The peer of a lasting session would else wait for ever. */
    session->flush |= session_lasting(session) && result != RESULT_SCARY && !session->copied;
    session->ended = step->context->now;
    session->failures = 0;
    session->route_round = 0;
    session->waited = 0;
    step_set_text(step, &session->reason, reason, REASON_MAX);
    if (session_unverified(session))
        closing_forget_inbox(step);
    /* Where the relay calls the mailbox crowded, a visit now would only make it stay so. */
    if (session->crowded == 0 || !session->flush)
        plan_visit_now(step);
    /* A copy has no business with the mailbox: it may be another's, who goes on with it. */
    if (session->copied || relay_knows_nothing(session))
        closing_finish(step);
}

/* The application of stock clients that transfers texts and files. */
#define TRANSFER_APPID "lothar.com/wormhole/text-or-file-xfer"

/* There the peer waits until it hears something: an offer, or an answer. In a lasting session it
 * hears the goodbye; a message does not leave before the verifiers were compared. */
static bool keeps_peer_waiting(const struct session *session)
{
    if (session_lasting(session) && session_unverified(session))
        return false;
    bool silent =
        session->sent == 0 || session->state == SESSION_KEYED || session_unverified(session);
    return silent && session_keyed(session) && session_alive(session) && !session->copied &&
           strcmp(session->appid, TRANSFER_APPID) == 0;
}

/* What was held back never leaves: this takes its place. */
static void say_last_words(struct step *step, const char *words)
{
    struct session *session = step->session;
    session->sent = session->fresh = 0;
    session->sent_bytes = 0;
    command_queue(step, words, strlen(words));
}

bool closing_abandons(struct step *step, const char *words)
{
    if (!keeps_peer_waiting(step->session))
        return false;
    say_last_words(step, words);
    return true;
}

void closing_peacefully(struct step *step, const struct closing_reasons *reasons)
{
    struct session *session = step->session;
    bool abandons = closing_abandons(step, "{\"error\": \"transfer abandoned by the other side\"}");
    if (session->copied)
        closing_begin(step, RESULT_ERRORY, false, copies_reason);
    else if (session->state != SESSION_ESTABLISHED)
        closing_begin(step, RESULT_LONELY, abandons, reasons->alone);
    else if (session_unverified(session))
        closing_begin(step, RESULT_LONELY, abandons, reasons->unverified);
    else
        closing_begin(step,
                      session->await_answer && !reasons->answered ? RESULT_LONELY : RESULT_HAPPY,
                      true, reasons->met);
    if (visit_past_fence(session->visit))
        visit_settle(step);
}

/* A result that was too good is taken back. */
static void amend(struct step *step, const char *what)
{
    struct session *session = step->session;
    char reason[REASON_ROOM];
    if (session->result == RESULT_HAPPY)
        session->result = session->crowded > 0 ? RESULT_CROWDED : RESULT_ERRORY;
    snprintf(reason, sizeof(reason), "%s; %s", session->reason == NULL ? "ended" : session->reason,
             what);
    step_set_text(step, &session->reason, reason, REASON_MAX);
}

/* What was expected when the end began need not have come true. */
static void admit_unsent(struct step *step)
{
    const struct session *session = step->session;
    char what[64];
    if (session->stored < session->sent) {
        snprintf(what, sizeof(what), "%u of %u messages were not sent",
                 session->sent - session->stored, session->sent);
        amend(step, what);
    } else if (session->flush && session->delivered < session->sent) {
        amend(step, "the relay had forgotten the mailbox, and the peer did not come back to it");
    }
}

void closing_finish(struct step *step)
{
    struct session *session = step->session;
    admit_unsent(step);
    if (session->visit != NULL)
        visit_drop(step);
    session->state = SESSION_CLOSED;
    session->wake = session->ended + step->context->keep;
    sodium_memzero(session->code, sizeof(session->code));
    sodium_memzero(session->scalar, sizeof(session->scalar));
    sodium_memzero(session->key, sizeof(session->key));
    sodium_memzero(session->verifier, sizeof(session->verifier));
    lasting_wipe(session);
}

/* ---- the deadline ---- */

/*
 * Who was away until the deadline has not heard what came meanwhile, and the relay may hold it. So
 * a session ends by its deadline only after it has looked: after a fence that began when the time
 * was over; or after it has tried in vain for as long as the relay keeps what it holds. That is
 * counted in what the session itself has waited, so a daemon that is off, a machine that sleeps and
 * a clock that leaps do not shorten it.
 */
static bool is_over(const struct step *step, int64_t when)
{
    int64_t deadline = session_deadline(step->session), now = step->context->now;
    return session_alive(step->session) && when >= deadline && now >= deadline &&
           now >= step->context->doubted_until;
}

/* What is known to be on its way still, in either direction. */
static bool is_unfetched(const struct session *session)
{
    return session->stored < session->sent || session->inbox_full ||
           (session->peer_receipts && session->delivered < session->sent);
}

static void close_unfetched(struct step *step)
{
    const struct session *session = step->session;
    uint32_t missing =
        session->sent - (session->peer_receipts ? session->delivered : session->stored);
    char reason[REASON_ROOM];
    int length =
        snprintf(reason, sizeof(reason), "the peer was not heard from before the deadline");
    if (missing > 0)
        length += snprintf(reason + length, sizeof(reason) - (size_t)length,
                           "; of %u messages to it, %u had been stored by the relay, and %u were "
                           "not fetched",
                           session->sent, session->stored, missing);
    if (session->inbox_full)
        snprintf(reason + length, sizeof(reason) - (size_t)length,
                 "; messages from it for which the inbox had no room were not fetched");
    closing_begin(step, RESULT_LONELY, true, reason);
    if (visit_past_fence(session->visit))
        visit_settle(step);
}

static void give_up(struct step *step)
{
    static const struct closing_reasons reasons = {
        .met = "the peer was not heard from before the deadline",
        .unverified = "the verifiers were not compared before the deadline",
        .alone = "nobody joined before the deadline",
    };
    const struct session *session = step->session;
    if (session->state == SESSION_ESTABLISHED && !session_unverified(session) &&
        is_unfetched(session))
        close_unfetched(step);
    else
        closing_peacefully(step, &reasons);
}

bool closing_unseen(struct step *step)
{
    if (!is_over(step, step->context->now) || !relay_knows_nothing(step->session))
        return false;
    give_up(step);
    return true;
}

bool closing_after_look(struct step *step, int64_t asked)
{
    const struct visit *visit = step->session->visit;
    if (!is_over(step, asked) || (visit->incomplete && visit->progressed))
        return false;
    give_up(step);
    return true;
}

void closing_wait(struct step *step, int64_t wait)
{
    struct session *session = step->session;
    bool alive = session_alive(session);
    if (alive && !is_over(step, step->context->now))
        return;
    if (session->waited < (alive ? plan_retention(session) : CLOSING_PATIENCE))
        session->waited += wait > 0 ? wait : 0;
    else if (alive)
        give_up(step);
    else
        closing_finish(step);
}

/* What a visit tells the relay, in order. */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <stdlib.h>
#include <string.h>

/* Messages added before waiting for their echoes: hides the round trip, and bounds what is under
 * way. */
#define ADD_WINDOW 32

static void ping(struct step *step, enum visit_stage stage)
{
    step->session->visit->asked = step->context->now;
    step_send(step, wire_encode_ping(++step->session->visit->ping));
    visit_await(step, stage);
}

/* The session's nameplate must be claimed (again) to learn which mailbox is behind it, or now
 * is. */
static bool wants_claim(const struct session *session)
{
    if (!session_alive(session))
        return session->nameplate == NAMEPLATE_CLAIMED && session->mailbox == NULL;
    if (session->reclaim_nameplate)
        return true;
    return !session_keyed(session) && session->nameplate != NAMEPLATE_RELEASED;
}

void visit_bind(struct step *step)
{
    struct session *session = step->session;
    lasting_choose_place(step);
    step_send(step, wire_encode_bind(session->appid, visit_side(session), PACKAGE_VERSION));
    /* NOLINTNEXTLINE(bugprone-branch-clone): each question is of the one before */
    if (session->visit->left) {
        visit_release(step);
    } else if (!session_alive(session) && session_code(session) == NULL) {
        closing_finish(step); /* given up before there was a nameplate */
    } else if (session_code(session) == NULL) {
        step_send(step, wire_encode_allocate());
        visit_await(step, VISIT_ALLOCATING);
    } else if (wants_claim(session)) {
        visit_claim(step);
    } else if (!session_alive(session) && !session->flush) {
        visit_release(step);
    } else {
        visit_open(step, session->visit->derived ? session->visit->place.mailbox
                                                 : mailbox_recovery_mailbox(session));
    }
}

void visit_claim(struct step *step)
{
    struct session *session = step->session;
    char nameplate[NAMEPLATE_MAX + 1];
    code_nameplate(session->code, nameplate);
    session->visit->reclaim_nameplate = session->reclaim_nameplate;
    /* Durable before the claim leaves: from then on the relay may know us. */
    session->nameplate = NAMEPLATE_CLAIMED;
    step_send(step, wire_encode_claim(nameplate));
    visit_await(step, VISIT_CLAIMING);
}

void visit_open(struct step *step, const char *mailbox)
{
    struct visit *visit = step->session->visit;
    step_set_text(step, &visit->mailbox, mailbox, WIRE_NAME_MAX);
    visit->in_fallback = !visit->derived && strcmp(mailbox, step->session->mailbox) != 0;
    const char *after = cursor_after(step->session);
    visit->resumes = visit->relay_resumes && after[0] != '\0';
    step_send(step, wire_encode_open(mailbox, visit->relay_resumes ? after : NULL));
    ping(step, VISIT_REPLAYING);
}

/* ---- our messages in the mailbox ---- */

/* Those below the base are delivered, or before the cursor. */
static bool numbers_has(const struct visit *visit, uint32_t number)
{
    size_t word = (size_t)(number - visit->base) / 64;
    return number < visit->base ||
           (word < visit->seen.count &&
            (visit->seen.words[word] >> ((number - visit->base) % 64) & 1) != 0);
}

static bool grow_numbers(struct visit_numbers *numbers, size_t count)
{
    uint64_t *words = realloc(numbers->words, count * sizeof(*words));
    if (words == NULL)
        return false;
    memset(words + numbers->count, 0, (count - numbers->count) * sizeof(*words));
    numbers->words = words;
    numbers->count = count;
    return true;
}

/* False when out of memory. The caller bounds `number`; from the visit's base. */
static bool numbers_add(struct visit_numbers *numbers, uint32_t number)
{
    size_t word = number / 64;
    if (word >= numbers->count && !grow_numbers(numbers, word + 1 + numbers->count / 2))
        return false;
    numbers->words[word] |= (uint64_t)1 << (number % 64);
    return true;
}

static void count_stored(struct session *session)
{
    const struct visit *visit = session->visit;
    uint32_t end = visit->foreign > 0 ? visit->foreign - 1 : session->sent;
    if (session_lasting(session) && session->stored < session->delivered)
        session->stored = session->delivered; /* it is not added again anywhere */
    while (session->stored < end && numbers_has(visit, session->stored))
        session->stored++;
}

/* A receiver takes the first that comes under a number. */
static void note_foreign(struct visit *visit, const struct wire_message *message)
{
    uint32_t number;
    if (visit_phase_number(message->phase, &visit->labels, &number) &&
        !numbers_has(visit, number) && (visit->foreign == 0 || number < visit->foreign))
        visit->foreign = number + 1;
}

static void own_number_seen(struct step *step, uint32_t number)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    if (numbers_has(visit, number))
        return;
    if (!numbers_add(&visit->seen, number - visit->base))
        step->outcome->no_memory = true;
    if (number < visit->next && visit->echoes_due > 0)
        visit->echoes_due--;
}

void visit_own_message(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    uint32_t number;
    enum copies_verdict verdict = copies_judge(step, message);
    if (verdict == COPIES_NOT_OURS) {
        note_foreign(session->visit, message);
        copies_found(step);
    }
    if (verdict != COPIES_OURS)
        return;
    if (strcmp(message->phase, "pake") == 0)
        session->visit->pake_seen = true;
    else if (strcmp(message->phase, "version") == 0)
        session->visit->version_seen = true;
    else if (visit_phase_number(message->phase, &session->visit->labels, &number))
        own_number_seen(step, number);
    else if (visit_receipt_number(message->phase, &session->visit->labels, &number))
        session->visit->receipt_seen |= session->receipts > 0 && number == session->receipts - 1;
    if (visit_past_fence(session->visit) && !session->visit->old) {
        session->pake_stored |= session->visit->pake_seen;
        session->version_stored |= session->visit->version_seen;
        session->receipt_stored |= session->visit->receipt_seen;
        count_stored(session);
    }
}

/* ---- the fence ---- */

/* The nameplate led here, and our pake is gone: the relay forgot both after it had answered the
 * claim. What we added now would be where nobody is led to. */
static bool is_behind_nothing(const struct session *session)
{
    const struct visit *visit = session->visit;
    return session->state == SESSION_WAITING && session->pake_stored && !visit->pake_seen &&
           !visit->nameplate_moved;
}

void visit_fenced(struct step *step)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    bool behind_nothing = is_behind_nothing(session);
    mailbox_recovery_notice(session);
    if (mailbox_recovery_escape_silence(step))
        return;
    if (!visit->old) {
        session->pake_stored = visit->pake_seen;
        session->version_stored = visit->version_seen;
        session->receipt_stored = visit->receipt_seen;
        /* Where there are several relays: that any of them has confirmed. */
        if (!session_routed(session))
            session->stored = visit->base;
        count_stored(session);
    }
    cursor_note(step, step->event->relay->position);
    session->unexpected = session_keyed(session) ? 0 : visit->ignored;
    if (session->unexpected == 0)
        session->burdened = 0;
    session->failures = 0;
    session->crowded = 0;
    if (session_alive(session))
        session->waited = 0;
    step_set_text(step, &session->last_error, NULL, 0);
    visit_await(step, VISIT_DRAINING);
    if (closing_after_look(step, visit->asked))
        return;
    if (behind_nothing) {
        visit_drop(step);
        plan_visit_now(step);
    } else {
        visit_settle(step);
    }
}

/* ---- adding what the mailbox lacks ---- */

static void add_pake(struct step *step)
{
    char *body = payload_pake(step->session->pake);
    step->session->visit->pake_added = true;
    step_send(step,
              body == NULL ? NULL : wire_encode_add("pake", (const uint8_t *)body, strlen(body)));
    free(body);
}

static void add_version(struct step *step)
{
    size_t length;
    uint8_t *sealed = session_seal_version(step->session, &length);
    step->session->visit->version_added = true;
    step_send(step, sealed == NULL ? NULL : wire_encode_add("version", sealed, length));
    free(sealed);
}

/* Application messages wait for the peer's proof, and for the user's confirmation if that was
 * requested: someone who guesses codes never sees even their length. What an end flushes need not.
 */
static bool may_add_numbers(const struct session *session)
{
    if (session_lasting(session) && session_unverified(session))
        return false;
    return session->flush || (session->state == SESSION_ESTABLISHED &&
                              !session_unverified(session) && !lasting_undecided(session));
}

static void add_numbers(struct step *step)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    if (visit->old)
        return; /* whoever looks there will follow */
    if (visit->next < session->delivered && session_lasting(session))
        visit->next = session->delivered;
    for (; visit->next < session->sent && visit->echoes_due < ADD_WINDOW; visit->next++) {
        if (numbers_has(visit, visit->next))
            continue;
        step_effect(step, EFFECT_ADD, NULL, visit->next);
        visit->echoes_due++;
    }
    if (session->fresh > session->sent - visit->next)
        session->fresh = session->sent - visit->next;
}

/* What did not decrypt here does not decrypt there: the peer learns that from our version, as it
 * does from stock clients. */
static bool leaves_version(const struct session *session)
{
    return session->state == SESSION_CLOSING && session->result == RESULT_SCARY &&
           session->peer_side != NULL;
}

/* In strict order, pake – version – 0 – 1 – …, which the relay preserves. */
static void add_missing(struct step *step)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    if (session->copied || (!session_alive(session) && !session->flush && !leaves_version(session)))
        return;
    if (!visit->pake_seen && !visit->pake_added)
        add_pake(step);
    if (session_keyed(session) && mailbox_recovery_may_add_version(session) &&
        !visit->version_seen && !visit->version_added)
        add_version(step);
    if (may_add_numbers(session))
        add_numbers(step);
    if (may_add_numbers(session) || receipt_owed(session))
        receipt_add(step);
}

/* A copy no longer waits: what it has added may be lost among what others said in its name. */
static bool echoes_pending(const struct session *session)
{
    const struct visit *visit = session->visit;
    if (session->copied)
        return false;
    return visit->echoes_due > 0 || (visit->pake_added && !visit->pake_seen) ||
           (visit->version_added && !visit->version_seen) ||
           (visit->receipt_added && !visit->receipt_seen);
}

/* Once the peer is in our mailbox the nameplate has served its purpose. While the mailbox is lost,
 * it has not. */
static bool wants_release(const struct session *session)
{
    return session->nameplate == NAMEPLATE_CLAIMED && session_keyed(session) &&
           !session->mailbox_lost && !session->copied && !session->visit->derived;
}

static void send_release(struct step *step)
{
    char nameplate[NAMEPLATE_MAX + 1];
    if (step->session->visit->release_sent)
        return;
    step->session->visit->release_sent = true;
    code_nameplate(step->session->code, nameplate);
    step_send(step, wire_encode_release(nameplate));
}

void visit_note_completed(struct step *step)
{
    struct session *session = step->session;
    session->last_visit = step->context->now;
    if (!session->visit->old)
        session->visit_bytes = session->visit->bytes - session->visit->bytes_before;
}

/* A connection that is held until now + plan_hold_duration(). */
static bool hold(struct step *step)
{
    struct session *session = step->session;
    int64_t duration = plan_hold_duration(step);
    if (duration <= 0)
        return false;
    session->visit->stage = VISIT_HELD;
    session->visit->alarm = step->context->now + duration;
    /* Recorded once per hold, not at every message: it costs a write. */
    if (!session->visit->was_held)
        visit_note_completed(step);
    session->visit->was_held = true;
    return true;
}

/* When a mailbox is closed by all who are in it, what is in it is gone: the relay had forgotten
 * this one, and the peer has not come back to it yet. */
static bool would_delete_unread(const struct session *session)
{
    return lasting_awaits_peer(session) ||
           (session->flush && session->sent > session->delivered && !session->visit->peer_seen);
}

void visit_settle(struct step *step)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    lasting_part(step);
    if (session->visit == NULL)
        return;
    lasting_settle(step);
    add_missing(step);
    if (wants_release(session))
        send_release(step);
    if (echoes_pending(session) ||
        (visit->release_sent && session->nameplate != NAMEPLATE_RELEASED)) {
        visit_await(step, VISIT_DRAINING);
    } else if (!session_alive(session) && !visit->old && !would_delete_unread(session)) {
        session->flush = false;
        session->route_round = 0; /* it is closed everywhere */
        visit_release(step);
    } else if ((!session_alive(session) && !lasting_awaits_peer(session)) ||
               (visit->incomplete && visit->progressed) || lasting_leaves(session) ||
               (visit->stage != VISIT_LEAVING && !hold(step))) {
        visit_leave(step);
    }
}

void visit_leave(struct step *step)
{
    struct session *session = step->session;
    if (session->visit->stage == VISIT_LEAVING)
        return;
    /* Whoever has called until now gets what comes before the pong. */
    session->called &= session->visit->old;
    ping(step, VISIT_LEAVING);
}

/* Release comes first: the stock relay drops the connection of a client that closes while holding a
 * nameplate. */
void visit_release(struct step *step)
{
    struct session *session = step->session;
    const struct visit *visit = session->visit;
    if (session->nameplate == NAMEPLATE_CLAIMED && !visit->derived) {
        send_release(step);
        visit_await(step, VISIT_RELEASING);
    } else if (session->mailbox == NULL) {
        closing_finish(step);
    } else {
        step_send(step, wire_encode_close(visit->derived ? visit->place.mailbox : session->mailbox,
                                          visit->left ? "happy" : closing_mood(session)));
        visit_await(step, VISIT_CLOSING);
    }
}

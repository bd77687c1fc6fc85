/* A visit's life, and what each message from the relay does to it. */
#include "config.h"

#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A relay that refuses everybody (with an error in its welcome) will not change its mind within
 * seconds. */
#define REFUSED_WAIT ((int64_t)5 * 60 * 1000)

void visit_free(struct visit *visit)
{
    if (visit == NULL)
        return;
    free(visit->seen.words);
    free(visit->mailbox);
    free(visit);
}

void visit_await(struct step *step, enum visit_stage stage)
{
    step->session->visit->stage = stage;
    step->session->visit->alarm = step->context->now + SESSION_ANSWER_MAX;
}

void visit_begin(struct step *step)
{
    struct visit *visit = calloc(1, sizeof(*visit));
    if (visit == NULL) {
        step->outcome->no_memory = true;
        return;
    }
    step->session->visit = visit;
    step->session->visits++;
    routes_choose(step->session);
    visit_await(step, VISIT_CONNECTING);
    step_effect(step, EFFECT_CONNECT, NULL, 0);
}

static void forget_visit(struct step *step)
{
    visit_free(step->session->visit);
    step->session->visit = NULL;
}

void visit_drop(struct step *step)
{
    forget_visit(step);
    step_effect(step, EFFECT_DISCONNECT, NULL, 0);
}

static void note_failure(struct step *step, enum routes_turn turn, const char *why,
                         int64_t at_least)
{
    struct session *session = step->session;
    if (turn == ROUTES_OTHER) {
        plan_visit_now(step);
        return;
    }
    if (turn == ROUTES_OVER && !session_alive(session) && !session->flush) {
        closing_finish(step); /* where it could be reached, it is closed */
        return;
    }
    if (turn == ROUTES_OVER) {
        plan_next_visit(step);
        closing_wait(step, session->wake - step->context->now);
        return;
    }
    session->failures++;
    step_set_text(step, &session->last_error, why, REASON_MAX);
    plan_retry(step, at_least);
    closing_wait(step, step->session->wake - step->context->now);
}

void visit_fail(struct step *step, const char *why, int64_t at_least)
{
    lasting_visit_ended(step->session);
    enum routes_turn turn = routes_visit_ended(step->session, false);
    visit_drop(step);
    note_failure(step, turn, why, at_least);
}

void visit_lost(struct step *step, const char *why)
{
    lasting_visit_ended(step->session);
    enum routes_turn turn = routes_visit_ended(step->session, false);
    forget_visit(step);
    note_failure(step, turn, why, 0);
}

void visit_ignore(struct step *step)
{
    struct session *session = step->session;
    session->visit->ignored++;
    if (session_keyed(session))
        return;
    if (session->visit->ignored == 1)
        session->burdened++;
    session->unexpected = session->visit->ignored;
}

void visit_burdened(struct step *step)
{
    visit_ignore(step);
    visit_fail(
        step,
        "somebody who has not exchanged keys has filled the mailbox: messages of more than 64 "
        "KiB, or more than 1 MiB",
        0);
}

void visit_anew(struct step *step)
{
    forget_visit(step);
    visit_begin(step);
}

void visit_alarm(struct step *step)
{
    struct visit *visit = step->session->visit;
    bool stays = visit->stage == VISIT_HELD && plan_may_stay(step);
    int64_t hold = stays ? plan_hold_duration(step) : 0;
    if (hold > 0)
        visit->alarm = step->context->now + hold;
    else if (visit->stage == VISIT_HELD)
        visit_leave(step);
    else
        visit_fail(step, "the relay did not answer", 0);
}

/* ---- one handler per message type ---- */

static void on_welcome(struct step *step, const struct wire_message *message)
{
    char why[REASON_ROOM];
    if (step->session->visit->stage != VISIT_CONNECTING)
        return;
    if (message->error != NULL) {
        snprintf(why, sizeof(why), "the relay turns clients away: %s", message->error);
        visit_fail(step, why, REFUSED_WAIT);
    } else if (message->permission_needed) {
        wire_permission_text(message, why, sizeof(why));
        visit_fail(step, why, REFUSED_WAIT);
    } else {
        step->session->retention = message->retention * 1000;
        step->session->visit->relay_resumes = message->resumes;
        visit_bind(step);
    }
}

static void on_allocated(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    uint8_t entropy[CODE_WORDS_MAX];
    char code[CODE_MAX + 1];
    if (session->visit->stage != VISIT_ALLOCATING)
        return;
    step_random(step, entropy, sizeof(entropy));
    if (code_generate(message->nameplate, session->words, entropy, code)) {
        session_take_code(step, code);
        visit_claim(step);
    } else {
        visit_fail(step, "the relay allocated something that is not a nameplate", REFUSED_WAIT);
    }
    sodium_memzero(entropy, sizeof(entropy));
    sodium_memzero(code, sizeof(code));
}

static void on_claimed(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    if (session->visit->stage != VISIT_CLAIMING)
        return;
    session->nameplate = NAMEPLATE_CLAIMED;
    if (session->visit->reclaim_nameplate) {
        mailbox_recovery_remember(step, message->mailbox);
    } else {
        session->visit->nameplate_moved =
            session->mailbox != NULL && strcmp(session->mailbox, message->mailbox) != 0;
        session->displaced |= session->visit->nameplate_moved;
        step_set_text(step, &session->mailbox, message->mailbox, WIRE_NAME_MAX);
    }
    if (step->outcome->no_memory)
        return; /* the step will be undone: there may be no mailbox to continue with */
    if (session->state == SESSION_CLOSING && !session->flush)
        visit_release(step);
    else
        visit_open(step, message->mailbox);
}

static void on_resumed(struct step *step, const struct wire_message *message)
{
    (void)message;
    if (step->session->visit->stage == VISIT_REPLAYING)
        cursor_resume(step->session);
}

static void on_message(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    if (visit->stage < VISIT_REPLAYING || visit->stage > VISIT_LEAVING)
        return;
    visit->resumes = false;
    visit->bytes += message->body_length;
    if (message->odd)
        visit_ignore(step);
    else if (strcmp(message->side, visit_side(session)) == 0)
        visit_own_message(step, message);
    else
        peer_message_take(step, message);
    if (visit_past_fence(session->visit))
        visit_settle(step);
}

static void on_pong(struct step *step, const struct wire_message *message)
{
    struct session *session = step->session;
    const struct visit *visit = session->visit;
    if (message->pong != visit->ping)
        return;
    if (visit->stage == VISIT_REPLAYING) {
        visit_fenced(step);
    } else if (visit->stage == VISIT_LEAVING) {
        visit_note_completed(step);
        if (closing_after_look(step, visit->asked))
            return;
        cursor_note(step, message->position);
        lasting_visit_ended(session);
        if ((visit->incomplete && visit->progressed) || lasting_hurries(session) ||
            routes_visit_ended(session, true) == ROUTES_OTHER || session->called)
            plan_visit_now(step);
        else
            plan_next_visit(step);
        visit_drop(step);
        if (!session_alive(session))
            closing_wait(step, session->wake - step->context->now);
    }
}

static void on_released(struct step *step, const struct wire_message *message)
{
    (void)message;
    struct session *session = step->session;
    if (!session->visit->release_sent)
        return;
    session->nameplate = NAMEPLATE_RELEASED;
    if (session->visit->stage == VISIT_RELEASING)
        visit_release(step);
    else if (visit_past_fence(session->visit))
        visit_settle(step);
}

static void on_closed(struct step *step, const struct wire_message *message)
{
    (void)message;
    struct session *session = step->session;
    if (session->visit->stage != VISIT_CLOSING)
        return;
    if (session->visit->left) {
        lasting_left_closed(step);
    } else if (lasting_retire(session) || routes_close_others(session)) {
        visit_drop(step);
        plan_visit_now(step);
    } else {
        closing_finish(step);
    }
}

/* ---- errors to which the protocol gives a meaning ---- */

static void on_crowded(struct step *step)
{
    struct session *session = step->session;
    if (lasting_evade_crowd(step))
        return;
    if (session->visit->reclaim_nameplate || session->visit->in_fallback) {
        /* The nameplate belongs to strangers now; our mailbox is not theirs. */
        visit_fail(step, "the nameplate now belongs to others", 0);
        return;
    }
    session->crowded++;
    if (session_alive(session) && session->mailbox == NULL && session->strangers == 0) {
        /* It was never let in, and each try of its would keep the rightful two out. */
        closing_begin(step, RESULT_CROWDED, false,
                      "two others are already using this code: agree on a new one");
        closing_finish(step);
    } else if (session_alive(session) || session->flush) {
        visit_fail(step, "a third side has tried the code: the relay lets nobody in for a while",
                   plan_crowd_wait(step));
    } else {
        /* The relay would answer `close` with the same error. */
        closing_finish(step);
    }
}

/* Our earlier release succeeded, but its answer was lost. */
static void on_reclaimed(struct step *step)
{
    struct session *session = step->session;
    session->nameplate = NAMEPLATE_RELEASED;
    session->visit->reclaim_nameplate = false;
    if (session->mailbox == NULL) {
        if (session_alive(session))
            closing_begin(step, RESULT_ERRORY, false,
                          "the relay says that the nameplate has already been released");
        closing_finish(step);
    } else if (session->state == SESSION_CLOSING && !session->flush) {
        visit_release(step);
    } else {
        visit_open(step, session->mailbox);
    }
}

static const struct {
    const char *text;
    void (*handler)(struct step *);
} known_errors[] = {
    {"crowded", on_crowded},
    {"reclaimed", on_reclaimed},
};

static void on_error(struct step *step, const struct wire_message *message)
{
    char why[REASON_ROOM];
    for (size_t i = 0; i < sizeof(known_errors) / sizeof(known_errors[0]); i++)
        if (strcmp(message->error, known_errors[i].text) == 0) {
            known_errors[i].handler(step);
            return;
        }
    snprintf(why, sizeof(why), "the relay reported an error: %s", message->error);
    visit_fail(step, why, 0);
}

/* Types without a handler (ack, nameplates, unknown ones) mean nothing to a session. */
static void (*const handlers[WIRE_TYPES])(struct step *, const struct wire_message *) = {
    [WIRE_WELCOME] = on_welcome,   [WIRE_ALLOCATED] = on_allocated, [WIRE_CLAIMED] = on_claimed,
    [WIRE_RELEASED] = on_released, [WIRE_MESSAGE] = on_message,     [WIRE_CLOSED] = on_closed,
    [WIRE_PONG] = on_pong,         [WIRE_ERROR] = on_error,         [WIRE_RESUMED] = on_resumed,
};

void visit_relay_message(struct step *step)
{
    const struct wire_message *message = step->event->relay;
    if (step->session->visit == NULL || handlers[message->type] == NULL)
        return;
    if (message->server_tx > 0)
        step->session->visit->relay_ahead = message->server_tx - step->context->now;
    handlers[message->type](step, message);
}

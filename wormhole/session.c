/* A session's life, and the step that moves it. */
#include "config.h"

#include "base/locked.h"
#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* How long we try to tell the relay that a session has ended. By then it has forgotten the mailbox
 * by itself. */
#define CLOSING_PATIENCE ((int64_t)24 * 3600 * 1000)
/* pake_start fails with a probability of about 2^-252; more tries mean a broken source of
 * randomness. */
#define PAKE_TRIES 8

/* ---- beginning and end of the struct ---- */

static struct locked_pool sessions = LOCKED_POOL(sizeof(struct session));

struct session *session_blank(void)
{
    return locked_new(&sessions);
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    visit_free(session->visit);
    free(session->name);
    free(session->appid);
    free(session->relay);
    free(session->reason);
    free(session->mailbox);
    for (int i = 0; i < SESSION_PLACES; i++)
        free(session->places[i]);
    free(session->version);
    free(session->peer_side);
    free(session->peer_versions);
    free(session->last_error);
    free(session->unknown);
    locked_free(&sessions, session);
}

void session_take_code(struct step *step, const char *code)
{
    struct session *session = step->session;
    uint8_t random[PAKE_RANDOM_BYTES];
    bool made = false;
    for (int i = 0; i < PAKE_TRIES && !made; i++) {
        step_random(step, random, sizeof(random));
        made = pake_start(code, random, session->scalar, session->pake);
    }
    sodium_memzero(random, sizeof(random));
    assert(strnlen(code, sizeof(session->code)) < sizeof(session->code));
    strcpy(session->code, code);
    if (!made)
        step->outcome->no_memory = true; /* undo the step: nothing may leave without a pake */
    if (session->state == SESSION_ALLOCATING)
        session->state = SESSION_WAITING;
}

static void make_side(struct step *step, char ret_side[SIDE_TEXT])
{
    uint8_t random[(SIDE_TEXT - 1) / 2];
    step_random(step, random, sizeof(random));
    sodium_bin2hex(ret_side, SIDE_TEXT, random, sizeof(random));
}

static void take_options(struct step *step, const struct session_options *options)
{
    struct session *session = step->session;
    step_set_text(step, &session->name, options->name, NAME_MAX_BYTES);
    step_set_text(step, &session->appid, options->appid, APPID_MAX);
    step_set_text(step, &session->relay, options->relay, RELAY_MAX);
    session->version = payload_version(options->app_versions);
    session->schedule = *options->schedule;
    session->words = options->words;
    session->verification = options->verify ? VERIFICATION_PENDING : VERIFICATION_NONE;
    session->inbox_messages = options->inbox_messages;
    session->inbox_bytes = options->inbox_bytes;
    session->timeout =
        options->timeout > 0 ? options->timeout : schedule_default_timeout(options->schedule);
}

struct session *session_new(const struct session_options *options,
                            const struct session_context *context)
{
    struct outcome outcome = {0};
    struct session *session = session_blank();
    struct step step = {.session = session, .context = context, .outcome = &outcome};
    if (session == NULL)
        return NULL;
    step_random(&step, session->id, sizeof(session->id));
    make_side(&step, session->side);
    step_random(&step, session->version_nonce, sizeof(session->version_nonce));
    take_options(&step, options);
    session->created = session->last_activity = session->schedule_start = context->now;
    if (options->code != NULL)
        session_take_code(&step, options->code);
    plan_visit_now(&step);
    if (outcome.no_memory || session->version == NULL) {
        session_free(session);
        session = NULL;
    }
    outcome_clear(&outcome);
    return session;
}

void session_resume(struct session *session, const struct session_context *context)
{
    struct step step = {.session = session, .context = context};
    session->state = SESSION_WAITING;
    plan_lively(&step);
    plan_visit_now(&step);
}

/* ---- what happens to it ---- */

static void give_up(struct step *step)
{
    static const struct farewell farewell = {
        .met = "nothing was heard of the peer for the whole time allowed",
        .unverified = "the verifiers were never compared within the time allowed",
        .alone = "nobody came within the time allowed",
    };
    ending_part(step, &farewell);
}

static void wake_closed(struct step *step)
{
    struct session *session = step->session;
    session->wake = session->ended + step->context->keep;
    if (step->context->now >= session->wake)
        step_write(step, WRITE_FORGET, 0, NULL, 0, NULL, 0);
}

/* A clock that was set back must not keep the schedule at its beginning, nor put off the deadline,
 * nor what a visit waits for. */
static void heed_clock(struct session *session, int64_t now)
{
    if (session->schedule_start > now)
        session->schedule_start = now;
    if (session->last_activity > now)
        session->last_activity = now;
    if (session->visit != NULL && session->visit->alarm > now + SESSION_ALARM_MAX)
        session->visit->alarm = now;
}

static enum session_refusal on_wake(struct step *step)
{
    struct session *session = step->session;
    int64_t now = step->context->now;
    heed_clock(session, now);
    if (session->state == SESSION_CLOSED)
        wake_closed(step);
    else if (session->state == SESSION_CLOSING && now >= session->ended + CLOSING_PATIENCE)
        ending_finish(step);
    else if (session_alive(session) && now >= session_deadline(session))
        give_up(step);
    else if (session->visit != NULL && now >= session->visit->alarm)
        visit_alarm(step);
    else if (session->visit == NULL && now >= session->wake)
        visit_begin(step);
    return SESSION_ACCEPTED;
}

static enum session_refusal on_relay(struct step *step)
{
    visit_relay_message(step);
    return SESSION_ACCEPTED;
}

static enum session_refusal on_lost(struct step *step)
{
    if (step->session->visit != NULL)
        visit_lost(step, step->event->text);
    return SESSION_ACCEPTED;
}

/* On a visit its plan is that of a crash: it should be due then. */
static enum session_refusal on_postpone(struct step *step)
{
    const struct session *session = step->session;
    if (session->state == SESSION_CLOSED)
        return SESSION_ACCEPTED;
    if (session->visit == NULL)
        plan_at(step, step->event->until);
    else if (session_oversleeps(session, step->context->now))
        plan_visit_now(step);
    return SESSION_ACCEPTED;
}

static enum session_refusal (*const handlers[EVENT_TYPES])(struct step *) = {
    [EVENT_WAKE] = on_wake,          [EVENT_RELAY] = on_relay,
    [EVENT_LOST] = on_lost,          [EVENT_POSTPONE] = on_postpone,
    [EVENT_SEND] = command_send,     [EVENT_ACK] = command_ack,
    [EVENT_CLOSE] = command_close,   [EVENT_POLL] = command_poll,
    [EVENT_VERIFY] = command_verify, [EVENT_RENAME] = command_rename,
    [EVENT_EXPORT] = exported_begin,
};

enum session_refusal session_step(struct session *session, const struct session_event *event,
                                  const struct session_context *context, struct outcome *outcome)
{
    struct step step = {.session = session, .event = event, .context = context, .outcome = outcome};
    return session->state == SESSION_EXPORTED ? exported_step(&step) : handlers[event->type](&step);
}

/* ---- looking at it ---- */

int64_t session_alarm(const struct session *session)
{
    return session->visit == NULL ? INT64_MAX : session->visit->alarm;
}

static const enum session_connection connections[VISIT_STAGES] = {
    [VISIT_CONNECTING] = CONNECTION_CONNECTING, [VISIT_ALLOCATING] = CONNECTION_VISITING,
    [VISIT_CLAIMING] = CONNECTION_VISITING,     [VISIT_REPLAYING] = CONNECTION_VISITING,
    [VISIT_DRAINING] = CONNECTION_VISITING,     [VISIT_HELD] = CONNECTION_HELD,
    [VISIT_LEAVING] = CONNECTION_VISITING,      [VISIT_RELEASING] = CONNECTION_VISITING,
    [VISIT_CLOSING] = CONNECTION_VISITING,
};

enum session_connection session_connection(const struct session *session)
{
    return session->visit == NULL ? CONNECTION_NONE : connections[session->visit->stage];
}

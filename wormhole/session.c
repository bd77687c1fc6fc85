/* A session's life, and the step that advances it. */
#include "config.h"

#include "base/clock_watch.h"
#include "base/large.h"
#include "base/locked.h"
#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* pake_start fails with a probability of about 2^-252; more tries mean a broken source of
 * randomness. */
#define PAKE_TRIES 8

/* ---- creating and freeing ---- */

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
    for (int i = 0; i < SESSION_FALLBACK_MAILBOXES; i++)
        free(session->fallback_mailboxes[i]);
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        free(session->route_urls[i]);
    free(session->version);
    free(session->peer_side);
    free(session->peer_versions);
    free(session->last_error);
    free(session->cursor);
    free(session->cursor_version);
    free(session->old_cursor);
    free(session->journal.bytes);
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

void session_begin_anew(struct step *step)
{
    struct session *session = step->session;
    char code[CODE_MAX + 1];
    strcpy(code, session->code);
    make_side(step, session->side);
    step_random(step, session->version_nonce, sizeof(session->version_nonce));
    session->state = SESSION_WAITING;
    session_take_code(step, code);
    sodium_memzero(code, sizeof(code));
    session->nameplate = NAMEPLATE_NONE;
    step_set_text(step, &session->mailbox, NULL, 0);
    sodium_memzero(session->key, sizeof(session->key));
    sodium_memzero(session->verifier, sizeof(session->verifier));
    step_set_text(step, &session->peer_side, NULL, 0);
    session->pake_stored = session->version_stored = false;
}

/* The relays that the user wants besides, for the peer, and to be kept until it is there. */
static void take_more_relays(struct step *step, const char *urls, struct payload_lasting *lasting)
{
    lasting->routes = true;
    while (urls != NULL && *urls != '\0' && lasting->wanted < PAYLOAD_ROUTES_WANTED) {
        size_t length = strcspn(urls, " ");
        snprintf(lasting->urls[lasting->wanted], sizeof(lasting->urls[0]), "%.*s", (int)length,
                 urls);
        lasting->wanted++;
        step_set_text(step, &step->session->route_urls[lasting->wanted],
                      lasting->urls[lasting->wanted - 1], PAYLOAD_ROUTE_MAX);
        urls += length + strspn(urls + length, " ");
    }
}

static void take_options(struct step *step, const struct session_options *options)
{
    struct session *session = step->session;
    step_set_text(step, &session->name, options->name, NAME_MAX_BYTES);
    step_set_text(step, &session->appid, options->appid, APPID_MAX);
    step_set_text(step, &session->relay, options->relay, RELAY_MAX);
    struct payload_lasting lasting = {.expire = options->expire};
    if (options->lasting) {
        step_random(step, session->epoch_secret, sizeof(session->epoch_secret));
        epoch_public(session->epoch_secret, lasting.public);
        take_more_relays(step, options->more_relays, &lasting);
    }
    session->version = payload_version(options->app_versions, options->lasting ? &lasting : NULL);
    session->schedule = *options->schedule;
    session->words = options->words;
    session->verification = options->verify ? VERIFICATION_PENDING : VERIFICATION_NONE;
    session->inbox_messages = options->inbox_messages;
    session->inbox_bytes = options->inbox_bytes;
    session->await_answer = options->await_answer;
    session->timeout =
        options->timeout > 0 ? options->timeout : schedule_default_timeout(options->schedule);
    session->expire = schedule_default_timeout(options->schedule);
    if (session->expire < session->timeout)
        session->expire = session->timeout;
    if (options->expire > 0)
        session->expire = options->expire;
    session->expires = options->expire > 0;
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
    session->code_given = options->code != NULL;
    if (session->code_given)
        session_take_code(&step, options->code);
    plan_visit_now(&step);
    journal_note(&step,
                 options->accepted       ? JOURNAL_ACCEPTED
                 : options->code != NULL ? JOURNAL_INVITED_WITH_CODE
                                         : JOURNAL_INVITED,
                 1, 0, NULL);
    if (outcome.no_memory || session->version == NULL) {
        session_free(session);
        session = NULL;
    }
    outcome_clear(&outcome);
    return session;
}

void session_resume(struct session *session, const struct session_context *context)
{
    struct outcome outcome = {0};
    struct step step = {.session = session, .context = context, .outcome = &outcome};
    session->state = SESSION_WAITING;
    plan_restart_schedule(&step);
    plan_visit_now(&step);
    journal_note(&step, JOURNAL_IMPORTED, 1, 0, NULL); /* or not, if memory is short */
}

/* ---- events ---- */

static void wake_closed(struct step *step)
{
    struct session *session = step->session;
    session->wake = session->ended + step->context->keep;
    if (step->context->now < session->wake)
        return;
    if (step->context->now < step->context->doubted_until)
        session->wake = step->context->doubted_until;
    else
        step_write(step, WRITE_FORGET, 0, NULL, 0, NULL, 0);
}

/* A time in the future was noted by a clock that was ahead. One before there were sessions, by a
 * clock that had not been set yet; unless that still is so. */
static int64_t adopted(int64_t time, int64_t now)
{
    return time > now || (time < CLOCK_PLAUSIBLE && now >= CLOCK_PLAUSIBLE) ? now : time;
}

/* After the clock was set back, the schedule must not stay at its beginning, and neither the
 * end, the deadline, the age of an epoch nor what a visit waits for may be put off. A clock that
 * may go forward again is not believed yet. */
static void adopt_clock(struct step *step)
{
    struct session *session = step->session;
    int64_t now = step->context->now;
    if (now >= step->context->doubted_until) {
        session->created = adopted(session->created, now);
        session->schedule_start = adopted(session->schedule_start, now);
        session->last_activity = adopted(session->last_activity, now);
        if (session_lasting(session))
            session->epoch_since = adopted(session->epoch_since, now);
        if (session->ended > now)
            session->ended = now;
    }
    if (session->visit != NULL && session->visit->alarm > now + SESSION_ALARM_MAX)
        session->visit->alarm = now;
}

static enum session_refusal on_wake(struct step *step)
{
    struct session *session = step->session;
    int64_t now = step->context->now;
    adopt_clock(step);
    if (session->state == SESSION_CLOSED)
        wake_closed(step);
    else if (closing_unseen(step))
        return SESSION_ACCEPTED;
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

static enum session_refusal on_anew(struct step *step)
{
    if (step->session->visit != NULL)
        visit_anew(step);
    return SESSION_ACCEPTED;
}

static enum session_refusal on_burdened(struct step *step)
{
    if (step->session->visit != NULL)
        visit_burdened(step);
    return SESSION_ACCEPTED;
}

/* During a visit the plan is the one for a crash: the session should then be due. If the visit
 * fails, those that failed before it do not prolong the wait. */
static enum session_refusal on_postpone(struct step *step)
{
    struct session *session = step->session;
    if (session->state == SESSION_CLOSED || closing_unseen(step))
        return SESSION_ACCEPTED;
    if (session->visit == NULL) {
        enum routes_turn turn = step->event->text != NULL ? routes_skip(session) : ROUTES_FAILED;
        step->elsewhere = turn != ROUTES_FAILED;
        if (turn == ROUTES_OTHER) {
            plan_visit_now(step);
            return SESSION_ACCEPTED;
        }
        if (turn == ROUTES_OVER)
            plan_next_visit(step);
        else
            plan_at(step, step->event->until);
        closing_wait(step, step->event->until - step->context->now);
    } else {
        session->failures = 0;
        if (session_wakes_too_late(session, step->context->now))
            plan_visit_now(step);
    }
    return SESSION_ACCEPTED;
}

static enum session_refusal (*const handlers[EVENT_TYPES])(struct step *) = {
    [EVENT_WAKE] = on_wake,          [EVENT_RELAY] = on_relay,
    [EVENT_LOST] = on_lost,          [EVENT_POSTPONE] = on_postpone,
    [EVENT_SEND] = command_send,     [EVENT_ACK] = command_ack,
    [EVENT_CLOSE] = command_close,   [EVENT_POLL] = command_poll,
    [EVENT_VERIFY] = command_verify, [EVENT_RENAME] = command_rename,
    [EVENT_EXPORT] = exported_begin, [EVENT_ANEW] = on_anew,
    [EVENT_BURDENED] = on_burdened,  [EVENT_MOVE] = command_move,
};

enum session_refusal session_step(struct session *session, const struct session_event *event,
                                  const struct session_context *context, struct outcome *outcome)
{
    struct step step = {.session = session, .event = event, .context = context, .outcome = outcome};
    const struct journal_before was = journal_before(session);
    enum session_refusal refusal =
        session->state == SESSION_EXPORTED ? exported_step(&step) : handlers[event->type](&step);
    if (refusal == SESSION_ACCEPTED)
        journal_step(&step, &was);
    return refusal;
}

/* ---- the connection ---- */

int64_t session_alarm(const struct session *session)
{
    return session->visit == NULL ? INT64_MAX : session->visit->alarm;
}

static const enum session_connection connection_of_stage[VISIT_STAGES] = {
    [VISIT_CONNECTING] = CONNECTION_CONNECTING, [VISIT_ALLOCATING] = CONNECTION_VISITING,
    [VISIT_CLAIMING] = CONNECTION_VISITING,     [VISIT_REPLAYING] = CONNECTION_VISITING,
    [VISIT_DRAINING] = CONNECTION_VISITING,     [VISIT_HELD] = CONNECTION_HELD,
    [VISIT_LEAVING] = CONNECTION_VISITING,      [VISIT_RELEASING] = CONNECTION_VISITING,
    [VISIT_CLOSING] = CONNECTION_VISITING,
};

enum session_connection session_connection(const struct session *session)
{
    return session->visit == NULL ? CONNECTION_NONE : connection_of_stage[session->visit->stage];
}

/* ---- what a visit looks at ---- */

bool session_is_guarded(const struct session *session)
{
    return session_alive(session) && !session_keyed(session);
}

bool session_ends_guard(const struct session *session, const struct wire_message *message)
{
    return message->type == WIRE_MESSAGE && strcmp(message->phase, "pake") == 0 &&
           strcmp(message->side, session->side) != 0;
}

uint32_t session_ignored(const struct session *session)
{
    return session->visit == NULL ? 0 : session->visit->ignored;
}

/* ---- the keys ---- */

static uint8_t *seal(const struct session *session, const char *phase, const uint8_t *nonce,
                     const void *plain, size_t length, size_t *ret_length)
{
    uint8_t key[KEY_BYTES], masked[KEYS_NONCE_BYTES];
    uint8_t *sealed = large_pages(malloc(length + KEYS_SEALED_EXTRA), length);
    if (sealed == NULL)
        return NULL;
    visit_phase_key(session, visit_side(session), phase, key);
    visit_mask_nonce(session, nonce, masked);
    keys_seal(key, masked, plain, length, sealed);
    sodium_memzero(key, sizeof(key));
    *ret_length = length + KEYS_SEALED_EXTRA;
    return sealed;
}

uint8_t *session_seal_version(const struct session *session, size_t *ret_length)
{
    return seal(session, "version", session->version_nonce, session->version,
                strlen(session->version), ret_length);
}

static void name_row(const struct session *session, uint32_t number, char ret_phase[11])
{
    payload_phase_name(number + (session->visit == NULL ? 0 : session->visit->labels.shift),
                       ret_phase);
}

uint8_t *session_seal_row(const struct session *session, uint32_t number, const uint8_t *row,
                          size_t length, size_t *ret_length)
{
    char phase[11];
    name_row(session, number, phase);
    return seal(session, phase, row, row + KEYS_NONCE_BYTES, length - KEYS_NONCE_BYTES, ret_length);
}

bool session_on_visit(const struct session *session, uint32_t visit)
{
    return session->visit != NULL && session->visits == visit;
}

char *session_seal(const struct session *session, uint32_t number, const uint8_t *row,
                   size_t length)
{
    char phase[11];
    size_t sealed_length;
    if (session->state >= SESSION_CLOSED || length < KEYS_NONCE_BYTES)
        return NULL; /* the key is wiped */
    uint8_t *sealed = session_seal_row(session, number, row, length, &sealed_length);
    if (sealed == NULL)
        return NULL;
    name_row(session, number, phase);
    char *text = wire_encode_add(phase, sealed, sealed_length);
    free(sealed);
    return text;
}

bool session_derive_key(const struct session *session, const char *purpose, uint8_t *ret_key,
                        size_t length)
{
    return session->state == SESSION_ESTABLISHED && !session_unverified(session) &&
           keys_derive(session->key, purpose, ret_key, length);
}

bool session_sound(const struct session *session)
{
    uint8_t pake[PAKE_MESSAGE_BYTES];
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++) /* they are told the peer as they stand */
        if (session->route_urls[i] != NULL && !session_route_fits(session->route_urls[i]))
            return false;
    return session->version != NULL && code_check(session->code) == CODE_OK &&
           pake_message(session->code, session->scalar, pake) &&
           sodium_memcmp(pake, session->pake, sizeof(pake)) == 0;
}

/* ---- names, for people and programs ---- */

static const char *const states[SESSION_STATES] = {
    [SESSION_ALLOCATING] = "allocating", [SESSION_WAITING] = "waiting",
    [SESSION_KEYED] = "keyed",           [SESSION_ESTABLISHED] = "established",
    [SESSION_CLOSING] = "closing",       [SESSION_CLOSED] = "closed",
    [SESSION_EXPORTED] = "exported",
};

static const char *const results[SESSION_RESULTS] = {
    [RESULT_HAPPY] = "happy",   [RESULT_LONELY] = "lonely",   [RESULT_SCARY] = "scary",
    [RESULT_ERRORY] = "errory", [RESULT_CROWDED] = "crowded",
};

static const char *const nameplates[NAMEPLATE_STATES] = {
    [NAMEPLATE_NONE] = "none",
    [NAMEPLATE_CLAIMED] = "claimed",
    [NAMEPLATE_RELEASED] = "released",
};

static const char *const verifications[VERIFICATIONS] = {
    [VERIFICATION_NONE] = "none",
    [VERIFICATION_PENDING] = "pending",
    [VERIFICATION_DONE] = "done",
};

static const char *const connections[] = {
    [CONNECTION_NONE] = "none",
    [CONNECTION_CONNECTING] = "connecting",
    [CONNECTION_VISITING] = "visiting",
    [CONNECTION_HELD] = "held",
};

static const char *const refusals[] = {
    [SESSION_ACCEPTED] = "accepted",
    [SESSION_REFUSED_CLOSED] = "the session has ended or is ending",
    [SESSION_REFUSED_TOO_LARGE] = "the message is larger than 16 MiB",
    [SESSION_REFUSED_FULL] = "the session has reached its limit of sent messages; start a new one",
    [SESSION_REFUSED_UNDELIVERED] =
        "as much as a session may hold is on its way to the peer; send again when it has come",
    [SESSION_REFUSED_NUMBER] = "no message with this number has been received",
    [SESSION_REFUSED_NOT_KEYED] = "nobody has used the code yet: there is no verifier",
    [SESSION_REFUSED_UNVERIFIED] = "the verifiers must be compared, and confirmed to agree, first",
    [SESSION_REFUSED_COPIED] =
        ("this store is an older copy of the session, or one of two: nothing "
         "more can be sent from it; begin a new session"),
    [SESSION_REFUSED_ROUTES] = ("only a lasting session can be given other relays, and only if the "
                                "peer's wormholed knows how to go along"),
    [SESSION_REFUSED_MOVING] =
        ("the peer has not heard yet of the relays that the session was given "
         "before; try again when it has"),
    [SESSION_REFUSED_EXPORT] = ("a session can be exported only after it has its code, and before "
                                "it has seen the peer or taken a message"),
};

const char *session_state_name(enum session_state state)
{
    return states[state];
}

const char *session_result_name(enum session_result result)
{
    return results[result];
}

const char *nameplate_state_name(enum nameplate_state state)
{
    return nameplates[state];
}

const char *verification_name(enum verification verification)
{
    return verifications[verification];
}

const char *session_connection_name(enum session_connection connection)
{
    return connections[connection];
}

const char *session_refusal_text(enum session_refusal refusal)
{
    return refusals[refusal];
}

void session_id_text(const uint8_t id[SESSION_ID_BYTES], char ret_text[SESSION_ID_TEXT])
{
    sodium_bin2hex(ret_text, SESSION_ID_TEXT, id, SESSION_ID_BYTES);
}

/*
 * Lasting sessions (doc/lasting.md): two ends that can renew their session before it grows old.
 * Each epoch has a root of its own, from which the keys, the mailbox and the sides in it follow; an
 * end moves to the next one with what both have left for that in the present one, without waiting.
 * It visits the old place, too, until it has met its peer in the new one.
 *
 * tests/model/epochs.pml is a model of this.
 */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* A mailbox that holds so many bytes is left behind, … */
#define PLACE_BYTES_MAX (128 * PLACE_BYTES_IDLE)
/* … or so many, if all is delivered: each visit to a stock relay fetches them. */
#define PLACE_BYTES_IDLE ((uint64_t)16 * 1024)
/* Keys with which anything was sealed are used no longer than this, ms. */
#define EPOCH_AGE_MAX ((int64_t)7 * 24 * 3600 * 1000)
/* A peer that moves without having sent anything is followed no earlier, ms. */
#define EPOCH_AGE_MIN ((int64_t)60 * 1000)
/* The mailbox of an epoch that is over is left to be forgotten after so many tries to close it. */
#define LEFT_TRIES_MAX 5
/* While two places are alive the connection to the new one is held no longer, ms: a stock relay
 * would forget the old one. */
#define OLD_INTERVAL ((int64_t)5 * 60 * 1000)
/* How long an end that closes holds its connection for the peer's goodbye, ms: who is there answers
 * at once. For who is not, it comes again and again, and stays no more. */
#define GOODBYE_HOLD ((int64_t)60 * 1000)

static bool is_set(const uint8_t bytes[KEY_BYTES])
{
    return !sodium_is_zero(bytes, KEY_BYTES);
}

bool session_lasting(const struct session *session)
{
    return is_set(session->root);
}

bool session_outbox_full(const struct session *session, size_t length)
{
    uint32_t kept = session->sent - (session_lasting(session) ? session->delivered : 0);
    return kept >= SESSION_OUTBOX_MAX || session->sent_bytes + length > SESSION_OUTBOX_BYTES_MAX;
}

enum epoch_role lasting_role(const struct session *session)
{
    return strcmp(session->side, session->peer_side) < 0 ? EPOCH_ROLE_A : EPOCH_ROLE_B;
}

void lasting_wipe(struct session *session)
{
    sodium_memzero(session->epoch_secret, sizeof(session->epoch_secret));
    sodium_memzero(session->root, sizeof(session->root));
    sodium_memzero(session->old_root, sizeof(session->old_root));
    sodium_memzero(session->left_places, sizeof(session->left_places));
}

/* ---- the beginning ---- */

bool lasting_undecided(const struct session *session)
{
    return is_set(session->epoch_secret) && session->peer_versions == NULL;
}

static void begin_epoch(struct step *step)
{
    struct session *session = step->session;
    step_random(step, session->epoch_secret, sizeof(session->epoch_secret));
    sodium_memzero(session->peer_next, sizeof(session->peer_next));
    session->epoch_since = step->context->now;
    session->epoch_messages = session->sent + session->received;
}

/* The shorter one of what either user wants is the session's. */
static void take_expire(struct session *session, int64_t theirs)
{
    if (theirs > 0 && (!session->expires || theirs < session->expire)) {
        session->expire = theirs;
        session->expires = true;
    }
}

/* Whoever has sealed anything but its version by the session key is not lasting. */
void lasting_begin(struct step *step, const struct payload_abilities *abilities)
{
    struct session *session = step->session;
    enum epoch_role role = lasting_role(session);
    struct epoch_introduction introduction = {.key = session->key, .appid = session->appid};
    introduction.sides[role] = session->side;
    introduction.sides[1 - role] = session->peer_side;
    if (!is_set(session->epoch_secret))
        return;
    if (session->state == SESSION_KEYED && abilities->can_last &&
        epoch_first_root(&introduction, role, session->epoch_secret, abilities->lasting.public,
                         session->root)) {
        begin_epoch(step);
        take_expire(session, abilities->lasting.expire);
        routes_begin(step, role, &abilities->lasting);
    } else {
        lasting_wipe(session);
        routes_forget(session);
    }
}

/* ---- places ---- */

const char *visit_side(const struct session *session)
{
    const struct visit *visit = session->visit;
    return visit != NULL && visit->derived ? visit->place.sides[lasting_role(session)]
                                           : session->side;
}

const char *visit_peer_side(const struct session *session)
{
    const struct visit *visit = session->visit;
    return visit != NULL && visit->derived ? visit->place.sides[1 - lasting_role(session)]
                                           : session->peer_side;
}

static void message_key(const struct session *session, uint8_t ret_key[KEY_BYTES])
{
    bool old = session->visit != NULL && session->visit->old;
    epoch_message_key(old ? session->old_root : session->root,
                      session->visit == NULL ? 0 : session->visit->route, ret_key);
}

void visit_phase_key(const struct session *session, const char *side, const char *phase,
                     uint8_t ret_key[KEY_BYTES])
{
    uint8_t key[KEY_BYTES];
    if (session_lasting(session) && strcmp(phase, "version") != 0)
        message_key(session, key);
    else
        memcpy(key, session->key, sizeof(key));
    keys_phase(key, side, phase, ret_key);
    sodium_memzero(key, sizeof(key));
}

bool visit_phase_number(const char *phase, const struct epoch_labels *labels, uint32_t *ret_number)
{
    uint32_t number;
    if (!payload_phase_number(phase, &number) || number < labels->shift)
        return false;
    *ret_number = number - labels->shift;
    return true;
}

bool visit_receipt_number(const char *phase, const struct epoch_labels *labels,
                          uint32_t *ret_number)
{
    uint32_t number;
    if (!payload_receipt_number(phase, &number) || number < labels->shift)
        return false;
    *ret_number = number - labels->shift;
    return true;
}

void visit_mask_nonce(const struct session *session, const uint8_t nonce[KEYS_NONCE_BYTES],
                      uint8_t ret_masked[KEYS_NONCE_BYTES])
{
    for (size_t i = 0; i < KEYS_NONCE_BYTES; i++)
        ret_masked[i] = nonce[i] ^ (session->visit == NULL ? 0 : session->visit->labels.mask[i]);
}

/* The place of an epoch that has this places key. */
static void derive_place(struct session *session, const uint8_t places_key[KEY_BYTES])
{
    struct visit *visit = session->visit;
    uint8_t key[KEY_BYTES];
    visit->derived = true;
    epoch_place(places_key, visit->route, &visit->place);
    /* Of the introduction there is nothing in it. */
    visit->pake_seen = visit->version_seen = true;
    if (visit->left)
        return;
    message_key(session, key);
    epoch_labels(key, visit_side(session), &visit->labels);
    epoch_labels(key, visit_peer_side(session), &visit->peer_labels);
    sodium_memzero(key, sizeof(key));
}

void lasting_choose_place(struct step *step)
{
    struct session *session = step->session;
    struct visit *visit = session->visit;
    uint8_t places_key[KEY_BYTES];
    if (!session_lasting(session))
        return;
    bool closes = !session_alive(session) && !session->flush;
    if (closes)
        lasting_retire(session);
    bool left = is_set(session->left_places) && (closes || session->failures == 0) &&
                routes_visit_left(session);
    visit->shut &= !closes;
    visit->left = visit->shut || left;
    visit->old = !visit->left && session->turn_old && is_set(session->old_root);
    visit->base = visit->next = session->delivered;
    uint32_t epoch = left && !visit->shut ? session->left_epoch : session->epoch - visit->old;
    if (epoch == 0 && visit->route == 0)
        return;
    if (left && !visit->shut)
        memcpy(places_key, session->left_places, sizeof(places_key));
    else
        epoch_places_key(visit->old ? session->old_root : session->root, places_key);
    derive_place(session, places_key);
    sodium_memzero(places_key, sizeof(places_key));
}

/* ---- an epoch that is over ---- */

/* Its messages can no longer be read; its mailbox can still be closed. */
bool lasting_retire(struct session *session)
{
    if (is_set(session->old_root)) {
        epoch_places_key(session->old_root, session->left_places);
        session->left_epoch = session->epoch - 1;
        session->left_tries = 0;
        routes_leave(session);
        sodium_memzero(session->old_root, sizeof(session->old_root));
        sodium_memzero(session->old_public, sizeof(session->old_public));
        cursor_retire(session);
        session->turn_old = false;
    }
    return is_set(session->left_places);
}

void lasting_left_closed(struct step *step)
{
    struct session *session = step->session;
    bool back_at_once = !session_alive(session) || plan_hold_duration(step) > 0;
    bool last = true;
    if (session->visit->shut)
        routes_shut_closed(session);
    else
        last = routes_left_closed(session, session->visit->route);
    if (back_at_once || !last || routes_to_shut(session) || session->called)
        plan_visit_now(step);
    else
        plan_next_visit(step);
    visit_drop(step);
}

void lasting_visit_ended(struct session *session)
{
    const struct visit *visit = session->visit;
    if (!session_lasting(session) || visit->stage == VISIT_CONNECTING)
        return;
    if (visit->left && !visit->shut && ++session->left_tries >= LEFT_TRIES_MAX)
        lasting_forget_left(session);
    if (!visit->left)
        session->turn_old = !visit->old && is_set(session->old_root);
}

/* ---- statements ---- */

void lasting_complete_receipt(const struct session *session, struct payload_receipt *receipt)
{
    if (!session_lasting(session))
        return;
    receipt->has_next = true;
    if (session->receipt_bye) {
        receipt->bye = true;
        /* What was held back never leaves. */
        receipt->bye_sent = session_unverified(session) ? 0 : session->sent;
        strcpy(receipt->bye_result, session_result_name(session->result));
    }
    routes_complete_receipt(session, &receipt->routes);
    receipt->moved = session->visit->old;
    if (session->visit->old)
        memcpy(receipt->next, session->old_public, sizeof(receipt->next));
    else
        epoch_public(session->epoch_secret, receipt->next);
}

/* ---- goodbye ---- */

static enum session_result result_of(const char *word)
{
    for (int result = RESULT_HAPPY; result < SESSION_RESULTS; result++)
        if (strcmp(word, session_result_name((enum session_result)result)) == 0)
            return (enum session_result)result;
    return RESULT_ERRORY;
}

static void take_bye(struct session *session, const struct payload_receipt *receipt)
{
    if (session->closed_by_peer || !receipt->bye)
        return;
    session->closed_by_peer = true;
    session->bye_sent = receipt->bye_sent;
    session->bye_result = result_of(receipt->bye_result);
}

void lasting_part(struct step *step)
{
    const struct session *session = step->session;
    uint32_t missing = session->sent - session->delivered;
    char reason[REASON_ROOM] = "closed by the peer";
    enum session_result result = session->bye_result;
    if (!session->closed_by_peer || !session_alive(session) ||
        session->received < session->bye_sent)
        return;
    if (missing > 0)
        snprintf(reason, sizeof(reason), "closed by the peer, which had not got %u of %u messages",
                 missing, session->sent);
    if (result == RESULT_HAPPY && missing > 0)
        result = RESULT_ERRORY;
    else if (result == RESULT_HAPPY && session->await_answer)
        result = RESULT_LONELY; /* the answer would have ended it before */
    closing_begin(step, result, false, reason);
}

bool lasting_awaits_peer(const struct session *session)
{
    return session_lasting(session) && session->flush && !session->closed_by_peer &&
           (session->retention == 0 || is_set(session->old_root) || session_routed(session));
}

void lasting_take_statement(struct step *step, const struct payload_receipt *receipt)
{
    struct session *session = step->session;
    if (!session_lasting(session) || !receipt->has_next || !epoch_usable(receipt->next))
        return;
    take_bye(session, receipt);
    session->visit->peer_stated = true;
    if (session->visit->old)
        return;
    if (!is_set(session->peer_next)) {
        memcpy(session->peer_next, receipt->next, sizeof(session->peer_next));
        lasting_retire(session);
    } else if (memcmp(session->peer_next, receipt->next, sizeof(session->peer_next)) != 0) {
        if (session_alive(session))
            closing_begin(step, RESULT_ERRORY, false,
                          "the peer's store is an older copy of the session, or one of two");
        return;
    }
    session->visit->peer_moved |= receipt->moved;
}

/* ---- moving ---- */

/* The peer is in this epoch, and from it will find what it needs to follow. */
static bool is_ready(const struct session *session)
{
    return session_lasting(session) && is_set(session->peer_next) && !is_set(session->old_root) &&
           (session->nameplate != NAMEPLATE_CLAIMED || session->visit->route != 0) &&
           !session->copied && !session_unverified(session);
}

static void move(struct step *step)
{
    struct session *session = step->session;
    uint8_t root[KEY_BYTES];
    if (!epoch_next_root(session->root, lasting_role(session), session->epoch_secret,
                         session->peer_next, root))
        return;
    memcpy(session->old_root, session->root, sizeof(session->old_root));
    epoch_public(session->epoch_secret, session->old_public);
    memcpy(session->root, root, sizeof(session->root));
    sodium_memzero(root, sizeof(root));
    session->epoch++;
    session->turn_old = false;
    cursor_move(session);
    begin_epoch(step);
    session->visit->old = session->visit->moved = true;
    session->visit->peer_moved = false;
    receipt_make(step);
}

static int64_t age(const struct step *step)
{
    return step->context->now - step->session->epoch_since;
}

static bool has_messages(const struct session *session)
{
    return session->sent + session->received != session->epoch_messages;
}

static bool may_follow(const struct step *step)
{
    return has_messages(step->session) || age(step) >= EPOCH_AGE_MIN;
}

static bool is_worn(struct step *step)
{
    const struct session *session = step->session;
    const struct visit *visit = session->visit;
    uint64_t idle_bytes = step->context->place_bytes, most = 4 * idle_bytes;
    if (idle_bytes == 0) {
        idle_bytes = PLACE_BYTES_IDLE;
        most = PLACE_BYTES_MAX;
    }
    /* What is undelivered would come along. */
    if (visit->bytes > most && session->sent_bytes <= visit->bytes / 2)
        return true;
    bool idle = session->sent == session->delivered && !session->inbox_full && !visit->incomplete &&
                plan_hold_duration(step) == 0;
    return (idle && visit->bytes > idle_bytes) ||
           (has_messages(session) && age(step) >= EPOCH_AGE_MAX);
}

/* There is one mailbox of an epoch that is over to be closed: with the next it would be left open.
 * Of several relays, one may be down for long. */
static bool closes_left_first(const struct session *session)
{
    return session_alive(session) && is_set(session->left_places) && !session_routed(session);
}

void lasting_settle(struct step *step)
{
    const struct session *session = step->session;
    if (session->visit->old || !is_ready(session) || closes_left_first(session))
        return;
    if (session->visit->peer_moved ? may_follow(step) : session_alive(session) && is_worn(step))
        move(step);
}

bool lasting_evade_crowd(struct step *step)
{
    struct session *session = step->session;
    if (!session_lasting(session))
        return false;
    if (session->visit->left) {
        lasting_left_closed(step);
    } else if (session->visit->old) {
        /* Looks that come sooner would only make it stay so. */
        visit_fail(step, "a third side is in the old mailbox: the relay lets nobody in for a while",
                   plan_crowd_wait(step));
    } else if (is_ready(session)) {
        move(step);
        visit_drop(step);
        plan_visit_now(step);
    } else {
        return false;
    }
    return true;
}

/* ---- when ---- */

bool lasting_met(const struct session *session)
{
    return is_set(session->peer_next);
}

bool lasting_has_old(const struct session *session)
{
    return is_set(session->old_root);
}

bool lasting_has_left(const struct session *session)
{
    return is_set(session->left_places);
}

void lasting_forget_left(struct session *session)
{
    sodium_memzero(session->left_places, sizeof(session->left_places));
    session->left_routes = 0;
}

static bool may_close_left(const struct session *session)
{
    return (is_set(session->left_places) && session->failures == 0) || routes_to_shut(session);
}

bool lasting_leaves(const struct session *session)
{
    const struct visit *visit = session->visit;
    return session_lasting(session) && (may_close_left(session) || visit->old || visit->moved);
}

bool lasting_hurries(const struct session *session)
{
    return session_lasting(session) &&
           (may_close_left(session) || session->turn_old || session->visit->moved);
}

int64_t lasting_cap_wait(const struct step *step, int64_t wait)
{
    const struct session *session = step->session;
    if (session->visit == NULL || !session->visit->peer_moved || !is_ready(session))
        return wait;
    int64_t left = EPOCH_AGE_MIN - age(step);
    if (left < 0)
        left = 0;
    return wait < left ? wait : left;
}

int64_t lasting_cap_hold(const struct step *step, int64_t hold)
{
    const struct session *session = step->session;
    int64_t goodbye_hold = session->waited == 0 ? GOODBYE_HOLD : 0;
    if (is_set(session->old_root) && hold > OLD_INTERVAL)
        hold = OLD_INTERVAL;
    if (!session_alive(session) && hold > goodbye_hold)
        hold = goodbye_hold;
    if (session->visit != NULL)
        hold = routes_cap_hold(session, hold);
    return lasting_cap_wait(step, hold);
}

#include "config.h"

#include "tests/simulation/judge.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "wormhole/payload.h"

/* In any JUDGE_WINDOW a session dials at most so often, besides what stirs bring about: where it
 * may not hold a connection it comes every 12 s; each visit may fail before, and is repeated
 * 0.8, 1.6 and 3.2 s later. Three failures each time make the most of it: 4 dials in 17.6 s. */
#define STORM_CALM 137

static void forget_phases(struct judge_side *side)
{
    for (unsigned i = 0; i < side->phase_count; i++) {
        free(side->phases[i].name);
        free(side->phases[i].body);
    }
    side->phase_count = 0;
}

void judge_clear(struct judge_side *side)
{
    for (unsigned i = 0; i < JUDGE_MESSAGES; i++)
        free(side->sent[i].data);
    forget_phases(side);
}

/* The daemon at the other end: who that is shows when its pake has come. */
static const struct judge_side *peer_of(const struct judge_side *side,
                                        const struct session *session)
{
    for (int i = 0; i < JUDGE_PEERS && side->peers[i] != NULL; i++)
        if (session->peer_side != NULL && strcmp(side->peers[i]->text, session->peer_side) == 0)
            return side->peers[i];
    return NULL;
}

/* ---- the disk ---- */

static void check_pake(struct judge_side *side, const struct session *session)
{
    if (sodium_is_zero(session->pake, sizeof(session->pake)))
        return;
    if (!sodium_is_zero(side->pake, sizeof(side->pake)) &&
        memcmp(side->pake, session->pake, sizeof(side->pake)) != 0)
        trace_fail("%s made a second pake", side->who);
    memcpy(side->pake, session->pake, sizeof(side->pake));
}

static bool same(const struct judge_message *message, const uint8_t *data, size_t length)
{
    return message->length == length && memcmp(message->data, data, length) == 0;
}

/* Rows of the outbox stay as they are until the session ends. */
static void check_outbox(struct judge_side *side, const struct session *session)
{
    for (uint32_t i = 0; i < session->sent && i < JUDGE_MESSAGES; i++) {
        const uint8_t *row;
        size_t length;
        if (!disk_message(side->disk, STORE_OUTBOX, side->id, i, &row, &length)) {
            if (session->state < SESSION_CLOSED &&
                !(session_lasting(session) && i < session->delivered))
                trace_fail("%s lost message %u of its outbox", side->who, i);
            continue;
        }
        struct judge_message *known = &side->sent[i];
        if (known->data == NULL) {
            known->data = malloc(length);
            memcpy(known->data, row, length);
            known->length = length;
        } else if (!same(known, row, length)) {
            trace_fail("%s changed message %u of its outbox", side->who, i);
        }
    }
    if (session->sent < side->sent_count)
        trace_fail("%s forgot how many messages it sent", side->who);
    side->sent_count = session->sent;
}

/* What is in the inbox is what the peer put into its outbox. */
static void check_inbox(struct judge_side *side, const struct session *session)
{
    const struct judge_side *peer = peer_of(side, session);
    for (uint32_t i = 0; i < JUDGE_MESSAGES && session->unread > 0; i++) {
        const uint8_t *data;
        size_t length;
        if (!disk_message(side->disk, STORE_INBOX, side->id, i, &data, &length))
            continue;
        if (side->inbox_full)
            trace_fail("%s got a message through a wrong code", side->who);
        if (i < session->acked)
            trace_fail("%s keeps message %u, which was acknowledged", side->who, i);
        if (peer == NULL)
            continue;
        const struct judge_message *sent = &peer->sent[i];
        if (sent->data == NULL || sent->length != length + KEYS_NONCE_BYTES ||
            memcmp(sent->data + KEYS_NONCE_BYTES, data, length) != 0)
            trace_fail("%s has a message %u that nobody sent", side->who, i);
    }
    if (session->received < side->received)
        trace_fail("%s forgot how many messages it received", side->who);
    side->received = session->received;
}

static void check_receipts(struct judge_side *side, const struct session *session)
{
    const struct judge_side *other = peer_of(side, session);
    const struct session *peer = other == NULL ? NULL : disk_session(other->disk, other->id);
    if (peer == NULL)
        return;
    if (session->delivered > peer->received)
        trace_fail("%s was told of %u deliveries, while %u were durable", side->who,
                   session->delivered, peer->received);
    if (session->read > peer->acked)
        trace_fail("%s was told that %u messages were read, while %u were", side->who,
                   session->read, peer->acked);
}

/* A session gets older. Only one that was handed over goes back to waiting, elsewhere. */
static void check_life(struct judge_side *side, const struct session *session)
{
    if (session->state < side->state && side->state != SESSION_EXPORTED)
        trace_fail("%s was %s, and is %s again", side->who, session_state_name(side->state),
                   session_state_name(session->state));
    /* What was expected to end happily may end otherwise. */
    if (side->result != RESULT_NONE && session->result != side->result &&
        (side->state != SESSION_CLOSING || side->result != RESULT_HAPPY))
        trace_fail("%s ended in two ways", side->who);
    if (side->inbox_full &&
        (session->state == SESSION_ESTABLISHED || session->result == RESULT_HAPPY))
        trace_fail("%s is established through a wrong code", side->who);
    side->state = session->state;
    side->result = session->result;
}

/* No machine of this world was put back or doubled. */
static void check_alone(const struct judge_side *side, const struct session *session)
{
    if (session->copied)
        trace_fail("%s takes its store for a copy", side->who);
}

/* ---- places ---- */

static const struct judge_place *place_of_side(const struct judge_side *side, const char *text)
{
    for (unsigned i = side->place_count; i-- > 0;)
        if (strcmp(side->places[i].side, text) == 0)
            return &side->places[i];
    return NULL;
}

bool judge_is_side(const struct judge_side *side, const char *text)
{
    return strcmp(side->text, text) == 0 || place_of_side(side, text) != NULL;
}

/* The places of the epochs whose roots are durable. That of the introduction has no labels. */
static void note_place(struct judge_side *side, const struct session *session, const uint8_t *root,
                       uint32_t epoch)
{
    struct epoch_place place;
    uint8_t key[KEY_BYTES];
    enum epoch_role role =
        strcmp(session->side, session->peer_side) < 0 ? EPOCH_ROLE_A : EPOCH_ROLE_B;
    if (epoch == 0 || sodium_is_zero(root, KEY_BYTES) ||
        (side->place_count > 0 && side->places[side->place_count - 1].epoch >= epoch))
        return;
    if (side->place_count == JUDGE_PLACES) {
        trace_fail("%s has more epochs than there are reasons for", side->who);
        return;
    }
    struct judge_place *noted = &side->places[side->place_count++];
    epoch_places_key(root, key);
    epoch_place(key, 0, &place);
    trace(side->who, "is in epoch %u", epoch);
    noted->epoch = epoch;
    strcpy(noted->mailbox, place.mailbox);
    strcpy(noted->side, place.sides[role]);
    epoch_message_key(root, 0, key);
    epoch_labels(key, noted->side, &noted->labels);
    judge_stirred(side);
}

static void check_epoch(struct judge_side *side, const struct session *session)
{
    if (session->epoch < side->epoch && session_lasting(session))
        trace_fail("%s went back to an earlier epoch", side->who);
    if (session_lasting(session)) {
        side->epoch = session->epoch;
        note_place(side, session, session->root, session->epoch);
    }
}

/* Who closed after all went well has said all, and who has not says so. */
static void check_end(struct judge_side *side, const struct session *session)
{
    if (session->state != SESSION_CLOSED)
        return;
    if (session_code(session) != NULL || !sodium_is_zero(session->key, sizeof(session->key)) ||
        !sodium_is_zero(session->scalar, sizeof(session->scalar)) || session_lasting(session) ||
        !sodium_is_zero(session->old_root, sizeof(session->old_root)) ||
        !sodium_is_zero(session->epoch_secret, sizeof(session->epoch_secret)))
        trace_fail("%s has closed and keeps its secrets", side->who);
    if (session->stored >= session->sent)
        return;
    if (session->result == RESULT_HAPPY)
        trace_fail("%s closed happily with %u of %u messages sent", side->who, session->stored,
                   session->sent);
    else if (strstr(session->reason, "not sent") == NULL)
        trace_fail("%s does not say that %u of %u messages were not sent", side->who,
                   session->sent - session->stored, session->sent);
}

/* Who has met a stranger on the nameplate begins anew, as another side; and then only. */
static void check_side(struct judge_side *side, const struct session *session)
{
    if (!side->known || strcmp(side->text, session->side) == 0)
        return;
    if (session->strangers != side->strangers + 1 || session->state != SESSION_WAITING)
        trace_fail("%s took another side", side->who);
    strcpy(side->former, side->text);
    strcpy(side->text, session->side);
    side->strangers = session->strangers;
    side->state = session->state;
    memset(side->pake, 0, sizeof(side->pake));
    forget_phases(side);
}

void judge_committed(struct judge_side *side)
{
    const struct session *session = disk_session(side->disk, side->id);
    if (session == NULL)
        return;
    check_side(side, session);
    check_epoch(side, session);
    check_pake(side, session);
    check_outbox(side, session);
    check_inbox(side, session);
    check_receipts(side, session);
    check_life(side, session);
    check_alone(side, session);
    check_end(side, session);
    if (session->state >= SESSION_CLOSING && session->result == RESULT_NONE &&
        session->state != SESSION_EXPORTED)
        trace_fail("%s ended without a result", side->who);
    if (session->result != RESULT_NONE && session->reason == NULL)
        trace_fail("%s ended without a reason", side->who);
}

/* ---- what the relay hears: nothing that is not durable ---- */

static struct judge_phase *find_phase(struct judge_side *side, const char *name)
{
    for (unsigned i = 0; i < side->phase_count; i++)
        if (strcmp(side->phases[i].name, name) == 0)
            return &side->phases[i];
    return NULL;
}

static void check_repetition(struct judge_side *side, const char *as, const char *phase_name,
                             const char *body)
{
    char name[128];
    snprintf(name, sizeof(name), "%s %s", as, phase_name);
    struct judge_phase *phase = find_phase(side, name);
    if (phase == NULL && side->phase_count < JUDGE_PHASES) {
        side->phases[side->phase_count++] =
            (struct judge_phase){.name = strdup(name), .body = strdup(body)};
    } else if (phase != NULL && strcmp(phase->body, body) != 0) {
        trace_fail("%s said two different things as phase %s", side->who, name);
    }
}

static void check_add(struct judge_side *side, const struct session *session, const char *as,
                      const json_t *message)
{
    const struct judge_place *place = place_of_side(side, as);
    const char *phase = json_string_value(json_object_get(message, "phase"));
    const char *body = json_string_value(json_object_get(message, "body"));
    const uint8_t *row;
    size_t length;
    uint32_t number;
    check_repetition(side, as, phase, body);
    if (strcmp(phase, "pake") == 0) {
        if (sodium_is_zero(session->pake, sizeof(session->pake)))
            trace_fail("%s told a pake that is not durable", side->who);
    } else if (strcmp(phase, "version") == 0) {
        if (session->peer_side == NULL)
            trace_fail("%s told a version before its key is durable", side->who);
    } else if (payload_phase_number(phase, &number)) {
        number -= place == NULL ? 0 : place->labels.shift;
        if (number < session->delivered && session_lasting(session))
            return; /* the peer has confirmed it meanwhile */
        if (session->state < SESSION_ESTABLISHED)
            trace_fail("%s told message %u before the peer was proven", side->who, number);
        if (session->verification == VERIFICATION_PENDING)
            trace_fail("%s told message %u before the verifiers were compared", side->who, number);
        if (session->state != SESSION_CLOSED &&
            !disk_message(side->disk, STORE_OUTBOX, side->id, number, &row, &length))
            trace_fail("%s told message %u, which is not durable", side->who, number);
    }
}

static void check_claim(struct judge_side *side, const struct session *session, const char *as,
                        const json_t *message)
{
    (void)as;
    (void)message;
    if (session_code(session) == NULL || session->nameplate == NAMEPLATE_NONE)
        if (session->state != SESSION_CLOSED)
            trace_fail("%s claimed a nameplate, and would not know it after a crash", side->who);
}

static void check_close(struct judge_side *side, const struct session *session, const char *as,
                        const json_t *message)
{
    const struct judge_place *place = place_of_side(side, as);
    (void)message;
    /* The place of an epoch that is over is closed, and no other before the end. */
    uint32_t alive = session->epoch - !sodium_is_zero(session->old_root, KEY_BYTES);
    bool over = (place == NULL ? 0 : place->epoch) < alive;
    if (session->result == RESULT_NONE && !over)
        trace_fail("%s closed its mailbox, and would not know why after a crash", side->who);
}

static void check_bind(struct judge_side *side, const struct session *session, const char *as,
                       const json_t *message)
{
    if (place_of_side(side, as) == NULL &&
        strcmp(json_string_value(json_object_get(message, "side")), session->side) != 0)
        trace_fail("%s came under another side", side->who);
}

static const struct {
    const char *type;
    void (*check)(struct judge_side *side, const struct session *session, const char *as,
                  const json_t *message);
} checks[] = {
    {"add", check_add},
    {"claim", check_claim},
    {"bind", check_bind},
    {"close", check_close},
};

static void check_durable(struct judge_side *side, const char *type, const char *as,
                          const json_t *message)
{
    for (unsigned i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        const struct session *session;
        if (strcmp(type, checks[i].type) != 0)
            continue;
        session = disk_session(side->disk, side->id);
        if (session != NULL)
            checks[i].check(side, session, as, message);
    }
}

/* The fence: what a mailbox holds is not added to it again. */
static void check_fence(struct judge_side *side, const char *type)
{
    if (strcmp(type, "open") == 0)
        side->looking = true;
    if (side->looking && strcmp(type, "add") == 0)
        trace_fail("%s adds to a mailbox before it knows what that holds", side->who);
}

void judge_heard(struct judge_side *side, const char *text)
{
    if (strstr(text, "\"type\":\"pong\"") != NULL)
        side->looking = false;
}

void judge_told_last(struct judge_side *side, const char *text)
{
    json_t *message = json_loads(text, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    const char *phase = json_string_value(json_object_get(message, "phase"));
    bool number = phase != NULL && strcmp(phase, "pake") != 0 && strcmp(phase, "version") != 0;
    if (type == NULL || number || strcmp(type, "claim") == 0 || strcmp(type, "open") == 0)
        trace_fail("%s speaks as the side that it was before: %s", side->who, text);
    json_decref(message);
}

void judge_told(struct judge_side *side, const char *as, const char *text)
{
    json_t *message = json_loads(text, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    if (type == NULL)
        trace_fail("%s told the relay nonsense: %s", side->who, text);
    else
        check_durable(side, type, as, message);
    if (type != NULL)
        check_fence(side, type);
    side->allocates += type != NULL && strcmp(type, "allocate") == 0;
    json_decref(message);
}

/* ---- how often it comes ---- */

void judge_note(struct judge_times *times)
{
    times->when[times->count++ % JUDGE_TIMES] = timeline_now();
}

static unsigned within(const struct judge_times *times, int64_t window)
{
    unsigned found = 0;
    for (unsigned i = 0; i < JUDGE_TIMES && i < times->count; i++)
        found += times->when[i] > timeline_now() - window;
    return found;
}

unsigned judge_recent(const struct judge_times *times)
{
    return within(times, JUDGE_WINDOW);
}

void judge_stirred(struct judge_side *side)
{
    judge_note(&side->stirs);
}

/* What a stir sets going may last as long as the window does. While two places are alive, each
 * visit is two. */
unsigned judge_allowance(const struct judge_side *side)
{
    unsigned visits = side->visits_a_stir * (side->place_count > 0 ? 2 : 1);
    return STORM_CALM + visits * (1 + within(&side->stirs, 2 * JUDGE_WINDOW));
}

/* ---- what the user is told ---- */

static bool same_text(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

void judge_answered(struct judge_side *side, const struct session *session)
{
    const struct session *durable = disk_session(side->disk, side->id);
    if (durable == NULL || durable->state != session->state || durable->sent != session->sent ||
        durable->acked != session->acked || durable->verification != session->verification ||
        durable->schedule_start != session->schedule_start || durable->wake != session->wake ||
        !same_text(durable->name, session->name))
        trace_fail("%s told its user of something that is not durable", side->who);
}

/* In the turn that took it the session may have ended, and let go of all: its result says why. */
void judge_accepted(struct judge_side *side, uint32_t number)
{
    const struct session *session = disk_session(side->disk, side->id);
    const uint8_t *row;
    size_t length;
    if (session != NULL && session->state < SESSION_CLOSED &&
        !disk_message(side->disk, STORE_OUTBOX, side->id, number, &row, &length))
        trace_fail("%s told its user that message %u is kept, and it is not durable", side->who,
                   number);
}

void judge_got(struct judge_side *side, uint32_t number, const uint8_t *data, size_t length)
{
    const struct session *session = disk_session(side->disk, side->id);
    const struct judge_side *peer = peer_of(side, session);
    const struct judge_message *sent;
    if (side->inbox_full)
        trace_fail("%s gave its user a message through a wrong code", side->who);
    if (number > side->read)
        trace_fail("%s gave its user message %u before message %u", side->who, number, side->read);
    if (number == side->read)
        side->read++;
    if (peer == NULL)
        return;
    sent = &peer->sent[number];
    if (sent->data == NULL || sent->length != length + KEYS_NONCE_BYTES ||
        memcmp(sent->data + KEYS_NONCE_BYTES, data, length) != 0)
        trace_fail("%s gave its user a message %u that the peer's did not send", side->who, number);
}

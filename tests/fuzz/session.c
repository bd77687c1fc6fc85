/*
 * Messages of a relay into a session. A line is what happens next, its first byte says what:
 *
 *     {      the relay says this line (JSON)
 *     e      the relay answers, as it should, the oldest thing that it was told
 *     P V    the peer's right pake; its version: the rest of the line, sealed with the right key
 *     0 … 9  the peer's message of this number: the rest of the line, sealed with the right key
 *     w      time passes until the session is due, and it wakes
 *     t      a day passes, and it wakes
 *     l      the connection is lost
 *     c      the daemon is killed and starts again
 *     r      the peer's receipt: the rest of the line, sealed with the right key
 *     s a    the user sends the rest of the line; acknowledges the number that the next byte is
 *     x p    the user closes; wants a visit
 *     v      the user compared the verifiers: they agree if the next byte is 'y'
 *     n      the user gives it the rest of the line as its petname
 *     X      the user hands it over; 'i' after it: and it goes on here, from its text
 *     d      the daemon cannot visit now
 *
 * The first byte of all: 'A' if the session has to ask for a code, 'Q' if the verifiers are to be
 * compared, 'L' if its inbox takes two messages.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "state/export.h"
#include "state/record.h"
#include "wormhole/payload.h"
#include "wormhole/session.h"
#include "wormhole/wire.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR ((int64_t)3600 * 1000)
#define CODE "4-purple-sausages"
#define PEER "peerside01"
/* Lines of one input: more make a fuzzer slow and tell it nothing new. */
#define LINES_MAX 200
/* Texts to the relay that wait for its answer, and rows of the outbox. Each line makes a few. */
#define QUEUE_MAX 1024
#define BOX_MAX   256

struct row {
    uint8_t *data;
    size_t length;
};

struct world {
    struct session *session;
    int64_t now;
    uint64_t seed;
    char *told[QUEUE_MAX];
    unsigned first, last;
    struct row outbox[BOX_MAX];
    uint8_t key[KEY_BYTES]; /* once there is a peer */
    bool keyed, connected, forgotten;
    uint32_t receipts; /* how many were made, and the newest one's nonce */
    uint8_t receipt_nonce[KEYS_NONCE_BYTES];
};

static struct session_context context_of(struct world *world)
{
    return (struct session_context){.now = world->now,
                                    .random = fuzz_random,
                                    .random_arg = &world->seed,
                                    .may_hold = world->seed & 1,
                                    .keep = HOUR};
}

/* ---- what a step wants ---- */

static void hear(struct world *world, char *text)
{
    FUZZ_HOLDS(text != NULL && world->connected);
    if (world->last < QUEUE_MAX)
        world->told[world->last++] = text;
    else
        free(text);
}

static void add(struct world *world, uint32_t number)
{
    FUZZ_HOLDS(number < BOX_MAX && world->outbox[number].data != NULL);
    hear(world, session_seal(world->session, number, world->outbox[number].data,
                             world->outbox[number].length));
}

static void disconnect(struct world *world)
{
    world->connected = false;
    while (world->first < world->last)
        free(world->told[world->first++]);
}

static void carry_out(struct world *world, struct session_effect *effect)
{
    switch (effect->type) {
    case EFFECT_CONNECT:
        FUZZ_HOLDS(!world->connected);
        world->connected = true;
        break;
    case EFFECT_SEND:
        hear(world, strdup(effect->text));
        break;
    case EFFECT_ADD:
        add(world, effect->number);
        break;
    case EFFECT_PROVE:
        break;
    case EFFECT_DISCONNECT:
        disconnect(world);
        break;
    }
}

static void forget_outbox(struct world *world)
{
    for (size_t i = 0; i < BOX_MAX; i++) {
        free(world->outbox[i].data);
        world->outbox[i] = (struct row){0};
    }
}

static void keep(struct world *world, struct session_write *write)
{
    const struct session *session = world->session;

    if (write->type == WRITE_OUTBOX) {
        FUZZ_HOLDS(write->number < BOX_MAX && world->outbox[write->number].data == NULL);
        world->outbox[write->number] = (struct row){write->data, write->length};
        write->data = NULL;
    } else if (write->type == WRITE_INBOX) {
        FUZZ_HOLDS(write->number >= session->acked);
        FUZZ_HOLDS(write->number <= session->received + SESSION_AHEAD_MAX);
        FUZZ_HOLDS(!session->inbox_full || session->unread > 0);
    } else if (write->type == WRITE_FORGET) {
        world->forgotten = true;
    }
}

/* Writes the session as its store would. */
static struct kv_record record_of(const struct session *session)
{
    struct kv_record record = {0};

    FUZZ_HOLDS(session_record_encode(session, &record) == KV_OK);
    return record;
}

/* One phase never says two things: what a receipt says is settled when it is made. */
static void check_receipts(struct world *world)
{
    const struct session *session = world->session;

    if (session->receipts == world->receipts)
        FUZZ_HOLDS(memcmp(world->receipt_nonce, session->receipt_nonce, KEYS_NONCE_BYTES) == 0);
    FUZZ_HOLDS(session->receipts == 0 || session->peer_receipts);
    FUZZ_HOLDS(session->receipt_delivered <= session->received);
    FUZZ_HOLDS(session->read <= session->delivered && session->delivered <= session->sent);
    world->receipts = session->receipts;
    memcpy(world->receipt_nonce, session->receipt_nonce, KEYS_NONCE_BYTES);
}

/* Who has not compared the verifiers gives nothing out, in either direction. */
static void check_verification(const struct session *session, const struct outcome *outcome)
{
    if (session->verification != VERIFICATION_PENDING)
        return;
    FUZZ_HOLDS(session->receipts == 0 && !session->flush);
    for (size_t i = 0; i < outcome->effect_count; i++)
        FUZZ_HOLDS(outcome->effects[i].type != EFFECT_ADD);
    FUZZ_HOLDS(session->state < SESSION_CLOSING || session->unread == 0);
}

/* Who was handed over does nothing. */
static void check_exported(const struct session *session, const struct outcome *outcome)
{
    if (session->state != SESSION_EXPORTED)
        return;
    FUZZ_HOLDS(session->wake == session_deadline(session) && session->visit == NULL);
    FUZZ_HOLDS(outcome->write_count == 0);
    for (size_t i = 0; i < outcome->effect_count; i++)
        FUZZ_HOLDS(outcome->effects[i].type == EFFECT_DISCONNECT);
}

/* The first key is the only one, until it is wiped. */
static void check_key(struct world *world)
{
    const struct session *session = world->session;

    if (session->peer_side == NULL || session->state == SESSION_CLOSED)
        return;
    if (!world->keyed)
        memcpy(world->key, session->key, KEY_BYTES);
    world->keyed = true;
    FUZZ_HOLDS(memcmp(world->key, session->key, KEY_BYTES) == 0);
}

/* All that a session's journal must not be the only change of. */
static struct kv_record record_without_journal(struct session *session)
{
    struct journal journal = session->journal;

    session->journal = (struct journal){0};
    struct kv_record record = record_of(session);
    session->journal = journal;
    return record;
}

/* It tells only of what becomes durable anyway, and stays within its bounds. */
static void check_journal(struct world *world, struct kv_record *before, struct kv_record *bare)
{
    struct kv_record after = record_of(world->session);
    struct kv_record bare_after = record_without_journal(world->session);
    bool same =
        before->length == after.length && memcmp(before->data, after.data, after.length) == 0;
    bool same_but_for_it = bare->length == bare_after.length &&
                           memcmp(bare->data, bare_after.data, bare_after.length) == 0;

    FUZZ_HOLDS(same == same_but_for_it);
    FUZZ_HOLDS(world->session->journal.length <= JOURNAL_BYTES_MAX);
    kv_record_clear(before);
    kv_record_clear(bare);
    kv_record_clear(&after);
    kv_record_clear(&bare_after);
}

static void step(struct world *world, const struct session_event *event)
{
    struct session_context context = context_of(world);
    struct outcome outcome = {0};
    struct kv_record before = record_of(world->session);
    struct kv_record bare = record_without_journal(world->session);
    enum session_refusal refusal = session_step(world->session, event, &context, &outcome);

    FUZZ_HOLDS(!outcome.no_memory);
    FUZZ_HOLDS(refusal == SESSION_ACCEPTED || outcome.write_count + outcome.effect_count == 0);
    check_verification(world->session, &outcome);
    check_exported(world->session, &outcome);
    for (size_t i = 0; i < outcome.write_count; i++)
        keep(world, &outcome.writes[i]);
    if (world->session->state == SESSION_CLOSED)
        forget_outbox(world);
    for (size_t i = 0; i < outcome.effect_count; i++)
        carry_out(world, &outcome.effects[i]);
    outcome_clear(&outcome);
    FUZZ_HOLDS((world->session->visit != NULL) == world->connected);
    FUZZ_HOLDS(world->session->state != SESSION_CLOSED || session_code(world->session) == NULL);
    check_key(world);
    check_receipts(world);
    check_journal(world, &before, &bare);
}

static void step_relay(struct world *world, const struct wire_message *message)
{
    /* Who is not connected hears nothing. */
    if (world->connected)
        step(world, &(struct session_event){.type = EVENT_RELAY, .relay = message});
}

/* ---- the relay ---- */

static void say_line(struct world *world, uint8_t what, struct fuzz_input rest)
{
    struct wire_message message;
    struct fuzz_input line = {rest.data - 1, rest.length + 1};
    uint8_t *text = fuzz_copy(line);

    (void)what;
    if (wire_parse((const char *)text, line.length, &message) == WIRE_OK) {
        step_relay(world, &message);
        wire_free(&message);
    }
    free(text);
}

/* What an honest relay answers; commands that it answers with nothing are not listed. */
static json_t *answer(const struct session *session, const json_t *told)
{
    const char *type = json_string_value(json_object_get(told, "type"));

    if (strcmp(type, "ping") == 0)
        return json_pack("{s:s,s:O}", "type", "pong", "pong", json_object_get(told, "ping"));
    if (strcmp(type, "allocate") == 0)
        return json_pack("{s:s,s:s}", "type", "allocated", "nameplate", "4");
    if (strcmp(type, "claim") == 0)
        return json_pack("{s:s,s:s}", "type", "claimed", "mailbox", "m");
    if (strcmp(type, "release") == 0)
        return json_pack("{s:s}", "type", "released");
    if (strcmp(type, "close") == 0)
        return json_pack("{s:s}", "type", "closed");
    if (strcmp(type, "add") == 0)
        return json_pack("{s:s,s:s,s:O,s:O}", "type", "message", "side", session->side, "phase",
                         json_object_get(told, "phase"), "body", json_object_get(told, "body"));
    return NULL;
}

static void say_answer(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    if (world->first == world->last)
        return;
    char *told = world->told[world->first++];
    json_t *said = json_loads(told, 0, NULL), *reply = answer(world->session, said);
    char *text = reply != NULL ? json_dumps(reply, 0) : NULL;
    struct wire_message message;

    if (text != NULL) {
        FUZZ_HOLDS(wire_parse(text, strlen(text), &message) == WIRE_OK);
        step_relay(world, &message);
        wire_free(&message);
    }
    free(text);
    json_decref(reply);
    json_decref(said);
    free(told);
}

static void say_lost(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    disconnect(world);
    step(world, &(struct session_event){.type = EVENT_LOST, .text = "the connection was lost"});
}

/* ---- the peer, who knows the code ---- */

static void say_phase(struct world *world, const char *phase, const void *body, size_t length)
{
    uint8_t *copy = fuzz_copy((struct fuzz_input){body, length});

    step_relay(world, &(struct wire_message){.type = WIRE_MESSAGE,
                                             .side = PEER,
                                             .phase = phase,
                                             .body = copy,
                                             .body_length = length});
    free(copy);
}

static bool is_keyed(const struct session *session)
{
    return session->peer_side != NULL && session->state < SESSION_CLOSING;
}

/* Again and again, as every visit replays it: then it changes nothing. */
static void say_pake(struct world *world, uint8_t what, struct fuzz_input rest)
{
    static const uint8_t random[PAKE_RANDOM_BYTES] = {7};
    const struct session *session = world->session;
    uint8_t scalar[PAKE_SCALAR_BYTES], message[PAKE_MESSAGE_BYTES];
    enum session_state before = session->state;
    bool again = is_keyed(session);

    (void)what;
    (void)rest;
    FUZZ_HOLDS(pake_start(CODE, random, scalar, message));
    char *body = payload_pake(message);

    FUZZ_HOLDS(body != NULL);
    say_phase(world, "pake", body, strlen(body));
    free(body);
    FUZZ_HOLDS(!again || session->state == before);
}

static void say_sealed(struct world *world, uint8_t what, struct fuzz_input rest)
{
    static const uint8_t nonce[KEYS_NONCE_BYTES];
    const char *phase = what == 'V'   ? "version"
                        : what == 'r' ? "wormholed-receipt-0"
                                      : (char[]){(char)what, '\0'};
    uint8_t key[KEY_BYTES];
    uint8_t *sealed = malloc(rest.length + KEYS_SEALED_EXTRA);

    FUZZ_HOLDS(sealed != NULL);
    /* The session's key, which the peer has too; zeros, as long as there is none. */
    keys_phase(world->session->key, PEER, phase, key);
    keys_seal(key, nonce, rest.data, rest.length, sealed);
    say_phase(world, phase, sealed, rest.length + KEYS_SEALED_EXTRA);
    free(sealed);
}

/* ---- time, and the daemon ---- */

static void wake(struct world *world)
{
    step(world, &(struct session_event){.type = EVENT_WAKE});
}

static void say_wake(struct world *world, uint8_t what, struct fuzz_input rest)
{
    const struct session *session = world->session;
    int64_t when = session->visit != NULL ? session_alarm(session) : session->wake;

    (void)what;
    (void)rest;
    if (when > world->now && when != INT64_MAX)
        world->now = when;
    wake(world);
}

static void say_day(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    world->now += 24 * HOUR;
    wake(world);
}

/* What is stored is all that is left, and says the same. */
static void say_crash(struct world *world, uint8_t what, struct fuzz_input rest)
{
    struct kv_record before = record_of(world->session), after;
    struct session *again;

    (void)what;
    (void)rest;
    disconnect(world);
    FUZZ_HOLDS(session_record_decode(world->session->id, before.data, before.length, &again) ==
               KV_OK);
    after = record_of(again);
    FUZZ_HOLDS(before.length == after.length && memcmp(before.data, after.data, after.length) == 0);
    kv_record_clear(&before);
    kv_record_clear(&after);
    session_free(world->session);
    world->session = again;
}

static void say_postpone(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    step(world, &(struct session_event){
                    .type = EVENT_POSTPONE, .until = world->now + HOUR, .text = "refused"});
}

/* ---- the user ---- */

static void say_send(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    step(world,
         &(struct session_event){.type = EVENT_SEND, .data = rest.data, .length = rest.length});
}

static void say_ack(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    step(world, &(struct session_event){.type = EVENT_ACK, .number = fuzz_byte(&rest)});
}

static void say_command(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)rest;
    step(world, &(struct session_event){.type = what == 'x' ? EVENT_CLOSE : EVENT_POLL});
}

static void say_verify(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    step(world, &(struct session_event){.type = EVENT_VERIFY, .number = fuzz_byte(&rest) == 'y'});
}

/* The daemon checks names before. */
static void say_rename(struct world *world, uint8_t what, struct fuzz_input rest)
{
    char *name = fuzz_text(rest);

    (void)what;
    step(world, &(struct session_event){.type = EVENT_RENAME, .text = *name != 0 ? name : NULL});
    free(name);
}

/* What was handed over is taken back, if its text can be read: names may be what no daemon gives.
 */
static void come_back(struct world *world)
{
    struct session_context context = context_of(world);
    struct session *again;
    char *text;

    if (export_write(world->session, &text) != EXPORT_OK)
        return;
    FUZZ_HOLDS(export_read(text, strlen(text), &again) == EXPORT_OK);
    export_free_text(text);
    session_resume(again, &context);
    FUZZ_HOLDS(again->state == SESSION_WAITING && again->exports == world->session->exports);
    session_free(world->session);
    world->session = again;
}

static void say_export(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    step(world, &(struct session_event){.type = EVENT_EXPORT});
    if (world->session->state == SESSION_EXPORTED && fuzz_byte(&rest) == 'i')
        come_back(world);
}

static void (*const happenings[256])(struct world *, uint8_t what, struct fuzz_input rest) = {
    ['{'] = say_line,    ['e'] = say_answer,  ['P'] = say_pake,     ['V'] = say_sealed,
    ['0'] = say_sealed,  ['1'] = say_sealed,  ['2'] = say_sealed,   ['3'] = say_sealed,
    ['4'] = say_sealed,  ['5'] = say_sealed,  ['6'] = say_sealed,   ['7'] = say_sealed,
    ['8'] = say_sealed,  ['9'] = say_sealed,  ['w'] = say_wake,     ['t'] = say_day,
    ['l'] = say_lost,    ['c'] = say_crash,   ['s'] = say_send,     ['a'] = say_ack,
    ['x'] = say_command, ['p'] = say_command, ['d'] = say_postpone, ['r'] = say_sealed,
    ['v'] = say_verify,  ['n'] = say_rename,  ['X'] = say_export,
};

/* ---- begin and end ---- */

static void open_world(struct world *world, uint8_t first)
{
    struct schedule schedule;

    *world = (struct world){.now = 1700000000000, .seed = 1};
    FUZZ_HOLDS(schedule_parse("realtime", &schedule) == SCHEDULE_OK);
    struct session_context context = context_of(world);
    const struct session_options options = {.appid = "example.com/test",
                                            .relay = "ws://relay.invalid/v1",
                                            .code = first == 'A' ? NULL : CODE,
                                            .verify = first == 'Q',
                                            .inbox_messages = first == 'L' ? 2 : 0,
                                            .schedule = &schedule,
                                            .words = CODE_WORDS_DEFAULT};

    world->session = session_new(&options, &context);
    FUZZ_HOLDS(world->session != NULL);
}

static void close_world(struct world *world)
{
    disconnect(world);
    forget_outbox(world);
    session_free(world->session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length}, line;
    static struct world world;

    open_world(&world, length > 0 ? data[0] : 0);
    for (int i = 0; i < LINES_MAX && !world.forgotten && fuzz_line(&input, &line); i++) {
        uint8_t what = fuzz_byte(&line);

        if (happenings[what] != NULL)
            happenings[what](&world, what, line);
    }
    close_world(&world);
    return 0;
}

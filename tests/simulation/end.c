#include "config.h"

#include "tests/simulation/end.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "wormhole/wire.h"

/* xorshift64*: the same seed, the same session. */
static void draw(void *arg, void *buffer, size_t length)
{
    struct end *end = arg;
    uint8_t *bytes = buffer;
    for (size_t i = 0; i < length; i++) {
        end->seed ^= end->seed >> 12;
        end->seed ^= end->seed << 25;
        end->seed ^= end->seed >> 27;
        bytes[i] = (uint8_t)(end->seed * 0x2545f4914f6cdd1du >> 56);
    }
}

static struct session_context context_of(struct end *end)
{
    return (struct session_context){.now = end->now,
                                    .random = draw,
                                    .random_arg = end,
                                    .may_hold = end->may_hold,
                                    .attended = end->attended,
                                    .doubted_until = end->doubted_until,
                                    .keep = 3600 * 1000};
}

static void open_session(struct end *end, struct stock *stock, const char *code,
                         const char *schedule, uint64_t seed, bool lasting, const char *more_relays)
{
    struct schedule parsed;
    schedule_parse(schedule, &parsed);
    *end = (struct end){
        .stock = stock, .now = 1000000, .seed = seed * 2654435761u + 1, .may_hold = true};
    struct session_context context = context_of(end);
    end->session = session_new(&(struct session_options){.appid = "example.com/test",
                                                         .relay = "ws://relay.invalid/v1",
                                                         .code = code,
                                                         .schedule = &parsed,
                                                         .words = CODE_WORDS_DEFAULT,
                                                         .lasting = lasting,
                                                         .more_relays = more_relays},
                               &context);
}

void end_open(struct end *end, struct stock *stock, const char *code, const char *schedule,
              uint64_t seed)
{
    open_session(end, stock, code, schedule, seed, false, NULL);
}

void end_open_lasting(struct end *end, struct stock *stock, const char *code, const char *schedule,
                      uint64_t seed)
{
    open_session(end, stock, code, schedule, seed, true, NULL);
}

void end_open_routed(struct end *end, struct stock *stock, const char *code, const char *schedule,
                     uint64_t seed, const char *more_relays)
{
    open_session(end, stock, code, schedule, seed, true, more_relays);
}

static void empty_network(struct end *end)
{
    if (end->connection != NULL)
        stock_disconnect(end->connection);
    end->connection = NULL;
    while (end->count > 0) {
        free(end->from_relay[end->first++ % 1024]);
        end->count--;
    }
}

static void forget_messages(struct end_message *box, uint32_t below)
{
    for (uint32_t i = 0; i < below && i < END_MESSAGES; i++) {
        free(box[i].data);
        box[i] = (struct end_message){0};
    }
}

void end_free(struct end *end)
{
    empty_network(end);
    forget_messages(end->outbox, END_MESSAGES);
    forget_messages(end->inbox, END_MESSAGES);
    session_free(end->session);
}

/* ---- the pretend network ---- */

static void from_relay(void *arg, const char *text)
{
    struct end *end = arg;
    end->from_relay[(end->first + end->count++) % 1024] = strdup(text == NULL ? "" : text);
}

void end_lose(struct end *end)
{
    empty_network(end);
    end_step(end, &(struct session_event){.type = EVENT_LOST, .text = "the connection was lost"});
}

static void note_added(struct end *end, const char *text)
{
    json_t *command = json_loads(text, 0, NULL);
    size_t used = strlen(end->added);
    if (strcmp(json_string_value(json_object_get(command, "type")), "add") == 0) {
        snprintf(end->added + used, sizeof(end->added) - used, "%s%s", used > 0 ? " " : "",
                 json_string_value(json_object_get(command, "phase")));
        end->adds++;
    }
    json_decref(command);
}

static void to_relay(struct end *end, const char *text)
{
    if (end->connection == NULL)
        return;
    note_added(end, text);
    stock_receive(end->connection, text);
    if (end->lose_after > 0 && --end->lose_after == 0) {
        /* The relay has got it; its answers are lost. */
        empty_network(end);
        from_relay(end, NULL);
    }
}

/* NULL: the connection fails. */
static void connect_to(struct end *end, struct stock *stock)
{
    if (stock != NULL)
        end->connection = stock_connect(stock, from_relay, end, end->refuse);
    else
        from_relay(end, NULL);
}

static void carry_out(struct end *end, const struct session_effect *effect)
{
    const struct end_message *row = &end->outbox[effect->number % END_MESSAGES];
    char *sealed;
    switch (effect->type) {
    case EFFECT_CONNECT:
        end->connects++;
        connect_to(end,
                   end->reach == NULL ? end->stock : end->reach(end, session_relay(end->session)));
        break;
    case EFFECT_SEND:
        to_relay(end, effect->text);
        break;
    case EFFECT_ADD:
        sealed = session_seal(end->session, effect->number, row->data, row->length);
        if (sealed != NULL)
            to_relay(end, sealed);
        free(sealed);
        break;
    case EFFECT_PROVE:
        end->proofs++;
        break;
    case EFFECT_DISCONNECT:
        empty_network(end);
        break;
    }
}

/* ---- the pretend disk ---- */

static void put(struct end_message *box, const struct session_write *write)
{
    struct end_message *row = &box[write->number % END_MESSAGES];
    free(row->data);
    row->data = malloc(write->length + 1);
    memcpy(row->data, write->data, write->length);
    row->data[write->length] = '\0';
    row->length = write->length;
}

static void keep(struct end *end, const struct session_write *write)
{
    switch (write->type) {
    case WRITE_OUTBOX:
        put(end->outbox, write);
        break;
    case WRITE_INBOX:
        put(end->inbox, write);
        break;
    case WRITE_INBOX_FORGET:
        forget_messages(end->inbox, write->number);
        break;
    case WRITE_OUTBOX_FORGET:
        for (uint32_t i = 0; i < write->number && i < END_MESSAGES; i++)
            if (end->outbox[i].data != NULL)
                end->session->sent_bytes -= end->outbox[i].length - KEYS_NONCE_BYTES;
        forget_messages(end->outbox, write->number);
        break;
    case WRITE_FORGET:
        end->forgotten = true;
        break;
    }
}

enum session_refusal end_step(struct end *end, const struct session_event *event)
{
    struct session_context context = context_of(end);
    struct outcome outcome = {0};
    struct session_event completed = *event;
    uint32_t number;
    if (event->relay != NULL && session_echoes(end->session, event->relay, &number)) {
        completed.data = end->outbox[number % END_MESSAGES].data;
        completed.length = end->outbox[number % END_MESSAGES].length;
    }
    enum session_refusal refusal = session_step(end->session, &completed, &context, &outcome);
    for (size_t i = 0; i < outcome.write_count; i++)
        keep(end, &outcome.writes[i]);
    if (end->session->state == SESSION_CLOSED)
        forget_messages(end->outbox, END_MESSAGES);
    for (size_t i = 0; i < outcome.effect_count; i++)
        carry_out(end, &outcome.effects[i]);
    outcome_clear(&outcome);
    return refusal;
}

/* ---- working ---- */

static void take_text(struct end *end)
{
    char *text = end->from_relay[end->first++ % 1024];
    struct wire_message message;
    end->count--;
    if (text[0] == '\0') {
        end_lose(end);
    } else if (wire_parse(text, strlen(text), &message) == WIRE_OK) {
        end_step(end, &(struct session_event){.type = EVENT_RELAY, .relay = &message});
        wire_free(&message);
    }
    free(text);
}

bool end_work(struct end *end)
{
    struct session *session = end->session;
    if (end->count > 0)
        take_text(end);
    else if (!end->forgotten &&
             end->now >= (session->visit != NULL ? session_alarm(session) : session->wake))
        end_step(end, &(struct session_event){.type = EVENT_WAKE});
    else
        return false;
    return true;
}

/* More steps than any honest run needs: a run that does not end is a failure, not a hang. */
#define STEPS_MAX 100000

void end_run(struct end *end)
{
    for (int i = 0; i < STEPS_MAX && end_work(end); i++)
        continue;
}

void end_run_both(struct end *one, struct end *other)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        bool worked = end_work(one);
        worked |= end_work(other);
        if (!worked)
            return;
    }
}

void end_skip(struct end *end)
{
    int64_t when = end->session->visit != NULL ? session_alarm(end->session) : end->session->wake;
    if (when > end->now)
        end->now = when;
}

void end_visit(struct end *end)
{
    end_skip(end);
    end_run(end);
}

void end_crash(struct end *end)
{
    struct kv_record record;
    struct session *again;
    uint8_t id[SESSION_ID_BYTES];
    empty_network(end);
    memcpy(id, end->session->id, sizeof(id));
    if (session_record_encode(end->session, &record) != KV_OK ||
        session_record_decode(id, record.data, record.length, &again) != KV_OK)
        abort();
    kv_record_clear(&record);
    session_free(end->session);
    end->session = again;
}

enum session_refusal end_send(struct end *end, const char *text)
{
    return end_step(end, &(struct session_event){.type = EVENT_SEND,
                                                 .data = (const uint8_t *)text,
                                                 .length = strlen(text)});
}

enum session_refusal end_command(struct end *end, enum event_type type)
{
    return end_step(end, &(struct session_event){.type = type});
}

enum session_refusal end_close(struct end *end)
{
    return end_command(end, EVENT_CLOSE);
}

enum session_refusal end_ack(struct end *end, uint32_t number)
{
    size_t bytes = 0;
    for (uint32_t i = end->session->acked; i <= number && i < end->session->received; i++)
        bytes += end->inbox[i % END_MESSAGES].length;
    return end_step(end,
                    &(struct session_event){.type = EVENT_ACK, .number = number, .length = bytes});
}

enum session_refusal end_verify(struct end *end, bool agree)
{
    return end_step(end, &(struct session_event){.type = EVENT_VERIFY, .number = agree});
}

static void ignore(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static void tell(struct stock_connection *connection, json_t *command)
{
    char *text = json_dumps(command, 0);
    stock_receive(connection, text);
    free(text);
    json_decref(command);
}

void end_say(struct end *end, const char *phase, const char *body)
{
    const struct session *session = end->session;
    struct stock_connection *connection = stock_connect(end->stock, ignore, NULL, NULL);
    size_t length = strlen(body);
    uint8_t key[KEY_BYTES], nonce[KEYS_NONCE_BYTES];
    uint8_t *sealed = malloc(length + KEYS_SEALED_EXTRA);
    draw(end, nonce, sizeof(nonce));
    keys_phase(session->key, session->side, phase, key);
    keys_seal(key, nonce, (const uint8_t *)body, length, sealed);
    tell(connection, json_pack("{s:s,s:s,s:s}", "type", "bind", "appid", session->appid, "side",
                               session->side));
    tell(connection, json_pack("{s:s,s:s}", "type", "open", "mailbox", session->mailbox));
    char *text = wire_encode_add(phase, sealed, length + KEYS_SEALED_EXTRA);
    stock_receive(connection, text);
    free(text);
    free(sealed);
    stock_disconnect(connection);
}

const char *end_inbox(const struct end *end, uint32_t number)
{
    return (const char *)end->inbox[number % END_MESSAGES].data;
}

/* What each command needs, what it requests, and how it ends. */
#include "config.h"

#include "relay/rules_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hashcash.h"
#include "base/shared_text.h"
#include "relay/reply.h"

/* No rate limit applies. */
#define UNLIMITED RULES_RATES

struct rules_row {
    bool unbound; /* also allowed before `bind` */
    enum rules_rate rate;
    /* NULL: it may begin; otherwise the `error` with which it is answered. May be NULL. */
    const char *(*check)(const struct rules_client *client, const struct relay_command *command);
    /* Does it, or asks the store to. */
    void (*begin)(struct rules_task *task);
    /* The store has done it. NULL where the store is not asked. */
    void (*done)(struct rules_task *task, const struct relay_answer *answer);
};

static const struct rules_row rules_table[RELAY_COMMAND_TYPES];

/* ---- what all of them share ---- */

/* Those that stock relays also have use the same wording: clients look for some of them. */
static const char *const result_texts[] = {
    [RELAY_CROWDED] = "crowded",
    [RELAY_RECLAIMED] = "reclaimed",
    [RELAY_NO_NAMEPLATE] = "every nameplate is taken, try again later",
    [RELAY_NOT_OPEN] = "the mailbox is closed, nothing was stored",
    [RELAY_TOO_MUCH] = "the mailbox is full, nothing was stored",
    [RELAY_FULL] = "the relay's disk is full, nothing was changed",
    [RELAY_BROKEN] = "the relay's store failed, nothing was changed",
};

static enum rules_refusal cause_of(enum relay_result result)
{
    return RULES_REFUSED_CROWDED + (enum rules_refusal)(result - RELAY_CROWDED);
}

_Static_assert(RULES_REFUSED_BROKEN - RULES_REFUSED_CROWDED == RELAY_BROKEN - RELAY_CROWDED,
               "a cause for each result");

static const char must_open[] = "must open mailbox before adding";

/* An add sent together with its `open` may fail with it. */
static const char *text_of_failure(const struct rules_task *task, enum relay_result result)
{
    bool never_opened = task->command.type == RELAY_COMMAND_ADD && !task->client->opened;

    return result == RELAY_NOT_OPEN && never_opened ? must_open : result_texts[result];
}

/* The store's callback for all of them. */
static void store_done(void *arg, const struct relay_answer *answer)
{
    struct rules_task *task = arg;

    if (answer->result == RELAY_DONE) {
        rules_table[task->command.type].done(task, answer);
        rules_task_end(task);
        return;
    }
    if (task->command.type == RELAY_COMMAND_OPEN)
        rules_listeners_leave(task->client);
    if (answer->result == RELAY_IN_DOUBT) {
        rules_drop(task->client, "nobody can tell what the store has done");
        rules_task_end(task);
        return;
    }
    rules_task_fail(task, cause_of(answer->result), text_of_failure(task, answer->result));
}

/* Replaces a string that the client owns. False when out of memory, which ends the connection. */
static bool keep(struct rules_client *client, char **string, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        rules_drop(client, "out of memory");
        return false;
    }
    free(*string);
    *string = copy;
    return true;
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* ---- before anything else ---- */

static void begin_ping(struct rules_task *task)
{
    const struct rules_client *client = task->client;
    char token[RELAY_POSITION_TEXT];
    bool tells =
        client->resumes && client->listener_state == RULES_LISTENING && client->seen.mark != 0;

    relay_position_write(&client->seen, token);
    rules_send(task->client,
               reply_pong(task->command.ping, tells ? token : NULL, client->rules->now));
    rules_task_end(task);
}

static const char *check_permit(const struct rules_client *client,
                                const struct relay_command *command)
{
    if (client->hashcash_bits == 0)
        return NULL;
    if (strcmp(command->method, "hashcash") != 0)
        return "the method of permission must be hashcash";
    if (command->stamp == NULL ||
        !hashcash_verify(command->stamp, client->hashcash_bits, client->resource))
        return "the hashcash stamp is not good";
    return NULL;
}

static void begin_permit(struct rules_task *task)
{
    struct rules_client *client = task->client;

    client->hashcash_bits = 0;
    free(client->resource);
    client->resource = NULL;
    rules_task_end(task);
}

static const char *check_bind(const struct rules_client *client,
                              const struct relay_command *command)
{
    (void)command;
    if (client->hashcash_bits > 0)
        return "permission required";
    return client->appid != NULL ? "already bound" : NULL;
}

/* One that names a channel does not get here. */
static const char *check_leave(const struct rules_client *client,
                               const struct relay_command *command)
{
    (void)client;
    (void)command;
    return "leave requires 'channel'";
}

static void begin_bind(struct rules_task *task)
{
    struct rules_client *client = task->client;

    if (keep(client, &client->side, task->command.side) &&
        keep(client, &client->appid, task->command.appid) && client->rules->hooks.bound != NULL)
        client->rules->hooks.bound(client->connection);
    rules_task_end(task);
}

/* ---- nameplates ---- */

/* A list of at least so many nameplates, which takes milliseconds to make, is given to all who ask
 * for it within so many ms. */
#define LIST_KEPT_MIN 500
#define LIST_KEPT_MS  1000

/* Sends the list of its app, if there is one. */
static bool rules_list_find(struct rules_client *client)
{
    const struct rules *rules = client->rules;

    for (unsigned i = 0; i < RULES_LISTS; i++) {
        const struct rules_list *list = &rules->lists[i];
        if (list->text != NULL && same(list->appid, client->appid) &&
            rules->now - list->made < LIST_KEPT_MS && rules->now >= list->made) {
            rules_send_shared(client, list->text);
            return true;
        }
    }
    return false;
}

/* Sends the list, and keeps it in the place of the oldest. */
static void rules_list_keep(struct rules_client *client, char *reply)
{
    struct rules *rules = client->rules;
    struct rules_list *oldest = &rules->lists[0];
    struct shared_text *text = shared_text_new(reply, reply != NULL ? strlen(reply) : 0);

    for (unsigned i = 1; i < RULES_LISTS; i++) {
        if (rules->lists[i].made < oldest->made)
            oldest = &rules->lists[i];
    }
    rules_list_drop(oldest);
    if (text == NULL) {
        rules_drop(client, "out of memory");
        return;
    }
    *oldest = (struct rules_list){.made = rules->now, .text = text};
    snprintf(oldest->appid, sizeof(oldest->appid), "%s", client->appid);
    if (!rules_is_dropped(client))
        rules_send_shared(client, text);
}

static void begin_list(struct rules_task *task)
{
    struct rules_client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who who = rules_who(task->client, task->now);

    if (client->rules->settings.list && client->channel == 0 && rules_list_find(client)) {
        rules_task_end(task);
        return;
    }
    if (client->rules->settings.list) {
        store->list(store->self, &who, store_done, task);
        return;
    }
    rules_send(client, reply_nameplates(NULL, 0, client->rules->now));
    rules_task_end(task);
}

static void done_list(struct rules_task *task, const struct relay_answer *answer)
{
    char *reply = reply_nameplates(answer->nameplates, answer->count, task->client->rules->now);

    if (answer->count < LIST_KEPT_MIN || task->client->channel != 0)
        rules_send(task->client, reply);
    else
        rules_list_keep(task->client, reply);
}

static const char *check_allocate(const struct rules_client *client,
                                  const struct relay_command *command)
{
    (void)command;
    return client->allocated != NULL ? "you already allocated one, don't be greedy" : NULL;
}

static void begin_allocate(struct rules_task *task)
{
    const struct relay_store *store = task->client->rules->store;
    struct relay_who who = rules_who(task->client, task->now);

    store->allocate(store->self, &who, store_done, task);
}

static void done_allocate(struct rules_task *task, const struct relay_answer *answer)
{
    struct rules_client *client = task->client;

    if (keep(client, &client->allocated, answer->nameplate))
        rules_send(client, reply_allocated(answer->nameplate, client->rules->now));
}

/* As many digits as stock relays take, from 0.7 on, and nothing else. */
#define NUMBER_MAX 40

static const char *check_claim(const struct rules_client *client,
                               const struct relay_command *command)
{
    size_t length = strlen(command->nameplate);

    if (client->claimed != NULL)
        return "only one claim per connection";
    if (!client->rules->settings.any_nameplate &&
        (length > NUMBER_MAX || strspn(command->nameplate, "0123456789") != length))
        return "a nameplate must be a number of at most 40 digits";
    return NULL;
}

/* A claim that is refused counts as one, as on a stock relay. */
static void begin_claim(struct rules_task *task)
{
    struct rules_client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who who = rules_who(task->client, task->now);

    if (keep(client, &client->claimed, task->command.nameplate))
        store->claim(store->self, &who, task->command.nameplate, store_done, task);
    else
        rules_task_end(task);
}

static void done_claim(struct rules_task *task, const struct relay_answer *answer)
{
    rules_send(task->client, reply_claimed(answer->mailbox, task->client->rules->now));
}

static const char *check_release(const struct rules_client *client,
                                 const struct relay_command *command)
{
    if (client->released)
        return "only one release per connection";
    if (command->nameplate == NULL && client->claimed == NULL)
        return "release without nameplate must follow claim";
    if (command->nameplate != NULL && client->claimed != NULL &&
        !same(command->nameplate, client->claimed))
        return "release and claim must use same nameplate";
    return NULL;
}

static void begin_release(struct rules_task *task)
{
    const struct rules_client *client = task->client;
    const struct relay_store *store = client->rules->store;
    const char *nameplate =
        task->command.nameplate != NULL ? task->command.nameplate : client->claimed;
    struct relay_who who = rules_who(task->client, task->now);

    store->release(store->self, &who, nameplate, store_done, task);
}

static void done_release(struct rules_task *task, const struct relay_answer *answer)
{
    (void)answer;
    task->client->released = true;
    rules_send(task->client, reply_released(task->client->rules->now));
}

/* ---- mailboxes ---- */

static const char *check_open(const struct rules_client *client,
                              const struct relay_command *command)
{
    (void)command;
    return client->opened ? "only one open per connection" : NULL;
}

static void begin_open(struct rules_task *task)
{
    struct rules_client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who who = rules_who(task->client, task->now);

    if (!keep(client, &client->mailbox, task->command.mailbox)) {
        rules_task_end(task);
    } else if (!rules_listeners_join(client)) {
        rules_drop(client, "out of memory");
        rules_task_end(task);
    } else {
        client->resumes = task->command.resumes;
        store->open(store->self, &who, client->mailbox,
                    client->resumes ? &task->command.after : NULL, store_done, task);
    }
}

static void done_open(struct rules_task *task, const struct relay_answer *answer)
{
    struct rules_client *client = task->client;

    client->opened = true;
    if (answer->resumed) {
        client->seen = task->command.after;
        rules_send(client, reply_resumed(client->rules->now));
    }
    rules_listeners_replay(client, answer);
}

static const char *check_add(const struct rules_client *client, const struct relay_command *command)
{
    (void)command;
    if ((!client->opened && client->listener_state != RULES_OPENING) || client->closed)
        return must_open;
    /* Another connection of this side has closed it. */
    return client->listener_state != RULES_NOT_LISTENING ? NULL : result_texts[RELAY_NOT_OPEN];
}

/* 0 means that there is none. */
static uint64_t draw_mark(void)
{
    uint64_t mark;

    randombytes_buf(&mark, sizeof(mark));
    return mark != 0 ? mark : 1;
}

/* The store copies the body, so that it need not stay here as well until the commit. */
static void begin_add(struct rules_task *task)
{
    const struct rules_client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who who = rules_who(task->client, task->now);
    struct relay_message message = {
        .side = client->side,
        .phase = task->command.phase,
        .body = task->command.body,
        .body_length = task->command.body_length,
        .id = task->command.id,
        .server_rx = task->now,
        .mark = draw_mark(),
    };
    json_t *body = relay_command_take_body(&task->command);

    store->add(store->self, &who, client->mailbox, &message, store_done, task);
    json_decref(body);
}

/* The feed has delivered it to everybody, including its sender. */
static void done_add(struct rules_task *task, const struct relay_answer *answer)
{
    (void)task;
    (void)answer;
}

static const char *check_close(const struct rules_client *client,
                               const struct relay_command *command)
{
    if (client->closed)
        return "only one close per connection";
    if (command->mailbox == NULL && client->mailbox == NULL)
        return "close without mailbox must follow open";
    if (command->mailbox != NULL && client->mailbox != NULL &&
        !same(command->mailbox, client->mailbox))
        return "open and close must use same mailbox";
    return NULL;
}

static const char *mailbox_to_close(const struct rules_task *task)
{
    return task->command.mailbox != NULL ? task->command.mailbox : task->client->mailbox;
}

static void begin_close(struct rules_task *task)
{
    const struct relay_store *store = task->client->rules->store;
    const char *mood = task->command.mood != NULL ? task->command.mood : "";
    struct relay_who who = rules_who(task->client, task->now);

    store->close(store->self, &who, mailbox_to_close(task), mood, store_done, task);
}

/* None is a happy one, says the protocol. */
static void count_mood(struct rules *rules, const char *mood)
{
    static const char *const known[] = {"happy", "lonely", "scary", "errory"};
    size_t i = 0;

    while (i < RULES_MOODS - 1 && mood != NULL && !same(mood, known[i]))
        i++;
    rules->counts.moods[i]++;
}

static void done_close(struct rules_task *task, const struct relay_answer *answer)
{
    struct rules_client *client = task->client;

    (void)answer;
    client->closed = true;
    count_mood(client->rules, task->command.mood);
    rules_send(client, reply_closed(client->rules->now));
}

/* ---- the table ---- */

static const struct rules_row rules_table[RELAY_COMMAND_TYPES] = {
    [RELAY_COMMAND_UNKNOWN] = {true, UNLIMITED, NULL, NULL, NULL}, /* always has a fault */
    [RELAY_COMMAND_ADD] = {false, RULES_RATE_ADD, check_add, begin_add, done_add},
    [RELAY_COMMAND_ALLOCATE] = {false, RULES_RATE_ALLOCATE, check_allocate, begin_allocate,
                                done_allocate},
    [RELAY_COMMAND_BIND] = {true, UNLIMITED, check_bind, begin_bind, NULL},
    [RELAY_COMMAND_CLAIM] = {false, RULES_RATE_CLAIM, check_claim, begin_claim, done_claim},
    [RELAY_COMMAND_CLOSE] = {false, UNLIMITED, check_close, begin_close, done_close},
    [RELAY_COMMAND_LEAVE] = {true, UNLIMITED, check_leave, NULL, NULL},
    [RELAY_COMMAND_LIST] = {false, RULES_RATE_LIST, NULL, begin_list, done_list},
    [RELAY_COMMAND_OPEN] = {false, RULES_RATE_OPEN, check_open, begin_open, done_open},
    [RELAY_COMMAND_PERMIT] = {true, UNLIMITED, check_permit, begin_permit, NULL},
    [RELAY_COMMAND_PING] = {true, UNLIMITED, NULL, begin_ping, NULL},
    [RELAY_COMMAND_RELEASE] = {false, UNLIMITED, check_release, begin_release, done_release},
};

/* NULL: its address may do this. Claiming what the client has just been allocated is free. */
static const char *check_rate(const struct rules_task *task, enum rules_rate rate)
{
    const struct rules_client *client = task->client;
    struct rules *rules = client->rules;
    const char *error;

    if (rate == UNLIMITED || rules->hooks.limit == NULL)
        return NULL;
    if (rate == RULES_RATE_CLAIM && same(task->command.nameplate, client->allocated))
        return NULL;
    error = rules->hooks.limit(client->connection, rate, task->command.body_length);
    if (error != NULL)
        rules->counts.limited[rate]++;
    return error;
}

/* Why this may not begin, or NULL. */
static const char *judge(struct rules_task *task, const struct rules_row *row,
                         enum rules_refusal *ret_cause)
{
    const struct rules_client *client = task->client;
    const struct relay_command *command = &task->command;
    const char *error;

    *ret_cause = RULES_REFUSED_ORDER;
    if (!row->unbound && client->appid == NULL)
        return "must bind first";
    if (command->type == RELAY_COMMAND_ADD && /* stock relays say this first */
        (error = check_add(client, command)) != NULL)
        return error;
    *ret_cause = RULES_REFUSED_FORM;
    if (command->fault[0] != '\0')
        return command->fault;
    *ret_cause =
        client->hashcash_bits > 0 && row->unbound ? RULES_REFUSED_PERMISSION : RULES_REFUSED_ORDER;
    if (row->check != NULL && (error = row->check(client, command)) != NULL)
        return error;
    *ret_cause = RULES_REFUSED_RATE;
    return check_rate(task, row->rate);
}

void rules_command_begin(struct rules_task *task)
{
    const struct rules_row *row = &rules_table[task->command.type];
    enum rules_refusal cause;
    const char *error = judge(task, row, &cause);

    if (error != NULL)
        rules_task_fail(task, cause, error);
    else
        row->begin(task);
}

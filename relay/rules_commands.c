/* What each command needs, asks for, and comes to. */
#include "config.h"

#include "relay/rules_parts.h"

#include <stdlib.h>
#include <string.h>

#include "wormhole/hashcash.h"
#include "relay/reply.h"

/* No ration is asked for. */
#define UNRATIONED RULES_RATIONS

struct rule {
    bool unbound; /* also before `bind` */
    enum rules_ration ration;
    /* NULL: it may begin; else the sentence that refuses it. May be NULL. */
    const char *(*check)(const struct client *client, const struct command *command);
    /* Does it, or asks the store for it. */
    void (*begin)(struct task *task);
    /* The store has done it. NULL where the store is not asked. */
    void (*done)(struct task *task, const struct relay_answer *answer);
};

static const struct rule rules_table[COMMAND_TYPES];

/* ---- what all of them share ---- */

/* Those that stock relays have are worded as there: clients look for some of them. */
static const char *const result_texts[] = {
    [RELAY_CROWDED] = "crowded",
    [RELAY_RECLAIMED] = "reclaimed",
    [RELAY_NO_NAMEPLATE] = "every nameplate is taken, try again later",
    [RELAY_NOT_OPEN] = "the mailbox is closed, nothing was stored",
    [RELAY_TOO_MUCH] = "the mailbox is full, nothing was stored",
    [RELAY_FULL] = "the relay's disk is full, nothing was changed",
    [RELAY_BROKEN] = "the relay's store failed, nothing was changed",
};

static struct relay_who who(const struct task *task)
{
    const struct client *client = task->client;

    return (struct relay_who){
        .appid = client->appid, .side = client->side, .owner = client, .now = task->now};
}

static const char must_open[] = "must open mailbox before adding";

/* An add that went with its `open` may fail with it. */
static const char *text_of_failure(const struct task *task, enum relay_result result)
{
    bool never_opened = task->command.type == COMMAND_ADD && !task->client->opened;

    return result == RELAY_NOT_OPEN && never_opened ? must_open : result_texts[result];
}

/* The store's callback for all of them. */
static void store_done(void *arg, const struct relay_answer *answer)
{
    struct task *task = arg;

    if (answer->result == RELAY_DONE) {
        rules_table[task->command.type].done(task, answer);
        rules_tasks_end(task);
        return;
    }
    if (task->command.type == COMMAND_OPEN)
        rules_audience_leave(task->client);
    rules_tasks_refuse(task, text_of_failure(task, answer->result));
}

/* Replaces a string that the client owns. False when out of memory, which ends the connection. */
static bool keep(struct client *client, char **string, const char *text)
{
    char *copy = strdup(text);

    if (!copy) {
        rules_drop(client, "out of memory");
        return false;
    }
    free(*string);
    *string = copy;
    return true;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- before anything else ---- */

static void begin_ping(struct task *task)
{
    rules_say(task->client, reply_pong(task->command.ping, task->client->rules->now));
    rules_tasks_end(task);
}

static const char *check_permit(const struct client *client, const struct command *command)
{
    if (client->hashcash_bits == 0)
        return NULL;
    if (strcmp(command->method, "hashcash") != 0)
        return "the method of permission must be hashcash";
    if (!command->stamp ||
        !hashcash_verify(command->stamp, client->hashcash_bits, client->resource))
        return "the hashcash stamp is not good";
    return NULL;
}

static void begin_permit(struct task *task)
{
    struct client *client = task->client;

    client->hashcash_bits = 0;
    free(client->resource);
    client->resource = NULL;
    rules_tasks_end(task);
}

static const char *check_bind(const struct client *client, const struct command *command)
{
    (void)command;
    if (client->hashcash_bits > 0)
        return "permission required";
    return client->appid ? "already bound" : NULL;
}

static void begin_bind(struct task *task)
{
    struct client *client = task->client;

    if (keep(client, &client->side, task->command.side))
        keep(client, &client->appid, task->command.appid);
    rules_tasks_end(task);
}

/* ---- nameplates ---- */

static void begin_list(struct task *task)
{
    struct client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who asking = who(task);

    if (client->rules->settings.list) {
        store->list(store->self, &asking, store_done, task);
        return;
    }
    rules_say(client, reply_nameplates(NULL, 0, client->rules->now));
    rules_tasks_end(task);
}

static void done_list(struct task *task, const struct relay_answer *answer)
{
    rules_say(task->client,
              reply_nameplates(answer->nameplates, answer->count, task->client->rules->now));
}

static const char *check_allocate(const struct client *client, const struct command *command)
{
    (void)command;
    return client->allocated ? "you already allocated one, don't be greedy" : NULL;
}

static void begin_allocate(struct task *task)
{
    const struct relay_store *store = task->client->rules->store;
    struct relay_who asking = who(task);

    store->allocate(store->self, &asking, store_done, task);
}

static void done_allocate(struct task *task, const struct relay_answer *answer)
{
    struct client *client = task->client;

    if (keep(client, &client->allocated, answer->nameplate))
        rules_say(client, reply_allocated(answer->nameplate, client->rules->now));
}

static const char *check_claim(const struct client *client, const struct command *command)
{
    (void)command;
    return client->claimed ? "only one claim per connection" : NULL;
}

/* A claim that is refused counts as one, as on a stock relay. */
static void begin_claim(struct task *task)
{
    struct client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who asking = who(task);

    if (keep(client, &client->claimed, task->command.nameplate))
        store->claim(store->self, &asking, task->command.nameplate, store_done, task);
    else
        rules_tasks_end(task);
}

static void done_claim(struct task *task, const struct relay_answer *answer)
{
    rules_say(task->client, reply_claimed(answer->mailbox, task->client->rules->now));
}

static const char *check_release(const struct client *client, const struct command *command)
{
    if (client->released)
        return "only one release per connection";
    if (!command->nameplate && !client->claimed)
        return "release without nameplate must follow claim";
    if (command->nameplate && client->claimed && !same(command->nameplate, client->claimed))
        return "release and claim must use same nameplate";
    return NULL;
}

static void begin_release(struct task *task)
{
    const struct client *client = task->client;
    const struct relay_store *store = client->rules->store;
    const char *nameplate = task->command.nameplate ? task->command.nameplate : client->claimed;
    struct relay_who asking = who(task);

    store->release(store->self, &asking, nameplate, store_done, task);
}

static void done_release(struct task *task, const struct relay_answer *answer)
{
    (void)answer;
    task->client->released = true;
    rules_say(task->client, reply_released(task->client->rules->now));
}

/* ---- mailboxes ---- */

static const char *check_open(const struct client *client, const struct command *command)
{
    (void)command;
    return client->opened ? "only one open per connection" : NULL;
}

static void begin_open(struct task *task)
{
    struct client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who asking = who(task);

    if (!keep(client, &client->mailbox, task->command.mailbox)) {
        rules_tasks_end(task);
    } else if (!rules_audience_join(client)) {
        rules_drop(client, "out of memory");
        rules_tasks_end(task);
    } else {
        store->open(store->self, &asking, client->mailbox, store_done, task);
    }
}

static void done_open(struct task *task, const struct relay_answer *answer)
{
    task->client->opened = true;
    rules_audience_replay(task->client, answer);
}

static const char *check_add(const struct client *client, const struct command *command)
{
    (void)command;
    if ((!client->opened && client->attention != OPENING) || client->closed)
        return must_open;
    /* Another connection of this side has closed it. */
    return client->attention != INATTENTIVE ? NULL : result_texts[RELAY_NOT_OPEN];
}

/* The store copies the body, so that it need not be here as well until the commit. */
static void begin_add(struct task *task)
{
    const struct client *client = task->client;
    const struct relay_store *store = client->rules->store;
    struct relay_who asking = who(task);
    struct relay_message message = {
        .side = client->side,
        .phase = task->command.phase,
        .body = task->command.body,
        .body_length = task->command.body_length,
        .id = task->command.id,
        .server_rx = task->now,
    };
    json_t *body = command_take_body(&task->command);

    store->add(store->self, &asking, client->mailbox, &message, store_done, task);
    json_decref(body);
}

/* The feed has brought it to everybody, its sender included. */
static void done_add(struct task *task, const struct relay_answer *answer)
{
    (void)task;
    (void)answer;
}

static const char *check_close(const struct client *client, const struct command *command)
{
    if (client->closed)
        return "only one close per connection";
    if (!command->mailbox && !client->mailbox)
        return "close without mailbox must follow open";
    if (command->mailbox && client->mailbox && !same(command->mailbox, client->mailbox))
        return "open and close must use same mailbox";
    return NULL;
}

static const char *mailbox_to_close(const struct task *task)
{
    return task->command.mailbox ? task->command.mailbox : task->client->mailbox;
}

static void begin_close(struct task *task)
{
    const struct relay_store *store = task->client->rules->store;
    const char *mood = task->command.mood ? task->command.mood : "";
    struct relay_who asking = who(task);

    store->close(store->self, &asking, mailbox_to_close(task), mood, store_done, task);
}

static void count_mood(struct rules *rules, const char *mood)
{
    static const char *const known[] = {"happy", "lonely", "scary", "errory"};
    size_t i = 0;

    while (i < RULES_MOODS - 1 && !same(mood, known[i]))
        i++;
    rules->counts.moods[i]++;
}

static void done_close(struct task *task, const struct relay_answer *answer)
{
    struct client *client = task->client;

    (void)answer;
    client->closed = true;
    rules_audience_stop(client, mailbox_to_close(task));
    count_mood(client->rules, task->command.mood);
    rules_say(client, reply_closed(client->rules->now));
}

/* ---- the table ---- */

static const struct rule rules_table[COMMAND_TYPES] = {
    [COMMAND_UNKNOWN] = {true, UNRATIONED, NULL, NULL, NULL}, /* has a fault, so does not begin */
    [COMMAND_ADD] = {false, RATION_MESSAGE, check_add, begin_add, done_add},
    [COMMAND_ALLOCATE] = {false, RATION_ALLOCATE, check_allocate, begin_allocate, done_allocate},
    [COMMAND_BIND] = {true, UNRATIONED, check_bind, begin_bind, NULL},
    [COMMAND_CLAIM] = {false, RATION_CLAIM, check_claim, begin_claim, done_claim},
    [COMMAND_CLOSE] = {false, UNRATIONED, check_close, begin_close, done_close},
    [COMMAND_LIST] = {false, UNRATIONED, NULL, begin_list, done_list},
    [COMMAND_OPEN] = {false, RATION_MAILBOX, check_open, begin_open, done_open},
    [COMMAND_PERMIT] = {true, UNRATIONED, check_permit, begin_permit, NULL},
    [COMMAND_PING] = {true, UNRATIONED, NULL, begin_ping, NULL},
    [COMMAND_RELEASE] = {false, UNRATIONED, check_release, begin_release, done_release},
};

static const char *exceeds_ration(const struct task *task, enum rules_ration ration)
{
    const struct client *client = task->client;
    struct rules *rules = client->rules;
    const char *refusal;

    if (ration == UNRATIONED || !rules->hooks.ration)
        return NULL;
    if (ration == RATION_CLAIM && same(task->command.nameplate, client->allocated))
        return NULL;
    refusal = rules->hooks.ration(client->connection, ration);
    if (refusal)
        rules->counts.refusals[ration]++;
    return refusal;
}

static const char *find_refusal(const struct task *task, const struct rule *rule)
{
    const struct client *client = task->client;
    const char *refusal = NULL;

    if (!rule->unbound && !client->appid)
        return "must bind first";
    if (task->command.fault[0])
        return task->command.fault;
    if (rule->check)
        refusal = rule->check(client, &task->command);
    return refusal ? refusal : exceeds_ration(task, rule->ration);
}

void rules_command_begin(struct task *task)
{
    const struct rule *rule = &rules_table[task->command.type];
    const char *refusal = find_refusal(task, rule);

    if (refusal)
        rules_tasks_refuse(task, refusal);
    else
        rule->begin(task);
}

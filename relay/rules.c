/* The rules as a whole, the life of a client, and the order of its commands. */
#include "config.h"

#include "relay/rules_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/shared_text.h"
#include "relay/reply.h"

/* ---- the rules ---- */

/* NULL stays NULL. */
static bool copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret_copy != NULL;
}

static void free_settings(struct rules_settings *settings)
{
    free((char *)settings->motd);
    free((char *)settings->error);
    free((char *)settings->version);
}

bool rules_set(struct rules *rules, const struct rules_settings *settings)
{
    struct rules_settings copy = *settings;
    char *motd, *error = NULL, *version = NULL;

    if (!copy_text(settings->motd, &motd) || !copy_text(settings->error, &error) ||
        !copy_text(settings->version, &version)) {
        free(motd);
        free(error);
        return false;
    }
    copy.version = version;
    copy.motd = motd;
    copy.error = error;
    free_settings(&rules->settings);
    rules->settings = copy;
    return true;
}

struct rules *rules_new(const struct relay_store *store, const struct rules_hooks *hooks,
                        const struct rules_settings *settings)
{
    struct rules *rules = calloc(1, sizeof(*rules));

    if (rules == NULL)
        return NULL;
    const struct relay_feed feed = {rules, rules_listeners_message, rules_listeners_closed,
                                    rules_listeners_gone};
    rules->store = store;
    rules->hooks = *hooks;
    crypto_shorthash_keygen(rules->hash_secret);
    if (!rules_set(rules, settings)) {
        free(rules);
        return NULL;
    }
    store->set_feed(store->self, &feed);
    return rules;
}

void rules_list_drop(struct rules_list *list)
{
    if (list->text != NULL)
        shared_text_release(list->text);
    *list = (struct rules_list){.text = NULL};
}

void rules_free(struct rules *rules)
{
    if (rules == NULL)
        return;
    assert(rules->counts.clients == 0);
    rules->store->set_feed(rules->store->self, NULL);
    for (unsigned i = 0; i < RULES_LISTS; i++)
        rules_list_drop(&rules->lists[i]);
    free_settings(&rules->settings);
    free(rules);
}

void rules_count(const struct rules *rules, struct rules_counts *ret_counts)
{
    *ret_counts = rules->counts;
}

bool rules_asks_permission(const struct rules *rules)
{
    return rules->settings.hashcash_bits > 0;
}

/* ---- sending ---- */

bool rules_is_dropped(const struct rules_client *client)
{
    return client->dropped || client->whole->dropped;
}

void rules_drop(struct rules_client *client, const char *why)
{
    if (rules_is_dropped(client))
        return;
    if (client->channel != 0) {
        rules_channels_end(client, why, false);
        return;
    }
    client->dropped = true;
    client->rules->hooks.drop(client->connection, why);
}

void rules_send(struct rules_client *client, char *reply)
{
    if (client->channel != 0)
        reply = reply_on_channel(reply, client->channel);
    if (reply == NULL) {
        rules_drop(client, "out of memory");
        return;
    }
    size_t length = strlen(reply);
    if (rules_is_dropped(client) || rules_channels_too_long(client, reply)) {
        free(reply);
    } else if (length < RULES_SHARED_TEXT_MIN || client->rules->hooks.send_shared == NULL) {
        client->rules->hooks.send(client->connection, reply, length);
        free(reply);
    } else {
        struct shared_text *text = shared_text_new(reply, length);
        if (text != NULL)
            rules_send_shared(client, text);
        else
            rules_drop(client, "out of memory");
        if (text != NULL)
            shared_text_release(text);
    }
}

void rules_send_shared(struct rules_client *client, struct shared_text *text)
{
    const struct rules_hooks *hooks = &client->rules->hooks;

    if (text->length < RULES_SHARED_TEXT_MIN || hooks->send_shared == NULL)
        hooks->send(client->connection, text->data, text->length);
    else
        hooks->send_shared(client->connection, text);
}

static void send_welcome(struct rules_client *client)
{
    const struct rules_settings *settings = &client->rules->settings;
    const struct rules_hooks *hooks = &client->rules->hooks;
    unsigned port = 0;
    const char *address = hooks->address != NULL ? hooks->address(client->connection, &port) : NULL;
    struct reply_welcome welcome = {
        .motd = settings->motd,
        .error = settings->error,
        .version = settings->version,
        .address = address,
        .port = port,
        .hashcash_bits = client->hashcash_bits,
        .resource = client->resource,
        .retention = settings->retention,
        .message_max = client->message_max,
        .channels = client->host.channels_max,
        .channel_message_max = RULES_CHANNEL_MESSAGE_MAX,
    };

    rules_send(client, reply_welcome(&welcome, client->rules->now));
}

void rules_send_error(struct rules_client *client, enum rules_refusal cause, const char *error,
                      const json_t *orig)
{
    client->rules->counts.errors++;
    client->rules->counts.refused[cause]++;
    rules_send(client, reply_error(error, orig, client->rules->now));
}

/* ---- the order of commands ---- */

/* Counts a command that came, and one that is finished. */
static void count_in(struct rules_client *client, size_t size)
{
    struct rules_host *host = &client->whole->host;

    client->count++;
    client->bytes += size;
    host->count++;
    host->bytes += size;
    host->full += client->count == RULES_QUEUE_MAX;
}

static void count_out(struct rules_client *client, size_t size)
{
    struct rules_host *host = &client->whole->host;

    client->count--;
    client->bytes -= size;
    if (client->ended)
        return;
    host->count--;
    host->bytes -= size;
    host->full -= client->count == RULES_QUEUE_MAX - 1;
}

static void free_task(struct rules_task *task)
{
    count_out(task->client, task->size);
    if (!task->has_begun)
        task->client->rules->waiting_bytes -= task->size;
    relay_command_free(&task->command);
    free(task);
}

/* An add need not wait for these: they then share a commit, and their answers a packet. The store
 * keeps the order. Clients send open and add, or release and add, together. */
static const bool lets_adds_begin[RELAY_COMMAND_TYPES] = {
    [RELAY_COMMAND_ADD] = true,
    [RELAY_COMMAND_OPEN] = true,
    [RELAY_COMMAND_RELEASE] = true,
};

/* And a release need not wait for adds. */
static bool only_adds_begun(const struct rules_client *client)
{
    const struct rules_task *task;

    DL_FOREACH(client->begun, task)
    {
        if (task->command.type != RELAY_COMMAND_ADD)
            return false;
    }
    return true;
}

/* Everything else waits for its turn, so of those under way only the first can be anything but an
 * add or a release. And everything waits until what is stored has been sent: that is the meaning of
 * a `pong`. */
static bool may_begin(const struct rules_client *client, const struct rules_task *task)
{
    if (client->listener_state == RULES_REPLAYING)
        return false;
    if (client->begun == NULL)
        return true;
    if (client->begun_count >= RULES_ADDS_MAX)
        return false;
    return task->command.type == RELAY_COMMAND_ADD
               ? lets_adds_begin[client->begun->command.type]
               : task->command.type == RELAY_COMMAND_RELEASE && only_adds_begun(client);
}

static void begin(struct rules_client *client, struct rules_task *task)
{
    DL_DELETE(client->waiting, task);
    DL_APPEND(client->begun, task);
    client->begun_count++;
    client->rules->waiting_bytes -= task->size;
    task->has_begun = true;
    rules_command_begin(task);
}

static void end(struct rules_task *task)
{
    struct rules_client *client = task->client;

    DL_DELETE(client->begun, task);
    client->begun_count--;
    free_task(task);
}

void rules_note_busy(struct rules_client *connection)
{
    bool busy = rules_busy(connection);

    if (busy == connection->host.was_busy)
        return;
    connection->host.was_busy = busy;
    if (connection->rules->hooks.busy_changed != NULL && !connection->dropped)
        connection->rules->hooks.busy_changed(connection->connection);
}

void rules_run(struct rules_client *client)
{
    struct rules_task *task;

    if (client->running) /* called by a store that answers at once: the loop below continues */
        return;
    client->running = true;
    while (!rules_is_dropped(client) && (task = client->waiting) != NULL && may_begin(client, task))
        begin(client, task);
    client->running = false;
    rules_note_busy(client->whole);
}

/* Sends the errors that have nothing before them any more. */
static void send_failures(struct rules_client *client)
{
    struct rules_task *task;

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): end() takes it out of the list */
    while ((task = client->begun) != NULL && task->error != NULL) {
        rules_send_error(client, task->cause, task->error, task->command.root);
        end(task);
    }
    rules_run(client);
}

void rules_task_end(struct rules_task *task)
{
    struct rules_client *client = task->client;

    end(task);
    send_failures(client);
}

void rules_task_fail(struct rules_task *task, enum rules_refusal cause, const char *error)
{
    task->cause = cause;
    task->error = error;
    send_failures(task->client);
}

static const bool counts_without_answer[RELAY_COMMAND_TYPES] = {
    [RELAY_COMMAND_ADD] = true,
    [RELAY_COMMAND_RELEASE] = true,
    [RELAY_COMMAND_CLOSE] = true,
};

/* The client has gone. What it sent before still counts: a stock client releases, closes and
 * disconnects at once. The store keeps the order of requests. */
static void finish_tasks(struct rules_client *client)
{
    const struct relay_store *store = client->rules->store;
    struct rules_task *task, *next;

    client->dropped = true; /* nothing more is sent to it */
    DL_FOREACH_SAFE(client->waiting, task, next)
    {
        if (counts_without_answer[task->command.type])
            begin(client, task);
    }
    rules_listeners_leave(client);
    DL_FOREACH_SAFE(client->begun, task, next)
    {
        store->forget(store->self, task);
        free_task(task);
    }
    DL_FOREACH_SAFE(client->waiting, task, next)
    {
        free_task(task);
    }
    store->forget(store->self, client); /* a piece of a replay */
}

/* ---- a client ---- */

struct rules_client *rules_client_new(struct rules *rules, void *connection)
{
    struct rules_client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        return NULL;
    client->rules = rules;
    client->connection = connection;
    client->message_max = rules->settings.message_max;
    client->whole = client;
    return client;
}

void rules_client_free(struct rules_client *client)
{
    finish_tasks(client);
    free(client->resource);
    free(client->appid);
    free(client->side);
    free(client->allocated);
    free(client->claimed);
    free(client->mailbox);
    free(client);
}

struct rules_client *rules_enter(struct rules *rules, void *connection, const char *resource,
                                 int64_t now)
{
    struct rules_client *client = rules_client_new(rules, connection);

    if (client == NULL)
        return NULL;
    client->hashcash_bits = rules->settings.hashcash_bits;
    if (client->hashcash_bits > 0 && !copy_text(resource, &client->resource)) {
        free(client);
        return NULL;
    }
    if (client->hashcash_bits == 0) /* a permission is the price of one session */
        client->host.channels_max = rules->settings.channels;
    rules->now = now;
    rules->counts.clients++;
    send_welcome(client);
    return client;
}

void rules_leave(struct rules_client *client)
{
    if (client == NULL)
        return;
    client->dropped = true;
    rules_channels_sweep(client, true);
    client->rules->counts.clients--;
    rules_client_free(client);
}

/* Says why, and ends the connection: there is nothing to quote, or no room for it. */
static void expel(struct rules_client *client, enum rules_refusal cause, const char *why)
{
    rules_send_error(client, cause, why, NULL);
    rules_drop(client, why);
}

/* An ack proves nothing: on a channel it comes only if it was asked for. */
static bool wants_ack(const struct rules_client *client, const struct relay_command *command)
{
    return relay_command_has_type(command) &&
           (client->channel == 0 || json_object_get(command->root, "id") != NULL);
}

void rules_take(struct rules_client *client, struct relay_command *command, size_t length)
{
    struct rules_task *task = calloc(1, sizeof(*task));

    if (task == NULL) {
        relay_command_free(command);
        rules_drop(client, "out of memory");
        return;
    }
    *task = (struct rules_task){
        .client = client, .command = *command, .now = client->rules->now, .size = length};
    DL_APPEND(client->waiting, task);
    count_in(client, length);
    client->rules->waiting_bytes += length;
    if (wants_ack(client, &task->command))
        rules_send(client,
                   reply_ack(json_object_get(task->command.root, "id"), client->rules->now));
    rules_run(client);
    if (client->waiting != NULL && client->waiting->prev == task &&
        !relay_command_keep(&task->command))
        rules_drop(client, "out of memory");
}

void rules_receive(struct rules_client *client, const char *text, size_t length, int64_t now)
{
    struct relay_command command;
    struct rules_client *taker;

    client->rules->now = now;
    rules_channels_sweep(client, false);
    if (client->dropped)
        return;
    if (length > client->message_max) {
        expel(client, RULES_REFUSED_SIZE, "the message is too large");
    } else if (rules_busy(client)) {
        expel(client, RULES_REFUSED_BUSY, "too many commands at once");
    } else if (!relay_command_parse(text, length, &command)) {
        rules_drop(client, "out of memory");
    } else if ((taker = rules_channels_find(client, &command, length)) == NULL) {
        relay_command_free(&command);
    } else {
        rules_take(taker, &command, length);
    }
}

void rules_drained(struct rules_client *client, int64_t now)
{
    client->rules->now = now;
    rules_listeners_take_turns(client);
}

bool rules_busy(const struct rules_client *client)
{
    const struct rules_host *host = &client->host;

    return host->full > 0 || host->count >= RULES_SHARED_QUEUE_MAX ||
           host->bytes >= RULES_QUEUE_BYTES;
}

size_t rules_pending(const struct rules *rules)
{
    const struct relay_store *store = rules->store;

    return rules->waiting_bytes + (store->queued != NULL ? store->queued(store->self) : 0);
}

bool rules_idle(const struct rules_client *client)
{
    return client->host.count == 0;
}

bool rules_listening(const struct rules_client *client)
{
    const struct rules_client *channel = client->host.channels;

    while (channel != NULL && channel->listener_state == RULES_NOT_LISTENING)
        channel = channel->hh.next;
    return channel != NULL || client->listener_state != RULES_NOT_LISTENING;
}

unsigned rules_channels(const struct rules_client *client)
{
    return HASH_COUNT(client->host.channels);
}

bool rules_listens_to_unused(const struct rules_client *client)
{
    const struct rules_client *channel = client->host.channels;

    while (channel != NULL &&
           (channel->listener_state == RULES_NOT_LISTENING || channel->seen.number > 0))
        channel = channel->hh.next;
    return channel != NULL ||
           (client->listener_state != RULES_NOT_LISTENING && client->seen.number == 0);
}

struct relay_who rules_who(const struct rules_client *client, int64_t now)
{
    const struct rules_hooks *hooks = &client->rules->hooks;

    return (struct relay_who){
        .appid = client->appid,
        .side = client->side,
        .turn = hooks->turn != NULL ? hooks->turn(client->connection) : (uint64_t)(uintptr_t)client,
        .now = now,
        .owner = hooks->owner != NULL ? hooks->owner(client->connection) : 0,
    };
}

static void touch(const struct rules_client *client)
{
    const struct relay_store *store = client->rules->store;
    struct relay_who who = rules_who(client, client->rules->now);

    if (client->listener_state >= RULES_REPLAYING)
        store->touch(store->self, &who, client->mailbox);
}

void rules_touch(struct rules_client *client, int64_t now)
{
    const struct rules_client *channel;

    client->rules->now = now;
    touch(client);
    for (channel = client->host.channels; channel != NULL; channel = channel->hh.next)
        touch(channel);
}

#include "config.h"

#include "relay/rules_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "relay/reply.h"

/* ---- all of them ---- */

/* NULL stays NULL. */
static bool copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text ? strdup(text) : NULL;
    return !text || *ret_copy;
}

static void free_settings(struct rules_settings *settings)
{
    free((char *)settings->motd);
    free((char *)settings->error);
}

bool rules_set(struct rules *rules, const struct rules_settings *settings)
{
    struct rules_settings copy = *settings;
    char *motd, *error = NULL;

    if (!copy_text(settings->motd, &motd) || !copy_text(settings->error, &error)) {
        free(motd);
        return false;
    }
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

    if (!rules)
        return NULL;
    rules->store = store;
    rules->hooks = *hooks;
    crypto_shorthash_keygen(rules->hash_secret);
    if (!rules_set(rules, settings)) {
        free(rules);
        return NULL;
    }
    return rules;
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    assert(rules->counts.clients == 0);
    free_settings(&rules->settings);
    free(rules);
}

void rules_count(const struct rules *rules, struct rules_counts *ret_counts)
{
    *ret_counts = rules->counts;
}

/* ---- one client ---- */

bool rules_asks_permission(const struct rules *rules)
{
    return rules->settings.hashcash_bits > 0;
}

struct rules_client *rules_enter(struct rules *rules, void *connection, const char *resource,
                                 int64_t now)
{
    struct rules_client *client = calloc(1, sizeof(*client));

    if (!client)
        return NULL;
    client->rules = rules;
    client->connection = connection;
    client->message_max = rules->settings.message_max;
    client->hashcash_bits = rules->settings.hashcash_bits;
    if (client->hashcash_bits > 0 && !copy_text(resource, &client->resource)) {
        free(client);
        return NULL;
    }
    rules->now = now;
    rules->counts.clients++;
    rules_send_welcome(client);
    return client;
}

void rules_leave(struct rules_client *client)
{
    if (!client)
        return;
    rules_tasks_last_words(client);
    rules_listeners_leave(client);
    rules_tasks_clear(client);
    client->rules->counts.clients--;
    free(client->resource);
    free(client->appid);
    free(client->side);
    free(client->allocated);
    free(client->claimed);
    free(client->mailbox);
    free(client);
}

void rules_drop(struct rules_client *client, const char *why)
{
    if (client->dropped)
        return;
    client->dropped = true;
    client->rules->hooks.drop(client->connection, why);
}

void rules_drained(struct rules_client *client, int64_t now)
{
    client->rules->now = now;
    rules_listeners_read_on(client);
    rules_tasks_run(client);
}

bool rules_busy(const struct rules_client *client)
{
    return client->count >= RULES_QUEUE_MAX || client->bytes >= RULES_QUEUE_BYTES;
}

bool rules_resting(const struct rules_client *client)
{
    return client->count == 0;
}

bool rules_listening(const struct rules_client *client)
{
    return client->listener_state != RULES_NOT_LISTENING;
}

void rules_touch(struct rules_client *client, int64_t now)
{
    const struct relay_store *store = client->rules->store;
    struct relay_who who = {
        .appid = client->appid, .side = client->side, .owner = client, .now = now};

    client->rules->now = now;
    if (client->listener_state >= RULES_REPLAYING)
        store->touch(store->self, &who, client->mailbox);
}

/* ---- its messages ---- */

/* Says why, and ends the connection: there is nothing to quote, or no room for it. */
static void expel(struct rules_client *client, const char *why)
{
    rules_send_error(client, why, NULL);
    rules_drop(client, why);
}

void rules_receive(struct rules_client *client, const char *text, size_t length, int64_t now)
{
    struct rules_task *task;

    client->rules->now = now;
    if (client->dropped)
        return;
    if (length > client->message_max) {
        expel(client, "the message is too large");
    } else if (rules_busy(client)) {
        expel(client, "too many commands at once");
    } else if (!rules_tasks_add(client, text, length, &task)) {
        rules_drop(client, "out of memory");
    } else {
        if (relay_command_has_type(&task->command))
            rules_send(client, reply_ack(json_object_get(task->command.root, "id"), now));
        rules_tasks_run(client);
    }
}

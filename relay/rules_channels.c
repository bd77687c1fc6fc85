/* The channels of a shared connection: each is a client of the rules, and comes and goes without
 * the others. doc/relay-extensions.md describes what they look like from outside. */
#include "config.h"

#include "relay/rules_parts.h"

#include <stdlib.h>
#include <string.h>

#include "relay/reply.h"

static const char too_long[] = "a message is too large for a shared connection";

/* To a number that has no channel, or none any more. */
static void refuse(struct rules_client *connection, int64_t number, const char *reason, bool alone)
{
    connection->rules->counts.refused[alone ? RULES_REFUSED_SIZE : RULES_REFUSED_CHANNEL]++;
    rules_send(connection,
               reply_on_channel(reply_left(reason, alone, connection->rules->now), number));
}

bool rules_channels_too_long(struct rules_client *client, const char *text)
{
    if (client->channel == 0 || strlen(text) <= RULES_CHANNEL_MESSAGE_MAX)
        return false;
    rules_channels_end(client, too_long, true);
    return true;
}

/* It stays in the table until the next text comes: somebody up the stack may still use it. */
void rules_channels_end(struct rules_client *channel, const char *reason, bool alone)
{
    struct rules_client *connection = channel->whole;

    if (rules_is_dropped(channel))
        return;
    channel->dropped = channel->ended = true;
    connection->host.ended++;
    connection->host.count -= channel->count;
    connection->host.bytes -= channel->bytes;
    connection->host.full -= channel->count >= RULES_QUEUE_MAX;
    refuse(connection, channel->channel, reason, alone);
    rules_note_busy(connection);
}

static void free_channel(struct rules_client *channel)
{
    struct rules_client *connection = channel->whole;
    const struct rules_hooks *hooks = &channel->rules->hooks;
    bool read = channel->reading;

    connection->host.ended -= channel->ended;
    HASH_DEL(connection->host.channels, channel);
    channel->rules->counts.channels--;
    rules_client_free(channel);
    if (hooks->channel != NULL)
        hooks->channel(connection->connection, false);
    if (read) /* the others need not wait for its piece */
        connection->host.reading = false;
    rules_listeners_take_turns(connection);
}

void rules_channels_sweep(struct rules_client *connection, bool all)
{
    struct rules_client *channel, *next;

    if (!all && connection->host.ended == 0)
        return;
    HASH_ITER(hh, connection->host.channels, channel, next)
    {
        if (all || channel->ended)
            free_channel(channel);
    }
}

static struct rules_client *begin_channel(struct rules_client *connection, int64_t number)
{
    struct rules *rules = connection->rules;
    const struct rules_hooks *hooks = &rules->hooks;
    struct rules_client *channel;

    if (HASH_COUNT(connection->host.channels) >= connection->host.channels_max ||
        (hooks->channel != NULL && !hooks->channel(connection->connection, true))) {
        refuse(connection, number, "there is no room for one more session; try again later", false);
        return NULL;
    }
    channel = rules_client_new(rules, connection->connection);
    if (channel != NULL) {
        channel->whole = connection;
        channel->channel = number;
        HASH_ADD(hh, connection->host.channels, channel, sizeof(channel->channel), channel);
    }
    if (channel != NULL && channel->hh.tbl != NULL) {
        rules->counts.channels++;
        return channel;
    }
    free(channel);
    if (hooks->channel != NULL)
        hooks->channel(connection->connection, false);
    refuse(connection, number, "out of memory", false);
    return NULL;
}

struct rules_client *rules_channels_find(struct rules_client *connection,
                                         const struct relay_command *command, size_t length)
{
    struct rules_client *channel;

    if (command->channel == 0 || connection->host.channels_max == 0)
        return connection;
    if (command->channel < 0) {
        rules_send_error(connection, RULES_REFUSED_FORM,
                         "a channel must be a number from 1 to 2147483647", command->root);
        return NULL;
    }
    HASH_FIND(hh, connection->host.channels, &command->channel, sizeof(command->channel), channel);
    if (command->type == RELAY_COMMAND_LEAVE) {
        if (channel != NULL)
            free_channel(channel);
        return NULL;
    }
    if (channel == NULL && command->type != RELAY_COMMAND_BIND) {
        refuse(connection, command->channel, "there is no such channel", false);
        return NULL;
    }
    if (length > RULES_CHANNEL_MESSAGE_MAX) {
        if (channel != NULL)
            rules_channels_end(channel, too_long, true);
        else
            refuse(connection, command->channel, too_long, true);
        return NULL;
    }
    return channel != NULL ? channel : begin_channel(connection, command->channel);
}

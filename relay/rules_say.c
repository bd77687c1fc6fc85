#include "config.h"

#include "relay/rules_parts.h"

#include <stdlib.h>
#include <string.h>

#include "relay/reply.h"

void rules_send(struct rules_client *client, char *reply)
{
    if (!reply)
        rules_drop(client, "out of memory");
    else if (!client->dropped)
        client->rules->hooks.send(client->connection, reply, strlen(reply));
    free(reply);
}

void rules_send_welcome(struct rules_client *client)
{
    const struct rules_settings *settings = &client->rules->settings;
    struct reply_welcome welcome = {
        .motd = settings->motd,
        .error = settings->error,
        .hashcash_bits = client->hashcash_bits,
        .resource = client->resource,
        .retention = settings->retention,
        .message_max = client->message_max,
    };

    rules_send(client, reply_welcome(&welcome, client->rules->now));
}

void rules_send_error(struct rules_client *client, const char *error, const json_t *orig)
{
    client->rules->counts.errors++;
    rules_send(client, reply_error(error, orig, client->rules->now));
}

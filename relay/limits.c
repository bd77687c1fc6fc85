#include "config.h"

#include "relay/limits.h"

/* Opening mailboxes needs neither allocation nor claim; visitors of many do it all the time. */
#define OPENS_PER_MINUTE 600
/* Nobody is refused for this, unless many connections of one address do it: they are slowed down.
 */
#define MESSAGES_PER_MINUTE 6000
/* JSON around a stored message, and what the rules add to it, bytes; the words in it are bounded by
 * relay/store.h. */
#define MESSAGE_OVERHEAD 512
/* Bytes of answers that may wait for one client, and of small messages. */
#define ANSWERS_MAX (UINT64_C(4) << 20)
/* A mailbox that is listened to is touched so often in its life: losing one touch costs little. */
#define TOUCHES 20
/* ms; each touch is a write to the disk. */
#define TOUCH_MAX 3600000
#define TOUCH_MIN 100

struct rules_settings limits_of_rules(const struct relay_settings *settings)
{
    return (struct rules_settings){
        .motd = settings->motd,
        .error = settings->error,
        .message_max = settings->max_message,
        .retention = settings->retention,
        .hashcash_bits = settings->hashcash_bits,
        .list = !settings->no_list,
    };
}

struct relay_limits limits_of_store(const struct relay_settings *settings)
{
    return (struct relay_limits){
        .retention = settings->retention,
        .mailbox_bytes = settings->max_mailbox_bytes,
        .mailbox_messages = settings->max_mailbox_messages,
        .piece_bytes = RULES_PIECE_BYTES,
    };
}

static int64_t touch_every(int64_t retention)
{
    int64_t every = retention / TOUCHES;
    return every > TOUCH_MAX ? TOUCH_MAX : every < TOUCH_MIN ? TOUCH_MIN : every;
}

/* Whoever is behind is sent no more messages, so beyond what he was sent before that was noticed
 * there are only answers to what he asks; and no more than that can be a mailbox as a whole. */
static size_t backlog_max(const struct relay_settings *settings)
{
    uint64_t mailbox =
        settings->max_mailbox_bytes + (uint64_t)settings->max_mailbox_messages * MESSAGE_OVERHEAD;
    return (mailbox < ANSWERS_MAX ? mailbox : ANSWERS_MAX) + 2 * settings->max_message;
}

struct relay_server_settings limits_of_server(const struct relay_settings *settings)
{
    return (struct relay_server_settings){
        .message_max = settings->max_message,
        .backlog_max = backlog_max(settings),
        .connections_max = settings->max_connections,
        .client_timeout = settings->client_timeout,
        .touch_every = touch_every(settings->retention),
        .rations = {.connections = settings->max_per_address,
                    .per_minute = {[RULES_RATE_ALLOCATE] = settings->allocations,
                                   [RULES_RATE_CLAIM] = settings->claims,
                                   [RULES_RATE_OPEN] = OPENS_PER_MINUTE,
                                   [RULES_RATE_ADD] = MESSAGES_PER_MINUTE}},
        .ration_loopback = settings->ration_loopback,
        .log_addresses = settings->log_addresses,
    };
}

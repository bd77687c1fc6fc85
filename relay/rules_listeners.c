/* Who listens to which mailbox. */
#include "config.h"

#include "relay/rules_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Out of memory: the element is just not in the table. */
#define HASH_NONFATAL_OOM             1
#define uthash_nonfatal_oom(audience) ((void)(audience))
#include <uthash.h>

#include "relay/reply.h"

/* The connections that have opened one mailbox of one app. */
struct audience {
    struct client *clients;
    UT_hash_handle hh;
    char key[]; /* appid NUL mailbox, so that no two pairs are alike */
};

/* Longest key. What is longer was opened by nobody. */
#define KEY_MAX (RELAY_APPID_MAX + 1 + RELAY_MAILBOX_MAX)

struct key {
    char bytes[KEY_MAX];
    unsigned length;
    unsigned
        hash; /* strangers choose the names: with a secret, so that they cannot choose the hash */
};

/* False if it is no key. */
static bool make_key(const struct rules *rules, const char *appid, const char *mailbox,
                     struct key *ret_key)
{
    size_t first = strnlen(appid, RELAY_APPID_MAX + 1) + 1;
    size_t second = strnlen(mailbox, RELAY_MAILBOX_MAX + 1);
    unsigned char hash[crypto_shorthash_BYTES];

    if (first > RELAY_APPID_MAX + 1 || second > RELAY_MAILBOX_MAX)
        return false;
    memcpy(ret_key->bytes, appid, first);
    memcpy(ret_key->bytes + first, mailbox, second);
    ret_key->length = (unsigned)(first + second);
    crypto_shorthash(hash, (const unsigned char *)ret_key->bytes, ret_key->length,
                     rules->hash_secret);
    memcpy(&ret_key->hash, hash, sizeof(ret_key->hash));
    return true;
}

static struct audience *find(const struct rules *rules, const struct key *key)
{
    struct audience *audience;

    HASH_FIND_BYHASHVALUE(hh, rules->audiences, key->bytes, key->length, key->hash, audience);
    return audience;
}

static struct audience *make(struct rules *rules, const struct key *key)
{
    struct audience *audience = calloc(1, sizeof(*audience) + key->length);

    if (!audience)
        return NULL;
    memcpy(audience->key, key->bytes, key->length);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, rules->audiences, audience->key, key->length, key->hash,
                                audience);
    if (audience->hh.tbl)
        return audience;
    free(audience);
    return NULL;
}

bool rules_audience_join(struct client *client)
{
    struct audience *audience;
    struct key key;

    if (!make_key(client->rules, client->appid, client->mailbox, &key))
        return false;
    audience = find(client->rules, &key);
    if (!audience)
        audience = make(client->rules, &key);
    if (!audience)
        return false;
    DL_APPEND(audience->clients, client);
    client->audience = audience;
    client->attention = OPENING;
    client->seen = client->missed = 0;
    return true;
}

static void attend(struct client *client, enum attention attention)
{
    struct rules_counts *counts = &client->rules->counts;

    counts->listening -= client->attention == LISTENING;
    counts->listening += attention == LISTENING;
    client->attention = attention;
}

void rules_audience_leave(struct client *client)
{
    struct audience *audience = client->audience;

    if (!audience)
        return;
    DL_DELETE(audience->clients, client);
    attend(client, INATTENTIVE);
    client->audience = NULL;
    if (!audience->clients) {
        HASH_DEL(client->rules->audiences, audience);
        free(audience);
    }
}

void rules_audience_stop(struct client *client, const char *mailbox)
{
    struct audience *audience = NULL;
    struct client *other, *next;
    struct key key;

    if (make_key(client->rules, client->appid, mailbox, &key))
        audience = find(client->rules, &key);
    if (!audience)
        return;
    /* The last one takes the audience with it, so the loop looks at `next` alone. */
    DL_FOREACH_SAFE(audience->clients, other, next)
    {
        if (other->attention >= REPLAYING && strcmp(other->side, client->side) == 0)
            rules_audience_leave(other);
    }
}

/* ---- what is stored ---- */

static bool behind(const struct client *client)
{
    const struct rules_hooks *hooks = &client->rules->hooks;

    return hooks->behind && hooks->behind(client->connection);
}

/* Sends those that it has not seen. */
static void tell(struct client *client, const struct relay_answer *answer)
{
    for (size_t i = 0; i < answer->count && !client->dropped; i++) {
        const struct relay_message *message = &answer->messages[i];

        if (message->number <= client->seen)
            continue;
        rules_say(client, reply_message(message, client->rules->now));
        client->seen = message->number;
    }
    attend(client, answer->more || client->missed > client->seen ? REPLAYING : LISTENING);
}

void rules_audience_replay(struct client *client, const struct relay_answer *answer)
{
    tell(client, answer);
    rules_audience_go_on(client);
}

static void on_piece(void *arg, const struct relay_answer *answer)
{
    struct client *client = arg;

    client->reading = false;
    if (answer->result != RELAY_DONE)
        rules_drop(client, "the store failed");
    else if (client->attention == REPLAYING) /* it may have been stopped meanwhile */
        tell(client, answer);
    rules_audience_go_on(client);
    rules_tasks_run(client);
}

static void ask_piece(struct client *client)
{
    const struct relay_store *store = client->rules->store;
    struct relay_who who = {
        .appid = client->appid, .side = client->side, .owner = client, .now = client->rules->now};

    client->reading = true;
    client->missed = 0;
    store->read(store->self, &who, client->mailbox, client->seen, on_piece, client);
}

void rules_audience_go_on(struct client *client)
{
    if (client->going_on) /* a store that answers at once brought us here: the loop below goes on */
        return;
    client->going_on = true;
    while (client->attention == REPLAYING && !client->reading && !client->dropped &&
           !behind(client))
        ask_piece(client);
    client->going_on = false;
}

/* ---- what is new ---- */

/* Who is behind gets it from the store, when he has taken what waits for him. */
static void hear(struct client *client, const struct relay_message *message, const char *text)
{
    if (client->attention == LISTENING && behind(client))
        attend(client, REPLAYING);
    if (client->attention != LISTENING)
        client->missed = message->number;
    if (client->attention != LISTENING || client->dropped || message->number <= client->seen)
        return;
    client->seen = message->number;
    if (text)
        client->rules->hooks.send(client->connection, text, strlen(text));
    else
        rules_drop(client, "out of memory");
}

/* The text is the same for all of them. */
void rules_feed(void *arg, const char *appid, const char *mailbox,
                const struct relay_message *message)
{
    struct rules *rules = arg;
    struct audience *audience = NULL;
    struct client *client;
    struct key key;
    char *text;

    if (make_key(rules, appid, mailbox, &key))
        audience = find(rules, &key);
    if (!audience)
        return;
    text = reply_message(message, rules->now);
    DL_FOREACH(audience->clients, client)
    {
        hear(client, message, text);
    }
    free(text);
}

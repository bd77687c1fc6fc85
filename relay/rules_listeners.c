/* Which clients listen to which mailbox, and what they are sent from it. */
#include "config.h"

#include "relay/rules_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/shared_text.h"
#include "relay/reply.h"

/* The connections that have opened one mailbox of one app. */
struct rules_listeners {
    struct rules_client *clients;
    UT_hash_handle hh;
    char key[]; /* appid NUL mailbox NUL, so that no two pairs are alike */
};

/* Longest key. No mailbox with a longer one was ever opened. */
#define KEY_MAX (RELAY_APPID_MAX + 1 + RELAY_MAILBOX_MAX)

struct listeners_key {
    char bytes[KEY_MAX];
    unsigned length;
    unsigned hash; /* keyed with a secret: strangers choose the names, and must not choose it */
};

/* False if it is too long. */
static bool make_key(const struct rules *rules, const char *appid, const char *mailbox,
                     struct listeners_key *ret_key)
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

static struct rules_listeners *find(const struct rules *rules, const struct listeners_key *key)
{
    struct rules_listeners *listeners;

    HASH_FIND_BYHASHVALUE(hh, rules->listeners, key->bytes, key->length, key->hash, listeners);
    return listeners;
}

static const char *appid_of(const struct rules_listeners *listeners)
{
    return listeners->key;
}

static const char *mailbox_of(const struct rules_listeners *listeners)
{
    return listeners->key + strlen(listeners->key) + 1;
}

/* The store tells of the mailboxes in the table. */
static bool subscribe(const struct rules *rules, const struct rules_listeners *listeners)
{
    const struct relay_store *store = rules->store;
    return store->listen == NULL ||
           store->listen(store->self, appid_of(listeners), mailbox_of(listeners));
}

static void unsubscribe(const struct rules *rules, const struct rules_listeners *listeners)
{
    const struct relay_store *store = rules->store;
    if (store->unlisten != NULL)
        store->unlisten(store->self, appid_of(listeners), mailbox_of(listeners));
}

static struct rules_listeners *make(struct rules *rules, const struct listeners_key *key)
{
    struct rules_listeners *listeners = calloc(1, sizeof(*listeners) + key->length + 1);

    if (listeners == NULL)
        return NULL;
    memcpy(listeners->key, key->bytes, key->length);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, rules->listeners, listeners->key, key->length, key->hash,
                                listeners);
    if (listeners->hh.tbl != NULL && subscribe(rules, listeners))
        return listeners;
    if (listeners->hh.tbl != NULL)
        HASH_DEL(rules->listeners, listeners);
    free(listeners);
    return NULL;
}

bool rules_listeners_join(struct rules_client *client)
{
    struct rules_listeners *listeners;
    struct listeners_key key;

    if (!make_key(client->rules, client->appid, client->mailbox, &key))
        return false;
    listeners = find(client->rules, &key);
    if (listeners == NULL)
        listeners = make(client->rules, &key);
    if (listeners == NULL)
        return false;
    DL_APPEND(listeners->clients, client);
    client->listeners = listeners;
    client->listener_state = RULES_OPENING;
    client->serial = 0;
    client->seen = (struct relay_position){0};
    client->missed = 0;
    return true;
}

/* One more of them waits for its turn to read. */
static void queue_reader(struct rules_client *client)
{
    if (client->listener_state != RULES_REPLAYING || client->reading || client->waits_to_read ||
        rules_is_dropped(client))
        return;
    client->waits_to_read = true;
    DL_APPEND2(client->whole->host.readers, client, reader_prev, reader_next);
}

static void unqueue_reader(struct rules_client *client)
{
    if (client->waits_to_read)
        DL_DELETE2(client->whole->host.readers, client, reader_prev, reader_next);
    client->waits_to_read = false;
}

static void set_state(struct rules_client *client, enum rules_listener_state state)
{
    struct rules_counts *counts = &client->rules->counts;

    counts->listening -= client->listener_state == RULES_LISTENING;
    counts->listening += state == RULES_LISTENING;
    client->listener_state = state;
}

void rules_listeners_leave(struct rules_client *client)
{
    struct rules_listeners *listeners = client->listeners;

    if (listeners == NULL)
        return;
    DL_DELETE(listeners->clients, client);
    unqueue_reader(client);
    set_state(client, RULES_NOT_LISTENING);
    client->listeners = NULL;
    if (listeners->clients == NULL) {
        HASH_DEL(client->rules->listeners, listeners);
        unsubscribe(client->rules, listeners);
        free(listeners);
    }
}

/* Commands that waited for the end of a replay begin now, and may change the list of those who
 * listen: so those who stop are first put into one of their own. */
void rules_listeners_closed(void *arg, const char *appid, const char *mailbox, const char *side)
{
    const struct rules *rules = arg;
    struct rules_client *other, *next, *stopped = NULL;
    struct rules_listeners *listeners = NULL;
    struct listeners_key key;

    if (make_key(rules, appid, mailbox, &key))
        listeners = find(rules, &key);
    if (listeners == NULL)
        return;
    DL_FOREACH_SAFE(listeners->clients, other, next)
    {
        if (other->listener_state >= RULES_REPLAYING && strcmp(other->side, side) == 0) {
            rules_listeners_leave(other);
            DL_APPEND(stopped, other);
        }
    }
    while ((other = stopped) != NULL) {
        DL_DELETE(stopped, other);
        rules_run(other);
    }
}

/* They come back, and put there what is theirs. Whoever is about to open it makes it anew, unless
 * its `open` was done before, and the answer is still on its way. */
void rules_listeners_gone(void *arg, const char *appid, const char *mailbox, uint64_t serial)
{
    const struct rules *rules = arg;
    struct rules_listeners *listeners = NULL;
    struct rules_client *client;
    struct listeners_key key;

    if (make_key(rules, appid, mailbox, &key))
        listeners = find(rules, &key);
    if (listeners == NULL)
        return;
    DL_FOREACH(listeners->clients, client)
    {
        if (client->serial > serial)
            continue;
        if (client->listener_state >= RULES_REPLAYING)
            rules_drop(client, "the mailbox was deleted");
        else
            client->serial = serial + 1;
    }
}

static void note_sent(struct rules_client *client, const struct relay_message *message)
{
    client->seen = (struct relay_position){message->number, message->mark};
}

/* ---- what is stored ---- */

static bool is_backlogged(const struct rules_client *client)
{
    const struct rules_hooks *hooks = &client->rules->hooks;

    return hooks->backlogged != NULL && hooks->backlogged(client->connection);
}

/* Sends the messages that it has not been sent yet: to a channel only as many as its connection has
 * room for, since each of a thousand could come with a piece. */
static void send_stored(struct rules_client *client, const struct relay_answer *answer)
{
    bool more = answer->more;

    for (size_t i = 0; i < answer->count && !rules_is_dropped(client); i++) {
        const struct relay_message *message = &answer->messages[i];

        if (message->number <= client->seen.number)
            continue;
        if (client->channel != 0 && is_backlogged(client)) {
            more = true;
            break;
        }
        rules_send(client, reply_message(message, client->rules->now));
        note_sent(client, message);
    }
    set_state(client,
              more || client->missed > client->seen.number ? RULES_REPLAYING : RULES_LISTENING);
    queue_reader(client);
}

/* What it listened to is gone; it comes back, and opens what there is now. */
static void drop_outlived(struct rules_client *client)
{
    rules_drop(client, "the mailbox was made anew");
}

/* What is more than a piece would delay the other channels. */
void rules_listeners_replay(struct rules_client *client, const struct relay_answer *answer)
{
    if (answer->serial < client->serial) { /* the feed was faster */
        drop_outlived(client);
        return;
    }
    if (answer->serial > client->serial)
        client->missed = 0; /* it was of an older one */
    client->serial = answer->serial;
    if (client->channel != 0 && answer->more) {
        set_state(client, RULES_LISTENING);
        rules_channels_end(client, "the mailbox holds too much for a shared connection", true);
        return;
    }
    send_stored(client, answer);
    rules_listeners_take_turns(client->whole);
}

static void on_piece(void *arg, const struct relay_answer *answer)
{
    struct rules_client *client = arg;

    client->reading = client->whole->host.reading = false;
    if (answer->result != RELAY_DONE)
        rules_drop(client, "the store failed");
    else if (answer->serial > client->serial)
        drop_outlived(client);
    else if (client->listener_state == RULES_REPLAYING) /* it may have been stopped meanwhile */
        send_stored(client, answer);
    rules_listeners_take_turns(client->whole);
    rules_run(client);
}

static void read_piece(struct rules_client *client)
{
    const struct relay_store *store = client->rules->store;
    struct relay_who who = rules_who(client, client->rules->now);

    unqueue_reader(client);
    client->reading = client->whole->host.reading = true;
    client->missed = 0;
    store->read(store->self, &who, client->mailbox, client->seen.number, on_piece, client);
}

void rules_listeners_take_turns(struct rules_client *connection)
{
    struct rules_host *host = &connection->host;

    if (host->taking_turns) /* called by a store that answers at once: the loop below continues */
        return;
    host->taking_turns = true;
    while (host->readers != NULL && !host->reading && !connection->dropped &&
           !is_backlogged(connection))
        read_piece(host->readers);
    host->taking_turns = false;
}

/* ---- what is new ---- */

/* A client with a backlog gets it from the store, once it has taken what waits for it. */
static void send_new(struct rules_client *client, uint64_t serial,
                     const struct relay_message *message, struct shared_text *text)
{
    if (client->listener_state >= RULES_REPLAYING && serial > client->serial)
        drop_outlived(client);
    if (rules_is_dropped(client) || serial < client->serial)
        return;
    client->serial = serial;
    if (client->listener_state == RULES_LISTENING && is_backlogged(client)) {
        set_state(client, RULES_REPLAYING);
        queue_reader(client);
    }
    if (client->listener_state != RULES_LISTENING)
        client->missed = message->number;
    if (client->listener_state != RULES_LISTENING || message->number <= client->seen.number)
        return;
    note_sent(client, message);
    if (text != NULL && client->channel == 0)
        rules_send_shared(client, text);
    else
        rules_send(client, text != NULL ? strdup(text->data) : NULL);
}

/* The text is the same for all of them. */
void rules_listeners_message(void *arg, const char *appid, const char *mailbox, uint64_t serial,
                             const struct relay_message *message)
{
    struct rules *rules = arg;
    struct rules_listeners *listeners = NULL;
    struct rules_client *client;
    struct listeners_key key;
    struct shared_text *text;
    char *reply;

    if (make_key(rules, appid, mailbox, &key))
        listeners = find(rules, &key);
    if (listeners == NULL)
        return;
    reply = reply_message(message, rules->now);
    text = shared_text_new(reply, reply != NULL ? strlen(reply) : 0);
    DL_FOREACH(listeners->clients, client)
    {
        send_new(client, serial, message, text);
    }
    if (text != NULL)
        shared_text_release(text);
}

#include "config.h"

#include "tests/simulation/stock.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole state is JSON, as jansson keeps it: a model should be short before it is fast. */
struct stock {
    json_t *nameplates; /* name → {mailbox, sides: {side: claimed}} */
    json_t *mailboxes;  /* id → {side: opened} */
    json_t *idle;       /* id → steps of time since somebody was there */
    json_t *messages; /* id → [{side, phase, text, mark}…]: outlives its mailbox when added to an
                         orphan */
    struct stock_connection *connections;
    unsigned made;
    unsigned view;       /* how often it has let go of the app, for want of listeners */
    unsigned withheld;   /* how often somebody who listened was not told */
    bool prunes_at_open; /* the next one */
    stock_watcher watcher;
    void *watcher_arg;
    bool resumes;
    unsigned retention;     /* that it says, in seconds; 0: it does not */
    int64_t (*clock)(void); /* of which it tells, or NULL */
    unsigned marks;         /* given out */
    unsigned told;          /* messages, to all */
    json_t *copy;           /* of the four above, or NULL */
};

struct stock_connection {
    struct stock *stock;
    stock_deliver deliver;
    void *arg;
    char *side;
    char *listening; /* mailbox */
    char *claimed;   /* nameplate */
    bool dropped;
    bool placed;   /* it is told where it stands */
    bool misses;   /* it was not told something, so nobody can say where */
    unsigned view; /* of the app, when it was bound: it is told live only what others add who have
                      the same */
    struct stock_connection *next;
};

struct stock *stock_new(void)
{
    struct stock *stock = calloc(1, sizeof(*stock));
    stock->nameplates = json_object();
    stock->mailboxes = json_object();
    stock->idle = json_object();
    stock->messages = json_object();
    return stock;
}

void stock_free(struct stock *stock)
{
    while (stock->connections != NULL)
        stock_disconnect(stock->connections);
    json_decref(stock->nameplates);
    json_decref(stock->mailboxes);
    json_decref(stock->idle);
    json_decref(stock->messages);
    json_decref(stock->copy);
    free(stock);
}

void stock_resume(struct stock *stock)
{
    stock->resumes = true;
}

void stock_remember(struct stock *stock, unsigned retention)
{
    stock->retention = retention;
}

void stock_tell_time(struct stock *stock, int64_t (*clock)(void))
{
    stock->clock = clock;
}

unsigned stock_told(const struct stock *stock)
{
    return stock->told;
}

void stock_save(struct stock *stock)
{
    json_t *all = json_pack("{s:O,s:O,s:O,s:O}", "nameplates", stock->nameplates, "mailboxes",
                            stock->mailboxes, "idle", stock->idle, "messages", stock->messages);
    json_decref(stock->copy);
    stock->copy = json_deep_copy(all);
    json_decref(all);
}

static void put_back(const json_t *copy, const char *name, json_t **table)
{
    json_decref(*table);
    *table = json_deep_copy(json_object_get(copy, name));
}

void stock_put_back(struct stock *stock)
{
    if (stock->copy == NULL)
        return;
    put_back(stock->copy, "nameplates", &stock->nameplates);
    put_back(stock->copy, "mailboxes", &stock->mailboxes);
    put_back(stock->copy, "idle", &stock->idle);
    put_back(stock->copy, "messages", &stock->messages);
}

void stock_watch(struct stock *stock, stock_watcher watcher, void *arg)
{
    stock->watcher = watcher;
    stock->watcher_arg = arg;
}

static void say_text(const struct stock_connection *connection, const char *text)
{
    if (!connection->dropped)
        connection->deliver(connection->arg, text);
}

static void say(struct stock_connection *connection, json_t *message)
{
    const struct stock *stock = connection->stock;
    if (stock->clock != NULL)
        json_object_set_new(message, "server_tx", json_real((double)stock->clock() / 1000));
    char *text = json_dumps(message, JSON_COMPACT);
    say_text(connection, text);
    free(text);
    json_decref(message);
}

static void say_error(struct stock_connection *connection, const char *error, json_t *orig)
{
    say(connection, json_pack("{s:s,s:s,s:O}", "type", "error", "error", error, "orig", orig));
}

struct stock_connection *stock_connect(struct stock *stock, stock_deliver deliver, void *arg,
                                       const char *error)
{
    struct stock_connection *connection = calloc(1, sizeof(*connection));
    *connection = (struct stock_connection){
        .stock = stock, .deliver = deliver, .arg = arg, .next = stock->connections};
    stock->connections = connection;
    say(connection,
        json_pack(
            "{s:s,s:{s:s*,s:o*,s:o*}}", "type", "welcome", "welcome", "error", error, "extensions",
            stock->resumes ? json_pack("{s:{s:i}}", "resume", "version", 1) : NULL, "relayd",
            stock->retention > 0 ? json_pack("{s:i}", "retention", (int)stock->retention) : NULL));
    return connection;
}

void stock_disconnect(struct stock_connection *connection)
{
    struct stock_connection **place = &connection->stock->connections;
    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    free(connection->side);
    free(connection->listening);
    free(connection->claimed);
    free(connection);
}

static void drop(struct stock_connection *connection)
{
    connection->dropped = true;
    free(connection->listening);
    connection->listening = NULL;
    connection->deliver(connection->arg, NULL);
}

/* ---- mailboxes ---- */

static bool open_mailbox(struct stock *stock, const char *id, const char *side)
{
    if (json_object_get(stock->mailboxes, id) == NULL)
        json_object_set_new(stock->mailboxes, id, json_object());
    json_t *sides = json_object_get(stock->mailboxes, id);
    json_object_set_new(sides, side, json_true());
    json_object_set_new(stock->idle, id, json_integer(0));
    return json_object_size(sides) <= 2;
}

static bool someone_claims(json_t *sides)
{
    const char *side;
    json_t *claimed;
    json_object_foreach(sides, side, claimed) if (json_is_true(claimed)) return true;
    return false;
}

static bool listened_to(const struct stock *stock, const char *id)
{
    for (const struct stock_connection *connection = stock->connections; connection != NULL;
         connection = connection->next)
        if (connection->listening != NULL && strcmp(connection->listening, id) == 0)
            return true;
    return false;
}

static void delete_mailbox(struct stock *stock, const char *id)
{
    json_object_del(stock->messages, id);
    json_object_del(stock->idle, id);
    json_object_del(stock->mailboxes, id); /* last: `id` may be its own key */
}

static bool anybody_listens(const struct stock *stock)
{
    for (const struct stock_connection *connection = stock->connections; connection != NULL;
         connection = connection->next)
        if (connection->listening != NULL)
            return true;
    return false;
}

/* ---- places in a mailbox ---- */

static void give_mark(struct stock *stock, json_t *message)
{
    char mark[16];
    snprintf(mark, sizeof(mark), "mark%u", ++stock->marks);
    json_object_set_new(message, "mark", json_string(mark));
}

/* Their order has changed: nobody stands anywhere any more. */
static void give_marks_anew(struct stock *stock, json_t *list)
{
    size_t index;
    json_t *message;
    json_array_foreach(list, index, message) give_mark(stock, message);
}

static const char *mark_at(const json_t *list, size_t place)
{
    return json_string_value(json_object_get(json_array_get(list, place), "mark"));
}

/* How many messages come up to the one with this mark; 0: there is none. */
static size_t find_mark(const json_t *list, const char *mark)
{
    size_t place = json_array_size(list);
    while (place > 0 && (mark == NULL || strcmp(mark_at(list, place - 1), mark) != 0))
        place--;
    return place;
}

static json_int_t idle_for(const struct stock *stock, const char *id)
{
    return json_integer_value(json_object_get(stock->idle, id));
}

/* Deletes what was idle for so long. */
static void prune(struct stock *stock, json_int_t least)
{
    stock->view += !anybody_listens(stock);
    const char *id, *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(stock->nameplates, next, name, value)
    {
        id = json_string_value(json_object_get(value, "mailbox"));
        if (!listened_to(stock, id) && idle_for(stock, id) >= least)
            json_object_del(stock->nameplates, name);
    }
    json_object_foreach_safe(stock->mailboxes, next, id, value)
    {
        if (!listened_to(stock, id) && idle_for(stock, id) >= least)
            delete_mailbox(stock, id);
    }
}

unsigned stock_withheld(const struct stock *stock)
{
    return stock->withheld;
}

void stock_prune(struct stock *stock)
{
    prune(stock, 0);
}

void stock_prune_at_open(struct stock *stock)
{
    stock->prunes_at_open = true;
}

void stock_age(struct stock *stock, unsigned most)
{
    const char *id;
    json_t *sides;
    json_object_foreach(stock->mailboxes, id, sides)
    {
        json_int_t idle = listened_to(stock, id) ? 0 : idle_for(stock, id) + 1;
        json_object_set_new(stock->idle, id, json_integer(idle));
    }
    prune(stock, most);
}

void stock_reverse(struct stock *stock)
{
    const char *id;
    json_t *list;
    json_object_foreach(stock->messages, id, list)
    {
        json_t *copy = json_copy(list);
        size_t count = json_array_size(list);
        for (size_t i = 0; i < count; i++)
            json_array_set(list, i, json_array_get(copy, count - 1 - i));
        json_decref(copy);
        give_marks_anew(stock, list);
    }
}

static const char *side_at(const json_t *list, size_t place)
{
    return json_string_value(json_object_get(json_array_get(list, place), "side"));
}

void stock_swap(struct stock *stock, bool fairly, unsigned (*draw)(unsigned below))
{
    const char *id;
    json_t *list;
    json_object_foreach(stock->messages, id, list)
    {
        size_t count = json_array_size(list), place = count < 2 ? 0 : draw((unsigned)count - 1);
        if (count < 2 || (fairly && strcmp(side_at(list, place), side_at(list, place + 1)) == 0))
            continue;
        json_t *first = json_incref(json_array_get(list, place));
        json_array_remove(list, place);
        json_array_insert_new(list, place + 1, first);
        give_marks_anew(stock, list);
    }
}

unsigned stock_count(const struct stock *stock, unsigned *ret_mailboxes, unsigned *ret_messages)
{
    const char *id;
    json_t *list;
    *ret_mailboxes = (unsigned)json_object_size(stock->mailboxes);
    *ret_messages = 0;
    json_object_foreach(stock->messages, id, list) *ret_messages += (unsigned)json_array_size(list);
    return (unsigned)json_object_size(stock->nameplates);
}

bool stock_holds(const struct stock *stock, const char *mailbox, const char *side,
                 const char *phase)
{
    size_t index;
    json_t *message;
    json_array_foreach(json_object_get(stock->messages, mailbox), index, message)
    {
        const char *its_side = json_string_value(json_object_get(message, "side"));
        const char *its_phase = json_string_value(json_object_get(message, "phase"));
        if (strcmp(its_side, side) == 0 && strcmp(its_phase, phase) == 0)
            return true;
    }
    return false;
}

/* ---- commands ---- */

static void on_ping(struct stock_connection *connection, json_t *command)
{
    const json_t *list = connection->listening == NULL
                             ? NULL
                             : json_object_get(connection->stock->messages, connection->listening);
    size_t count = connection->placed && !connection->misses ? json_array_size(list) : 0;
    say(connection,
        json_pack("{s:s,s:O,s:s*}", "type", "pong", "pong", json_object_get(command, "ping"),
                  "position", count > 0 ? mark_at(list, count - 1) : NULL));
}

static void on_bind(struct stock_connection *connection, json_t *command)
{
    connection->side = strdup(json_string_value(json_object_get(command, "side")));
    connection->view = connection->stock->view;
}

static void claim_name(struct stock *stock, const char *name, const char *side)
{
    json_t *nameplate = json_object_get(stock->nameplates, name);
    if (nameplate == NULL) {
        char id[16];
        snprintf(id, sizeof(id), "mailbox%u", ++stock->made);
        nameplate = json_pack("{s:s,s:{}}", "mailbox", id, "sides");
        json_object_set_new(stock->nameplates, name, nameplate);
    }
    json_object_set_new(json_object_get(nameplate, "sides"), side, json_true());
}

static void on_allocate(struct stock_connection *connection, json_t *command)
{
    char name[16];
    unsigned number = 1;
    (void)command;
    do
        snprintf(name, sizeof(name), "%u", number++);
    while (json_object_get(connection->stock->nameplates, name) != NULL);
    claim_name(connection->stock, name, connection->side);
    say(connection, json_pack("{s:s,s:s}", "type", "allocated", "nameplate", name));
}

static void on_claim(struct stock_connection *connection, json_t *command)
{
    struct stock *stock = connection->stock;
    const char *name = json_string_value(json_object_get(command, "nameplate"));
    json_t *nameplate = json_object_get(stock->nameplates, name);
    if (connection->claimed != NULL) {
        say_error(connection, "only one claim per connection", command);
        return;
    }
    connection->claimed = strdup(name);
    if (json_is_false(json_object_get(json_object_get(nameplate, "sides"), connection->side))) {
        say_error(connection, "reclaimed", command);
        return;
    }
    claim_name(stock, name, connection->side);
    const char *id =
        json_string_value(json_object_get(json_object_get(stock->nameplates, name), "mailbox"));
    if (open_mailbox(stock, id, connection->side))
        say(connection, json_pack("{s:s,s:s}", "type", "claimed", "mailbox", id));
    else
        say_error(connection, "crowded", command);
}

static void on_release(struct stock_connection *connection, json_t *command)
{
    struct stock *stock = connection->stock;
    const char *name = json_string_value(json_object_get(command, "nameplate"));
    json_t *sides = json_object_get(json_object_get(stock->nameplates, name), "sides");
    if (json_object_get(sides, connection->side) != NULL)
        json_object_set_new(sides, connection->side, json_false());
    if (sides != NULL && !someone_claims(sides))
        json_object_del(stock->nameplates, name);
    say(connection, json_pack("{s:s}", "type", "released"));
}

static void say_message(const struct stock_connection *connection, const json_t *message)
{
    connection->stock->told++;
    say_text(connection, json_string_value(json_object_get(message, "text")));
}

static void on_open(struct stock_connection *connection, json_t *command)
{
    const char *id = json_string_value(json_object_get(command, "mailbox"));
    size_t index;
    json_t *message;
    if (connection->listening != NULL) {
        say_error(connection, "only one open per connection", command);
        return;
    }
    if (connection->stock->prunes_at_open)
        prune(connection->stock, 0);
    connection->stock->prunes_at_open = false;
    if (!open_mailbox(connection->stock, id, connection->side)) {
        say_error(connection, "crowded", command);
        return;
    }
    connection->listening = strdup(id);
    const char *after = json_string_value(json_object_get(command, "after"));
    const json_t *list = json_object_get(connection->stock->messages, id);
    connection->placed = connection->stock->resumes && after != NULL;
    size_t known = connection->placed ? find_mark(list, after) : 0;
    if (known > 0)
        say(connection, json_pack("{s:s}", "type", "resumed"));
    json_array_foreach(list, index, message)
    {
        if (index >= known)
            say_message(connection, message);
    }
}

static void show_watcher(const struct stock_connection *connection, const json_t *command)
{
    const struct stock *stock = connection->stock;
    if (stock->watcher != NULL)
        stock->watcher(stock->watcher_arg, connection->listening, connection->side,
                       json_string_value(json_object_get(command, "phase")),
                       json_string_value(json_object_get(command, "body")));
}

/* With the text that is told of it, which is always the same. */
static json_t *make_message(const struct stock_connection *connection, json_t *command)
{
    json_t *phase = json_object_get(command, "phase");
    json_t *said = json_pack("{s:s,s:s,s:O,s:O}", "type", "message", "side", connection->side,
                             "phase", phase, "body", json_object_get(command, "body"));
    char *text = json_dumps(said, JSON_COMPACT);
    json_t *message =
        json_pack("{s:s,s:O,s:s}", "side", connection->side, "phase", phase, "text", text);
    free(text);
    json_decref(said);
    return message;
}

static void on_add(struct stock_connection *connection, json_t *command)
{
    struct stock *stock = connection->stock;
    const char *id = connection->listening;
    if (id == NULL) {
        say_error(connection, "must open mailbox before adding", command);
        return;
    }
    json_t *message = make_message(connection, command);
    give_mark(stock, message);
    show_watcher(connection, command);
    if (json_object_get(stock->messages, id) == NULL)
        json_object_set_new(stock->messages, id, json_array());
    json_array_append(json_object_get(stock->messages, id), message);
    if (json_object_get(stock->mailboxes, id) != NULL)
        json_object_set_new(stock->idle, id, json_integer(0));
    for (struct stock_connection *other = stock->connections; other != NULL; other = other->next)
        if (other->listening != NULL && strcmp(other->listening, id) == 0) {
            if (other->view == connection->view)
                say_message(other, message);
            else
                stock->withheld++, other->misses = true;
        }
    json_decref(message);
}

static bool holds_nameplate_of(const struct stock *stock, const char *side, const char *mailbox)
{
    const char *name;
    json_t *nameplate;
    json_object_foreach(
        stock->nameplates, name,
        nameplate) if (strcmp(json_string_value(json_object_get(nameplate, "mailbox")), mailbox) ==
                           0 &&
                       json_is_true(
                           json_object_get(json_object_get(nameplate, "sides"), side))) return true;
    return false;
}

static void on_close(struct stock_connection *connection, json_t *command)
{
    struct stock *stock = connection->stock;
    const char *id = json_string_value(json_object_get(command, "mailbox"));
    if (!open_mailbox(stock, id, connection->side)) {
        say_error(connection, "crowded", command);
        return;
    }
    json_t *sides = json_object_get(stock->mailboxes, id);
    json_object_set_new(sides, connection->side, json_false());
    bool last = !someone_claims(sides);
    bool held = holds_nameplate_of(stock, connection->side, id);
    free(connection->listening);
    connection->listening = NULL;
    if (last)
        delete_mailbox(stock, id);
    if (last && held)
        drop(connection); /* a foreign key error in its database */
    else
        say(connection, json_pack("{s:s}", "type", "closed"));
}

static const struct {
    const char *type;
    void (*handler)(struct stock_connection *, json_t *);
} commands[] = {
    {"ping", on_ping},       {"bind", on_bind}, {"allocate", on_allocate}, {"claim", on_claim},
    {"release", on_release}, {"open", on_open}, {"add", on_add},           {"close", on_close},
};

void stock_receive(struct stock_connection *connection, const char *text)
{
    json_t *command = json_loads(text, 0, NULL);
    const char *type = json_string_value(json_object_get(command, "type"));
    if (connection->dropped) {
        json_decref(command);
        return;
    }
    say(connection, json_pack("{s:s}", "type", "ack"));
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(type, commands[i].type) == 0)
            commands[i].handler(connection, command);
    json_decref(command);
}

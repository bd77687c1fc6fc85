#include "config.h"

#include "tests/doubles/memory_store.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "tests/doubles/memory_data.h"

/* One operation that was asked for; owns copies of all that was borrowed. */
struct operation {
    void (*run)(struct memory_store *memory, struct operation *operation,
                struct relay_answer *answer);
    struct relay_who who;
    char *name; /* nameplate or mailbox, or NULL */
    struct relay_message message;
    struct relay_position after;
    unsigned most;
    relay_done done; /* NULL: nobody wants to know */
    void *arg;
    bool is_news; /* no operation, but what another node did */
    uint64_t serial;
    struct operation *prev, *next;
};

/* A mailbox that is listened to. */
struct listened {
    char *appid, *mailbox;
    struct listened *prev, *next;
};

/* One node; those of one store have the data in common. */
struct memory_store {
    struct relay_store interface;
    struct memory_data *data;
    struct operation *queue;
    struct relay_feed feed;
    struct listened *listened;
    enum relay_result failure;
    bool hurry;
    uint64_t commits;
    struct memory_store *other; /* a ring of all nodes */
};

static void tell_others(struct memory_store *memory, const struct operation *operation,
                        void (*run)(struct memory_store *, struct operation *,
                                    struct relay_answer *),
                        const struct relay_message *message);
static void hear_before(struct memory_store *memory, const struct operation *operation);

/* ---- the feed ---- */

static struct listened *find_listened(struct memory_store *memory, const char *appid,
                                      const char *mailbox)
{
    struct listened *listened;

    DL_FOREACH(memory->listened, listened)
    {
        if (strcmp(listened->appid, appid) == 0 && strcmp(listened->mailbox, mailbox) == 0)
            break;
    }
    return listened;
}

static void tell_message(struct memory_store *memory, const struct operation *operation,
                         const struct relay_message *message)
{
    if (memory->feed.message && find_listened(memory, operation->who.appid, operation->name))
        memory->feed.message(memory->feed.arg, operation->who.appid, operation->name,
                             operation->serial, message);
}

static void tell_closed(struct memory_store *memory, const struct operation *operation)
{
    if (memory->feed.closed && find_listened(memory, operation->who.appid, operation->name))
        memory->feed.closed(memory->feed.arg, operation->who.appid, operation->name,
                            operation->who.side);
}

static void hear_message(struct memory_store *memory, struct operation *operation,
                         struct relay_answer *answer)
{
    (void)answer;
    tell_message(memory, operation, &operation->message);
}

/* Unless this side has opened it again: that visit is not over. */
static void hear_closed(struct memory_store *memory, struct operation *operation,
                        struct relay_answer *answer)
{
    (void)answer;
    if (memory_data_serial(memory->data, &operation->who, operation->name) == 0)
        tell_closed(memory, operation);
}

/* ---- each operation, when it takes effect ---- */

static void run_allocate(struct memory_store *memory, struct operation *operation,
                         struct relay_answer *answer)
{
    answer->result = memory_data_allocate(memory->data, &operation->who, &answer->nameplate);
}

static void run_claim(struct memory_store *memory, struct operation *operation,
                      struct relay_answer *answer)
{
    answer->result =
        memory_data_claim(memory->data, &operation->who, operation->name, &answer->mailbox);
}

static void run_release(struct memory_store *memory, struct operation *operation,
                        struct relay_answer *answer)
{
    (void)answer;
    memory_data_release(memory->data, &operation->who, operation->name);
}

static void run_open(struct memory_store *memory, struct operation *operation,
                     struct relay_answer *answer)
{
    answer->result = memory_data_open(memory->data, &operation->who, operation->name);
    if (answer->result)
        return;
    answer->serial = memory_data_serial(memory->data, &operation->who, operation->name);
    answer->resumed =
        memory_data_knows(memory->data, &operation->who, operation->name, &operation->after);
    memory_data_read(memory->data, &operation->who, operation->name,
                     answer->resumed ? operation->after.number : 0, answer);
}

static void run_read(struct memory_store *memory, struct operation *operation,
                     struct relay_answer *answer)
{
    answer->serial = memory_data_serial(memory->data, &operation->who, operation->name);
    memory_data_read(memory->data, &operation->who, operation->name, operation->after.number,
                     answer);
}

static void run_add(struct memory_store *memory, struct operation *operation,
                    struct relay_answer *answer)
{
    const struct relay_message *stored;

    answer->result = memory_data_add(memory->data, &operation->who, operation->name,
                                     &operation->message, &stored);
    if (answer->result)
        return;
    answer->serial = operation->serial =
        memory_data_serial(memory->data, &operation->who, operation->name);
    tell_others(memory, operation, hear_message, stored);
    hear_before(memory, operation);
    tell_message(memory, operation, stored);
}

static void run_close(struct memory_store *memory, struct operation *operation,
                      struct relay_answer *answer)
{
    (void)answer;
    memory_data_close(memory->data, &operation->who, operation->name);
    tell_others(memory, operation, hear_closed, NULL);
    tell_closed(memory, operation);
}

static void run_list(struct memory_store *memory, struct operation *operation,
                     struct relay_answer *answer)
{
    answer->result =
        memory_data_list(memory->data, &operation->who, &answer->nameplates, &answer->count);
}

static void run_touch(struct memory_store *memory, struct operation *operation,
                      struct relay_answer *answer)
{
    (void)answer;
    memory_data_touch(memory->data, &operation->who, operation->name);
}

static void run_expire(struct memory_store *memory, struct operation *operation,
                       struct relay_answer *answer)
{
    answer->count = memory_data_expire(memory->data, operation->who.now, operation->most);
}

/* ---- the queue ---- */

static void free_operation(struct operation *operation)
{
    if (!operation)
        return;
    free((char *)operation->who.appid);
    free((char *)operation->who.side);
    free(operation->name);
    free((char *)operation->message.side);
    free((char *)operation->message.phase);
    free((char *)operation->message.body);
    free((char *)operation->message.id);
    free(operation);
}

/* Answers and frees. */
static void finish(struct operation *operation, const struct relay_answer *answer)
{
    relay_done done = operation->done;
    void *arg = operation->arg;

    if (done)
        done(arg, answer);
    free_operation(operation);
}

/* False: it changes nothing. Of what is answered as unknown, about half is done. */
static bool takes_effect(const struct memory_store *memory, const struct operation *operation)
{
    if (operation->is_news || memory->failure == RELAY_DONE)
        return true;
    return memory->failure == RELAY_IN_DOUBT && randombytes_uniform(2) == 0;
}

static void run_first(struct memory_store *memory)
{
    struct operation *operation = memory->queue;
    struct relay_answer answer = {0}, failed = {.result = memory->failure};

    DL_DELETE(memory->queue, operation);
    if (takes_effect(memory, operation)) {
        operation->run(memory, operation, &answer);
        memory->commits += !operation->is_news;
    }
    finish(operation, failed.result ? &failed : &answer);
}

size_t memory_store_run(struct memory_store *memory, size_t most)
{
    size_t ran = 0;

    for (; ran < most && memory->queue; ran++)
        run_first(memory);
    return ran;
}

/* True if there was nothing to copy, or it was copied. */
static bool copy(const char *text, const char **ret_copy)
{
    *ret_copy = text ? strdup(text) : NULL;
    return !text || *ret_copy;
}

static bool copy_message(const struct relay_message *message, struct relay_message *ret_copy)
{
    ret_copy->body_length = message->body_length;
    ret_copy->server_rx = message->server_rx;
    ret_copy->mark = message->mark;
    ret_copy->body = strndup(message->body, message->body_length);
    return ret_copy->body && copy(message->side, &ret_copy->side) &&
           copy(message->phase, &ret_copy->phase) && copy(message->id, &ret_copy->id);
}

static struct operation *make(const struct relay_who *who, const char *name)
{
    struct operation *operation = calloc(1, sizeof(*operation));

    if (!operation)
        return NULL;
    operation->who.now = who->now;
    if (copy(who->appid, &operation->who.appid) && copy(who->side, &operation->who.side) &&
        copy(name, (const char **)&operation->name))
        return operation;
    free_operation(operation);
    return NULL;
}

/* Takes the operation over; NULL: there was no memory for it. */
static void put(struct memory_store *memory, struct operation *operation, relay_done done,
                void *arg)
{
    static const struct relay_answer broken = {.result = RELAY_BROKEN};

    if (!operation) {
        if (done)
            done(arg, &broken);
        return;
    }
    operation->done = done;
    operation->arg = arg;
    DL_APPEND(memory->queue, operation);
    if (memory->hurry)
        memory_store_run(memory, 1);
}

static void ask(struct memory_store *memory, const struct relay_who *who, const char *name,
                void (*run)(struct memory_store *, struct operation *, struct relay_answer *),
                relay_done done, void *arg)
{
    struct operation *operation = make(who, name);

    if (operation)
        operation->run = run;
    put(memory, operation, done, arg);
}

/* ---- the other nodes ---- */

static void send_news(struct memory_store *node, const struct operation *operation,
                      void (*run)(struct memory_store *, struct operation *, struct relay_answer *),
                      const struct relay_message *message)
{
    struct operation *news = make(&operation->who, operation->name);

    if (news && message && !copy_message(message, &news->message)) {
        free_operation(news);
        news = NULL;
    }
    if (!news)
        return; /* no test of nodes lacks memory */
    news->run = run;
    news->is_news = true;
    news->serial = operation->serial;
    if (message)
        news->message.number = message->number;
    put(node, news, NULL, NULL);
}

static void tell_others(struct memory_store *memory, const struct operation *operation,
                        void (*run)(struct memory_store *, struct operation *,
                                    struct relay_answer *),
                        const struct relay_message *message)
{
    for (struct memory_store *node = memory->other; node != memory; node = node->other)
        send_news(node, operation, run, message);
}

/* Messages come in their order, also where this node has not heard yet of an earlier one. */
static void hear_before(struct memory_store *memory, const struct operation *operation)
{
    struct operation *news, *next;

    DL_FOREACH_SAFE(memory->queue, news, next)
    {
        if (news->run == hear_message && strcmp(news->who.appid, operation->who.appid) == 0 &&
            strcmp(news->name, operation->name) == 0) {
            DL_DELETE(memory->queue, news);
            tell_message(memory, news, &news->message);
            free_operation(news);
        }
    }
}

/* ---- the interface ---- */

static void ask_allocate(void *self, const struct relay_who *who, relay_done done, void *arg)
{
    ask(self, who, NULL, run_allocate, done, arg);
}

static void ask_claim(void *self, const struct relay_who *who, const char *nameplate,
                      relay_done done, void *arg)
{
    ask(self, who, nameplate, run_claim, done, arg);
}

static void ask_release(void *self, const struct relay_who *who, const char *nameplate,
                        relay_done done, void *arg)
{
    ask(self, who, nameplate, run_release, done, arg);
}

static void ask_open(void *self, const struct relay_who *who, const char *mailbox,
                     const struct relay_position *after, relay_done done, void *arg)
{
    struct operation *operation = make(who, mailbox);

    if (operation) {
        operation->run = run_open;
        if (after)
            operation->after = *after;
    }
    put(self, operation, done, arg);
}

static void ask_read(void *self, const struct relay_who *who, const char *mailbox, uint64_t after,
                     relay_done done, void *arg)
{
    struct operation *operation = make(who, mailbox);

    if (operation) {
        operation->run = run_read;
        operation->after.number = after;
    }
    put(self, operation, done, arg);
}

static void ask_add(void *self, const struct relay_who *who, const char *mailbox,
                    const struct relay_message *message, relay_done done, void *arg)
{
    struct operation *operation = make(who, mailbox);

    if (operation && !copy_message(message, &operation->message)) {
        free_operation(operation);
        operation = NULL;
    }
    if (operation)
        operation->run = run_add;
    put(self, operation, done, arg);
}

/* Moods are for statistics, which this store does not keep. */
static void ask_close(void *self, const struct relay_who *who, const char *mailbox,
                      const char *mood, relay_done done, void *arg)
{
    (void)mood;
    ask(self, who, mailbox, run_close, done, arg);
}

static void ask_list(void *self, const struct relay_who *who, relay_done done, void *arg)
{
    ask(self, who, NULL, run_list, done, arg);
}

static void ask_touch(void *self, const struct relay_who *who, const char *mailbox)
{
    ask(self, who, mailbox, run_touch, NULL, NULL);
}

static void ask_expire(void *self, int64_t now, unsigned most, relay_done done, void *arg)
{
    struct relay_who nobody = {.now = now};
    struct operation *operation = make(&nobody, NULL);

    if (operation) {
        operation->run = run_expire;
        operation->most = most;
    }
    put(self, operation, done, arg);
}

static bool ask_listen(void *self, const char *appid, const char *mailbox)
{
    struct memory_store *memory = self;
    struct listened *listened = calloc(1, sizeof(*listened));

    if (!listened)
        return false;
    if (copy(appid, (const char **)&listened->appid) &&
        copy(mailbox, (const char **)&listened->mailbox)) {
        DL_APPEND(memory->listened, listened);
        return true;
    }
    free(listened->appid);
    free(listened);
    return false;
}

static void end_listened(struct memory_store *memory, struct listened *listened)
{
    DL_DELETE(memory->listened, listened);
    free(listened->appid);
    free(listened->mailbox);
    free(listened);
}

static void ask_unlisten(void *self, const char *appid, const char *mailbox)
{
    struct memory_store *memory = self;
    struct listened *listened = find_listened(memory, appid, mailbox);

    assert(listened);
    end_listened(memory, listened);
}

static void forget(void *self, const void *arg)
{
    struct memory_store *memory = self;
    struct operation *operation;

    DL_FOREACH(memory->queue, operation)
    {
        if (operation->arg == arg)
            operation->done = NULL;
    }
}

static void count(void *self, struct relay_counts *ret_counts)
{
    const struct memory_store *memory = self;

    memory_data_count(memory->data, ret_counts);
    ret_counts->commits = memory->commits;
}

static void set_feed(void *self, const struct relay_feed *feed)
{
    struct memory_store *memory = self;

    memory->feed = feed ? *feed : (struct relay_feed){0};
}

/* This store has no trouble of its own. */
static void set_watch(void *self, const struct relay_watch *watch)
{
    (void)self;
    (void)watch;
}

static void set_limits(void *self, const struct relay_limits *limits)
{
    struct memory_store *memory = self;

    memory_data_set_limits(memory->data, limits);
}

static void free_self(void *self)
{
    memory_store_free(self);
}

/* ---- the whole ---- */

static void make_node(struct memory_store *memory, struct memory_data *data)
{
    memory->data = data;
    memory->other = memory;
    memory->interface = (struct relay_store){
        .self = memory,
        .allocate = ask_allocate,
        .claim = ask_claim,
        .release = ask_release,
        .open = ask_open,
        .read = ask_read,
        .add = ask_add,
        .close = ask_close,
        .list = ask_list,
        .touch = ask_touch,
        .expire = ask_expire,
        .forget = forget,
        .listen = ask_listen,
        .unlisten = ask_unlisten,
        .count = count,
        .set_feed = set_feed,
        .set_watch = set_watch,
        .set_limits = set_limits,
        .free = free_self,
    };
}

struct memory_store *memory_store_new(const struct relay_limits *limits)
{
    struct memory_store *memory = calloc(1, sizeof(*memory));
    struct memory_data *data = memory ? memory_data_new(limits) : NULL;

    if (!data) {
        free(memory);
        return NULL;
    }
    make_node(memory, data);
    return memory;
}

struct memory_store *memory_store_new_node(struct memory_store *memory)
{
    struct memory_store *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    make_node(node, memory->data);
    node->other = memory->other;
    memory->other = node;
    return node;
}

/* The last node takes the data along. */
static void leave_others(struct memory_store *memory)
{
    struct memory_store *before = memory;

    while (before->other != memory)
        before = before->other;
    if (before == memory)
        memory_data_free(memory->data);
    before->other = memory->other;
}

void memory_store_free(struct memory_store *memory)
{
    struct operation *operation, *next;

    if (!memory)
        return;
    DL_FOREACH_SAFE(memory->queue, operation, next)
    {
        free_operation(operation);
    }
    while (memory->listened)
        end_listened(memory, memory->listened);
    leave_others(memory);
    free(memory);
}

const struct relay_store *memory_store_interface(struct memory_store *memory)
{
    return &memory->interface;
}

const struct relay_feed *memory_store_feed(const struct memory_store *memory)
{
    return &memory->feed;
}

void memory_store_fail(struct memory_store *memory, enum relay_result result)
{
    memory->failure = result;
}

void memory_store_hurry(struct memory_store *memory, bool hurry)
{
    memory->hurry = hurry;
}

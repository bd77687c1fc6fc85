/* The order of one connection's commands. */
#include "config.h"

#include "relay/rules_parts.h"

#include <stdlib.h>
#include <utlist.h>

static void free_task(struct rules_task *task)
{
    relay_command_free(&task->command);
    free(task);
}

bool rules_tasks_add(struct rules_client *client, const char *text, size_t length,
                     struct rules_task **ret_task)
{
    struct rules_task *task = calloc(1, sizeof(*task));

    if (!task || !relay_command_parse(text, length, &task->command)) {
        free(task);
        return false;
    }
    task->client = client;
    task->now = client->rules->now;
    task->size = length;
    DL_APPEND(client->waiting, task);
    client->count++;
    client->bytes += length;
    *ret_task = task;
    return true;
}

/* Behind these an add need not wait: so they share a commit, and their answers a packet. The store
 * keeps the order. Stock clients open and add, release and add in one breath. */
static const bool lets_adds_begin[RELAY_COMMAND_TYPES] = {
    [RELAY_COMMAND_ADD] = true,
    [RELAY_COMMAND_OPEN] = true,
    [RELAY_COMMAND_RELEASE] = true,
};

/* All else waits for its turn; so only the first can be anything but an add. And everything waits
 * for what is stored to be sent: a `pong` tells that it was. */
static bool may_begin(const struct rules_client *client, const struct rules_task *task)
{
    if (client->listener_state == RULES_REPLAYING)
        return false;
    if (!client->asked)
        return true;
    return task->command.type == RELAY_COMMAND_ADD &&
           lets_adds_begin[client->asked->command.type] && client->asked_count < RULES_ADDS_MAX;
}

static void ease(struct rules_client *client)
{
    bool busy = rules_busy(client);

    if (busy == client->was_busy)
        return;
    client->was_busy = busy;
    if (client->rules->hooks.eased && !client->dropped)
        client->rules->hooks.eased(client->connection);
}

static void begin(struct rules_client *client, struct rules_task *task)
{
    DL_DELETE(client->waiting, task);
    DL_APPEND(client->asked, task);
    client->asked_count++;
    rules_command_begin(task);
}

void rules_tasks_run(struct rules_client *client)
{
    struct rules_task *task;

    if (client->pumping) /* a store that answers at once brought us here: the loop below goes on */
        return;
    client->pumping = true;
    while (!client->dropped && (task = client->waiting) && may_begin(client, task))
        begin(client, task);
    client->pumping = false;
    ease(client);
}

static const bool counts_without_answer[RELAY_COMMAND_TYPES] = {
    [RELAY_COMMAND_ADD] = true,
    [RELAY_COMMAND_RELEASE] = true,
    [RELAY_COMMAND_CLOSE] = true,
};

void rules_tasks_last_words(struct rules_client *client)
{
    struct rules_task *task, *next;

    client->dropped = true; /* nobody hears an answer */
    DL_FOREACH_SAFE(client->waiting, task, next)
    {
        if (counts_without_answer[task->command.type])
            begin(client, task);
    }
}

static void take_out(struct rules_task *task)
{
    struct rules_client *client = task->client;

    DL_DELETE(client->asked, task);
    client->asked_count--;
    client->count--;
    client->bytes -= task->size;
    free_task(task);
}

/* Refusals leave when nothing is before them. */
static void settle(struct rules_client *client)
{
    struct rules_task *task;

    while ((task = client->asked) && task->refusal) {
        rules_send_error(client, task->refusal, task->command.root);
        take_out(task);
    }
    rules_tasks_run(client);
}

void rules_tasks_end(struct rules_task *task)
{
    struct rules_client *client = task->client;

    take_out(task);
    settle(client);
}

void rules_tasks_refuse(struct rules_task *task, const char *refusal)
{
    task->refusal = refusal;
    settle(task->client);
}

void rules_tasks_clear(struct rules_client *client)
{
    const struct relay_store *store = client->rules->store;
    struct rules_task *task, *next;

    DL_FOREACH_SAFE(client->asked, task, next)
    {
        store->forget(store->self, task);
        free_task(task);
    }
    DL_FOREACH_SAFE(client->waiting, task, next)
    {
        free_task(task);
    }
    store->forget(store->self, client); /* a piece of a replay */
    client->asked = client->waiting = NULL;
}

#include "config.h"

#include "relay/lmdb_op.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"

/*
 * What an operation may take of the file besides a body: LMDB writes changed pages anew, a leaf in
 * each of about three tables. What all operations of a commit share is much less than what
 * kv/space.c keeps back.
 */
#define ROOM ((size_t)12 * 1024)
/* How long what is patient waits for others, ms: the two sides of a mailbox often leave together.
 */
#define PATIENCE 25

/* ---- the request ---- */

/* A string of a request, and the member of the operation that is to point to its copy. */
struct op_string {
    const char *text;
    size_t length;
    size_t most;
    const char **target;
};

#define STRINGS 7

static struct op_string string_of(const char *text, size_t most, const char **target)
{
    return (struct op_string){text, text == NULL ? 0 : strlen(text), most, target};
}

static void list_strings(const struct lmdb_ask *ask, struct lmdb_op *op,
                         struct op_string strings[STRINGS])
{
    static const struct relay_message no_message;
    static const struct relay_who nobody;
    const struct relay_message *message = ask->message == NULL ? &no_message : ask->message;
    const struct relay_who *who = ask->who == NULL ? &nobody : ask->who;

    strings[0] = string_of(who->appid, RELAY_APPID_MAX, &op->who.appid);
    strings[1] = string_of(who->side, RELAY_SIDE_MAX, &op->who.side);
    strings[2] = string_of(ask->name, op->work->name_max, &op->name);
    strings[3] = string_of(ask->mood, RELAY_MOOD_MAX, &op->mood);
    strings[4] = string_of(message->phase, RELAY_PHASE_MAX, &op->message.phase);
    strings[5] =
        (struct op_string){message->body, message->body_length, SIZE_MAX, &op->message.body};
    strings[6] = string_of(message->id, RELAY_ID_MAX, &op->message.id);
}

/* Bytes of all strings, including their NULs, or 0 if one is too long. */
static size_t measure(const struct op_string strings[STRINGS])
{
    size_t size = 0;
    for (unsigned i = 0; i < STRINGS; i++) {
        if (strings[i].length > strings[i].most)
            return 0;
        size += strings[i].length + 1;
    }
    return size;
}

static void copy_strings(const struct op_string strings[STRINGS], char *room)
{
    for (unsigned i = 0; i < STRINGS; i++) {
        if (strings[i].text == NULL)
            continue;
        memcpy(room, strings[i].text, strings[i].length);
        room[strings[i].length] = 0;
        *strings[i].target = room;
        room += strings[i].length + 1;
    }
}

struct lmdb_op *lmdb_op_new(const struct lmdb_work *work, const struct lmdb_ask *ask,
                            relay_done done, void *arg)
{
    struct op_string strings[STRINGS];
    struct lmdb_op asked = {
        .op = {.waiter = done == NULL ? NULL : arg, .may_not_grow = true},
        .work = work,
        .done = done,
        .arg = arg,
        .after = ask->after,
        .most = ask->most,
    };

    list_strings(ask, &asked, strings);
    size_t size = measure(strings);
    struct lmdb_op *op = size == 0 ? NULL : large_pages(malloc(sizeof(*op) + size), size);
    if (op == NULL)
        return NULL;
    asked.op.turn = ask->who == NULL ? 0 : ask->who->turn;
    asked.who.now = ask->who == NULL ? ask->now : ask->who->now;
    asked.who.owner = ask->who == NULL ? 0 : ask->who->owner;
    if (ask->message != NULL) {
        asked.message.body_length = ask->message->body_length;
        asked.message.server_rx = ask->message->server_rx;
        asked.message.mark = ask->message->mark;
    }
    copy_strings(strings, op->text);
    asked.message.side = asked.who.side;
    asked.op.room = work->grows ? ROOM + size : 0;
    asked.op.patience = work->patient ? PATIENCE : 0;
    memcpy(op, &asked, sizeof(asked));
    return op;
}

void lmdb_op_free(struct lmdb_op *op)
{
    lmdb_op_reset(op);
    free(op);
}

/* ---- the answer ---- */

void lmdb_op_reset(struct lmdb_op *op)
{
    for (size_t i = 0; i < op->answer.count; i++) {
        if (op->messages != NULL)
            free((char *)op->messages[i].side);
        if (op->nameplates != NULL)
            free((char *)op->nameplates[i]);
    }
    for (struct lmdb_ended *ended = op->ended, *next; ended != NULL; ended = next) {
        next = ended->next;
        free(ended);
    }
    op->ended = NULL;
    free(op->messages);
    free(op->nameplates);
    op->messages = NULL;
    op->nameplates = NULL;
    op->room_for = op->held = 0;
    op->answer = (struct relay_answer){0};
}

/* Makes room for one more element of an array. The new array, or NULL. */
static void *more(struct lmdb_op *op, void *array, size_t size)
{
    if (op->answer.count < op->room_for)
        return array;
    size_t room_for = op->room_for == 0 ? 8 : 2 * op->room_for;
    void *longer = reallocarray(array, room_for, size);
    if (longer != NULL)
        op->room_for = room_for;
    return longer;
}

static char *append(char **end, const struct kv_borrowed_text *text)
{
    char *start = *end;
    if (text->data == NULL)
        return NULL;
    memcpy(start, text->data, text->length);
    start[text->length] = 0;
    *end += text->length + 1;
    return start;
}

bool lmdb_op_tell_message(struct lmdb_op *op, uint64_t number, const struct lmdb_message *message)
{
    size_t size = message->side.length + message->phase.length + message->body.length +
                  message->id.length + 4;
    assert(message->side.data != NULL); /* lmdb_op_reset() frees them all with the side */
    struct relay_message *messages = more(op, op->messages, sizeof(*messages));
    if (messages == NULL)
        return false;
    op->messages = messages;
    char *end = large_pages(malloc(size), size);
    if (end == NULL)
        return false;

    struct relay_message *told = &messages[op->answer.count++];
    told->number = number;
    told->mark = message->mark;
    told->side = append(&end, &message->side);
    told->phase = append(&end, &message->phase);
    told->body = append(&end, &message->body);
    told->body_length = message->body.length;
    told->id = append(&end, &message->id);
    told->server_rx = message->server_rx;
    op->held += size + sizeof(*told);
    op->answer.messages = messages;
    return true;
}

bool lmdb_op_tell_nameplate(struct lmdb_op *op, const char *nameplate, size_t length)
{
    const char **nameplates = more(op, op->nameplates, sizeof(*nameplates));
    if (nameplates == NULL)
        return false;
    op->nameplates = nameplates;
    char *copy = strndup(nameplate, length);
    if (copy == NULL)
        return false;
    nameplates[op->answer.count++] = copy;
    op->held += length + 1;
    op->answer.nameplates = nameplates;
    return true;
}

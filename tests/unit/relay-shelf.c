#include "config.h"

#include "relay-shelf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempdir.h"

#define DAY ((int64_t)24 * 60 * 60 * 1000)

static void note(char *text, size_t size, const struct relay_message *message)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%ju/%s/%s/%.*s/%s;", (uintmax_t)message->number,
             message->side, message->phase, (int)message->body_length, message->body,
             message->id == NULL ? "-" : message->id);
}

static void on_feed(void *arg, const char *appid, const char *mailbox,
                    const struct relay_message *message)
{
    struct shelf *shelf = arg;
    size_t length = strlen(shelf->feed);
    shelf->fed++;
    snprintf(shelf->feed + length, sizeof(shelf->feed) - length, "%s/%s:", appid, mailbox);
    note(shelf->feed, sizeof(shelf->feed), message);
}

/* ---- life ---- */

void shelf_open(struct shelf *shelf)
{
    char why[512] = "";
    shelf->store = lmdb_store_new(shelf->base, shelf->path, shelf->max_bytes, &shelf->limits, why,
                                  sizeof(why));
    if (shelf->store == NULL)
        fail_msg("%s", why);
    shelf->relay = lmdb_store_interface(shelf->store);
    lmdb_store_set_feed(shelf->store, on_feed, shelf);
    shelf_run(shelf);
}

void shelf_close(struct shelf *shelf)
{
    lmdb_store_free(shelf->store);
    shelf->store = NULL;
}

struct shelf *shelf_make(void)
{
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    assert_non_null(shelf);
    shelf->path = tempdir_make();
    shelf->base = event_base_new();
    assert_non_null(shelf->base);
    shelf->limits = (struct relay_limits){DAY, 4096, 1000, 0};
    shelf->now = 1700000000000;
    shelf->app = SHELF_APP;
    shelf_open(shelf);
    return shelf;
}

void shelf_remove(struct shelf *shelf)
{
    shelf_close(shelf);
    event_base_free(shelf->base);
    tempdir_remove(shelf->path);
    free(shelf);
}

void shelf_run(struct shelf *shelf)
{
    while (event_base_get_num_events(shelf->base,
                                     EVENT_BASE_COUNT_ACTIVE | EVENT_BASE_COUNT_ADDED) > 0)
        assert_true(event_base_loop(shelf->base, EVLOOP_ONCE) >= 0);
}

/* ---- asking ---- */

struct relay_who shelf_who(const struct shelf *shelf, const char *side)
{
    return (struct relay_who){shelf->app, side, side, shelf->now};
}

struct relay_message shelf_message(const struct shelf *shelf, const char *body)
{
    return (struct relay_message){
        .phase = "p",
        .body = body,
        .body_length = strlen(body),
        .server_rx = shelf->now,
    };
}

static void note_answer(struct shelf_reply *reply, const struct relay_answer *answer)
{
    for (size_t i = 0; i < answer->count && answer->messages != NULL; i++)
        note(reply->text, sizeof(reply->text), &answer->messages[i]);
    for (size_t i = 0; i < answer->count && answer->nameplates != NULL; i++) {
        size_t length = strlen(reply->text);
        snprintf(reply->text + length, sizeof(reply->text) - length, "%s ", answer->nameplates[i]);
    }
}

void shelf_done(void *arg, const struct relay_answer *answer)
{
    struct shelf_reply *reply = arg;
    reply->told++;
    reply->order = ++reply->shelf->told;
    reply->result = answer->result;
    reply->count = answer->count;
    reply->more = answer->more;
    snprintf(reply->nameplate, sizeof(reply->nameplate), "%s",
             answer->nameplate == NULL ? "" : answer->nameplate);
    snprintf(reply->mailbox, sizeof(reply->mailbox), "%s",
             answer->mailbox == NULL ? "" : answer->mailbox);
    reply->text[0] = 0;
    note_answer(reply, answer);
}

struct relay_counts shelf_count(const struct shelf *shelf)
{
    struct relay_counts counts;
    shelf->relay->count(shelf->relay->self, &counts);
    return counts;
}

/* Where the replies of this file's questions go. */
static struct shelf_reply latest;

static struct shelf_reply *fresh(struct shelf *shelf)
{
    latest = (struct shelf_reply){.shelf = shelf};
    return &latest;
}

static const struct shelf_reply *wait_for_it(struct shelf *shelf)
{
    shelf_run(shelf);
    assert_int_equal(latest.told, 1);
    return &latest;
}

const struct shelf_reply *shelf_allocate(struct shelf *shelf, const char *side)
{
    struct relay_who who = shelf_who(shelf, side);
    shelf->relay->allocate(shelf->relay->self, &who, shelf_done, fresh(shelf));
    return wait_for_it(shelf);
}

const struct shelf_reply *shelf_claim(struct shelf *shelf, const char *side, const char *name)
{
    struct relay_who who = shelf_who(shelf, side);
    shelf->relay->claim(shelf->relay->self, &who, name, shelf_done, fresh(shelf));
    return wait_for_it(shelf);
}

const struct shelf_reply *shelf_list(struct shelf *shelf)
{
    struct relay_who who = shelf_who(shelf, "lister");
    shelf->relay->list(shelf->relay->self, &who, shelf_done, fresh(shelf));
    return wait_for_it(shelf);
}

const struct shelf_reply *shelf_enter(struct shelf *shelf, const char *side, const char *mailbox)
{
    struct relay_who who = shelf_who(shelf, side);
    shelf->relay->open(shelf->relay->self, &who, mailbox, shelf_done, fresh(shelf));
    return wait_for_it(shelf);
}

enum relay_result shelf_release(struct shelf *shelf, const char *side, const char *name)
{
    struct relay_who who = shelf_who(shelf, side);
    shelf->relay->release(shelf->relay->self, &who, name, shelf_done, fresh(shelf));
    return wait_for_it(shelf)->result;
}

enum relay_result shelf_add(struct shelf *shelf, const char *side, const char *mailbox,
                            const char *body)
{
    struct relay_who who = shelf_who(shelf, side);
    struct relay_message message = shelf_message(shelf, body);
    message.side = side;
    shelf->relay->add(shelf->relay->self, &who, mailbox, &message, shelf_done, fresh(shelf));
    return wait_for_it(shelf)->result;
}

enum relay_result shelf_leave(struct shelf *shelf, const char *side, const char *mailbox)
{
    struct relay_who who = shelf_who(shelf, side);
    shelf->relay->close(shelf->relay->self, &who, mailbox, "happy", shelf_done, fresh(shelf));
    return wait_for_it(shelf)->result;
}

void shelf_touch(struct shelf *shelf, const char *side, const char *mailbox)
{
    struct relay_who who = shelf_who(shelf, side);
    shelf->relay->touch(shelf->relay->self, &who, mailbox);
    shelf_run(shelf);
}

size_t shelf_expire(struct shelf *shelf, unsigned most)
{
    shelf->relay->expire(shelf->relay->self, shelf->now, most, shelf_done, fresh(shelf));
    assert_int_equal(wait_for_it(shelf)->result, RELAY_DONE);
    return latest.count;
}

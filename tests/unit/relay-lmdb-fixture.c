#include "config.h"

#include "relay-lmdb-fixture.h"

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

static void on_message(void *arg, const char *appid, const char *mailbox, uint64_t serial,
                       const struct relay_message *message)
{
    struct lmdb_fixture *fixture = arg;
    size_t length = strlen(fixture->feed);
    fixture->fed++;
    fixture->serial = serial;
    snprintf(fixture->feed + length, sizeof(fixture->feed) - length, "%s/%s:", appid, mailbox);
    note(fixture->feed, sizeof(fixture->feed), message);
}

static void on_closed(void *arg, const char *appid, const char *mailbox, const char *side)
{
    struct lmdb_fixture *fixture = arg;
    size_t length = strlen(fixture->feed);
    snprintf(fixture->feed + length, sizeof(fixture->feed) - length, "%s/%s-%s;", appid, mailbox,
             side);
}

static void on_gone(void *arg, const char *appid, const char *mailbox, uint64_t serial)
{
    struct lmdb_fixture *fixture = arg;
    (void)appid;
    assert_true(serial > 0);
    fixture->gone++;
    snprintf(fixture->last, sizeof(fixture->last), "%s", mailbox);
}

static void on_ended(void *arg, const struct relay_life *life)
{
    struct lmdb_fixture *fixture = arg;
    fixture->ended++;
    fixture->life = *life;
}

/* ---- life ---- */

void lmdb_fixture_open(struct lmdb_fixture *fixture)
{
    char why[512] = "";
    const struct relay_feed feed = {fixture, on_message, on_closed, on_gone};
    const struct relay_watch watch = {.arg = fixture, .ended = on_ended};
    fixture->relay = lmdb_store_open(fixture->base, fixture->path, fixture->max_bytes,
                                     &fixture->limits, why, sizeof(why));
    if (fixture->relay == NULL)
        fail_msg("%s", why);
    fixture->relay->set_feed(fixture->relay->self, &feed);
    fixture->relay->set_watch(fixture->relay->self, &watch);
    lmdb_fixture_run(fixture);
}

void lmdb_fixture_close(struct lmdb_fixture *fixture)
{
    if (fixture->relay != NULL)
        fixture->relay->free(fixture->relay->self);
    fixture->relay = NULL;
}

void lmdb_fixture_limit(const struct lmdb_fixture *fixture, const struct relay_limits *limits)
{
    fixture->relay->set_limits(fixture->relay->self, limits);
}

struct lmdb_fixture *lmdb_fixture_make(void)
{
    struct lmdb_fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->path = tempdir_make();
    fixture->base = event_base_new();
    assert_non_null(fixture->base);
    fixture->limits = (struct relay_limits){DAY, 4096, 1000, 0};
    fixture->now = 1700000000000;
    fixture->app = LMDB_FIXTURE_APP;
    lmdb_fixture_open(fixture);
    return fixture;
}

void lmdb_fixture_remove(struct lmdb_fixture *fixture)
{
    lmdb_fixture_close(fixture);
    event_base_free(fixture->base);
    tempdir_remove(fixture->path);
    free(fixture);
}

void lmdb_fixture_run(struct lmdb_fixture *fixture)
{
    while (event_base_get_num_events(fixture->base,
                                     EVENT_BASE_COUNT_ACTIVE | EVENT_BASE_COUNT_ADDED) > 0)
        assert_true(event_base_loop(fixture->base, EVLOOP_ONCE) >= 0);
}

/* ---- asking ---- */

struct relay_who lmdb_fixture_who(const struct lmdb_fixture *fixture, const char *side)
{
    return (struct relay_who){fixture->app, side, (uint64_t)(uintptr_t)side, fixture->now,
                              fixture->owner};
}

struct relay_message lmdb_fixture_message(const struct lmdb_fixture *fixture, const char *body)
{
    return (struct relay_message){
        .phase = "p",
        .body = body,
        .body_length = strlen(body),
        .server_rx = fixture->now,
    };
}

static void note_answer(struct lmdb_fixture_reply *reply, const struct relay_answer *answer)
{
    for (size_t i = 0; i < answer->count && answer->messages != NULL; i++)
        note(reply->text, sizeof(reply->text), &answer->messages[i]);
    for (size_t i = 0; i < answer->count && answer->nameplates != NULL; i++) {
        size_t length = strlen(reply->text);
        snprintf(reply->text + length, sizeof(reply->text) - length, "%s ", answer->nameplates[i]);
    }
}

void lmdb_fixture_done(void *arg, const struct relay_answer *answer)
{
    struct lmdb_fixture_reply *reply = arg;
    reply->told++;
    reply->order = ++reply->fixture->told;
    reply->result = answer->result;
    reply->count = answer->count;
    reply->more = answer->more;
    reply->resumed = answer->resumed;
    reply->serial = answer->serial;
    snprintf(reply->nameplate, sizeof(reply->nameplate), "%s",
             answer->nameplate == NULL ? "" : answer->nameplate);
    snprintf(reply->mailbox, sizeof(reply->mailbox), "%s",
             answer->mailbox == NULL ? "" : answer->mailbox);
    reply->text[0] = 0;
    note_answer(reply, answer);
}

struct relay_counts lmdb_fixture_count(const struct lmdb_fixture *fixture)
{
    struct relay_counts counts;
    fixture->relay->count(fixture->relay->self, &counts);
    return counts;
}

/* Where the replies of this file's questions go. */
static struct lmdb_fixture_reply latest;

static struct lmdb_fixture_reply *fresh(struct lmdb_fixture *fixture)
{
    latest = (struct lmdb_fixture_reply){.fixture = fixture};
    return &latest;
}

static const struct lmdb_fixture_reply *wait_for_it(struct lmdb_fixture *fixture)
{
    lmdb_fixture_run(fixture);
    assert_int_equal(latest.told, 1);
    return &latest;
}

const struct lmdb_fixture_reply *lmdb_fixture_allocate(struct lmdb_fixture *fixture,
                                                       const char *side)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    fixture->relay->allocate(fixture->relay->self, &who, lmdb_fixture_done, fresh(fixture));
    return wait_for_it(fixture);
}

const struct lmdb_fixture_reply *lmdb_fixture_claim(struct lmdb_fixture *fixture, const char *side,
                                                    const char *name)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    fixture->relay->claim(fixture->relay->self, &who, name, lmdb_fixture_done, fresh(fixture));
    return wait_for_it(fixture);
}

const struct lmdb_fixture_reply *lmdb_fixture_list(struct lmdb_fixture *fixture)
{
    struct relay_who who = lmdb_fixture_who(fixture, "lister");
    fixture->relay->list(fixture->relay->self, &who, lmdb_fixture_done, fresh(fixture));
    return wait_for_it(fixture);
}

const struct lmdb_fixture_reply *lmdb_fixture_resume(struct lmdb_fixture *fixture, const char *side,
                                                     const char *mailbox,
                                                     const struct relay_position *after)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    fixture->relay->open(fixture->relay->self, &who, mailbox, after, lmdb_fixture_done,
                         fresh(fixture));
    return wait_for_it(fixture);
}

const struct lmdb_fixture_reply *lmdb_fixture_enter(struct lmdb_fixture *fixture, const char *side,
                                                    const char *mailbox)
{
    return lmdb_fixture_resume(fixture, side, mailbox, NULL);
}

enum relay_result lmdb_fixture_release(struct lmdb_fixture *fixture, const char *side,
                                       const char *name)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    fixture->relay->release(fixture->relay->self, &who, name, lmdb_fixture_done, fresh(fixture));
    return wait_for_it(fixture)->result;
}

enum relay_result lmdb_fixture_add_marked(struct lmdb_fixture *fixture, const char *side,
                                          const char *mailbox, const char *body, uint64_t mark)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    struct relay_message message = lmdb_fixture_message(fixture, body);
    message.side = side;
    message.mark = mark;
    fixture->relay->add(fixture->relay->self, &who, mailbox, &message, lmdb_fixture_done,
                        fresh(fixture));
    return wait_for_it(fixture)->result;
}

enum relay_result lmdb_fixture_add(struct lmdb_fixture *fixture, const char *side,
                                   const char *mailbox, const char *body)
{
    return lmdb_fixture_add_marked(fixture, side, mailbox, body, 0);
}

enum relay_result lmdb_fixture_leave(struct lmdb_fixture *fixture, const char *side,
                                     const char *mailbox)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    fixture->relay->close(fixture->relay->self, &who, mailbox, "happy", lmdb_fixture_done,
                          fresh(fixture));
    return wait_for_it(fixture)->result;
}

void lmdb_fixture_touch(struct lmdb_fixture *fixture, const char *side, const char *mailbox)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);
    fixture->relay->touch(fixture->relay->self, &who, mailbox);
    lmdb_fixture_run(fixture);
}

size_t lmdb_fixture_expire(struct lmdb_fixture *fixture, unsigned most)
{
    fixture->relay->expire(fixture->relay->self, fixture->now, most, lmdb_fixture_done,
                           fresh(fixture));
    assert_int_equal(wait_for_it(fixture)->result, RELAY_DONE);
    return latest.count;
}

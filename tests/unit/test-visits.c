/* What a visit sends, and what comes of what it cannot send any more. The links to the relay are
 * the test's own, and stand in the place of daemon/relay_links.h. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>

#include "daemon/relay_links.h"
#include "daemon/relays.h"
#include "daemon/visits.h"
#include "sample.h"
#include "state/store.h"
#include "storebox.h"
#include "wormhole/visit.h"

/* ---- the links ---- */

struct relay_link {
    const struct relay_link_handlers *handlers;
    void *arg;
    bool room;
    bool alone;
    unsigned sent, failed, renewed, opened;
};

static struct relay_link the_link;

struct relay_links *relay_links_new(struct event_base *base, struct relay_dialer *dialer,
                                    struct worker *hashcash_worker)
{
    (void)base;
    (void)dialer;
    (void)hashcash_worker;
    return malloc(1);
}

void relay_links_free(struct relay_links *links)
{
    free(links);
}

struct relay_link *relay_link_open(struct relay_links *links, struct relay *relay,
                                   const struct url *url, enum relay_link_way way, const char *name,
                                   const struct relay_link_handlers *handlers, void *arg)
{
    (void)links;
    (void)relay;
    (void)url;
    (void)name;
    the_link = (struct relay_link){.handlers = handlers,
                                   .arg = arg,
                                   .room = true,
                                   .alone = way != RELAY_LINK_ANY,
                                   .opened = the_link.opened + 1};
    return &the_link;
}

void relay_link_guard(struct relay_link *link, bool guarded)
{
    (void)link;
    (void)guarded;
}

void relay_link_send(struct relay_link *link, const char *text)
{
    (void)text;
    link->sent++;
}

bool relay_link_has_room(const struct relay_link *link)
{
    return link->room;
}

void relay_link_await_room(struct relay_link *link)
{
    (void)link;
}

bool relay_link_moves(struct relay_link *link, int64_t ms)
{
    (void)link;
    (void)ms;
    return false;
}

void relay_link_prove(struct relay_link *link, int ms)
{
    (void)link;
    (void)ms;
}

void relay_link_close(struct relay_link *link)
{
    (void)link;
}

void relay_link_drop(struct relay_link *link)
{
    (void)link;
}

void relay_link_fail(struct relay_link *link)
{
    link->failed++;
}

void relay_link_renew(struct relay_link *link)
{
    link->renewed++;
}

/* ---- a session on a visit, with two messages in its outbox ---- */

struct scene {
    struct storebox box;
    struct event_base *base;
    struct relays *relays;
    struct visits *visits;
    struct session *session;
    enum event_type reported;
    unsigned reports;
};

static void on_event(void *arg, const uint8_t id[SESSION_ID_BYTES],
                     const struct session_event *event)
{
    struct scene *scene = arg;
    assert_memory_equal(id, scene->session->id, SESSION_ID_BYTES);
    scene->reported = event->type;
    scene->reports++;
}

static int set_up(void **state)
{
    static char routes; /* there is a network; nobody looks at it */
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->box = storebox_make(0);
    scene->base = event_base_new();
    scene->relays = relays_new();
    scene->visits = visits_new(&(struct visits_parts){.base = scene->base,
                                                      .routes = (struct relay_dialer *)&routes,
                                                      .store = scene->box.store,
                                                      .relays = scene->relays},
                               &(struct visits_reports){.event = on_event, .arg = scene});
    scene->session = sample_bare(7);
    scene->session->state = SESSION_ESTABLISHED;
    scene->session->sent = 2;
    scene->session->visit = calloc(1, sizeof(*scene->session->visit));
    scene->session->visits = 1;
    storebox_put(&scene->box, scene->session);
    struct kv_txn *txn = kv_write(scene->box.store, 0);
    uint8_t row[KEYS_NONCE_BYTES + 1] = {0};
    for (uint32_t number = 0; number < 2; number++)
        store_put_message(txn, STORE_OUTBOX, scene->session->id, number, row, sizeof(row));
    assert_int_equal(kv_commit(txn), KV_OK);
    visits_effect(scene->visits, scene->session, &(struct session_effect){.type = EFFECT_CONNECT});
    assert_true(visits_keep(scene->visits, scene->session));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    visits_free(scene->visits);
    relays_free(scene->relays);
    event_base_free(scene->base);
    storebox_remove(&scene->box);
    free(scene);
    return 0;
}

static void add(struct scene *scene, uint32_t number)
{
    visits_effect(scene->visits, scene->session,
                  &(struct session_effect){.type = EFFECT_ADD, .number = number, .visit = 1});
}

/* As when the peer says that it has all below `number`. */
static void deliver(struct scene *scene, uint32_t number)
{
    struct kv_txn *txn = kv_write(scene->box.store, 0);
    store_delete_messages(txn, STORE_OUTBOX, scene->session->id, number);
    assert_int_equal(kv_commit(txn), KV_OK);
    scene->session->delivered = number;
}

static void what_is_there_is_sent(void **state)
{
    struct scene *scene = *state;
    add(scene, 0);
    add(scene, 1);
    assert_int_equal(the_link.sent, 2);
    assert_int_equal(the_link.failed + the_link.renewed, 0);
}

/* The peer had it from before, and said so while it waited for room: no harm is done, and the visit
 * begins anew. */
static void what_was_delivered_meanwhile(void **state)
{
    struct scene *scene = *state;
    the_link.room = false;
    add(scene, 0);
    add(scene, 1);
    assert_int_equal(the_link.sent, 0);
    deliver(scene, 1);
    the_link.room = true;
    the_link.handlers->room(the_link.arg);
    assert_int_equal(the_link.renewed, 1);
    assert_int_equal(the_link.failed + the_link.sent, 0);
    the_link.handlers->anew(the_link.arg, false);
    assert_int_equal(scene->reports, 1);
    assert_int_equal(scene->reported, EVENT_ANEW);
    add(scene, 1); /* nothing more leaves over the link that is gone */
    assert_int_equal(the_link.sent, 0);
    visits_effect(scene->visits, scene->session, &(struct session_effect){.type = EFFECT_CONNECT});
    assert_false(the_link.alone);
}

/* In the turn that decided to add it, the visit ended, and a new one may have begun: where that
 * looks, it would be said under another name, and under another key. */
static void what_another_place_was_to_get(void **state)
{
    struct scene *scene = *state;
    scene->session->visits = 2;
    add(scene, 0);
    scene->session->visits = 1;
    the_link.room = false;
    add(scene, 0);
    add(scene, 1);
    the_link.room = true;
    struct visit *visit = scene->session->visit;
    scene->session->visit = NULL;
    the_link.handlers->room(the_link.arg);
    scene->session->visit = visit;
    assert_int_equal(the_link.sent + the_link.failed + the_link.renewed, 0);
    the_link.handlers->room(the_link.arg);
    assert_int_equal(the_link.sent, 1);
}

/* A row that the store has lost: that is not tried again at once. */
static void what_is_missing(void **state)
{
    struct scene *scene = *state;
    deliver(scene, 2);
    scene->session->delivered = 1;
    add(scene, 1);
    assert_int_equal(the_link.failed, 1);
    assert_int_equal(the_link.renewed + the_link.sent, 0);
}

static void what_needs_a_connection_of_its_own(void **state)
{
    struct scene *scene = *state;
    the_link.handlers->anew(the_link.arg, true);
    assert_int_equal(scene->reported, EVENT_ANEW);
    visits_effect(scene->visits, scene->session, &(struct session_effect){.type = EFFECT_CONNECT});
    assert_true(the_link.alone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_sent),
        TEST(what_was_delivered_meanwhile),
        TEST(what_another_place_was_to_get),
        TEST(what_is_missing),
        TEST(what_needs_a_connection_of_its_own),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("visits", tests, NULL, NULL);
}

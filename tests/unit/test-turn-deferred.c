/*
 * Which events make a commit, what joins it, and what a crash takes. The relay is the test: it says
 * what a real one would, and nothing leaves. Time does not pass by itself.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"
#include "daemon/relays.h"
#include "daemon/turn_batch.h"
#include "daemon/turn_deferred.h"
#include "state/record.h"
#include "storebox.h"
#include "wormhole/keys.h"
#include "wormhole/pake.h"
#include "wormhole/payload.h"
#include "wormhole/step.h"

#define CODE      "4-purple-sausages"
#define APPID     "example.org/deferred"
#define SIDE      "beefbeef00"
#define FAR       3600
#define HEARD_MAX 2 /* in one turn */

/* ---- timers never fire ---- */

static int64_t asked; /* the shortest wait that a timer was asked for since it was last cleared */

void timer_arm(struct event *timer, int64_t when)
{
    (void)timer;
    (void)when;
}

struct timeval timer_interval(int64_t ms)
{
    if (asked < 0 || ms < asked)
        asked = ms;
    return (struct timeval){.tv_sec = FAR};
}

/* ---- the disk, and the log ---- */

static bool disk_full;

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (!disk_full)
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return ENOSPC;
}

static unsigned ends_logged;

void __wrap_log_info(const char *subsystem, const char *format, ...);

void __wrap_log_info(const char *subsystem, const char *format, ...)
{
    (void)subsystem;
    ends_logged += strstr(format, " ended (") != NULL;
}

/* ---- the scene ---- */

struct scene {
    struct storebox box;
    struct event_base *base;
    struct relays *relays;
    struct turns *turns;
    bool watched;
    bool together; /* what is heard comes in the same turn as what follows */
    struct wire_message heard[HEARD_MAX];
    unsigned heard_count;
    unsigned changes; /* that were told */
    uint8_t id[SESSION_ID_BYTES];
    uint8_t key[KEY_BYTES], scalar[PAKE_SCALAR_BYTES], pake[PAKE_MESSAGE_BYTES]; /* the peer's */
};

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    struct scene *scene = arg;
    (void)change;
    (void)id;
    scene->changes++;
}

static void on_due_changed(void *arg)
{
    (void)arg;
}

static bool is_watched(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    (void)id;
    return ((const struct scene *)arg)->watched;
}

static void start(struct scene *scene)
{
    const struct turn_observer observer = {
        .changed = on_changed, .due_changed = on_due_changed, .watched = is_watched, .arg = scene};
    const struct turn_settings settings = {.keep = 1000000, .max_held = 10};
    if (scene->box.store == NULL)
        storebox_open(&scene->box, 0);
    scene->base = event_base_new();
    scene->relays = relays_new();
    scene->turns = turns_new(&(struct visits_parts){.base = scene->base,
                                                    .store = scene->box.store,
                                                    .relays = scene->relays},
                             &observer, &settings);
    assert_non_null(scene->turns);
}

/* What is not durable is gone. */
static void crash(struct scene *scene)
{
    turns_free(scene->turns);
    relays_free(scene->relays);
    event_base_free(scene->base);
    storebox_close(&scene->box);
    scene->box.store = NULL;
}

static uint64_t commits(const struct scene *scene)
{
    return group_commit_counts(scene->turns->group).commits;
}

static void run(struct scene *scene)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(scene->base, EVLOOP_NONBLOCK);
}

/* ---- events ---- */

static void on_answer(void *arg, const struct turn_answer *answer)
{
    struct scene *scene = arg;
    assert_int_equal(answer->code, TURN_DONE);
    memcpy(scene->id, answer->session->id, SESSION_ID_BYTES);
}

static void create(struct scene *scene, const char *code)
{
    struct schedule schedule;
    schedule_parse("realtime", &schedule);
    turn_create(scene->turns,
                &(struct session_options){.appid = APPID,
                                          .relay = "ws://relay.invalid/v1",
                                          .code = code,
                                          .schedule = &schedule,
                                          .words = 2},
                on_answer, scene);
    run(scene);
}

static void happen(struct scene *scene, const struct session_event *event, bool awaited)
{
    assert_true(turn_event(scene->turns, scene->id, event, awaited ? on_answer : NULL, scene));
    if (!scene->together)
        run(scene);
}

static void hear(struct scene *scene, const char *text)
{
    struct wire_message *message = &scene->heard[scene->heard_count++];
    assert_in_range(scene->heard_count, 1, HEARD_MAX);
    assert_int_equal(wire_parse(text, strlen(text), message), WIRE_OK);
    happen(scene, &(struct session_event){.type = EVENT_RELAY, .relay = message}, false);
    while (!scene->together && scene->heard_count > 0)
        wire_free(&scene->heard[--scene->heard_count]);
}

static void hear_message(struct scene *scene, const char *side, const char *phase,
                         const uint8_t *body, size_t length)
{
    char *hex = malloc(2 * length + 1), *text;
    sodium_bin2hex(hex, 2 * length + 1, body, length);
    assert_true(asprintf(&text,
                         "{\"type\":\"message\",\"side\":\"%s\",\"phase\":\"%s\","
                         "\"body\":\"%s\",\"server_rx\":1,\"id\":\"x\"}",
                         side, phase, hex) > 0);
    hear(scene, text);
    free(text);
    free(hex);
}

static void hear_pake(struct scene *scene, const char *side, const uint8_t *pake)
{
    char *body = payload_pake(pake);
    hear_message(scene, side, "pake", (const uint8_t *)body, strlen(body));
    free(body);
}

static void hear_sealed(struct scene *scene, const char *phase, const char *plain)
{
    static const uint8_t nonce[KEYS_NONCE_BYTES] = {1};
    uint8_t key[KEY_BYTES], sealed[512];
    keys_phase(scene->key, SIDE, phase, key);
    keys_seal(key, nonce, (const uint8_t *)plain, strlen(plain), sealed);
    hear_message(scene, SIDE, phase, sealed, strlen(plain) + KEYS_SEALED_EXTRA);
}

/* ---- looking ---- */

static const struct session *live(struct scene *scene)
{
    return turn_active(scene->turns, scene->id);
}

/* session_free() */
static struct session *stored(struct scene *scene)
{
    struct session *session;
    struct kv_txn *txn = kv_read(scene->box.store);
    assert_int_equal(store_get_session(txn, scene->id, &session), KV_OK);
    kv_end(txn);
    return session;
}

static enum change_urgency unsaid(struct scene *scene)
{
    struct session *was = stored(scene);
    enum change_urgency urgency = session_record_compare(was, live(scene));
    session_free(was);
    return urgency;
}

/* The last event made so many commits, after which so much is not durable. */
static void expect(struct scene *scene, uint64_t *before, unsigned made, enum change_urgency left)
{
    assert_int_equal(commits(scene) - *before, made);
    assert_int_equal(unsaid(scene), left);
    assert_int_equal(turn_deferred_any(scene->turns), left != CHANGE_NONE);
    *before = commits(scene);
}

/* ---- a session at its stages ---- */

static void visit_until_open(struct scene *scene, uint64_t *before)
{
    create(scene, CODE);
    happen(scene, &(struct session_event){.type = EVENT_WAKE}, false);
    *before = commits(scene);
    expect(scene, before, 0, CHANGE_NONE);
    hear(scene, "{\"type\":\"welcome\",\"welcome\":{}}");
    expect(scene, before, 1, CHANGE_NONE); /* the claim must not be forgotten */
    hear(scene, "{\"type\":\"claimed\",\"mailbox\":\"mmm\"}");
    expect(scene, before, 0, CHANGE_LATER);
}

static void meet(struct scene *scene, uint64_t *before)
{
    uint8_t random[PAKE_RANDOM_BYTES] = {7};
    visit_until_open(scene, before);
    hear(scene, "{\"type\":\"pong\",\"pong\":1}");
    expect(scene, before, 0, CHANGE_LATER);
    hear_pake(scene, live(scene)->side, live(scene)->pake);
    expect(scene, before, 0, CHANGE_LATER);
    assert_true(live(scene)->pake_stored);

    assert_true(pake_start(CODE, random, scene->scalar, scene->pake));
    assert_int_equal(pake_finish(CODE, APPID, scene->scalar, scene->pake, live(scene)->pake,
                                 PAKE_MESSAGE_BYTES, scene->key),
                     PAKE_OK);
    hear_pake(scene, SIDE, scene->pake);
    expect(scene, before, 1, CHANGE_NONE); /* the key, and what was deferred */
    hear(scene, "{\"type\":\"released\"}");
    expect(scene, before, 0, CHANGE_LATER);
    hear_sealed(scene, "version", "{\"abilities\":[\"wormholed-receipts-v1\"]}");
    expect(scene, before, 0, CHANGE_SOON);
    assert_int_equal(live(scene)->state, SESSION_ESTABLISHED);
}

static void test_what_needs_a_commit(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    meet(scene, &before);
    hear_sealed(scene, "0", "a message");
    expect(scene, &before, 1, CHANGE_NONE); /* with its receipt */
    happen(scene, &(struct session_event){.type = EVENT_ACK, .number = 0}, true);
    expect(scene, &before, 1, CHANGE_NONE);
    happen(scene,
           &(struct session_event){
               .type = EVENT_SEND, .data = (const uint8_t *)"ours", .length = strlen("ours")},
           true);
    expect(scene, &before, 1, CHANGE_NONE);
    happen(scene, &(struct session_event){.type = EVENT_CLOSE}, true);
    expect(scene, &before, 1, CHANGE_NONE);
}

/* ---- a whole introduction ---- */

/* The user sends, and has to wait for the peer. */
static void say(struct scene *scene)
{
    happen(scene,
           &(struct session_event){
               .type = EVENT_SEND, .data = (const uint8_t *)"ours", .length = strlen("ours")},
           true);
}

/* The relay's echoes of our pake, and what we send when the peer's has come. */
static void hear_own_pake(struct scene *scene)
{
    hear_pake(scene, live(scene)->side, live(scene)->pake);
}

static void hear_own(struct scene *scene, const char *phase, const char *plain,
                     const uint8_t nonce[KEYS_NONCE_BYTES])
{
    uint8_t key[KEY_BYTES], sealed[512];
    keys_phase(live(scene)->key, live(scene)->side, phase, key);
    keys_seal(key, nonce, (const uint8_t *)plain, strlen(plain), sealed);
    hear_message(scene, live(scene)->side, phase, sealed, strlen(plain) + KEYS_SEALED_EXTRA);
}

static void hear_own_version(struct scene *scene)
{
    size_t length;
    uint8_t *sealed = session_seal_version(live(scene), &length);
    hear_message(scene, live(scene)->side, "version", sealed, length);
    free(sealed);
}

static void hear_own_message(struct scene *scene)
{
    struct kv_txn *txn = kv_read(scene->box.store);
    const uint8_t *row;
    size_t length;
    assert_int_equal(store_get_message(txn, STORE_OUTBOX, scene->id, 0, &row, &length), KV_OK);
    uint8_t *sealed = session_seal_row(live(scene), 0, row, length, &length);
    kv_end(txn);
    hear_message(scene, live(scene)->side, "0", sealed, length);
    free(sealed);
}

/* The peer has the code, and a key with us. */
static void hear_peers_pake(struct scene *scene, const char *code)
{
    uint8_t random[PAKE_RANDOM_BYTES] = {7};
    assert_true(pake_start(code, random, scene->scalar, scene->pake));
    assert_int_equal(pake_finish(code, APPID, scene->scalar, scene->pake, live(scene)->pake,
                                 PAKE_MESSAGE_BYTES, scene->key),
                     PAKE_OK);
    hear_pake(scene, SIDE, scene->pake);
}

/* From the claim until both have a message of the other, and the receipt for theirs. What a side
 * adds at once, our relay tells at once: of one who accepts, a pake and a version, then a message;
 * of one who invites, a pake, then a version and a message. */
static void exchange(struct scene *scene, bool accepts)
{
    char code[CODE_MAX + 1];
    hear(scene, "{\"type\":\"claimed\",\"mailbox\":\"mmm\"}");
    snprintf(code, sizeof(code), "%s", session_code(live(scene)));
    hear(scene, "{\"type\":\"pong\",\"pong\":1}");
    hear_own_pake(scene);
    scene->together = !accepts;
    hear_peers_pake(scene, code);
    if (accepts) {
        hear_own_version(scene);
        hear(scene, "{\"type\":\"released\"}");
    }
    scene->together = accepts;
    hear_sealed(scene, "version", "{\"abilities\":[\"wormholed-receipts-v1\"]}");
    scene->together = false;
    if (!accepts) {
        hear_own_version(scene);
        hear(scene, "{\"type\":\"released\"}");
        hear_own_message(scene);
    }
    hear_sealed(scene, "0", "theirs");
    if (accepts)
        hear_own_message(scene);
    assert_int_equal(live(scene)->stored, 1);
    assert_int_equal(live(scene)->received, 1);
    hear_own(scene, "wormholed-receipt-0", "{\"delivered\":1,\"read\":0}",
             live(scene)->receipt_nonce);
    hear_sealed(scene, "wormholed-receipt-0", "{\"delivered\":1,\"read\":0}");
    assert_int_equal(live(scene)->delivered, 1);
}

/* As its user would see it who is not subscribed any more. */
static void part(struct scene *scene)
{
    happen(scene, &(struct session_event){.type = EVENT_CLOSE}, true);
    asked = -1;
    hear(scene, "{\"type\":\"closed\"}");
    assert_int_equal(live(scene)->state, SESSION_CLOSED);
    assert_in_range(asked, 100, 2000);
}

/* The store's journal tells of them, in this order. */
static void assert_told(struct scene *scene, const enum journal_event *events, size_t count)
{
    struct session *session = stored(scene);
    struct journal_reader reader;
    struct journal_entry entry;
    size_t found = 0;
    journal_read(&session->journal, &reader);
    while (journal_next(&reader, &entry))
        found += found < count && entry.event == events[found];
    assert_int_equal(found, count);
    session_free(session);
}

/* Of one who invites: the session, the message, the code, the key, what came, the end. */
static void test_an_invitation_makes_six_commits(void **state)
{
    struct scene *scene = *state;
    create(scene, NULL);
    say(scene);
    happen(scene, &(struct session_event){.type = EVENT_WAKE}, false);
    hear(scene, "{\"type\":\"welcome\",\"welcome\":{}}");
    hear(scene, "{\"type\":\"allocated\",\"nameplate\":\"4\"}");
    exchange(scene, false);
    part(scene);
    assert_int_equal(commits(scene), 6);
    /* It needs none of its own. */
    assert_told(scene,
                (const enum journal_event[]){JOURNAL_INVITED, JOURNAL_CODE, JOURNAL_CLAIMED,
                                             JOURNAL_KEYED, JOURNAL_ESTABLISHED, JOURNAL_RECEIVED,
                                             JOURNAL_ENDED},
                7);
}

/* Of one who accepts: the session, the message, the claim, the key, what came, the end. */
static void test_an_acceptance_makes_six_commits(void **state)
{
    struct scene *scene = *state;
    uint8_t first[SESSION_ID_BYTES];
    create(scene, CODE);
    happen(scene, &(struct session_event){.type = EVENT_WAKE}, false);
    hear(scene, "{\"type\":\"welcome\",\"welcome\":{}}");
    say(scene);
    exchange(scene, true);
    part(scene);
    assert_int_equal(commits(scene), 6);
    /* That it is closed joins the next one that must be made. */
    memcpy(first, scene->id, sizeof(first));
    create(scene, "5-other-words");
    memcpy(scene->id, first, sizeof(first));
    assert_int_equal(commits(scene), 7);
    struct session *session = stored(scene);
    assert_int_equal(session->state, SESSION_CLOSED);
    session_free(session);
}

/* ---- what joins, and when ---- */

static void test_another_sessions_commit_is_joined(void **state)
{
    struct scene *scene = *state;
    uint8_t first[SESSION_ID_BYTES];
    uint64_t before;
    visit_until_open(scene, &before);
    unsigned changes = scene->changes;
    memcpy(first, scene->id, sizeof(first));
    create(scene, "5-other-words");
    memcpy(scene->id, first, sizeof(first));
    expect(scene, &before, 1, CHANGE_NONE);
    assert_int_equal(scene->changes, changes + 2);
}

static void test_time_makes_it_durable(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    asked = -1;
    visit_until_open(scene, &before);
    assert_in_range(asked, 100, 2000); /* it only saves work */
    unsigned changes = scene->changes;
    event_active(scene->turns->deferred_timer, EV_TIMEOUT, 0);
    run(scene);
    expect(scene, &before, 1, CHANGE_NONE);
    assert_int_equal(scene->changes, changes + 1);
}

static void test_news_wait_less_if_somebody_waits(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    meet(scene, &before);
    assert_in_range(asked, 20, 100);
    crash(scene);
    start(scene);
    turn_forget(scene->turns, scene->id, TURN_FORGET_ANY, NULL, NULL); /* its code is wanted */
    run(scene);
    scene->watched = true;
    asked = -1;
    meet(scene, &before);
    assert_in_range(asked, 1, 50);
}

static void test_a_client_is_answered_what_is_durable(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    visit_until_open(scene, &before);
    happen(scene, &(struct session_event){.type = EVENT_POLL}, true);
    expect(scene, &before, 1, CHANGE_NONE);
}

/* After each of these a crash leaves the session as the visit found it, and due at once. */
static void test_a_crash_takes_only_what_may_be_lost(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    meet(scene, &before);
    crash(scene);
    start(scene);
    struct session *session = stored(scene);
    assert_int_equal(session->state, SESSION_KEYED);
    assert_memory_equal(session->key, scene->key, KEY_BYTES);
    assert_string_equal(session->mailbox, "mmm");
    assert_int_equal(session->nameplate, NAMEPLATE_CLAIMED);
    assert_true(session->pake_stored);
    assert_true(session->wake <= session->created + 1000);
    session_free(session);
}

static void test_the_end_writes_all(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    meet(scene, &before);
    turn_flush(scene->turns);
    expect(scene, &before, 1, CHANGE_NONE);
}

/* A session stays in memory from the end of its visit until that is durable. */
static void test_the_end_of_a_visit(void **state)
{
    struct scene *scene = *state;
    unsigned active, held;
    uint64_t before;
    visit_until_open(scene, &before);
    asked = -1;
    happen(scene, &(struct session_event){.type = EVENT_LOST, .text = "lost"}, false);
    expect(scene, &before, 0, CHANGE_LATER);
    assert_in_range(asked, 1, 100);
    assert_non_null(live(scene));
    turn_count(scene->turns, &active, &held);
    assert_int_equal(active, 0);
    event_active(scene->turns->deferred_timer, EV_TIMEOUT, 0);
    run(scene);
    assert_null(live(scene));
    assert_int_equal(commits(scene), before + 1);
    struct session *session = stored(scene);
    assert_int_equal(session->failures, 1);
    session_free(session);
}

/* What its user ends is durable before the relay hears of it, and is found out again if only that
 * was forgotten. Who is subscribed hears of it at once. */
static void test_closed(void **state)
{
    struct scene *scene = *state;
    uint64_t before;
    visit_until_open(scene, &before);
    hear(scene, "{\"type\":\"pong\",\"pong\":1}");
    happen(scene, &(struct session_event){.type = EVENT_CLOSE}, true);
    hear_pake(scene, live(scene)->side, live(scene)->pake);
    hear(scene, "{\"type\":\"released\"}");
    expect(scene, &before, 1, CHANGE_LATER);
    scene->watched = true;
    asked = -1;
    hear(scene, "{\"type\":\"closed\"}");
    expect(scene, &before, 0, CHANGE_SOON);
    assert_in_range(asked, 1, 10);
    assert_int_equal(live(scene)->state, SESSION_CLOSED);
    turn_flush(scene->turns);
    struct session *session = stored(scene);
    assert_int_equal(session->state, SESSION_CLOSED);
    assert_true(sodium_is_zero(session->scalar, sizeof(session->scalar)));
    session_free(session);
}

/* What could not be stored has not happened. */
static void test_an_end_is_logged_once(void **state)
{
    struct scene *scene = *state;
    const struct session_event closes = {.type = EVENT_CLOSE};
    create(scene, CODE);
    ends_logged = 0;
    disk_full = true;
    happen(scene, &closes, false);
    disk_full = false;
    struct session *session = stored(scene);
    assert_int_equal(session->state, SESSION_WAITING);
    session_free(session);
    assert_int_equal(ends_logged, 0);
    happen(scene, &closes, false);
    assert_int_equal(ends_logged, 1);
    happen(scene, &closes, false);
    assert_int_equal(ends_logged, 1);
}

/* ---- the table ---- */

/* The rows of what is deferred name the members that have these tags. */
static void test_rows_name_their_members(void **state)
{
    static const struct {
        size_t tag;
        const char *member;
    } rows[] = {
#define SESSION_DEFERRED(tag, member, urgency, condition) {tag, #member},
#include "wormhole/session_attributes.def"
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_in_range(rows[i].tag, 1, session_record_kind.tags - 1);
        assert_string_equal(session_record_kind.fields[rows[i].tag].name, rows[i].member);
    }
}

/* A crash must not bring back the belief that the relay holds messages. */
static void test_what_the_relay_forgot_is_not_forgotten(void **state)
{
    struct session *was = session_blank(), *is = session_blank();
    (void)state;
    was->stored = 2;
    is->stored = 3;
    assert_int_equal(session_record_compare(was, is), CHANGE_SOON);
    is->stored = 1;
    assert_int_equal(session_record_compare(was, is), CHANGE_FIRST);
    session_free(was);
    session_free(is);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    scene->box = storebox_make(0);
    start(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    crash(scene);
    storebox_open(&scene->box, 0);
    storebox_remove(&scene->box);
    free(scene);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_needs_a_commit),
        TEST(test_an_invitation_makes_six_commits),
        TEST(test_an_acceptance_makes_six_commits),
        TEST(test_another_sessions_commit_is_joined),
        TEST(test_time_makes_it_durable),
        TEST(test_news_wait_less_if_somebody_waits),
        TEST(test_a_client_is_answered_what_is_durable),
        TEST(test_a_crash_takes_only_what_may_be_lost),
        TEST(test_the_end_writes_all),
        TEST(test_the_end_of_a_visit),
        TEST(test_closed),
        TEST(test_an_end_is_logged_once),
        cmocka_unit_test(test_rows_name_their_members),
        cmocka_unit_test(test_what_the_relay_forgot_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

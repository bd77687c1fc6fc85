/*
 * Sessions' stores of earlier versions open, hold what they held, and go on. Each fixture is a
 * store as the program of that version left it (tests/fixtures/stores/make.py); whoever has one
 * must never lose a session to an upgrade.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "sample.h"
#include "state/export.h"
#include "storebox.h"
#include "tempdir.h"
#include "wormhole/code.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* The sessions of a fixture, by petname. */
struct expected {
    const char *name;
    enum session_state state;
    enum session_result result;
    uint32_t sent, stored, received, acked;
    bool code; /* it still has one */
};

static const struct expected expected[] = {
    {"allocating", SESSION_ALLOCATING, RESULT_NONE, 0, 0, 0, 0, false},
    {"waiting", SESSION_WAITING, RESULT_NONE, 0, 0, 0, 0, true},
    {"of its own", SESSION_WAITING, RESULT_NONE, 0, 0, 0, 0, true},
    {"keyed", SESSION_KEYED, RESULT_NONE, 2, 0, 0, 0, true},
    {"friend", SESSION_ESTABLISHED, RESULT_NONE, 1, 1, 3, 1, true},
    {"pending", SESSION_ESTABLISHED, RESULT_NONE, 0, 0, 1, 0, true},
    {"closing", SESSION_CLOSING, RESULT_HAPPY, 0, 0, 0, 0, true},
    {"happy", SESSION_CLOSED, RESULT_HAPPY, 0, 0, 1, 0, false},
    {"lonely", SESSION_CLOSED, RESULT_LONELY, 0, 0, 0, 0, false},
    {"scary", SESSION_CLOSED, RESULT_SCARY, 0, 0, 0, 0, false},
    {"handed over", SESSION_EXPORTED, RESULT_NONE, 0, 0, 0, 0, true},
    {"came in", SESSION_WAITING, RESULT_NONE, 0, 0, 0, 0, true},
};
/* Beside them: one without a petname, with a code that people agreed on. */
#define UNNAMED      1
#define UNNAMED_CODE "99-a-code-of-our-own"

static void open_copy(const char *version, struct storebox *box)
{
    *box = (struct storebox){.path = fixture_copy(version, "daemon")};
    storebox_open(box, 0);
}

/* New; session_free(). */
static struct session *named(struct kv_txn *txn, const char *name)
{
    struct session *session = NULL;
    uint8_t id[SESSION_ID_BYTES];
    if (store_find(txn, name, id) != KV_OK || store_get_session(txn, id, &session) != KV_OK)
        fail_msg("'%s' cannot be read", name);
    assert_string_equal(session->name, name);
    return session;
}

static void assert_message(struct kv_txn *txn, enum store_box box, const struct session *session,
                           uint32_t number, const char *text)
{
    /* The outbox's rows begin with a nonce. */
    size_t skipped = box == STORE_OUTBOX ? KEYS_NONCE_BYTES : 0, length;
    const uint8_t *data;
    assert_int_equal(store_get_message(txn, box, session->id, number, &data, &length), KV_OK);
    assert_int_equal(length, skipped + strlen(text));
    assert_memory_equal(data + skipped, text, strlen(text));
}

static void assert_none(struct kv_txn *txn, enum store_box box, const struct session *session,
                        uint32_t number)
{
    const uint8_t *data;
    size_t length;
    assert_int_equal(store_get_message(txn, box, session->id, number, &data, &length), KV_MISSING);
}

/* ---- what it holds ---- */

/* Made by daemons that keep a journal. */
static bool has_journal(const char *version)
{
    return strcmp(version, "0.1.0-2026-12") > 0;
}

static void assert_expected(struct kv_txn *txn, const struct expected *row, const char *version)
{
    struct session *session = named(txn, row->name);
    assert_int_equal(session->state, row->state);
    assert_int_equal(session->result, row->result);
    assert_int_equal(session->sent, row->sent);
    assert_int_equal(session->stored, row->stored);
    assert_int_equal(session->received, row->received);
    assert_int_equal(session->acked, row->acked);
    assert_int_equal(session_code(session) != NULL, row->code);
    assert_in_range(session->change, 1, store_last_change(txn));
    assert_int_equal(session->unknown_length, 0);
    assert_int_equal(session->journal.length > 0, has_journal(version));
    session_free(session);
}

static void assert_unnamed(struct kv_txn *txn)
{
    struct session *session;
    unsigned unnamed = 0;
    uint8_t after[SESSION_ID_BYTES];
    for (enum kv_status status = storebox_next(txn, NULL, &session); status == KV_OK;
         status = storebox_next(txn, after, &session)) {
        memcpy(after, session->id, sizeof(after));
        if (session->name == NULL) {
            unnamed++;
            assert_int_equal(session->state, SESSION_WAITING);
            assert_string_equal(session->code, UNNAMED_CODE);
        }
        session_free(session);
    }
    assert_int_equal(unnamed, UNNAMED);
}

static void assert_options(struct kv_txn *txn)
{
    char schedule[SCHEDULE_TEXT_MAX];
    struct session *session = named(txn, "of its own");
    schedule_format(&session->schedule, schedule);
    assert_string_equal(schedule, "0:60,600:3600");
    assert_string_equal(session->appid, "example.org/other");
    assert_int_equal(session->timeout, 3600000);
    assert_int_equal(session->words, 4);
    assert_int_equal(session->inbox_messages, 7);
    assert_int_equal(session->inbox_bytes, 7000);
    session_free(session);
    session = named(txn, "pending");
    assert_int_equal(session->verification, VERIFICATION_PENDING);
    session_free(session);
}

/* Made by daemons whose sessions last: there, what is delivered is deleted. */
static bool has_lasting(const char *version)
{
    return strstr(version, "lasting") != NULL;
}

/* How many sessions a fixture has. */
static size_t count_of(const char *version)
{
    return LENGTH(expected) + UNNAMED + has_lasting(version);
}

static void assert_lasting(struct kv_txn *txn, const char *version)
{
    struct session *session = named(txn, "friend");
    assert_int_equal(session_lasting(session), has_lasting(version));
    session_free(session);
    if (!has_lasting(version))
        return;
    session = named(txn, "renewed");
    assert_true(session_lasting(session));
    assert_true(session->epoch > 0 && session->epoch_since > 0);
    assert_int_equal(session->received, 1);
    assert_int_equal(session_deadline(session), INT64_MAX);
    session_free(session);
}

static void assert_messages(struct kv_txn *txn, const char *version)
{
    struct session *session = named(txn, "friend");
    assert_none(txn, STORE_INBOX, session, 0);
    assert_message(txn, STORE_INBOX, session, 1, "second");
    assert_message(txn, STORE_INBOX, session, 2, "third");
    if (has_lasting(version))
        assert_none(txn, STORE_OUTBOX, session, 0);
    else
        assert_message(txn, STORE_OUTBOX, session, 0, "to be kept");
    assert_int_equal(session->unread, 2);
    assert_int_equal(session->delivered, 1);
    assert_int_equal(session->read, 1);
    assert_non_null(strstr(session->version, "fixture"));
    session_free(session);
    session = named(txn, "keyed");
    assert_message(txn, STORE_OUTBOX, session, 0, "queued");
    assert_message(txn, STORE_OUTBOX, session, 1, "queued too");
    session_free(session);
    session = named(txn, "pending");
    assert_message(txn, STORE_INBOX, session, 0, "held back");
    session_free(session);
    session = named(txn, "happy");
    assert_message(txn, STORE_INBOX, session, 0, "unread at the end");
    session_free(session);
}

static void assert_import(struct kv_txn *txn)
{
    struct session *session = named(txn, "came in");
    uint32_t exports;
    assert_int_equal(store_get_import(txn, session->id, &exports), KV_OK);
    assert_int_equal(exports, 1);
    assert_int_equal(session->exports, 1);
    session_free(session);
}

/* Every session has its row, at its own newest change. */
static void assert_changes(struct kv_txn *txn, const char *version)
{
    struct session *session;
    uint64_t change = 0, rows = 0;
    uint8_t id[SESSION_ID_BYTES];
    while (store_next_change(txn, change, &change, id) == KV_OK) {
        assert_int_equal(store_get_session(txn, id, &session), KV_OK);
        assert_int_equal(session->change, change);
        session_free(session);
        rows++;
    }
    assert_int_equal(rows, count_of(version));
    assert_true(change <= store_last_change(txn));
}

static void assert_due(struct kv_txn *txn, const char *version)
{
    struct store_due place = {.wake = INT64_MIN};
    struct session *session;
    uint64_t rows = 0;
    while (store_next_due(txn, &place) == KV_OK) {
        assert_int_equal(store_get_session(txn, place.id, &session), KV_OK);
        assert_int_equal(session->wake, place.wake);
        session_free(session);
        rows++;
    }
    assert_int_equal(rows, count_of(version));
}

static bool leads_to(struct kv_txn *txn, const struct session *session)
{
    char nameplate[NAMEPLATE_MAX + 1];
    uint8_t id[SESSION_ID_BYTES];
    code_nameplate(session->code, nameplate);
    for (enum kv_status status = store_next_code(txn, nameplate, NULL, id); status == KV_OK;
         status = store_next_code(txn, nameplate, id, id))
        if (memcmp(id, session->id, sizeof(id)) == 0)
            return true;
    return false;
}

/* Who waits with a code is found by it, and nobody else is. */
static void assert_codes(struct storebox *box)
{
    struct kv_txn *txn = kv_read(box->store);
    struct session *session;
    uint8_t after[SESSION_ID_BYTES];
    uint64_t waiting = 0;
    for (enum kv_status status = storebox_next(txn, NULL, &session); status == KV_OK;
         status = storebox_next(txn, after, &session)) {
        memcpy(after, session->id, sizeof(after));
        waiting += session_meets_by_code(session);
        assert_true(!session_meets_by_code(session) || leads_to(txn, session));
        session_free(session);
    }
    kv_end(txn);
    assert_int_equal(storebox_rows(box, STORE_TABLE_CODES), waiting);
}

static void test_holds_what_it_held(void **state)
{
    struct storebox box;
    (void)state;
    for (const char *const *version = fixture_daemon_versions; *version != NULL; version++) {
        open_copy(*version, &box);
        struct kv_txn *txn = kv_read(box.store);
        assert_int_equal(store_count(txn), count_of(*version));
        for (size_t i = 0; i < LENGTH(expected); i++)
            assert_expected(txn, &expected[i], *version);
        assert_unnamed(txn);
        assert_options(txn);
        assert_messages(txn, *version);
        assert_lasting(txn, *version);
        assert_import(txn);
        assert_changes(txn, *version);
        assert_due(txn, *version);
        assert_true(store_noted_time(txn) > 0);
        assert_int_equal(kv_txn_status(txn), KV_OK);
        kv_end(txn);
        assert_true(store_erasure_done(box.store));
        assert_codes(&box);
        storebox_remove(&box);
    }
}

/* ---- going on ---- */

/* Writing a session again as it was read is no change: each record has the bytes that it had. */
static void test_same_bytes(void **state)
{
    struct storebox box;
    (void)state;
    for (const char *const *version = fixture_daemon_versions; *version != NULL; version++) {
        open_copy(*version, &box);
        struct kv_txn *txn = kv_write(box.store, 65536);
        uint64_t before = store_last_change(txn);
        struct session *session;
        uint8_t after[SESSION_ID_BYTES];
        for (enum kv_status status = storebox_next(txn, NULL, &session); status == KV_OK;
             status = storebox_next(txn, after, &session)) {
            bool changed = true;
            memcpy(after, session->id, sizeof(after));
            assert_int_equal(store_put_session(txn, session, &changed), KV_OK);
            assert_false(changed);
            session_free(session);
        }
        assert_int_equal(store_last_change(txn), before);
        assert_int_equal(kv_commit(txn), KV_OK);
        storebox_remove(&box);
    }
}

static void change_all(struct storebox *box)
{
    struct kv_txn *txn = kv_write(box->store, 65536);
    uint64_t next = store_last_change(txn) + 1;
    for (size_t i = 0; i < LENGTH(expected); i++) {
        struct session *session = named(txn, expected[i].name);
        session->heals += 7;
        if (session->state == SESSION_KEYED)
            session->state = SESSION_ESTABLISHED;
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        assert_int_equal(session->change, next + i);
        session_free(session);
    }
    struct session *session = named(txn, "friend"), *more = sample_full(7);
    store_put_message(txn, STORE_INBOX, session->id, 3, (const uint8_t *)"fourth", 6);
    store_delete_messages(txn, STORE_INBOX, session->id, 2);
    session_free(session);
    assert_int_equal(store_put_session(txn, more, NULL), KV_OK);
    session_free(more);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void assert_changed(struct storebox *box)
{
    struct kv_txn *txn = kv_read(box->store);
    for (size_t i = 0; i < LENGTH(expected); i++) {
        struct session *session = named(txn, expected[i].name);
        assert_int_equal(session->heals, 7);
        session_free(session);
    }
    struct session *session = named(txn, "friend");
    assert_none(txn, STORE_INBOX, session, 1);
    assert_message(txn, STORE_INBOX, session, 2, "third");
    assert_message(txn, STORE_INBOX, session, 3, "fourth");
    session_free(session);
    session_free(named(txn, "laptop 7"));
    kv_end(txn);
}

static void test_goes_on(void **state)
{
    struct storebox box;
    (void)state;
    for (const char *const *version = fixture_daemon_versions; *version != NULL; version++) {
        open_copy(*version, &box);
        change_all(&box);
        storebox_close(&box);
        storebox_open(&box, 0);
        assert_changed(&box);
        assert_codes(&box);
        storebox_remove(&box);
    }
}

/* What was handed over can still be handed over again, and what ended can be deleted. */
static void test_leaves(void **state)
{
    struct storebox box;
    (void)state;
    for (const char *const *version = fixture_daemon_versions; *version != NULL; version++) {
        char *text;
        open_copy(*version, &box);
        struct kv_txn *txn = kv_read(box.store);
        struct session *exported = named(txn, "handed over"), *happy = named(txn, "happy");
        kv_end(txn);
        assert_int_equal(export_write(exported, &text), EXPORT_OK);
        export_free_text(text);
        storebox_delete(&box, happy);
        storebox_delete(&box, exported);
        assert_true(store_erasure_done(box.store));
        assert_int_equal(storebox_rows(&box, STORE_TABLE_SESSIONS), count_of(*version) - 2);
        session_free(exported);
        session_free(happy);
        storebox_remove(&box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_what_it_held),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_leaves),
    };
    return cmocka_run_group_tests_name("store-fixtures", tests, NULL, NULL);
}

#include "config.h"

#include "sample.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text(const char *content)
{
    char *copy = strdup(content);
    assert_non_null(copy);
    return copy;
}

struct session *sample_bare(uint32_t number)
{
    struct session *session = session_blank();
    assert_non_null(session);
    for (int i = 0; i < 4; i++)
        session->id[4 + i] = (uint8_t)(number >> (24 - 8 * i));
    session->wake = 1000 + (int64_t)number;
    session->appid = text("example.com/app");
    session->relay = text("ws://relay.example.com:4000/v1");
    snprintf(session->side, sizeof(session->side), "aa%08x", (unsigned)number);
    session->created = 1700000000000;
    session->schedule.count = 1;
    session->schedule.rules[0].interval = 60000;
    return session;
}

static void fill_secrets(struct session *session)
{
    strcpy(session->code, "4-purple-sausages");
    memset(session->scalar, 0xa1, sizeof(session->scalar));
    memset(session->pake, 0xa2, sizeof(session->pake));
    memset(session->key, 0xa3, sizeof(session->key));
    memset(session->verifier, 0xa4, sizeof(session->verifier));
    memset(session->version_nonce, 0xa5, sizeof(session->version_nonce));
    memset(session->receipt_nonce, 0xa6, sizeof(session->receipt_nonce));
    memset(session->epoch_secret, 0xa7, sizeof(session->epoch_secret));
    memset(session->root, 0xa8, sizeof(session->root));
    memset(session->peer_next, 0xa9, sizeof(session->peer_next));
    memset(session->old_root, 0xaa, sizeof(session->old_root));
    memset(session->old_public, 0xab, sizeof(session->old_public));
    memset(session->left_places, 0xac, sizeof(session->left_places));
}

static void fill_texts(struct session *session, uint32_t number)
{
    char name[32];
    snprintf(name, sizeof(name), "laptop %u", (unsigned)number);
    session->name = text(name);
    session->reason = text("the peer said good-bye");
    session->mailbox = text("mailboxid2345");
    session->version = text("{\"app_versions\": {}}");
    session->peer_side = text("0123456789");
    session->peer_versions = text("{\"a\": 1}");
    session->last_error = text("connection refused");
    session->cursor = text("0000000000000007abcdef");
    session->cursor_version = text("0.1.0");
    session->old_cursor = text("0000000000000003abcdef");
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++) {
        char url[64];
        snprintf(url, sizeof(url), "wss://relay-%d.example/v1", i);
        session->route_urls[i] = text(url);
    }
    assert_true(journal_add(&session->journal, 1700000000000, JOURNAL_TROUBLE, 1, 0, "refused"));
}

static void fill_numbers(struct session *session)
{
    session->change = 701;
    session->timeout = 702;
    session->last_activity = 703;
    session->schedule_start = 704;
    session->words = 5;
    session->ended = 706;
    session->heals = 707;
    session->strangers = 724;
    session->silent_visits = 726;
    session->unexpected = 727;
    session->burdened = 728;
    session->fresh = 725;
    session->crowded = 708;
    session->sent = 709;
    session->stored = 710;
    session->sent_bytes = UINT64_MAX;
    session->received = 711;
    session->ahead = (uint64_t)1 << 63;
    session->acked = 712;
    session->unread = UINT32_MAX;
    session->unread_bytes = 713;
    session->last_visit = -714;
    session->failures = 715;
    session->exports = 716;
    session->inbox_messages = 717;
    session->inbox_bytes = 718;
    session->await_answer = true;
    session->delivered = 719;
    session->read = 720;
    session->receipts = 721;
    session->receipt_delivered = 722;
    session->receipt_read = 723;
    session->expire = 726;
    session->retention = 727;
    session->waited = 728;
    session->epoch = 729;
    session->epoch_since = 730;
    session->epoch_messages = 731;
    session->left_epoch = 732;
    session->left_tries = 733;
    session->bye_sent = 734;
    session->cursor_stored = 735;
    session->cursor_receipts = 736;
    session->cursor_bytes = 737;
    session->old_cursor_receipts = 738;
    session->cursor_route = 748;
    session->old_cursor_route = 749;
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        session->route_numbers[i] = 737 + (uint32_t)i;
    session->routes_own = 5;
    session->routes_version = 746;
    session->routes_since = 747;
    session->routes_shut = 16;
    session->left_routes = 3;
    session->route_round = 129;
    session->route_rounds = 4;
}

struct session *sample_full(uint32_t number)
{
    static const uint8_t unknown[] = {0xcd, 0x03, 0xe8, 0xd9, 0x01, 'x'};
    struct session *session = sample_bare(number);

    fill_secrets(session);
    fill_texts(session, number);
    fill_numbers(session);
    session->schedule = (struct schedule){3, {{0, 0}, {180000, 60000}, {360000, 3600000}}, true};
    session->state = SESSION_ESTABLISHED;
    session->result = RESULT_CROWDED;
    session->nameplate = NAMEPLATE_RELEASED;
    session->flush = true;
    session->mailbox_lost = true;
    session->displaced = true;
    session->copied = true;
    session->code_given = true;
    session->reclaim_nameplate = true;
    session->fallback_mailboxes[0] = strdup("mailbox-behind");
    session->fallback_mailboxes[1] = strdup("mailbox-before");
    session->fallback_mailboxes[2] = strdup("mailbox-long-ago");
    session->fallback_index = 1;
    session->pake_stored = true;
    session->version_stored = true;
    session->inbox_full = true;
    session->verification = VERIFICATION_DONE;
    session->peer_receipts = true;
    session->receipt_stored = true;
    session->turn_old = true;
    session->called = true;
    session->routes_by_b = true;
    session->routes_met = true;
    session->peer_routes = true;
    session->expires = true;
    session->visit_bytes = 815;
    session->receipt_bye = true;
    session->closed_by_peer = true;
    session->bye_result = RESULT_LONELY;
    session->unknown = malloc(sizeof(unknown));
    assert_non_null(session->unknown);
    memcpy(session->unknown, unknown, sizeof(unknown));
    session->unknown_length = sizeof(unknown);
    return session;
}

/* ---- comparing ---- */

static void same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void same_schedule(const struct schedule *a, const struct schedule *b)
{
    assert_int_equal(a->count, b->count);
    for (unsigned i = 0; i < a->count; i++) {
        assert_int_equal(a->rules[i].when, b->rules[i].when);
        assert_int_equal(a->rules[i].interval, b->rules[i].interval);
    }
    assert_int_equal(a->preset, b->preset);
}

#define SAME_NUMBER(member) assert_true(a->member == b->member)
#define SAME_TEXT(member)   same_text(a->member, b->member)
#define SAME_BYTES(member)  assert_memory_equal(a->member, b->member, sizeof(a->member))

static void same_numbers(const struct session *a, const struct session *b)
{
    SAME_NUMBER(change);
    SAME_NUMBER(wake);
    SAME_NUMBER(created);
    SAME_NUMBER(timeout);
    SAME_NUMBER(last_activity);
    SAME_NUMBER(schedule_start);
    SAME_NUMBER(words);
    SAME_NUMBER(state);
    SAME_NUMBER(result);
    SAME_NUMBER(ended);
    SAME_NUMBER(flush);
    SAME_NUMBER(nameplate);
    SAME_NUMBER(mailbox_lost);
    SAME_NUMBER(reclaim_nameplate);
    SAME_TEXT(fallback_mailboxes[0]);
    SAME_TEXT(fallback_mailboxes[1]);
    SAME_TEXT(fallback_mailboxes[2]);
    SAME_NUMBER(fallback_index);
    SAME_NUMBER(displaced);
    SAME_NUMBER(strangers);
    SAME_NUMBER(silent_visits);
    SAME_NUMBER(unexpected);
    SAME_NUMBER(burdened);
    SAME_NUMBER(copied);
    SAME_NUMBER(code_given);
    SAME_NUMBER(fresh);
    SAME_NUMBER(heals);
    SAME_NUMBER(crowded);
    SAME_NUMBER(pake_stored);
    SAME_NUMBER(version_stored);
    SAME_NUMBER(sent);
    SAME_NUMBER(stored);
    SAME_NUMBER(sent_bytes);
    SAME_NUMBER(received);
    SAME_NUMBER(ahead);
    SAME_NUMBER(acked);
    SAME_NUMBER(unread);
    SAME_NUMBER(unread_bytes);
    SAME_NUMBER(inbox_full);
    SAME_NUMBER(last_visit);
    SAME_NUMBER(visit_bytes);
    SAME_NUMBER(failures);
    SAME_NUMBER(verification);
    SAME_NUMBER(exports);
    SAME_NUMBER(inbox_messages);
    SAME_NUMBER(inbox_bytes);
    SAME_NUMBER(await_answer);
    SAME_NUMBER(peer_receipts);
    SAME_NUMBER(delivered);
    SAME_NUMBER(read);
    SAME_NUMBER(receipts);
    SAME_NUMBER(receipt_delivered);
    SAME_NUMBER(receipt_read);
    SAME_NUMBER(receipt_stored);
    SAME_NUMBER(expire);
    SAME_NUMBER(retention);
    SAME_NUMBER(waited);
    SAME_NUMBER(cursor_stored);
    SAME_NUMBER(cursor_receipts);
    SAME_NUMBER(cursor_bytes);
    SAME_NUMBER(old_cursor_receipts);
    SAME_NUMBER(called);
}

void sample_assert_same(const struct session *a, const struct session *b)
{
    SAME_BYTES(id);
    same_numbers(a, b);
    SAME_TEXT(name);
    SAME_TEXT(appid);
    SAME_TEXT(relay);
    SAME_TEXT(side);
    same_schedule(&a->schedule, &b->schedule);
    SAME_TEXT(reason);
    SAME_TEXT(code);
    SAME_TEXT(mailbox);
    SAME_BYTES(scalar);
    SAME_BYTES(pake);
    SAME_BYTES(key);
    SAME_BYTES(verifier);
    SAME_BYTES(version_nonce);
    SAME_BYTES(receipt_nonce);
    SAME_TEXT(version);
    SAME_TEXT(peer_side);
    SAME_TEXT(peer_versions);
    SAME_TEXT(last_error);
    SAME_TEXT(cursor);
    SAME_TEXT(cursor_version);
    SAME_TEXT(old_cursor);
    assert_int_equal(a->journal.length, b->journal.length);
    if (a->journal.length > 0)
        assert_memory_equal(a->journal.bytes, b->journal.bytes, a->journal.length);
    assert_int_equal(a->unknown_length, b->unknown_length);
    if (a->unknown_length > 0)
        assert_memory_equal(a->unknown, b->unknown, a->unknown_length);
}

/* ---- fields ---- */

enum sample_kind sample_kind(const struct kv_field *field)
{
    static const struct kv_field_type *const types[SAMPLE_KINDS] = {
        [SAMPLE_STRING] = &kv_type_string,
        [SAMPLE_TEXT] = &kv_type_text,
        [SAMPLE_BYTES] = &kv_type_bytes,
        [SAMPLE_SIGNED] = &kv_type_signed,
        [SAMPLE_UNSIGNED] = &kv_type_unsigned,
        [SAMPLE_COUNT] = &kv_type_count,
        [SAMPLE_BOOL] = &kv_type_bool,
        [SAMPLE_RULES] = &session_record_rules,
        [SAMPLE_JOURNAL] = &session_record_journal,
    };
    for (int i = 0; i < SAMPLE_KINDS; i++)
        if (types[i] == field->type)
            return (enum sample_kind)i;
    fail_msg("%s has a type that the tests do not know", field->name);
    return SAMPLE_KINDS;
}

const struct kv_field *sample_field(const char *name, uint32_t *ret_tag)
{
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type != NULL && strcmp(field->name, name) == 0) {
            *ret_tag = (uint32_t)tag;
            return field;
        }
    }
    return NULL;
}

size_t sample_field_count(void)
{
    size_t count = 0;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++)
        count += session_record_kind.fields[tag].type != NULL;
    return count;
}

/* A session comes back from its record as it was, and a bad record is refused whole. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msgpack_scan.h"
#include "sample.h"
#include "scarce.h"
#include "state/record.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const uint8_t id[SESSION_ID_BYTES] = {0, 0, 0, 0, 0, 0, 0, 7};

static struct kv_record encode(const struct session *session)
{
    struct kv_record record;
    assert_int_equal(session_record_encode(session, &record), KV_OK);
    return record;
}

/* Decodes from memory of exactly the record's size, where a look too far shows. */
static enum kv_status decode(const uint8_t *data, size_t length, struct session **ret_session)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    if (length > 0)
        memcpy(copy, data, length);
    enum kv_status status = session_record_decode(id, copy, length, ret_session);
    free(copy);
    return status;
}

static void assert_refused(const uint8_t *data, size_t length)
{
    struct session *session = NULL;
    assert_int_equal(decode(data, length, &session), KV_DAMAGED);
    assert_null(session);
}

/* ---- nothing is forgotten ---- */

static void round_trip(struct session *session)
{
    struct kv_record first = encode(session), second;
    struct session *back = NULL;

    assert_int_equal(decode(first.data, first.length, &back), KV_OK);
    sample_assert_same(session, back);
    second = encode(back);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.data, second.data, first.length);
    kv_record_clear(&first);
    kv_record_clear(&second);
    session_free(back);
    session_free(session);
}

static void test_round_trip(void **state)
{
    (void)state;
    round_trip(sample_full(7));
    round_trip(sample_bare(7));
}

static void test_extremes(void **state)
{
    struct session *session = sample_full(7);
    (void)state;
    session->wake = INT64_MAX;
    session->created = INT64_MIN;
    session->ended = -1;
    session->change = UINT64_MAX;
    session->schedule.count = SCHEDULE_RULES_MAX;
    for (int i = 0; i < SCHEDULE_RULES_MAX; i++)
        session->schedule.rules[i] =
            (struct schedule_rule){i == 15 ? SCHEDULE_TIME_MAX : i, SCHEDULE_TIME_MAX};
    round_trip(session);
}

static void lengthen(char **string, size_t length)
{
    free(*string);
    *string = calloc(length + 1, 1);
    assert_non_null(*string);
    memset(*string, 'x', length);
}

/* Each string as long as it may be; the record stays far below its own limit. */
static void test_longest(void **state)
{
    struct session *session = sample_full(7);
    (void)state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        void *place = (char *)session + field->offset;
        if (sample_kind(field) == SAMPLE_STRING)
            lengthen(place, field->limit);
        else if (sample_kind(field) == SAMPLE_TEXT)
            memset(place, 'x', field->limit);
    }
    struct kv_record record = encode(session);
    assert_in_range(record.length, 1, 24 * 1024);
    kv_record_clear(&record);
    round_trip(session);
}

/* ---- taking records apart ---- */

#define PAIRS_MAX 256

/* The pairs of a record, each as its own bytes. */
struct pairs {
    struct kv_record record;
    size_t count;
    struct {
        const uint8_t *key, *value, *end;
    } at[PAIRS_MAX];
};

static const uint8_t *behind(const uint8_t *data, const uint8_t *end)
{
    const struct scan_limits limits = {SESSION_RECORD_MAX, 16, 1000};
    struct scan scan = {0};
    size_t size;
    assert_int_equal(scan_object(&scan, &limits, data, (size_t)(end - data), &size), SCAN_WHOLE);
    return data + size;
}

static struct pairs take_apart(const struct session *session)
{
    struct pairs pairs = {.record = encode(session)};
    const uint8_t *end = pairs.record.data + pairs.record.length;
    const uint8_t *next = pairs.record.data + (pairs.record.data[0] == 0xde ? 3 : 1);
    while (next < end) {
        assert_in_range(pairs.count, 0, PAIRS_MAX - 1);
        pairs.at[pairs.count].key = next;
        pairs.at[pairs.count].value = next = behind(next, end);
        pairs.at[pairs.count].end = next = behind(next, end);
        pairs.count++;
    }
    return pairs;
}

static uint32_t tag_of(const uint8_t *key)
{
    if (*key == 0xcd)
        return (uint32_t)(key[1] << 8 | key[2]);
    return *key == 0xcc ? key[1] : *key;
}

/* Puts a record together from the pairs, with the value of `tag` (if it is there) exchanged for
 * others bytes, or left out (NULL), and `extra` at the end as one more pair. */
static size_t put_together(const struct pairs *pairs, uint32_t tag, const void *value,
                           size_t length, const void *extra, size_t extra_length, uint8_t *ret_data)
{
    size_t count = 0, used = 3;
    for (size_t i = 0; i < pairs->count; i++) {
        const uint8_t *key = pairs->at[i].key, *old = pairs->at[i].value, *end = pairs->at[i].end;
        bool exchanged = tag_of(key) == tag;
        if (exchanged && value == NULL)
            continue;
        memcpy(ret_data + used, key, (size_t)(old - key));
        used += (size_t)(old - key);
        memcpy(ret_data + used, exchanged ? value : old, exchanged ? length : (size_t)(end - old));
        used += exchanged ? length : (size_t)(end - old);
        count++;
    }
    if (extra_length > 0) {
        memcpy(ret_data + used, extra, extra_length);
        used += extra_length;
        count++;
    }
    ret_data[0] = 0xde;
    ret_data[1] = 0;
    ret_data[2] = (uint8_t)count;
    return used;
}

static enum kv_status decode_changed_into(uint32_t tag, const void *value, size_t length,
                                          const void *extra, size_t extra_length,
                                          struct session **ret_session)
{
    static uint8_t data[65536];
    struct session *full = sample_full(7);
    struct pairs pairs = take_apart(full);
    size_t size = put_together(&pairs, tag, value, length, extra, extra_length, data);
    enum kv_status status = decode(data, size, ret_session);
    kv_record_clear(&pairs.record);
    session_free(full);
    return status;
}

static enum kv_status decode_changed(uint32_t tag, const void *value, size_t length,
                                     const void *extra, size_t extra_length)
{
    struct session *back = NULL;
    enum kv_status status = decode_changed_into(tag, value, length, extra, extra_length, &back);
    session_free(back);
    return status;
}

static enum kv_status decode_with(const char *name, const void *value, size_t length)
{
    uint32_t tag;
    assert_non_null(sample_field(name, &tag));
    return decode_changed((uint32_t)tag, value, length, NULL, 0);
}

/* ---- what is refused ---- */

static void test_wrong_types(void **state)
{
    /* Which of the values below, by its letter, a kind takes; '*': any. */
    static const char kinds[SAMPLE_KINDS] = {
        [SAMPLE_STRING] = 's', [SAMPLE_TEXT] = 's',     [SAMPLE_BYTES] = '-',
        [SAMPLE_SIGNED] = 'n', [SAMPLE_UNSIGNED] = 'n', [SAMPLE_COUNT] = 'n',
        [SAMPLE_BOOL] = 'b',   [SAMPLE_RULES] = 'l',    [SAMPLE_JOURNAL] = '*',
    };
    static const struct {
        char letter;
        size_t length;
        const char *value;
    } values[] = {
        {'n', 1, "\x01"},         {'s', 2, "\xa1x"},
        {'x', 3, "\xc4\x01x"},    {'b', 1, "\xc3"},
        {'l', 3, "\x92\x00\x00"}, {'m', 1, "\x80"},
        {'0', 1, "\xc0"},         {'f', 9, "\xcb\x3f\xf0\0\0\0\0\0\0"},
    };
    (void)state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        for (size_t j = 0; j < LENGTH(values); j++) {
            /* The text among them has one byte. */
            char kind = kinds[sample_kind(field)];
            bool right = kind == '*' || (values[j].letter == kind && field->least <= 1);
            assert_int_equal(
                decode_changed((uint32_t)tag, values[j].value, values[j].length, NULL, 0),
                right ? KV_OK : KV_DAMAGED);
        }
    }
}

/* What is wrong with the journal costs the journal, not the session. */
static void test_damaged_journal(void **state)
{
    static const uint8_t values[][3] = {{0xc4, 0x01, 'x'}, {0xa2, 'x', 'y'}, {0xc4, 0x01, 0xff}};
    struct journal_reader reader;
    struct journal_entry entry;
    uint32_t tag;
    (void)state;
    assert_non_null(sample_field("journal", &tag));
    for (size_t i = 0; i < LENGTH(values); i++) {
        struct session *session;
        assert_int_equal(decode_changed_into(tag, values[i], sizeof(values[i]), NULL, 0, &session),
                         KV_OK);
        journal_read(&session->journal, &reader);
        assert_false(journal_next(&reader, &entry));
        assert_true(journal_add(&session->journal, 1, JOURNAL_KEYED, 1, 0, NULL));
        journal_read(&session->journal, &reader);
        assert_true(journal_next(&reader, &entry));
        session_free(session);
    }
}

#define WITH(name, value) decode_with(name, value, sizeof(value) - 1)

static void test_out_of_range(void **state)
{
    (void)state;
    assert_int_equal(WITH("state", "\x06"), KV_OK);
    assert_int_equal(WITH("state", "\x07"), KV_DAMAGED);
    assert_int_equal(WITH("verification", "\x02"), KV_OK);
    assert_int_equal(WITH("verification", "\x03"), KV_DAMAGED);
    assert_int_equal(WITH("state", "\xff"), KV_DAMAGED);
    assert_int_equal(WITH("state", "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), KV_DAMAGED);
    assert_int_equal(WITH("result", "\x06"), KV_DAMAGED);
    assert_int_equal(WITH("nameplate", "\x03"), KV_DAMAGED);
    assert_int_equal(WITH("words", "\x10"), KV_OK);
    assert_int_equal(WITH("words", "\x11"), KV_DAMAGED);
    assert_int_equal(WITH("heals", "\xce\xff\xff\xff\xff"), KV_OK);
    assert_int_equal(WITH("heals", "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), KV_DAMAGED);
    assert_int_equal(WITH("heals", "\xff"), KV_DAMAGED);
    assert_int_equal(WITH("sent_bytes", "\xff"), KV_DAMAGED);
    assert_int_equal(WITH("wake", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), KV_OK);
    assert_int_equal(WITH("wake", "\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), KV_DAMAGED);
}

static void test_lengths(void **state)
{
    static uint8_t value[65536];
    (void)state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        if (sample_kind(field) != SAMPLE_STRING && sample_kind(field) != SAMPLE_TEXT &&
            sample_kind(field) != SAMPLE_BYTES)
            continue;
        value[0] = sample_kind(field) == SAMPLE_BYTES ? 0xc5 : 0xda;
        memset(value + 3, 'x', field->limit + 1);
        for (size_t length = field->limit - 1; length <= field->limit + 1; length++) {
            bool right = sample_kind(field) == SAMPLE_BYTES
                             ? length == field->limit
                             : length >= field->least && length <= field->limit;
            value[1] = (uint8_t)(length >> 8);
            value[2] = (uint8_t)length;
            assert_int_equal(decode_changed((uint32_t)tag, value, 3 + length, NULL, 0),
                             right ? KV_OK : KV_DAMAGED);
        }
    }
    assert_int_equal(WITH("name", "\xa0"), KV_DAMAGED);
    assert_int_equal(WITH("reason", "\xa0"), KV_OK);
    assert_int_equal(WITH("code", "\xa0"), KV_DAMAGED);
    assert_int_equal(WITH("side", "\xa0"), KV_DAMAGED);
}

/* The value of a tag of one byte; NULL if it is not there. */
static const uint8_t *value_of(const struct pairs *pairs, uint8_t tag)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (tag_of(pairs->at[i].key) == tag)
            return pairs->at[i].value;
    return NULL;
}

/* As in the stores of versions that had it as a string of its own. */
static void test_code_is_text_or_absent(void **state)
{
    static const char text[] = "\xb1"
                               "4-purple-sausages";
    struct session *full = sample_full(7);
    struct pairs pairs = take_apart(full);
    (void)state;
    assert_non_null(value_of(&pairs, 19));
    assert_memory_equal(value_of(&pairs, 19), text, sizeof(text) - 1);
    kv_record_clear(&pairs.record);

    full->code[0] = '\0';
    pairs = take_apart(full);
    assert_null(value_of(&pairs, 19));
    kv_record_clear(&pairs.record);
    session_free(full);
}

static void test_nul_in_text(void **state)
{
    (void)state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        if (sample_kind(field) == SAMPLE_STRING || sample_kind(field) == SAMPLE_TEXT)
            assert_int_equal(decode_changed((uint32_t)tag,
                                            "\xaa"
                                            "01234\0"
                                            "6789",
                                            11, NULL, 0),
                             KV_DAMAGED);
    }
    assert_int_equal(WITH("relay", "\xa2x\0"), KV_DAMAGED);
}

static void test_bad_schedules(void **state)
{
    (void)state;
    assert_int_equal(WITH("schedule", "\x94\x00\x00\x01\x00"), KV_OK);
    assert_int_equal(WITH("schedule", "\x90"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x91\x00"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x93\x00\x01\x02"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x92\x01\x00"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x92\x00\xff"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x94\x00\x00\x00\x00"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x96\x00\x00\x02\x00\x01\x00"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x92\x00\xa1x"), KV_DAMAGED);
    assert_int_equal(WITH("schedule", "\x92\x00\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), KV_DAMAGED);

    uint8_t many[3 + 2 * (SCHEDULE_RULES_MAX + 1)] = {0xdc, 0, 2 * (SCHEDULE_RULES_MAX + 1)};
    for (uint8_t i = 0; i <= SCHEDULE_RULES_MAX; i++)
        many[3 + 2 * i] = i;
    assert_int_equal(decode_with("schedule", many, sizeof(many)), KV_DAMAGED);
    many[2] -= 2;
    assert_int_equal(decode_with("schedule", many, sizeof(many) - 2), KV_OK);
}

static void test_missing_and_double(void **state)
{
    (void)state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        assert_int_equal(decode_changed((uint32_t)tag, NULL, 0, NULL, 0),
                         field->required ? KV_DAMAGED : KV_OK);
    }
    assert_int_equal(decode_changed(0, NULL, 0, "\x03\xa1x", 3), KV_DAMAGED);
    assert_int_equal(decode_changed(0, NULL, 0, "\x08\x01", 2), KV_DAMAGED);
    assert_int_equal(decode_changed(0, NULL, 0, "\xcd\x00\x08\x01", 4), KV_DAMAGED);
}

static void test_keys_are_tags(void **state)
{
    (void)state;
    assert_int_equal(decode_changed(0, NULL, 0, "\xcd\x03\xe9\x01", 4), KV_OK);
    assert_int_equal(decode_changed(0, NULL, 0, "\xa1x\x01", 3), KV_DAMAGED);
    assert_int_equal(decode_changed(0, NULL, 0, "\xff\x01", 2), KV_DAMAGED);
    assert_int_equal(decode_changed(0, NULL, 0, "\xc0\x01", 2), KV_DAMAGED);
    assert_int_equal(decode_changed(0, NULL, 0, "\x91\x01\x01", 3), KV_DAMAGED);
}

static void test_cut_short_and_followed(void **state)
{
    struct session *full = sample_full(7);
    struct kv_record record = encode(full);
    (void)state;
    for (size_t length = 0; length < record.length; length++)
        assert_refused(record.data, length);
    uint8_t *longer = malloc(record.length + 1);
    assert_non_null(longer);
    memcpy(longer, record.data, record.length);
    longer[record.length] = 0xc0;
    assert_refused(longer, record.length + 1);
    free(longer);
    kv_record_clear(&record);
    session_free(full);
}

static void test_no_map(void **state)
{
    static const char *const others[] = {"\xc0", "\x01", "\x90", "\xa1x", "\xc1", "\xd4\x01x"};
    (void)state;
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_refused((const uint8_t *)others[i], strlen(others[i]));
    assert_refused((const uint8_t *)"\x80", 1);
}

/* Damaged bytes are refused or are another good record; they hurt nobody. */
static void test_flipped_bits(void **state)
{
    struct session *full = sample_full(7);
    struct kv_record record = encode(full);
    (void)state;
    for (size_t bit = 0; bit < record.length * 8; bit++) {
        struct session *session = NULL;
        record.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (decode(record.data, record.length, &session) == KV_OK) {
            struct kv_record again = encode(session);
            kv_record_clear(&again);
        }
        session_free(session);
        record.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    kv_record_clear(&record);
    session_free(full);
}

/* ---- unknown tags ---- */

static void test_unknown_tags_survive(void **state)
{
    /* Numbers longer than they need be: the bytes are kept, not what they mean. */
    static const char unknown[] = "\xcd\x03\xe8\xd9\x01x"
                                  "\xce\x00\x00\x03\xe9\x92\xcd\x00\x01\x81\xa1y\xc4\x02zz"
                                  "\xcd\x03\xea\xc0";
    struct session *bare = sample_bare(7), *back = NULL, *again = NULL;
    (void)state;
    bare->unknown_length = sizeof(unknown) - 1;
    bare->unknown = malloc(bare->unknown_length);
    assert_non_null(bare->unknown);
    memcpy(bare->unknown, unknown, bare->unknown_length);

    struct kv_record record = encode(bare);
    assert_int_equal(decode(record.data, record.length, &back), KV_OK);
    assert_int_equal(back->unknown_length, sizeof(unknown) - 1);
    assert_memory_equal(back->unknown, unknown, sizeof(unknown) - 1);
    kv_record_clear(&record);

    back->heals = 5;
    record = encode(back);
    assert_int_equal(decode(record.data, record.length, &again), KV_OK);
    sample_assert_same(back, again);
    kv_record_clear(&record);
    session_free(bare);
    session_free(back);
    session_free(again);
}

static void test_unknown_from_between(void **state)
{
    static const uint8_t head[] = {0xcd, 0x07, 0xd0, 0x01};
    static uint8_t data[65536];
    struct session *bare = sample_bare(7), *back = NULL;
    struct pairs pairs = take_apart(bare);
    (void)state;
    /* In front of the known ones, where our own encoder never puts them. */
    memcpy(data, "\xde\x00", 2);
    data[2] = (uint8_t)(pairs.count + 1);
    memcpy(data + 3, head, sizeof(head));
    size_t rest = (size_t)(pairs.at[pairs.count - 1].end - pairs.at[0].key);
    memcpy(data + 3 + sizeof(head), pairs.at[0].key, rest);
    assert_int_equal(decode(data, 3 + sizeof(head) + rest, &back), KV_OK);
    assert_int_equal(back->unknown_length, sizeof(head));
    assert_memory_equal(back->unknown, head, sizeof(head));
    session_free(back);
    kv_record_clear(&pairs.record);
    session_free(bare);
}

/* ---- what is not written ---- */

static bool has_tag(const struct pairs *pairs, const char *name)
{
    uint32_t tag;
    assert_non_null(sample_field(name, &tag));
    for (size_t i = 0; i < pairs->count; i++)
        if (tag_of(pairs->at[i].key) == tag)
            return true;
    return false;
}

static void test_nothing_is_left_out(void **state)
{
    static const char *const absent[] = {"name",
                                         "reason",
                                         "code",
                                         "mailbox",
                                         "version",
                                         "peer_side",
                                         "scalar",
                                         "pake",
                                         "key",
                                         "verifier",
                                         "version_nonce",
                                         "last_error",
                                         "peer_versions",
                                         "receipt_nonce",
                                         "epoch_secret",
                                         "root",
                                         "peer_next",
                                         "old_root",
                                         "old_public",
                                         "left_places",
                                         "cursor",
                                         "cursor_version",
                                         "old_cursor",
                                         "journal",
                                         "fallback_mailboxes[0]",
                                         "fallback_mailboxes[1]",
                                         "fallback_mailboxes[2]",
                                         "route_urls[0]",
                                         "route_urls[1]",
                                         "route_urls[2]",
                                         "route_urls[3]",
                                         "route_urls[4]",
                                         "route_urls[5]",
                                         "route_urls[6]",
                                         "route_urls[7]",
                                         "route_urls[8]"};
    struct session *bare = sample_bare(7), *full = sample_full(7);
    struct pairs pairs = take_apart(bare), all = take_apart(full);
    (void)state;
    for (size_t i = 0; i < LENGTH(absent); i++) {
        assert_false(has_tag(&pairs, absent[i]));
        assert_true(has_tag(&all, absent[i]));
    }
    size_t sparse = 0;
    for (size_t tag = session_record_kind.sparse_from; tag < session_record_kind.tags; tag++)
        sparse += session_record_kind.fields[tag].type != NULL &&
                  session_record_kind.fields[tag].type->size > 0;
    assert_int_equal(pairs.count, sample_field_count() - LENGTH(absent) - sparse);
    assert_int_equal(all.count, sample_field_count() + 1); /* and an unknown one */
    kv_record_clear(&pairs.record);
    kv_record_clear(&all.record);
    session_free(bare);
    session_free(full);
}

/* What could not be read again is not written. */
static void assert_not_encoded(struct session *session)
{
    struct kv_record record = {0};
    assert_int_equal(session_record_encode(session, &record), KV_FAILED);
    assert_null(record.data);
    session_free(session);
}

static void test_bad_sessions_are_not_written(void **state)
{
    struct session *session = sample_full(7);
    (void)state;
    free(session->appid);
    session->appid = NULL;
    assert_not_encoded(session);

    session = sample_full(7);
    session->side[0] = 0;
    assert_not_encoded(session);

    session = sample_full(7);
    session->words = CODE_WORDS_MAX + 1;
    assert_not_encoded(session);

    session = sample_full(7);
    session->state = SESSION_STATES;
    assert_not_encoded(session);

    session = sample_full(7);
    session->schedule.count = 0;
    assert_not_encoded(session);

    session = sample_full(7);
    session->unknown_length--;
    assert_not_encoded(session);

    session = sample_full(7);
    session->name[0] = 0;
    assert_not_encoded(session);
}

static void test_record_limit(void **state)
{
    struct session *session = sample_bare(7);
    (void)state;
    session->unknown_length = SESSION_RECORD_MAX - 9;
    session->unknown = calloc(1, session->unknown_length);
    assert_non_null(session->unknown);
    uint8_t *blob = session->unknown;
    size_t length = session->unknown_length - 6;
    memcpy(blob, "\x7f\xc6", 2);
    for (int i = 0; i < 4; i++)
        blob[2 + i] = (uint8_t)(length >> (24 - 8 * i));
    assert_not_encoded(session);
}

/* ---- memory ---- */

static void test_memory_runs_out(void **state)
{
    struct session *full = sample_full(7);
    struct kv_record record = {0};
    struct session *back = NULL;
    enum kv_status status;
    (void)state;

    scarce_fail_nth(1);
    status = session_record_encode(full, &record);
    scarce_end();
    assert_int_equal(status, KV_MEMORY);
    record = encode(full);
    unsigned nth = 0;
    do {
        scarce_fail_nth(++nth);
        status = session_record_decode(id, record.data, record.length, &back);
        if (scarce_end())
            assert_int_equal(status, KV_MEMORY);
    } while (status != KV_OK);
    assert_in_range(nth, 10, 100);
    sample_assert_same(full, back);
    session_free(back);
    kv_record_clear(&record);
    session_free(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_damaged_journal),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_code_is_text_or_absent),
        cmocka_unit_test(test_nul_in_text),
        cmocka_unit_test(test_bad_schedules),
        cmocka_unit_test(test_missing_and_double),
        cmocka_unit_test(test_keys_are_tags),
        cmocka_unit_test(test_cut_short_and_followed),
        cmocka_unit_test(test_no_map),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_unknown_tags_survive),
        cmocka_unit_test(test_unknown_from_between),
        cmocka_unit_test(test_nothing_is_left_out),
        cmocka_unit_test(test_bad_sessions_are_not_written),
        cmocka_unit_test(test_record_limit),
        cmocka_unit_test(test_memory_runs_out),
    };
    scarce_init();
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}

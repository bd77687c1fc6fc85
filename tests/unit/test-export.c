/* A session that is handed over in a text: at one point only, whole, unaltered, and never to two
 * places. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "state/export.h"
#include "tests/simulation/pair.h"

#define POLL "0:60"
#define HOLD "0:0"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static enum session_refusal hand_over(struct end *end)
{
    return end_command(end, EVENT_EXPORT);
}

/* The text of a session that was just handed over. export_free_text(). */
static char *text_of(const struct session *session)
{
    char *text = NULL;
    assert_int_equal(export_write(session, &text), EXPORT_OK);
    assert_non_null(text);
    return text;
}

static struct session *read_back(const char *text)
{
    struct session *session = NULL;
    assert_int_equal(export_read(text, strlen(text), &session), EXPORT_OK);
    assert_non_null(session);
    return session;
}

static void assert_refused(const char *text, size_t length, enum export_fault fault)
{
    struct session *session = NULL;
    char *copy = malloc(length + 1); /* of just this size, where a look too far shows */
    assert_non_null(copy);
    if (length > 0)
        memcpy(copy, text, length);
    enum export_fault found = export_read(copy, length, &session);
    if (found != fault)
        fail_msg("%.60s: %s, not: %s", text, export_fault_text(found), export_fault_text(fault));
    assert_null(session);
    free(copy);
}

/* One that was handed over, by itself. */
static struct session *sample(const char *code)
{
    struct stock *stock = stock_new();
    struct end end;
    end_open(&end, stock, code, POLL, 7);
    assert_int_equal(hand_over(&end), SESSION_ACCEPTED);
    struct session *session = end.session;
    end.session = NULL;
    end_free(&end);
    stock_free(stock);
    return session;
}

/* ---- when it may be ---- */

static struct kv_record record_of(const struct session *session)
{
    struct kv_record record;
    assert_int_equal(session_record_encode(session, &record), KV_OK);
    return record;
}

/* The session is as it was when it had this record, which is cleared. */
static void assert_unchanged(const struct session *session, struct kv_record *before)
{
    struct kv_record after = record_of(session);
    assert_int_equal(before->length, after.length);
    assert_memory_equal(before->data, after.data, before->length);
    kv_record_clear(before);
    kv_record_clear(&after);
}

static void assert_not_now(struct end *end)
{
    struct kv_record before = record_of(end->session);
    enum session_connection connection = session_connection(end->session);
    assert_int_equal(hand_over(end), SESSION_REFUSED_EXPORT);
    assert_int_equal(session_connection(end->session), connection);
    assert_unchanged(end->session, &before);
}

/* Step by step through a whole life: as long as there is a code and nobody else, and only then. */
static void at_one_point_only(void **state)
{
    unsigned possible = 0, refused = 0;
    (void)state;
    for (unsigned at = 0; at < 60; at++) {
        struct stock *stock = stock_new();
        struct end a, b;
        end_open(&a, stock, NULL, HOLD, 3);
        for (unsigned step = 0; step < at / 2 && session_code(a.session) == NULL; step++)
            end_work(&a);
        end_open(&b, stock, session_code(a.session) != NULL ? a.session->code : "99-nobody", HOLD,
                 4);
        for (unsigned step = at / 2; step < at; step++)
            if (!end_work(&a))
                end_work(&b);
        if (a.session->state == SESSION_WAITING) {
            assert_int_equal(hand_over(&a), SESSION_ACCEPTED);
            export_free_text(text_of(a.session));
            possible++;
        } else {
            assert_not_now(&a);
            refused++;
        }
        end_free(&a);
        end_free(&b);
        stock_free(stock);
    }
    assert_true(possible > 3 && refused > 3);
}

static void not_once_a_message_is_queued(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_send(&pair.a, "x");
    assert_not_now(&pair.a);
    end_visit(&pair.a);
    assert_not_now(&pair.a);
    pair_free(&pair);
}

static void not_once_somebody_was_seen(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_KEYED);
    assert_not_now(&pair.b);
    pair_visit(&pair, 3);
    assert_not_now(&pair.a);
    end_close(&pair.a);
    assert_not_now(&pair.a);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_not_now(&pair.a);
    pair_free(&pair);
}

/* Whatever others have left in its mailbox, and however the relay has treated it. */
static void once_others_were_there(void **state)
{
    struct pair pair;
    (void)state;
    for (int prunes = 0; prunes < 2; prunes++) {
        pair_open(&pair, POLL);
        end_visit(&pair.a);
        pair.b.session->mailbox = strdup(pair.a.session->mailbox);
        end_say(&pair.b, "0", "nobody has a key yet");
        end_say(&pair.b, "version", "nor is this one");
        for (int i = 0; i < 3; i++) {
            end_visit(&pair.a);
            assert_int_equal(pair.a.session->unexpected, 2);
            assert_int_equal(pair.a.session->burdened, i + 1);
        }
        if (prunes) {
            stock_prune(pair.stock);
            end_visit(&pair.a);
            assert_int_equal(pair.a.session->unexpected, 0);
        }
        assert_int_equal(hand_over(&pair.a), SESSION_ACCEPTED);
        char *text = text_of(pair.a.session);
        struct session *back = read_back(text);
        assert_int_equal(back->unexpected, pair.a.session->unexpected);
        session_free(back);
        export_free_text(text);
        pair_free(&pair);
    }
}

/* ---- what it is then ---- */

/* Every event but those that are for it, for as long as it has. */
static void tell_everything(struct end *end)
{
    static const enum session_refusal refusals[EVENT_TYPES] = {
        [EVENT_SEND] = SESSION_REFUSED_CLOSED,   [EVENT_ACK] = SESSION_REFUSED_CLOSED,
        [EVENT_CLOSE] = SESSION_REFUSED_CLOSED,  [EVENT_POLL] = SESSION_REFUSED_CLOSED,
        [EVENT_VERIFY] = SESSION_REFUSED_CLOSED, [EVENT_MOVE] = SESSION_REFUSED_CLOSED,
    };
    for (int type = 0; type < EVENT_TYPES; type++) {
        const struct session_event event = {.type = (enum event_type)type,
                                            .text = "lost",
                                            .until = 5,
                                            .data = (const uint8_t *)"x",
                                            .length = 1};
        end->now += end->session->timeout / (EVENT_TYPES + 1);
        if (type != EVENT_RENAME)
            assert_int_equal(end_step(end, &event), refusals[type]);
    }
}

static void it_never_runs_again(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    unsigned connects = pair.a.connects;
    assert_int_equal(hand_over(&pair.a), SESSION_ACCEPTED);
    assert_string_equal(session_state_name(pair.a.session->state), "exported");
    assert_int_equal(pair.a.session->wake, session_deadline(pair.a.session));
    assert_int_equal(pair.a.session->exports, 1);
    struct kv_record before = record_of(pair.a.session);
    tell_everything(&pair.a);
    end_crash(&pair.a);
    end_run(&pair.a);
    assert_unchanged(pair.a.session, &before);
    assert_int_equal(pair.a.connects, connects);
    assert_null(session_seal(pair.a.session, 0, (const uint8_t[32]){0}, 32));
    pair_free(&pair);
}

static void its_connection_is_dropped(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_run(&pair.a);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    hand_over(&pair.a);
    assert_null(pair.a.session->visit);
    assert_null(pair.a.connection);
    pair_free(&pair);
}

static void names_can_change(void **state)
{
    struct pair pair;
    const struct session_event named = {.type = EVENT_RENAME, .text = "laptop"};
    (void)state;
    pair_open(&pair, POLL);
    for (int i = 0; i < 4; i++) { /* waiting, exported; then b established, closed */
        struct end *end = i < 2 ? &pair.a : &pair.b;
        assert_int_equal(end_step(end, &named), SESSION_ACCEPTED);
        assert_string_equal(end->session->name, "laptop");
        assert_int_equal(end_command(end, EVENT_RENAME), SESSION_ACCEPTED);
        assert_null(end->session->name);
        if (i == 0)
            hand_over(&pair.a);
        if (i == 2)
            end_close(&pair.b);
    }
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    pair_free(&pair);
}

/* ---- there and back ---- */

static struct session_context context_at(int64_t now)
{
    return (struct session_context){.now = now};
}

/* a is handed over after each number of visits, and goes on elsewhere: the peers meet. */
static void it_goes_on_elsewhere(void **state)
{
    (void)state;
    for (int visits = 0; visits < 3; visits++) {
        struct pair pair;
        pair_open(&pair, POLL);
        pair.a.session->verification = VERIFICATION_PENDING;
        for (int i = 0; i < visits; i++)
            end_visit(&pair.a);
        hand_over(&pair.a);
        char *text = text_of(pair.a.session);
        session_free(pair.a.session);
        pair.a.session = read_back(text);
        export_free_text(text);
        assert_int_equal(pair.a.session->state, SESSION_WAITING);
        assert_int_equal(pair.a.session->verification, VERIFICATION_PENDING);
        assert_true(pair.a.session->wake <= pair.a.now);
        struct session_context context = context_at(pair.a.now);
        session_resume(pair.a.session, &context);
        assert_int_equal(pair.a.session->wake, pair.a.now);
        /* A list of the user's counts from the first start, wherever that was. */
        assert_int_equal(pair.a.session->schedule_start, pair.a.session->created);
        end_send(&pair.a, "from another machine");
        pair_visit(&pair, 3);
        end_verify(&pair.a, true);
        pair_visit(&pair, 2);
        assert_string_equal(end_inbox(&pair.b, 0), "from another machine");
        assert_null(strstr(pair.a.added, "pake pake"));
        pair_free(&pair);
    }
}

static void nothing_is_lost(void **state)
{
    static const uint8_t unknown[] = {0xcd, 0x03, 0xe8, 0xd9, 0x01, 'x'};
    struct session *session = sample("4-purple-sausages"), *back;
    (void)state;
    session->unknown = malloc(sizeof(unknown));
    assert_non_null(session->unknown);
    memcpy(session->unknown, unknown, sizeof(unknown));
    session->unknown_length = sizeof(unknown);
    session->name = strdup("laptop");
    session->change = 77;
    session->inbox_messages = 3;
    char *text = text_of(session);
    back = read_back(text);
    assert_int_equal(back->change, 0);
    assert_memory_equal(back->id, session->id, SESSION_ID_BYTES);
    assert_int_equal(back->unknown_length, sizeof(unknown));
    assert_memory_equal(back->unknown, unknown, sizeof(unknown));
    /* But for these it is the same, to the last byte. */
    back->state = session->state;
    back->wake = session->wake;
    back->change = session->change;
    struct kv_record record = record_of(session);
    assert_unchanged(back, &record);
    export_free_text(text);
    session_free(back);
    session_free(session);
}

static void the_same_text_again(void **state)
{
    struct session *session = sample("4-purple-sausages");
    char *one = text_of(session), *other;
    (void)state;
    session->change += 5; /* by the store */
    other = text_of(session);
    assert_string_equal(one, other);
    export_free_text(one);
    export_free_text(other);
    session_free(session);
}

/* One line of JSON, which any program can read. */
static void its_text_is_json(void **state)
{
    struct session *session = sample("4-purple-sausages");
    char *text = text_of(session), id[SESSION_ID_TEXT];
    json_t *root = json_loads(text, 0, NULL);
    (void)state;
    session_id_text(session->id, id);
    assert_null(strpbrk(text, "\r\n"));
    assert_string_equal(json_string_value(json_object_get(root, "format")), "wormholed-session");
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    assert_string_equal(json_string_value(json_object_get(root, "session")), id);
    assert_int_equal(strlen(json_string_value(json_object_get(root, "check"))), 64);
    assert_int_equal(json_object_size(root), 5);
    json_decref(root);
    export_free_text(text);
    session_free(session);
}

/* ---- what is refused ---- */

static void altered_in_every_byte(void **state)
{
    struct session *session = sample("4-purple-sausages"), *back = NULL;
    char *text = text_of(session);
    size_t length = strlen(text);
    (void)state;
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1 << bit);
            if (export_read(text, length, &back) == EXPORT_OK)
                fail_msg("byte %zu, bit %d", i, bit);
            assert_null(back);
            text[i] ^= (char)(1 << bit);
        }
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_not_equal(export_read(text, cut, &back), EXPORT_OK);
        assert_int_not_equal(export_read(text + length - cut, cut, &back), EXPORT_OK);
    }
    assert_null(back);
    export_free_text(text);
    session_free(session);
}

static void blanks_around_it_are_no_matter(void **state)
{
    struct session *session = sample("4-purple-sausages");
    char *text = text_of(session), *around = NULL;
    (void)state;
    assert_true(asprintf(&around, "\n \t%s \r\n\n", text) > 0);
    session_free(read_back(around));
    free(around);
    assert_true(asprintf(&around, "%s\n%s", text, text) > 0);
    assert_refused(around, strlen(around), EXPORT_ALTERED);
    free(around);
    export_free_text(text);
    session_free(session);
}

static void foreign_texts(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "\n",
                                        "{}",
                                        "[]",
                                        "4-purple-sausages",
                                        "{\"format\": \"other\", \"version\": 1}",
                                        "{\"format\": \"wormholed-sessions\", \"version\": 1}",
                                        "{\"version\": 1, \"format\": \"wormholed-session\"}"};
    static char longest[EXPORT_MAX + 2];
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        assert_refused(texts[i], strlen(texts[i]), EXPORT_FOREIGN);
    memset(longest, 'x', sizeof(longest));
    strcpy(longest, "{\"format\": \"wormholed-session\", \"version\": ");
    longest[strlen(longest)] = '1';
    assert_refused(longest, EXPORT_MAX + 1, EXPORT_FOREIGN);
    assert_refused(longest, EXPORT_MAX, EXPORT_ALTERED);
}

static void newer_texts(void **state)
{
    static const struct {
        const char *version;
        enum export_fault fault;
    } cases[] = {
        {"2,", EXPORT_NEWER},   {"10, \"session\"", EXPORT_NEWER},
        {"2}", EXPORT_ALTERED}, {"12345678901234567890123,", EXPORT_NEWER},
        {"0,", EXPORT_ALTERED}, {"01,", EXPORT_ALTERED},
        {"", EXPORT_FOREIGN},   {"-1,", EXPORT_ALTERED},
        {"1", EXPORT_ALTERED},  {"1,", EXPORT_ALTERED},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"format\": \"wormholed-session\", \"version\": %s",
                 cases[i].version);
        assert_refused(text, strlen(text), cases[i].fault);
    }
}

/* ---- texts that are as they were written, but of sessions that cannot be ---- */

/* As export_write() would, if it did not look: its own text, with the record of `session` and the
 * check that belongs to it. */
static char *forged(struct session *session)
{
    struct kv_record record = record_of(session);
    size_t size = sodium_base64_ENCODED_LEN(record.length, sodium_base64_VARIANT_ORIGINAL);
    char *base64 = malloc(size), *text = NULL, id[SESSION_ID_TEXT], hex[65];
    uint8_t check[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    assert_non_null(base64);
    sodium_bin2base64(base64, size, record.data, record.length, sodium_base64_VARIANT_ORIGINAL);
    session_id_text(session->id, id);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)"wormholed-session\x01", 18);
    crypto_hash_sha256_update(&state, session->id, SESSION_ID_BYTES);
    crypto_hash_sha256_update(&state, record.data, record.length);
    crypto_hash_sha256_final(&state, check);
    sodium_bin2hex(hex, sizeof(hex), check, sizeof(check));
    assert_true(asprintf(&text,
                         "{\"format\": \"wormholed-session\", \"version\": 1, \"session\": \"%s\", "
                         "\"record\": \"%s\", \"check\": \"%s\"}",
                         id, base64, hex) > 0);
    free(base64);
    kv_record_clear(&record);
    return text;
}

static void set(char **string, const char *text)
{
    free(*string);
    *string = text == NULL ? NULL : strdup(text);
}

static void is_waiting(struct session *session)
{
    session->state = SESSION_WAITING;
}

static void is_established(struct session *session)
{
    session->state = SESSION_ESTABLISHED;
}

static void has_no_code(struct session *session)
{
    session->code[0] = '\0';
}

static void has_another_code(struct session *session)
{
    strcpy(session->code, "4-purple-sausage");
}

static void has_no_such_code(struct session *session)
{
    strcpy(session->code, "nameplate");
}

static void has_another_scalar(struct session *session)
{
    session->scalar[0] ^= 1;
}

static void has_no_scalar(struct session *session)
{
    memset(session->scalar, 0, sizeof(session->scalar));
}

static void has_another_pake(struct session *session)
{
    session->pake[5] ^= 1;
}

static void has_no_version(struct session *session)
{
    set(&session->version, NULL);
}

static void has_a_peer(struct session *session)
{
    set(&session->peer_side, "0123456789");
}

static void has_sent(struct session *session)
{
    session->sent = 1;
}

static void has_received(struct session *session)
{
    session->received = session->acked = 1;
}

static void has_receipts(struct session *session)
{
    session->receipts = 1;
}

static void has_ended(struct session *session)
{
    session->result = RESULT_HAPPY;
}

static void was_never_exported(struct session *session)
{
    session->exports = 0;
}

static void has_nowhere_to_go(struct session *session)
{
    session->nameplate = NAMEPLATE_RELEASED;
}

static void lasts_for_ever(struct session *session)
{
    session->timeout = INT64_MAX;
}

static void lasts_no_time(struct session *session)
{
    session->timeout = 0;
}

static void is_of_the_future(struct session *session)
{
    session->last_activity = INT64_MAX;
}

static void is_of_the_past(struct session *session)
{
    session->created = INT64_MIN;
}

static void has_no_utf8(struct session *session)
{
    set(&session->appid, "\xff");
}

static void drives_the_terminal(struct session *session)
{
    set(&session->name, "\x1b[2J");
}

/* What is told the peer as it stands, in a buffer of its own. */
static void has_a_long_route(struct session *session)
{
    char url[400] = "wss://";
    memset(url + strlen(url), 'a', sizeof(url) - strlen(url) - 1);
    set(&session->route_urls[1], url);
}

static void has_a_route_that_quotes(struct session *session)
{
    set(&session->route_urls[2], "wss://a/\"");
}

static void forged_texts(void **state)
{
    static void (*const forgers[])(struct session *) = {
        is_waiting,       is_established,      has_no_code,        has_another_code,
        has_no_such_code, has_no_scalar,       has_another_scalar, has_another_pake,
        has_no_version,   has_a_peer,          has_sent,           has_received,
        has_receipts,     has_ended,           was_never_exported, has_nowhere_to_go,
        lasts_for_ever,   lasts_no_time,       is_of_the_future,   is_of_the_past,
        has_no_utf8,      drives_the_terminal, has_a_long_route,   has_a_route_that_quotes,
    };
    struct session *session = sample("4-purple-sausages");
    char *text = forged(session), *own = text_of(session);
    (void)state;
    assert_string_equal(text, own); /* so far there is nothing wrong with it */
    free(text);
    export_free_text(own);
    session_free(session);
    for (size_t i = 0; i < LENGTH(forgers); i++) {
        session = sample("4-purple-sausages");
        forgers[i](session);
        text = forged(session);
        assert_refused(text, strlen(text), EXPORT_ALTERED);
        char *none = NULL;
        assert_int_equal(export_write(session, &none), EXPORT_ALTERED);
        assert_null(none);
        free(text);
        session_free(session);
    }
}

static void no_record_at_all(void **state)
{
    static const char *const records[] = {"", "gA==", "AAAA", "####", "gA", "3gAy"};
    (void)state;
    for (size_t i = 0; i < LENGTH(records); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "{\"format\": \"wormholed-session\", \"version\": 1, \"session\": "
                 "\"0123456789abcdef\", \"record\": \"%s\", \"check\": \"00\"}",
                 records[i]);
        assert_refused(text, strlen(text), EXPORT_ALTERED);
    }
}

/* ---- who may take it ---- */

static void never_twice(void **state)
{
    struct session *text = sample("4-purple-sausages"), *stored = sample("4-purple-sausages");
    int64_t now = text->created;
    (void)state;
    text->state = SESSION_WAITING;
    text->exports = 3;
    assert_int_equal(export_judge(text, NULL, 0, now), EXPORT_OK);
    assert_int_equal(export_judge(text, NULL, 2, now), EXPORT_OK);
    assert_int_equal(export_judge(text, NULL, 3, now), EXPORT_IMPORTED);
    assert_int_equal(export_judge(text, NULL, 4, now), EXPORT_IMPORTED);

    /* It never left, or is back already, whatever it does now. */
    for (int its = SESSION_ALLOCATING; its < SESSION_EXPORTED; its++) {
        stored->state = (enum session_state)its;
        stored->exports = 0;
        assert_int_equal(export_judge(text, stored, 0, now), EXPORT_IMPORTED);
    }
    /* It left with this text, or with one before it: then it comes back. */
    stored->state = SESSION_EXPORTED;
    for (stored->exports = 1; stored->exports < 6; stored->exports++)
        assert_int_equal(export_judge(text, stored, 0, now),
                         stored->exports <= 3 ? EXPORT_OK : EXPORT_IMPORTED);
    stored->exports = 3;
    assert_int_equal(export_judge(text, stored, 3, now), EXPORT_IMPORTED);
    session_free(text);
    session_free(stored);
}

static void not_too_late(void **state)
{
    struct session *text = sample("4-purple-sausages");
    int64_t deadline = session_deadline(text);
    (void)state;
    assert_int_equal(export_judge(text, NULL, 0, deadline - 1), EXPORT_OK);
    assert_int_equal(export_judge(text, NULL, 0, deadline), EXPORT_EXPIRED);
    assert_int_equal(export_judge(text, NULL, 0, INT64_MAX), EXPORT_EXPIRED);
    session_free(text);
}

/* Away, back, away: the first text is worth nothing any more, at either place. */
static void each_text_once(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    hand_over(&pair.a);
    char *first = text_of(pair.a.session);
    struct session *read = read_back(first);
    assert_int_equal(export_judge(read, pair.a.session, 0, pair.a.now), EXPORT_OK);
    session_free(pair.a.session);
    pair.a.session = read;
    hand_over(&pair.a);
    assert_int_equal(pair.a.session->exports, 2);
    read = read_back(first);
    assert_int_equal(export_judge(read, pair.a.session, 1, pair.a.now), EXPORT_IMPORTED);
    session_free(read);
    export_free_text(first);
    pair_free(&pair);
}

/* ---- words, memory ---- */

static void faults_have_sentences(void **state)
{
    (void)state;
    for (int fault = EXPORT_OK; fault < EXPORT_FAULTS; fault++)
        assert_true(strlen(export_fault_text((enum export_fault)fault)) > 10);
    assert_true(strlen(session_refusal_text(SESSION_REFUSED_EXPORT)) > 10);
    assert_true(strlen(session_refusal_text(SESSION_REFUSED_NOT_KEYED)) > 10);
}

static void memory_runs_out(void **state)
{
    struct session *session = sample("4-purple-sausages"), *back = NULL;
    char *text = NULL;
    bool failed = true;
    (void)state;
    for (unsigned nth = 1; failed; nth++) {
        scarce_fail_nth(nth);
        enum export_fault fault = export_write(session, &text);
        failed = scarce_end();
        assert_int_equal(fault, failed ? EXPORT_MEMORY : EXPORT_OK);
    }
    failed = true;
    for (unsigned nth = 1; failed; nth++) {
        scarce_fail_nth(nth);
        enum export_fault fault = export_read(text, strlen(text), &back);
        failed = scarce_end();
        assert_int_equal(fault, failed ? EXPORT_MEMORY : EXPORT_OK);
    }
    export_free_text(text);
    export_free_text(NULL);
    session_free(back);
    session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_one_point_only),
        cmocka_unit_test(not_once_a_message_is_queued),
        cmocka_unit_test(not_once_somebody_was_seen),
        cmocka_unit_test(once_others_were_there),
        cmocka_unit_test(it_never_runs_again),
        cmocka_unit_test(its_connection_is_dropped),
        cmocka_unit_test(names_can_change),
        cmocka_unit_test(it_goes_on_elsewhere),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(the_same_text_again),
        cmocka_unit_test(its_text_is_json),
        cmocka_unit_test(altered_in_every_byte),
        cmocka_unit_test(blanks_around_it_are_no_matter),
        cmocka_unit_test(foreign_texts),
        cmocka_unit_test(newer_texts),
        cmocka_unit_test(forged_texts),
        cmocka_unit_test(no_record_at_all),
        cmocka_unit_test(never_twice),
        cmocka_unit_test(not_too_late),
        cmocka_unit_test(each_text_once),
        cmocka_unit_test(faults_have_sentences),
        cmocka_unit_test(memory_runs_out),
    };
    scarce_init();
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}

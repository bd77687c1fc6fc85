/* Who wants to compare the verifiers first gives and gets no application data before, whatever
 * happens meanwhile. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/pair.h"

#define HOLD "0:0"
#define POLL "0:60"

/* A pair whose first end wants to compare. */
static void open_careful(struct pair *pair, const char *schedule)
{
    pair_open(pair, schedule);
    pair->a.session->verification = VERIFICATION_PENDING;
}

static void assert_state(const struct end *end, enum session_state state)
{
    assert_string_equal(session_state_name(end->session->state), session_state_name(state));
}

/* The reason may go on: with what was not sent. */
static void assert_ended(const struct end *end, enum session_result result, const char *reason)
{
    assert_state(end, SESSION_CLOSED);
    assert_string_equal(session_result_name(end->session->result), session_result_name(result));
    assert_ptr_equal(strstr(end->session->reason, reason), end->session->reason);
}

static void assert_inbox_forgotten(const struct end *end)
{
    assert_int_equal(end->session->unread, 0);
    assert_int_equal(end->session->unread_bytes, 0);
    assert_int_equal(end->session->acked, end->session->received);
    assert_int_equal(end->session->ahead, 0);
    for (uint32_t i = 0; i < 8; i++)
        assert_null(end_inbox(end, i));
}

static void zeros(void *arg, void *buffer, size_t length)
{
    (void)arg;
    memset(buffer, 0, length);
}

static void option_makes_it_pending(void **state)
{
    struct schedule schedule;
    struct session_context context = {.now = 1, .random = zeros};
    struct session_options options = {.appid = "example.com/test",
                                      .relay = "ws://relay.invalid/v1",
                                      .schedule = &schedule,
                                      .inbox_messages = 3,
                                      .inbox_bytes = 4};
    (void)state;
    schedule_parse(HOLD, &schedule);
    for (int verify = 0; verify < 2; verify++) {
        options.verify = verify;
        struct session *session = session_new(&options, &context);
        assert_non_null(session);
        assert_int_equal(session->verification, verify ? VERIFICATION_PENDING : VERIFICATION_NONE);
        assert_int_equal(session->inbox_messages, 3);
        assert_int_equal(session->inbox_bytes, 4);
        session_free(session);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(verification_name(VERIFICATION_NONE), "none");
    assert_string_equal(verification_name(VERIFICATION_PENDING), "pending");
    assert_string_equal(verification_name(VERIFICATION_DONE), "done");
}

/* ---- held back ---- */

/* The careful one adds its pake and version and no more, however often it comes, and whatever is
 * lost: connections, memory, the relay's mailbox. */
static void nothing_leaves(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, POLL);
    end_send(&pair.a, "secret");
    pair_visit(&pair, 3);
    assert_state(&pair.a, SESSION_ESTABLISHED);
    for (int i = 0; i < 6; i++) {
        if (i % 3 == 0)
            end_crash(&pair.a);
        if (i % 3 == 1)
            stock_prune(pair.stock);
        end_command(&pair.a, EVENT_POLL);
        end_send(&pair.a, "more");
        pair_visit(&pair, 1);
    }
    assert_null(strpbrk(pair.a.added, "0123456789"));
    assert_int_equal(pair.b.session->received, 0);
    assert_int_equal(pair.a.session->verification, VERIFICATION_PENDING);

    assert_int_equal(end_verify(&pair.a, true), SESSION_ACCEPTED);
    pair_visit(&pair, 2);
    assert_int_equal(pair.b.session->received, 7);
    assert_string_equal(end_inbox(&pair.b, 0), "secret");
    pair_free(&pair);
}

/* What the other one sends is kept, in its order, for the time after. No receipt tells that it is.
 */
static void nothing_is_lost(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, HOLD);
    end_send(&pair.b, "zero");
    pair_run(&pair);
    end_send(&pair.b, "one");
    pair_run(&pair);
    assert_int_equal(pair.a.session->received, 2);
    assert_int_equal(pair.a.session->unread, 2);
    assert_int_equal(pair.b.session->delivered, 0);
    assert_string_equal(pair.a.added, "pake version");
    end_crash(&pair.a);
    pair_run(&pair);
    assert_string_equal(pair.a.added, "pake version");
    end_verify(&pair.a, true);
    pair_run(&pair);
    assert_int_equal(pair.a.session->unread, 2);
    assert_string_equal(end_inbox(&pair.a, 1), "one");
    assert_int_equal(pair.b.session->delivered, 2);
    pair_free(&pair);
}

/* What nobody can have read cannot be acknowledged. */
static void nothing_to_acknowledge(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, "0:86400");
    end_send(&pair.b, "zero");
    pair_visit(&pair, 3);
    assert_int_equal(pair.a.session->unread, 1);
    int64_t wake = pair.a.session->wake;
    assert_int_equal(end_ack(&pair.a, 0), SESSION_REFUSED_UNVERIFIED);
    assert_int_equal(pair.a.session->unread, 1);
    assert_int_equal(pair.a.session->wake, wake);
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->delivered + pair.b.session->read, 0);
    pair_free(&pair);
}

/* On a held connection the word of the user is all that is needed. */
static void agreeing_lets_go_at_once(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, HOLD);
    end_send(&pair.a, "hello");
    pair_run(&pair);
    assert_int_equal(pair.b.session->received, 0);
    end_verify(&pair.a, true);
    pair_run(&pair);
    assert_string_equal(end_inbox(&pair.b, 0), "hello");
    assert_int_equal(pair.a.connects, 1);
    pair_free(&pair);
}

static void agreeing_brings_a_visit(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, "0:86400");
    end_send(&pair.a, "hello");
    pair_visit(&pair, 3);
    assert_true(pair.a.session->wake > pair.a.now);
    end_verify(&pair.a, true);
    assert_true(pair.a.session->wake <= pair.a.now);
    int64_t before = pair.a.session->wake;
    pair.a.now += 1000;
    assert_int_equal(end_verify(&pair.a, true), SESSION_ACCEPTED); /* twice is fine */
    assert_int_equal(pair.a.session->wake, before);
    pair_free(&pair);
}

/* ---- when it can be said ---- */

static void not_before_there_is_a_verifier(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, POLL);
    assert_int_equal(end_verify(&pair.a, true), SESSION_REFUSED_NOT_KEYED);
    assert_int_equal(end_verify(&pair.a, false), SESSION_REFUSED_NOT_KEYED);
    end_visit(&pair.a);
    assert_int_equal(end_verify(&pair.a, true), SESSION_REFUSED_NOT_KEYED);
    assert_int_equal(pair.a.session->verification, VERIFICATION_PENDING);
    end_visit(&pair.b);
    assert_state(&pair.b, SESSION_KEYED); /* enough: there is something to compare */
    assert_int_equal(end_verify(&pair.b, true), SESSION_ACCEPTED);
    pair_free(&pair);
}

static void not_after_the_end(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, POLL);
    pair_visit(&pair, 3);
    end_close(&pair.a);
    assert_state(&pair.a, SESSION_CLOSING);
    assert_int_equal(end_verify(&pair.a, true), SESSION_REFUSED_CLOSED);
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_CLOSED);
    assert_int_equal(end_verify(&pair.a, false), SESSION_REFUSED_CLOSED);
    pair_free(&pair);
}

/* ---- endings ---- */

static void differing_ends_it(void **state)
{
    (void)state;
    /* With and without having asked for it in the beginning, before and after agreeing; with and
     * without a connection. */
    for (int way = 0; way < 6; way++) {
        struct pair pair;
        pair_open(&pair, way % 2 == 0 ? HOLD : POLL);
        if (way / 2 > 0)
            pair.a.session->verification = VERIFICATION_PENDING;
        end_send(&pair.a, "secret");
        end_send(&pair.b, "from an impostor");
        pair_visit(&pair, 4);
        if (way / 2 == 2)
            end_verify(&pair.a, true);
        assert_int_equal(pair.a.session->unread, 1);
        assert_int_equal(end_verify(&pair.a, false), SESSION_ACCEPTED);
        assert_int_equal(pair.a.session->result, RESULT_ERRORY);
        assert_inbox_forgotten(&pair.a);
        end_visit(&pair.a);
        assert_ended(&pair.a, RESULT_ERRORY, "the user reported that the verifiers differ");
        assert_inbox_forgotten(&pair.a);
        assert_int_equal(pair.b.session->received, way / 2 == 0);
        pair_free(&pair);
    }
}

static void closing_forgets(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, POLL);
    end_send(&pair.a, "secret");
    end_send(&pair.b, "from an impostor");
    pair_visit(&pair, 4);
    assert_int_equal(pair.a.session->unread, 1);
    end_close(&pair.a);
    assert_false(pair.a.session->flush);
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_LONELY, "closed by the user; the verifiers were never compared");
    assert_inbox_forgotten(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->received, 0);
    pair_free(&pair);
}

static void timeout_forgets(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, "0:86400");
    end_send(&pair.b, "from an impostor");
    pair_visit(&pair, 2);
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_ESTABLISHED);
    pair.a.now += pair.a.session->timeout;
    end_run(&pair.a);
    assert_ended(&pair.a, RESULT_LONELY, "the verifiers were not compared before the deadline");
    assert_inbox_forgotten(&pair.a);
    pair_free(&pair);
}

/* A message that does not decrypt ends it, too. */
static void attack_forgets(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, HOLD);
    end_send(&pair.b, "zero");
    pair_run(&pair);
    assert_int_equal(pair.a.session->unread, 1);
    pair.b.session->key[0] ^= 1;
    end_say(&pair.b, "1", "garbled");
    pair_run(&pair);
    assert_int_equal(pair.a.session->result, RESULT_SCARY);
    assert_inbox_forgotten(&pair.a);
    pair_free(&pair);
}

static void alone_is_as_ever(void **state)
{
    struct pair pair;
    (void)state;
    open_careful(&pair, POLL);
    end_visit(&pair.a);
    end_close(&pair.a);
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_LONELY, "closed by the user before the peer joined");
    pair_free(&pair);
}

/* ---- derived keys ---- */

static void keys_wait_too(void **state)
{
    struct pair pair;
    uint8_t one[48] = {0}, other[48] = {0};
    (void)state;
    open_careful(&pair, POLL);
    assert_false(session_derive_key(pair.b.session, "example.com/key", other, sizeof(other)));
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_state(&pair.b, SESSION_KEYED); /* nobody is proven */
    assert_false(session_derive_key(pair.b.session, "example.com/key", other, sizeof(other)));
    pair_visit(&pair, 2);
    assert_true(session_derive_key(pair.b.session, "example.com/key", other, sizeof(other)));
    assert_false(session_derive_key(pair.a.session, "example.com/key", one, sizeof(one)));
    assert_true(sodium_is_zero(one, sizeof(one)));
    end_verify(&pair.a, true);
    assert_true(session_derive_key(pair.a.session, "example.com/key", one, sizeof(one)));
    assert_memory_equal(one, other, sizeof(one));
    assert_true(session_derive_key(pair.a.session, "example.com/other", other, sizeof(other)));
    assert_memory_not_equal(one, other, sizeof(one));
    assert_false(session_derive_key(pair.a.session, "x", one, KEYS_DERIVE_MAX + 1));
    end_close(&pair.a);
    assert_false(session_derive_key(pair.a.session, "example.com/key", one, sizeof(one)));
    pair_free(&pair);
}

/* ---- both are careful, and crash all the time ---- */

static void crashes_everywhere(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 50; at++) {
        struct pair pair;
        open_careful(&pair, HOLD);
        pair.b.session->verification = VERIFICATION_PENDING;
        end_send(&pair.a, "from a");
        end_send(&pair.b, "from b");
        for (unsigned step = 1; step < at; step++)
            if (!end_work(&pair.a))
                end_work(&pair.b);
        end_crash(&pair.a);
        end_crash(&pair.b);
        pair_run(&pair);
        assert_int_equal(pair.a.session->received + pair.b.session->received, 0);
        assert_int_equal(end_verify(&pair.a, true), SESSION_ACCEPTED);
        end_crash(&pair.a);
        pair_run(&pair);
        assert_int_equal(pair.b.session->unread, 1);
        assert_int_equal(end_verify(&pair.b, true), SESSION_ACCEPTED);
        end_crash(&pair.b);
        pair_run(&pair);
        assert_string_equal(end_inbox(&pair.b, 0), "from a");
        assert_string_equal(end_inbox(&pair.a, 0), "from b");
        pair_free(&pair);
    }
}

/* ---- texts, as stock clients transfer them ---- */

#define TRANSFER "lothar.com/wormhole/text-or-file-xfer"

static void open_transfer(struct pair *pair, bool verify)
{
    pair_open(pair, POLL);
    struct session *sessions[] = {pair->a.session, pair->b.session};
    for (int i = 0; i < 2; i++) {
        free(sessions[i]->appid);
        sessions[i]->appid = strdup(TRANSFER);
        sessions[i]->verification = verify ? VERIFICATION_PENDING : VERIFICATION_NONE;
    }
}

/* The peer did not ask for a comparison, or was content with its outcome: it must not wait for
 * ever, and gets nothing of what was held back. */
static void peer_is_told_that_they_differ(void **state)
{
    (void)state;
    for (int sends = 0; sends < 2; sends++) {
        struct pair pair;
        open_transfer(&pair, true);
        if (sends == 1)
            end_send(&pair.a, "{\"offer\": {\"message\": \"secret\"}}");
        pair_visit(&pair, 3);
        end_verify(&pair.b, true);
        end_verify(&pair.a, false);
        end_crash(&pair.a);
        end_visit(&pair.a);
        assert_ended(&pair.a, RESULT_ERRORY, "the user reported that the verifiers differ");
        end_visit(&pair.b);
        assert_int_equal(pair.b.session->received, 1);
        assert_string_equal(end_inbox(&pair.b, 0),
                            "{\"error\": \"verification rejected, abandoning transfer\"}");
        pair_free(&pair);
    }
}

static void peer_is_told_of_an_early_close(void **state)
{
    (void)state;
    for (int verify = 0; verify < 2; verify++) {
        struct pair pair;
        open_transfer(&pair, verify == 1);
        pair_visit(&pair, 3);
        if (verify == 1)
            end_verify(&pair.b, true);
        end_close(&pair.a);
        end_visit(&pair.a);
        assert_state(&pair.a, SESSION_CLOSED);
        end_visit(&pair.b);
        assert_string_equal(end_inbox(&pair.b, 0),
                            "{\"error\": \"transfer abandoned by the other side\"}");
        pair_free(&pair);
    }
}

/* Before the peer has proven itself: what it is told is no secret. */
static void peer_is_told_before_its_proof(void **state)
{
    struct pair pair;
    (void)state;
    open_transfer(&pair, false);
    end_send(&pair.b, "{\"offer\": {\"message\": \"secret\"}}");
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_state(&pair.b, SESSION_KEYED);
    end_verify(&pair.b, false);
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_string_equal(end_inbox(&pair.a, 0),
                        "{\"error\": \"verification rejected, abandoning transfer\"}");
    pair_free(&pair);
}

/* Who has sent its part has not left anybody waiting. */
static void no_words_after_an_answer(void **state)
{
    struct pair pair;
    (void)state;
    open_transfer(&pair, false);
    pair_visit(&pair, 3);
    end_send(&pair.a, "{\"answer\": {\"message_ack\": \"ok\"}}");
    end_close(&pair.a);
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->received, 1);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(option_makes_it_pending),
        PAIR_TEST(names),
        PAIR_TEST(nothing_leaves),
        PAIR_TEST(nothing_is_lost),
        PAIR_TEST(nothing_to_acknowledge),
        PAIR_TEST(agreeing_lets_go_at_once),
        PAIR_TEST(agreeing_brings_a_visit),
        PAIR_TEST(not_before_there_is_a_verifier),
        PAIR_TEST(not_after_the_end),
        PAIR_TEST(differing_ends_it),
        PAIR_TEST(closing_forgets),
        PAIR_TEST(timeout_forgets),
        PAIR_TEST(attack_forgets),
        PAIR_TEST(alone_is_as_ever),
        PAIR_TEST(keys_wait_too),
        PAIR_TEST(crashes_everywhere),
        PAIR_TEST(peer_is_told_that_they_differ),
        PAIR_TEST(peer_is_told_of_an_early_close),
        PAIR_TEST(peer_is_told_before_its_proof),
        PAIR_TEST(no_words_after_an_answer),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("verification", tests, NULL, NULL);
}

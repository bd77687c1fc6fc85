/* The answer to an offer of a text ends the session, whether or not a client is there. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "tests/simulation/pair.h"

#define OFFER "{\"offer\": {\"message\": \"hello\"}}"
#define TAKEN "{\"answer\": {\"message_ack\": \"ok\"}}"

/* Whose first end offers a text, and whose second one has got it. */
static void open_offer(struct pair *pair)
{
    pair_open(pair, "0:60");
    pair->a.session->await_answer = true;
    end_send(&pair->a, OFFER);
    pair_visit(pair, 3);
    assert_string_equal(end_inbox(&pair->b, 0), OFFER);
    assert_string_equal(session_state_name(pair->a.session->state), "established");
}

/* The session of the first end is over, and keeps nothing. */
static void check_ended(struct pair *pair, const char *result, const char *reason)
{
    const struct session *session = pair->a.session;
    assert_string_equal(session_state_name(session->state), "closed");
    assert_string_equal(session_result_name(session->result), result);
    assert_string_equal(session->reason, reason);
    assert_int_equal(session->unread, 0);
    assert_null(end_inbox(&pair->a, 0));
}

static void check_answer(const char *answer, const char *result, const char *reason,
                         const char *reply)
{
    struct pair pair;
    open_offer(&pair);
    end_send(&pair.b, answer);
    pair_visit(&pair, 4);
    check_ended(&pair, result, reason);
    if (reply != NULL)
        assert_string_equal(end_inbox(&pair.b, 1), reply);
    else
        assert_null(end_inbox(&pair.b, 1));
    pair_free(&pair);
}

/* The peer's words are in the reason, and not in the journal. */
static void journal_quotes_nobody(void **state)
{
    struct pair pair;
    struct journal_reader reader;
    struct journal_entry entry;
    unsigned ended = 0;
    (void)state;
    open_offer(&pair);
    end_send(&pair.b, "{\"error\": \"xylophone\"}");
    pair_visit(&pair, 4);
    assert_non_null(strstr(pair.a.session->reason, "xylophone"));
    journal_read(&pair.a.session->journal, &reader);
    while (journal_next(&reader, &entry)) {
        assert_null(memmem(entry.text, entry.text_length, "xylophone", 9));
        ended += entry.event == JOURNAL_ENDED && entry.number == RESULT_ERRORY;
    }
    assert_int_equal(ended, 1);
    pair_free(&pair);
}

static void answers(void **state)
{
    (void)state;
    check_answer(TAKEN, "happy", "the peer has received the text", NULL);
    check_answer("{\"error\": \"no\"}", "errory", "the peer refuses the text: no", NULL);
    check_answer("{\"offer\": {}}", "errory",
                 "the peer wants to send something too; one side must receive",
                 "{\"error\": \"both sides want to send\"}");
    check_answer("what?", "errory", "the peer does not use the text transfer protocol",
                 "{\"error\": \"message not understood\"}");
}

/* What is of no account is taken, and goes on waiting for what is. */
static void nothing_yet(void **state)
{
    struct pair pair;
    (void)state;
    open_offer(&pair);
    end_send(&pair.b, "{\"transit\": {}}");
    pair_visit(&pair, 2);
    assert_string_equal(session_state_name(pair.a.session->state), "established");
    assert_int_equal(pair.a.session->unread, 0);
    end_send(&pair.b, TAKEN);
    pair_visit(&pair, 3);
    check_ended(&pair, "happy", "the peer has received the text");
    pair_free(&pair);
}

/* The text was held back for the verifiers, and the one who answers may be a stranger. */
static void held_back(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, "0:60");
    pair.a.session->await_answer = true;
    pair.a.session->verification = VERIFICATION_PENDING;
    end_send(&pair.a, OFFER);
    end_send(&pair.b, "what?");
    pair_visit(&pair, 4);
    check_ended(&pair, "errory",
                "the peer does not use the text transfer protocol; 1 of 1 messages were not sent");
    assert_null(end_inbox(&pair.b, 0));
    pair_free(&pair);
}

/* The relay has the text, and perhaps the peer, but nobody has said so. */
static void never_answered(void **state)
{
    struct pair pair;
    (void)state;
    open_offer(&pair);
    end_close(&pair.a);
    pair_visit(&pair, 3);
    check_ended(&pair, "lonely", "closed by the user");
    pair_free(&pair);
}

/* Whatever is lost in between. */
static void crashes(void **state)
{
    struct pair pair;
    (void)state;
    open_offer(&pair);
    end_crash(&pair.a);
    stock_prune(pair.stock);
    pair_visit(&pair, 3);
    end_send(&pair.b, TAKEN);
    end_crash(&pair.a);
    pair_visit(&pair, 4);
    check_ended(&pair, "happy", "the peer has received the text");
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal_quotes_nobody), cmocka_unit_test(answers),
        cmocka_unit_test(nothing_yet),           cmocka_unit_test(held_back),
        cmocka_unit_test(never_answered),        cmocka_unit_test(crashes),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}

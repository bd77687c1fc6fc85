/* The ready-made conditions and how a session ended, over views of all states. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "ipc/writer.h"
#include "libclient/client.h"
#include "libclient/wormclient.h"

struct view {
    const char *state, *result, *reason, *code, *verifier, *verification, *peer_versions;
    bool leased;
    int received, unread, sent, stored, delivered, read;
};

static void write_view(struct writer *writer, const struct view *view)
{
    writer_init(writer);
    writer_map(writer, NULL);
    writer_text(writer, "id", "00112233aabbccdd");
    writer_text(writer, "state", view->state);
    writer_text(writer, "result", view->result);
    writer_text(writer, "reason", view->reason);
    writer_text(writer, "code", view->code);
    writer_text(writer, "verifier", view->verifier);
    writer_text(writer, "verification", view->verification);
    writer_text(writer, "peer_versions", view->peer_versions);
    writer_flag(writer, "leased", view->leased);
    writer_number(writer, "sent", view->sent);
    writer_number(writer, "stored", view->stored);
    /* 0 in the table stands for a peer that does not tell. */
    if (view->delivered > 0)
        writer_number(writer, "delivered", view->delivered - 1);
    if (view->read > 0)
        writer_number(writer, "read", view->read - 1);
    writer_number(writer, "received", view->received);
    writer_number(writer, "unread", view->unread);
    writer_end(writer);
    assert_true(writer_ok(writer));
}

static struct wormclient_session *session_of(const struct view *view)
{
    struct writer writer;
    msgpack_unpacked tree;
    write_view(&writer, view);
    assert_int_equal(tree_decode(writer.buffer.data, writer.buffer.size, &tree), TREE_OK);
    struct wormclient_session *session =
        wormclient_session_from(wormclient__value(&tree.data), NULL);
    assert_non_null(session);
    msgpack_unpacked_destroy(&tree);
    writer_free(&writer);
    return session;
}

/* ---- conditions ---- */

#define CONDITIONS 9

static const char *const names[CONDITIONS] = {
    "code", "keyed", "established", "verified", "message", "sent", "delivered", "read", "closed",
};

/* What each of them says, in that order: - pending, + reached, ! never. */
static const struct said {
    struct view view;
    const char *said;
} table[] = {
    {{.state = "allocating"}, "-----+---"},
    {{.state = "waiting", .code = "1-c"}, "+----+---"},
    {{.state = "waiting", .sent = 1}, "+--------"},
    {{.state = "keyed", .code = "1-c", .verifier = "ab"}, "++---+---"},
    {{.state = "established", .code = "1-c", .verifier = "ab"}, "+++--+---"},
    {{.state = "established", .received = 2}, "+++--+---"},
    {{.state = "established", .received = 2, .unread = 1}, "+++-++---"},
    {{.state = "established", .received = 1, .unread = 1, .verification = "none"}, "+++-++---"},
    {{.state = "established", .received = 1, .unread = 1, .verification = "pending"}, "+++--+---"},
    {{.state = "established", .received = 1, .unread = 1, .verification = "done"}, "++++++---"},
    {{.state = "established", .received = 2, .unread = 1, .leased = true}, "+++--+---"},
    /* Receipts. */
    {{.state = "established", .peer_versions = "{}", .sent = 1}, "+++---!!-"},
    {{.state = "established",
      .peer_versions = "{}",
      .sent = 1,
      .stored = 1,
      .delivered = 1,
      .read = 1},
     "+++--+---"},
    {{.state = "established",
      .peer_versions = "{}",
      .sent = 1,
      .stored = 1,
      .delivered = 2,
      .read = 1},
     "+++--++--"},
    {{.state = "established",
      .peer_versions = "{}",
      .sent = 1,
      .stored = 1,
      .delivered = 2,
      .read = 2},
     "+++--+++-"},
    {{.state = "established", .sent = 2, .stored = 2, .delivered = 2, .read = 2}, "+++--+---"},
    /* Ended happily: it was established. */
    {{.state = "closing", .result = "happy", .code = "1-c", .verifier = "ab"}, "+++!!+---"},
    {{.state = "closing", .result = "happy", .sent = 1}, "+++!!----"},
    {{.state = "closing", .result = "happy", .received = 1, .unread = 1}, "+++!++---"},
    {{.state = "closed", .result = "happy"}, "+++!!+!!+"},
    {{.state = "closed", .result = "happy", .sent = 1}, "+++!!!!!+"},
    {{.state = "closed", .result = "happy", .received = 1, .unread = 1}, "+++!++!!+"},
    {{.state = "closed", .result = "happy", .verification = "done", .delivered = 1, .read = 1},
     "++++!++++"},
    /* Ended alone, or badly: nobody can go on with it. */
    {{.state = "closing", .result = "lonely"}, "!!!!!!!!-"},
    {{.state = "closed", .result = "lonely"}, "!!!!!!!!!"},
    {{.state = "closed", .result = "scary"}, "!!!!!!!!!"},
    {{.state = "closed", .result = "errory", .received = 1, .unread = 1}, "!!!!+!!!!"},
    {{.state = "closed", .result = "errory", .verification = "done", .delivered = 1}, "!!!+!!+!!"},
    {{.state = "closed", .result = "errory", .received = 1, .unread = 1, .verification = "pending"},
     "!!!!!!!!!"},
    {{.state = "closed", .result = "crowded"}, "!!!!!!!!!"},
    {{.state = "exported"}, "!!!!!+!!+"},
    {{.state = "of a newer daemon"}, "-----+---"},
};

static void each_condition_for_each_state(void **state)
{
    (void)state;
    static const char marks[] = {[WORMCLIENT_PROGRESS_PENDING] = '-',
                                 [WORMCLIENT_PROGRESS_REACHED] = '+',
                                 [WORMCLIENT_PROGRESS_NEVER] = '!'};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct wormclient_session *session = session_of(&table[i].view);
        char said[CONDITIONS + 1] = "";
        for (size_t j = 0; j < CONDITIONS; j++)
            said[j] = marks[wormclient_condition_find(names[j])(session, NULL)];
        assert_string_equal(said, table[i].said);
        wormclient_session_free(session);
    }
}

static void conditions_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONDITIONS; i++)
        assert_string_equal(wormclient_condition_name(i), names[i]);
    assert_null(wormclient_condition_name(CONDITIONS));
    assert_null(wormclient_condition_find(""));
    assert_null(wormclient_condition_find("opened"));
    assert_true(wormclient_condition_find("code") == wormclient_has_code);
    assert_true(wormclient_condition_find("closed") == wormclient_is_closed);
}

static bool was_established(const struct view *view)
{
    struct wormclient_session *session = session_of(view);
    bool was = wormclient_session_was_established(session);
    wormclient_session_free(session);
    return was;
}

/* Unlike the condition, also of a session that ended badly. */
static void established_once(void **state)
{
    (void)state;
    assert_false(was_established(&(struct view){.state = "keyed"}));
    assert_true(was_established(&(struct view){.state = "established"}));
    assert_true(was_established(&(struct view){.state = "closed", .result = "happy"}));
    assert_false(was_established(&(struct view){.state = "closed", .result = "lonely"}));
    assert_false(was_established(&(struct view){.state = "closed", .result = "errory"}));
    assert_true(was_established(
        &(struct view){.state = "closed", .result = "errory", .peer_versions = "{}"}));
    assert_true(
        was_established(&(struct view){.state = "closed", .result = "errory", .received = 1}));
}

/* Numbers 3 and 4 are unread. */
static void message_from_a_number_on(void **state)
{
    (void)state;
    const struct view view = {.state = "established", .received = 5, .unread = 2};
    struct wormclient_session *session = session_of(&view);
    uint32_t from = 0;
    assert_int_equal(wormclient_has_message(session, &from), WORMCLIENT_PROGRESS_REACHED);
    from = 4;
    assert_int_equal(wormclient_has_message(session, &from), WORMCLIENT_PROGRESS_REACHED);
    from = 5;
    assert_int_equal(wormclient_has_message(session, &from), WORMCLIENT_PROGRESS_PENDING);
    from = UINT32_MAX;
    assert_int_equal(wormclient_has_message(session, &from), WORMCLIENT_PROGRESS_PENDING);
    wormclient_session_free(session);
}

/* ---- how it ended ---- */

static void alive(void **state)
{
    (void)state;
    static const char *const states[] = {"allocating", "waiting", "keyed", "established"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        const struct view view = {.state = states[i]};
        struct wormclient_session *session = session_of(&view);
        struct wormclient_error error = {.text = "as it was"};
        assert_true(wormclient_session_alive(session, &error));
        assert_string_equal(error.text, "as it was");
        wormclient_session_free(session);
    }
}

static void check_end(const struct view *view, enum wormclient_error_code code, const char *word,
                      const char *text)
{
    struct wormclient_session *session = session_of(view);
    struct wormclient_error error = {0};
    assert_false(wormclient_session_alive(session, NULL));
    assert_false(wormclient_session_alive(session, &error));
    assert_int_equal(error.code, code);
    assert_string_equal(error.daemon_code, word);
    assert_string_equal(error.text, text);
    assert_false(wormclient_error_is_fatal(&error));
    wormclient_session_free(session);
}

static void every_end(void **state)
{
    (void)state;
    check_end(&(struct view){.state = "closed", .result = "happy", .reason = "closed by the user"},
              WORMCLIENT_ERROR_CLOSED, "happy",
              "the session has ended (happy): closed by the user");
    check_end(&(struct view){.state = "closing", .result = "lonely", .reason = "nobody came"},
              WORMCLIENT_ERROR_LONELY, "lonely", "the session has ended (lonely): nobody came");
    check_end(&(struct view){.state = "closed", .result = "scary", .reason = "a wrong code"},
              WORMCLIENT_ERROR_FAILED, "scary", "the session failed (scary): a wrong code");
    check_end(&(struct view){.state = "closed", .result = "errory"}, WORMCLIENT_ERROR_FAILED,
              "errory", "the session failed (errory)");
    check_end(&(struct view){.state = "closed", .result = "crowded"}, WORMCLIENT_ERROR_FAILED,
              "crowded", "the session failed (crowded)");
    check_end(&(struct view){.state = "exported"}, WORMCLIENT_ERROR_CLOSED, "exported",
              "the session was taken out of this daemon (exported)");
}

/* What a peer or relay said is in the reason: it must not take over a terminal. */
static void reason_of_a_stranger(void **state)
{
    (void)state;
    check_end(&(struct view){.state = "closed", .result = "errory", .reason = "a\nb\033[2J"},
              WORMCLIENT_ERROR_FAILED, "errory", "the session failed (errory): a?b?[2J");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_for_each_state),
        cmocka_unit_test(conditions_by_name),
        cmocka_unit_test(established_once),
        cmocka_unit_test(message_from_a_number_on),
        cmocka_unit_test(alive),
        cmocka_unit_test(every_end),
        cmocka_unit_test(reason_of_a_stranger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

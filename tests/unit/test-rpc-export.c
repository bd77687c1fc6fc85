/* export and import between two stores. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "daemon/turn.h"
#include "service/log.h"
#include "state/export.h"
#include "state/store.h"
#include "tests/unit/rpc-fixture.h"
#include "tests/unit/talk.h"

/* {"export": "…", …} as talk_ask wants it: it takes ' for ", which stands in the text as well. */
static char *import_params(const char *text, const char *more)
{
    char *params = malloc(2 * strlen(text) + 256), *end = params + sprintf(params, "{'export': '");
    for (; *text; text++) {
        if (*text == '"' || *text == '\n')
            *end++ = '\\';
        *end++ = *text == '\n' ? 'n' : *text;
    }
    sprintf(end, "'%s}", more);
    return params;
}

static json_t *import_answer(struct talk *talk, const char *text, const char *more)
{
    char *params = import_params(text, more);
    json_t *answer = talk_ask(talk, "import", params);
    free(params);
    return answer;
}

static void import_refused(struct talk *talk, const char *text, const char *more, const char *code)
{
    json_t *answer = import_answer(talk, text, more);
    json_t *error = json_array_get(answer, 0);
    assert_string_equal(rpc_fixture_text(error, "code"), code);
    assert_true(strlen(rpc_fixture_text(error, "message")) > 0);
    json_decref(answer);
}

/* New. */
static json_t *import_view(struct talk *talk, const char *text, const char *more)
{
    json_t *answer = import_answer(talk, text, more);
    if (!json_is_null(json_array_get(answer, 0)))
        fail_msg("%s", rpc_fixture_text(json_array_get(answer, 0), "message"));
    json_t *view = json_incref(json_array_get(answer, 1));
    json_decref(answer);
    return view;
}

/* New. */
static char *export_text(struct talk *talk, const char *params)
{
    json_t *result = talk_result(talk, "export", params);
    char *text = strdup(rpc_fixture_text(result, "export"));
    json_decref(result);
    return text;
}

static void exporting(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    talk_refused(fixture->talk, "export", "{'session': 'n', 'done': true}", "not-exportable",
                 "not been exported");
    char *text = export_text(fixture->talk, "{'session': 'n'}");
    char *again = export_text(fixture->talk, "{'session': 'n', 'done': false}");
    assert_string_equal(text, again);
    assert_null(strchr(text, '\n'));
    json_t *view = talk_result(fixture->talk, "show", "{'session': 'n'}");
    assert_string_equal(rpc_fixture_text(view, "state"), "exported");
    assert_true(json_is_null(json_object_get(view, "next_visit")));
    assert_non_null(strstr(rpc_fixture_text(view, "retention"), "no longer visited"));
    json_decref(view);
    talk_refused(fixture->talk, "send", "{'session': 'n', 'data': 'x'}", "closed", "");
    talk_refused(fixture->talk, "poll", "{'session': 'n'}", "closed", "");
    talk_refused(fixture->talk, "forget", "{'session': 'n'}", "not-closed", "exported");
    json_t *result = talk_result(fixture->talk, "export", "{'session': 'n', 'done': true}");
    assert_true(json_is_null(json_object_get(result, "export")));
    json_decref(result);
    talk_refused(fixture->talk, "export", "{'session': 'n'}", "not-found", "");
    free(text);
    free(again);
}

/* Its deadline came before anybody said that the text is safe: that is still welcome. */
static void done_too_late(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_do(fixture->talk, "export", "{'session': 'n'}");
    struct kv_txn *txn = kv_write(fixture->rpc.store, 1 << 20);
    struct session *session = rpc_fixture_take_out(txn, "n");
    session->created = session->last_activity = session->schedule_start = 1000;
    const struct session_event wake = {.type = EVENT_WAKE};
    uint8_t id[SESSION_ID_BYTES];
    memcpy(id, session->id, sizeof(id));
    rpc_fixture_put_back(txn, session);
    assert_true(turn_event(fixture->rpc.turns, id, &wake, NULL, NULL));
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'n'}", "result", "lonely");
    talk_refused(fixture->talk, "export", "{'session': 'n'}", "not-exportable", "");
    rpc_fixture_do(fixture->talk, "export", "{'session': 'n', 'done': true}");
    talk_refused(fixture->talk, "show", "{'session': 'n'}", "not-found", "");
}

static void not_exportable(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'early'}");
    talk_refused(fixture->talk, "export", "{'session': 'early'}", "not-exportable", "code");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'queued', 'code': '7-x'}");
    rpc_fixture_do(fixture->talk, "send", "{'session': 'queued', 'data': 'x'}");
    talk_refused(fixture->talk, "export", "{'session': 'queued'}", "not-exportable", "");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'late', 'code': '8-x'}");
    rpc_fixture_prove(fixture, "late");
    talk_refused(fixture->talk, "export", "{'session': 'late'}", "not-exportable", "");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'ended', 'code': '9-x'}");
    rpc_fixture_do(fixture->talk, "close", "{'session': 'ended'}");
    talk_refused(fixture->talk, "export", "{'session': 'ended'}", "not-exportable", "");
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'early'}", "state", "allocating");
    talk_refused(fixture->talk, "export", "{}", "bad-params", "session");
    talk_refused(fixture->talk, "export", "{'session': 'early', 'done': 1}", "bad-params", "done");
}

static void importing(void **state)
{
    struct rpc_fixture *fixture = *state, *other = rpc_fixture_new();
    json_t *before = talk_result(fixture->talk, "invite",
                                 "{'name': 'n', 'code': '7-x', 'appid': 'a', 'verify': true}");
    char *text = export_text(fixture->talk, "{'session': 'n'}");
    json_t *view = import_view(other->talk, text, "");
    static const char *const kept[] = {"id", "name", "appid", "relay", "code", "verification"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        assert_string_equal(rpc_fixture_text(view, kept[i]), rpc_fixture_text(before, kept[i]));
    assert_string_equal(rpc_fixture_text(view, "state"), "waiting");
    json_decref(view);
    import_refused(other->talk, text, "", "imported");
    rpc_fixture_do(other->talk, "forget", "{'session': 'n', 'force': true}");
    import_refused(other->talk, text, "", "imported");
    free(text);
    json_decref(before);
    rpc_fixture_leave(other);
}

/* There and back again, as often as one likes; but each text only once. */
static void coming_back(void **state)
{
    struct rpc_fixture *fixture = *state, *other = rpc_fixture_new();
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    char *there = export_text(fixture->talk, "{'session': 'n'}");
    json_decref(import_view(other->talk, there, ""));
    char *back = export_text(other->talk, "{'session': 'n'}");
    assert_string_not_equal(there, back);
    json_decref(import_view(fixture->talk, back, ""));
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'n'}", "state", "waiting");
    rpc_fixture_expect_number(fixture->talk, "status", "{}", "sessions", 1);
    import_refused(fixture->talk, there, "", "imported");
    import_refused(fixture->talk, back, "", "imported");
    import_refused(other->talk, there, "", "imported");
    free(there);
    free(back);
    rpc_fixture_leave(other);
}

static void names_of_imports(void **state)
{
    struct rpc_fixture *fixture = *state, *other = rpc_fixture_new();
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_do(other->talk, "invite", "{'name': 'n', 'code': '8-x'}");
    char *text = export_text(fixture->talk, "{'session': 'n'}");
    import_refused(other->talk, text, "", "name-taken");
    import_refused(other->talk, text, ", 'name': 'n'", "name-taken");
    import_refused(other->talk, text, ", 'name': '-m'", "bad-params");
    json_t *view = import_view(other->talk, text, ", 'name': 'm'");
    assert_string_equal(rpc_fixture_text(view, "name"), "m");
    json_decref(view);
    rpc_fixture_expect_text(other->talk, "show", "{'session': 'n'}", "code", "8-x");
    free(text);
    rpc_fixture_leave(other);
}

static void bad_texts(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    char *text = export_text(fixture->talk, "{'session': 'n'}");
    rpc_fixture_do(fixture->talk, "export", "{'session': 'n', 'done': true}");
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i += length / 37) {
        char kept = text[i];
        text[i] = kept == 'x' ? 'y' : 'x';
        import_refused(fixture->talk, text, "", "bad-export");
        text[i] = kept;
    }
    text[length - 1] = 0;
    import_refused(fixture->talk, text, "", "bad-export");
    text[length - 1] = '}';
    static const char *const strangers[] = {"", "{}", "hello",
                                            "{\"format\": \"wormholed-session\"}"};
    for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++)
        import_refused(fixture->talk, strangers[i], "", "bad-export");
    talk_refused(fixture->talk, "import", "{}", "bad-params", "export");
    talk_refused(fixture->talk, "import", "{'export': 5}", "bad-params", "export");
    rpc_fixture_expect_number(fixture->talk, "status", "{}", "sessions", 0);
    char line[EXPORT_MAX];
    snprintf(line, sizeof(line), "%s\n", text);
    json_decref(import_view(fixture->talk, line, ""));
    free(text);
}

/* Made by somebody who knows how: what it says is not believed all the same. */
static void forged_texts(void **state)
{
    static const char *const names[] = {"a/b", "-n", "0123456789abcdef"};
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_do(fixture->talk, "export", "{'session': 'n'}");
    struct kv_txn *txn = kv_read(fixture->rpc.store);
    struct session *session = rpc_fixture_take_out(txn, "n");
    kv_end(txn);
    for (size_t i = 0; i <= sizeof(names) / sizeof(*names); i++) {
        char **field = i > 0 ? &session->name : &session->relay, *text;
        free(*field);
        *field = strdup(i > 0 ? names[i - 1] : "http://nowhere/");
        assert_int_equal(export_write(session, &text), EXPORT_OK);
        import_refused(fixture->talk, text, "", "bad-export");
        export_free_text(text);
        free(*field);
        *field = strdup(i > 0 ? "n" : "ws://127.0.0.1:1/v1");
    }
    session_free(session);
}

static void expired_text(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    struct kv_txn *txn = kv_write(fixture->rpc.store, 1 << 20);
    struct session *session = rpc_fixture_take_out(txn, "n");
    session->created = session->last_activity = session->schedule_start = 1000;
    rpc_fixture_put_back(txn, session);
    char *text = export_text(fixture->talk, "{'session': 'n'}");
    import_refused(fixture->talk, text, "", "bad-export");
    free(text);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, rpc_fixture_set_up, rpc_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exporting), TEST(done_too_late), TEST(not_exportable),
        TEST(importing), TEST(coming_back),   TEST(names_of_imports),
        TEST(bad_texts), TEST(forged_texts),  TEST(expired_text),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* The synchronous layer, against a daemon that follows a script: right parameters, results and
 * errors. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ipc/params.h"
#include "libclient/client.h"
#include "libclient/wormclient.h"
#include "wormclient-script.h"

/* ---- steps ---- */

static void waiting(struct script *script, const struct message *request)
{
    script_view(script, request, "waiting");
}

static void keyed(struct script *script, const struct message *request)
{
    script_view(script, request, "keyed");
}

static void not_found(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_NOT_FOUND);
}

static void fill_nothing(struct writer *writer)
{
    (void)writer;
}

static void empty(struct script *script, const struct message *request)
{
    script_result(script, request, fill_nothing);
}

/* ---- what a request must say ---- */

/* ---- sessions ---- */

static void invited_with_all(struct script *script, const struct message *request)
{
    script_answer_if(
        script, request,
        script_says(request, "name", "n") && script_says(request, "appid", "a") &&
            script_says(request, "relay", "ws://r") && script_says(request, "code", "1-c") &&
            script_says(request, "schedule", "email") && script_counts(request, "timeout", 5000) &&
            script_counts(request, "expire", 6000) && script_counts(request, "words", 3) &&
            script_says(request, "app_versions", "{}") && script_flags(request, "verify", true) &&
            script_counts(request, "inbox_messages", 8) &&
            script_counts(request, "inbox_bytes", 1 << 20) && script_flags(request, "once", true) &&
            script_flags(request, "await_answer", true) && request->params->via.map.size == 14);
}

static void invited_with_none(struct script *script, const struct message *request)
{
    script_answer_if(script, request, request->params->via.map.size == 0);
}

static void accepted(struct script *script, const struct message *request)
{
    script_answer_if(script, request,
                     script_says(request, "code", "2-d") && script_says(request, "name", "n") &&
                         request->params->via.map.size == 2);
}

static void about_laptop(struct script *script, const struct message *request)
{
    script_answer_if(script, request, script_says(request, "session", "laptop"));
}

static void acked(struct script *script, const struct message *request)
{
    script_answer_if(script, request,
                     script_says(request, "session", "laptop") &&
                         script_counts(request, "number", UINT32_MAX));
}

static void forced(struct script *script, const struct message *request)
{
    script_answer_if(script, request, script_flags(request, "force", true));
}

static void renamed(struct script *script, const struct message *request)
{
    script_answer_if(script, request,
                     script_says(request, "session", "laptop") &&
                         script_says(request, "name", "desk"));
}

/* A name of nil is none. */
static void unnamed(struct script *script, const struct message *request)
{
    const msgpack_object *name = params_find(request->params, "name");
    script_answer_if(script, request,
                     script_says(request, "session", "laptop") &&
                         (name == NULL || name->type == MSGPACK_OBJECT_NIL));
}

static void agreed(struct script *script, const struct message *request)
{
    script_answer_if(script, request,
                     script_says(request, "session", "laptop") &&
                         script_flags(request, "ok", true));
}

static void disagreed(struct script *script, const struct message *request)
{
    script_answer_if(script, request, script_flags(request, "ok", false));
}

static void check_view(struct wormclient_session *session)
{
    assert_non_null(session);
    assert_string_equal(wormclient_session_id(session), SCRIPT_ID);
    assert_string_equal(wormclient_session_name(session), "laptop");
    assert_string_equal(wormclient_session_state(session), "waiting");
    assert_null(wormclient_session_code(session));
    assert_null(wormclient_session_result(session));
    wormclient_session_free(session);
}

static void new_sessions(void **state)
{
    (void)state;
    static const struct step steps[] = {{"invite", invited_with_all},
                                        {"invite", invited_with_none},
                                        {"accept", accepted},
                                        SCRIPT_END};
    struct wormclient_options *all = wormclient_options_new();
    wormclient_options_set_name(all, "not this one");
    wormclient_options_set_name(all, "n");
    wormclient_options_set_appid(all, "a");
    wormclient_options_set_relay(all, "ws://r");
    wormclient_options_set_code(all, "1-c");
    wormclient_options_set_schedule(all, "email");
    wormclient_options_set_timeout(all, 5000);
    wormclient_options_set_expire(all, 6000);
    wormclient_options_set_words(all, 3);
    wormclient_options_set_app_versions(all, "{}");
    wormclient_options_set_verify(all, true);
    wormclient_options_set_inbox_messages(all, 8);
    wormclient_options_set_inbox_bytes(all, 1 << 20);
    wormclient_options_set_once(all, true);
    wormclient_options_set_await_answer(all, true);
    struct wormclient_options *named = wormclient_options_new();
    wormclient_options_set_name(named, "n");
    wormclient_options_set_relay(named, "ws://r");
    wormclient_options_set_relay(named, NULL);
    /* Those of invite alone are of no matter to accept. */
    wormclient_options_set_code(named, "3-e");
    wormclient_options_set_words(named, 3);
    struct script script;
    script_start(&script, steps);
    check_view(wormclient_invite(script.client, all, NULL));
    check_view(wormclient_invite(script.client, NULL, NULL));
    check_view(wormclient_accept(script.client, "2-d", named, NULL));
    script_end(&script);
    wormclient_options_free(all);
    wormclient_options_free(named);
}

static void sessions(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"show", about_laptop}, {"close", about_laptop}, {"poll", about_laptop},
        {"ack", acked},         {"rename", renamed},     {"rename", unnamed},
        {"verify", agreed},     {"verify", disagreed},   SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient *client = script.client;
    check_view(wormclient_show(client, "laptop", NULL));
    check_view(wormclient_close(client, "laptop", NULL));
    check_view(wormclient_poll(client, "laptop", NULL));
    check_view(wormclient_ack(client, "laptop", UINT32_MAX, NULL));
    check_view(wormclient_rename(client, "laptop", "desk", NULL));
    check_view(wormclient_rename(client, "laptop", NULL, NULL));
    check_view(wormclient_verify(client, "laptop", true, NULL));
    check_view(wormclient_verify(client, "laptop", false, NULL));
    script_end(&script);
}

static void forgetting(void **state)
{
    (void)state;
    static const struct step steps[] = {{"forget", forced}, {"forget", not_found}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    assert_true(wormclient_forget(script.client, "laptop", true, NULL));
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_false(wormclient_forget(script.client, "laptop", true, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_NOT_FOUND);
    assert_string_equal(error.text, "a sentence");
    assert_false(wormclient_error_is_fatal(&error));
    script_end(&script);
}

static void answers_that_are_no_view(void **state)
{
    (void)state;
    static const struct step steps[] = {{"show", empty}, {"show", waiting}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_show(script.client, "laptop", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
    check_view(wormclient_show(script.client, "laptop", NULL));
    script_end(&script);
}

static void fill_status(struct writer *writer)
{
    writer_number(writer, "sessions", 3);
    writer_array(writer, "relays");
    writer_map(writer, NULL);
    writer_text(writer, "url", "ws://r");
    writer_end(writer);
    writer_end(writer);
}

static void status(struct script *script, const struct message *request)
{
    script_result(script, request, fill_status);
}

static void any_call(void **state)
{
    (void)state;
    static const struct step steps[] = {{"status", status}, {"nonsense", not_found}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_value *result = wormclient_call(script.client, "status", NULL, NULL);
    assert_non_null(result);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_call(script.client, "nonsense", wormclient_params_new(), &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_NOT_FOUND);
    /* The result stands alone. */
    assert_int_equal(wormclient_value_number(result, "sessions", 0), 3);
    const struct wormclient_value *relay =
        wormclient_value_at(wormclient_value_get(result, "relays"), 0);
    assert_string_equal(wormclient_value_text(relay, "url"), "ws://r");
    wormclient_result_free(result);
    script_end(&script);
}

/* ---- messages ---- */

static void fill_number(struct writer *writer)
{
    writer_text(writer, "session", SCRIPT_ID);
    writer_unsigned(writer, "number", UINT32_MAX);
}

/* Of 16 MiB: the first and last byte tell. */
static void sent(struct script *script, const struct message *request)
{
    const msgpack_object *data = params_find(request->params, "data");
    if (data != NULL && data->type == MSGPACK_OBJECT_BIN &&
        data->via.bin.size == WORMCLIENT_MESSAGE_MAX && data->via.bin.ptr[0] == 'a' &&
        data->via.bin.ptr[WORMCLIENT_MESSAGE_MAX - 1] == 'z')
        script_result(script, request, fill_number);
    else
        script_error(script, request, IPC_BAD_PARAMS);
}

static void sent_empty(struct script *script, const struct message *request)
{
    const msgpack_object *data = params_find(request->params, "data");
    if (data != NULL && data->type == MSGPACK_OBJECT_BIN && data->via.bin.size == 0)
        script_result(script, request, fill_number);
    else
        script_error(script, request, IPC_BAD_PARAMS);
}

static void sending(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"send", sent}, {"send", sent_empty}, {"send", empty}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    char *data = calloc(1, WORMCLIENT_MESSAGE_MAX + 1);
    assert_non_null(data);
    data[0] = 'a';
    data[WORMCLIENT_MESSAGE_MAX - 1] = 'z';
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    uint32_t number = 0;
    assert_false(wormclient_send(script.client, "laptop", data, WORMCLIENT_MESSAGE_MAX + 1, &number,
                                 &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_TOO_LARGE);
    assert_true(
        wormclient_send(script.client, "laptop", data, WORMCLIENT_MESSAGE_MAX, &number, NULL));
    assert_int_equal(number, UINT32_MAX);
    assert_true(wormclient_send(script.client, "laptop", NULL, 0, NULL, NULL));
    assert_false(wormclient_send(script.client, "laptop", "x", 1, NULL, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
    free(data);
    script_end(&script);
}

static void fill_nil(struct writer *writer)
{
    writer_nil(writer, "number");
    writer_nil(writer, "data");
}

static void fill_empty_message(struct writer *writer)
{
    writer_number(writer, "number", 4);
    writer_data(writer, "data", NULL, 0);
}

static void fill_large_message(struct writer *writer)
{
    char *data = calloc(1, WORMCLIENT_MESSAGE_MAX);
    data[WORMCLIENT_MESSAGE_MAX - 1] = 'z';
    writer_number(writer, "number", 5);
    writer_data(writer, "data", data, WORMCLIENT_MESSAGE_MAX);
    free(data);
}

static void received_none(struct script *script, const struct message *request)
{
    script_result(script, request, fill_nil);
}

static void received_empty(struct script *script, const struct message *request)
{
    if (script_counts(request, "from", 4))
        script_result(script, request, fill_empty_message);
    else
        script_error(script, request, IPC_BAD_PARAMS);
}

static void received_large(struct script *script, const struct message *request)
{
    script_result(script, request, fill_large_message);
}

static void receiving(void **state)
{
    (void)state;
    static const struct step steps[] = {{"recv", received_none},
                                        {"recv", received_empty},
                                        {"recv", received_large},
                                        {"recv", empty},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    size_t length;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_recv(script.client, "laptop", 0, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_NO_MESSAGE);
    assert_false(wormclient_error_is_fatal(&error));
    struct wormclient_message *message = wormclient_recv(script.client, "laptop", 4, NULL);
    assert_non_null(wormclient_message_data(message, &length));
    assert_int_equal(wormclient_message_number(message), 4);
    assert_int_equal(length, 0);
    wormclient_message_free(message);
    message = wormclient_recv(script.client, "laptop", 4, NULL);
    const char *data = wormclient_message_data(message, &length);
    assert_int_equal(wormclient_message_number(message), 5);
    assert_int_equal(length, WORMCLIENT_MESSAGE_MAX);
    assert_int_equal(data[length - 1], 'z');
    assert_int_equal(data[length], '\0');
    wormclient_message_free(message);
    assert_null(wormclient_recv(script.client, "laptop", 4, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
    script_end(&script);
}

static void held_back(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_UNVERIFIED);
}

static void receiving_what_is_held_back(void **state)
{
    (void)state;
    static const struct step steps[] = {{"recv", held_back}, {"recv", received_empty}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_recv(script.client, "laptop", 0, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_UNVERIFIED);
    struct wormclient_message *message = wormclient_recv(script.client, "laptop", 4, NULL);
    assert_string_equal(wormclient_message_data(message, NULL), "");
    wormclient_message_free(message);
    script_end(&script);
}

/* ---- backups ---- */

static void fill_piece(struct writer *writer)
{
    writer_data(writer, "data", "a\0b", 3);
    writer_number(writer, "next", 3);
}

static void piece(struct script *script, const struct message *request)
{
    script_result(script, request, fill_piece);
}

static void fill_last(struct writer *writer)
{
    writer_data(writer, "data", "", 0);
    writer_nil(writer, "next");
}

static void last_piece(struct script *script, const struct message *request)
{
    script_result(script, request, fill_last);
}

/* A client that took it would ask for the same piece for ever. */
static void fill_no_progress(struct writer *writer)
{
    writer_data(writer, "data", "ab", 2);
    writer_number(writer, "next", 0);
}

static void no_progress(struct script *script, const struct message *request)
{
    script_result(script, request, fill_no_progress);
}

static void fill_no_data(struct writer *writer)
{
    writer_number(writer, "next", 3);
}

static void no_data(struct script *script, const struct message *request)
{
    script_result(script, request, fill_no_data);
}

static void no_backup(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_NO_BACKUP);
}

static void check_no_backup(struct script *script, enum wormclient_error_code code)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_backup(script->client, 3, &error));
    assert_int_equal(error.code, code);
    if (code == WORMCLIENT_ERROR_REFUSED)
        assert_string_equal(error.daemon_code, "no-backup");
}

static void on_piece(struct wormclient *client, const struct wormclient_error *error,
                     const struct wormclient_backup *backup, void *arg)
{
    (void)client;
    assert_null(error);
    assert_int_equal(wormclient_backup_next(backup), 3);
    *(bool *)arg = true;
}

static void backups(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"backup", piece},   {"backup", last_piece}, {"backup", no_progress},
        {"backup", no_data}, {"backup", empty},      {"backup", no_backup},
        {"backup", piece},   {"backup", last_piece}, SCRIPT_END};
    struct script script;
    size_t length = 0;
    bool called = false;
    script_start(&script, steps);
    struct wormclient_backup *backup = wormclient_backup(script.client, 0, NULL);
    assert_non_null(backup);
    assert_memory_equal(wormclient_backup_data(backup, &length), "a\0b", 3);
    assert_int_equal(length, 3);
    assert_int_equal(wormclient_backup_next(backup), 3);
    wormclient_backup_free(backup);
    backup = wormclient_backup(script.client, 3, NULL);
    assert_non_null(backup);
    assert_int_equal(wormclient_backup_next(backup), -1);
    wormclient_backup_free(backup);
    check_no_backup(&script, WORMCLIENT_ERROR_PROTOCOL);
    check_no_backup(&script, WORMCLIENT_ERROR_PROTOCOL);
    check_no_backup(&script, WORMCLIENT_ERROR_PROTOCOL);
    check_no_backup(&script, WORMCLIENT_ERROR_REFUSED);
    assert_true(wormclient_backup_async(script.client, 0, on_piece, &called, NULL));
    backup = wormclient_backup(script.client, 3, NULL); /* answered after that one */
    assert_non_null(backup);
    wormclient_backup_free(backup);
    assert_true(called);
    script_end(&script);
}

/* ---- nameplates ---- */

static void fill_no_nameplates(struct writer *writer)
{
    writer_array(writer, "nameplates");
    writer_end(writer);
}

static void no_nameplates(struct script *script, const struct message *request)
{
    if (script_says(request, "appid", "a") && script_says(request, "relay", "ws://r"))
        script_result(script, request, fill_no_nameplates);
    else
        script_error(script, request, IPC_BAD_PARAMS);
}

static void fill_nameplates(struct writer *writer)
{
    writer_array(writer, "nameplates");
    writer_text(writer, NULL, "7");
    writer_text(writer, NULL, "");
    writer_text(writer, NULL, "4711");
    writer_end(writer);
}

static void some_nameplates(struct script *script, const struct message *request)
{
    script_result(script, request, fill_nameplates);
}

static void fill_numbers(struct writer *writer)
{
    writer_array(writer, "nameplates");
    writer_text(writer, NULL, "7");
    writer_number(writer, NULL, 8);
    writer_end(writer);
}

static void numbers(struct script *script, const struct message *request)
{
    script_result(script, request, fill_numbers);
}

static void unreachable(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_UNREACHABLE);
}

static void check_no_nameplates(struct script *script, enum wormclient_error_code code)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_nameplates(script->client, NULL, NULL, &error));
    assert_int_equal(error.code, code);
}

static void nameplates(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"nameplates", no_nameplates}, {"nameplates", some_nameplates}, {"nameplates", numbers},
        {"nameplates", empty},         {"nameplates", unreachable},     SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_nameplates *list = wormclient_nameplates(script.client, "a", "ws://r", NULL);
    assert_non_null(list);
    assert_int_equal(wormclient_nameplates_count(list), 0);
    wormclient_nameplates_free(list);
    list = wormclient_nameplates(script.client, NULL, NULL, NULL);
    assert_int_equal(wormclient_nameplates_count(list), 3);
    assert_string_equal(wormclient_nameplates_at(list, 0), "7");
    assert_string_equal(wormclient_nameplates_at(list, 1), "");
    assert_string_equal(wormclient_nameplates_at(list, 2), "4711");
    assert_null(wormclient_nameplates_at(list, 3));
    wormclient_nameplates_free(list);
    check_no_nameplates(&script, WORMCLIENT_ERROR_PROTOCOL);
    check_no_nameplates(&script, WORMCLIENT_ERROR_PROTOCOL);
    check_no_nameplates(&script, WORMCLIENT_ERROR_UNREACHABLE);
    script_end(&script);
}

/* ---- a connection that ends ---- */

static void lost_in_a_call(void **state)
{
    (void)state;
    static const struct step steps[] = {{"show", script_hang_up}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_show(script.client, "laptop", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    assert_null(wormclient_show(script.client, "laptop", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    /* Nothing will ever come: it does not sleep. */
    error = (struct wormclient_error)WORMCLIENT_ERROR_INIT;
    assert_false(wormclient_run_once(script.client, -1, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    script_end(&script);
}

/* ---- an answer that comes too late ---- */

static uint32_t id_of_the_slow;
static atomic_bool slow_is_asked;

static void no_answer(struct script *script, const struct message *request)
{
    (void)script;
    id_of_the_slow = request->id;
    slow_is_asked = true;
}

static void both_answers(struct script *script, const struct message *request)
{
    const struct message slow = {.id = id_of_the_slow};
    keyed(script, &slow);
    waiting(script, request);
}

static void never_told(struct wormclient *client, const struct wormclient_error *error,
                       const struct wormclient_session *session, void *arg)
{
    (void)client;
    (void)error;
    (void)session;
    (void)arg;
    fail_msg("a waiter that was cancelled is told something");
}

/* Nobody waits for it any more: it is dropped, and the connection goes on. */
static void late_answer(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"subscribe", about_laptop}, {"show", no_answer}, {"show", both_answers}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    /* A waiter that is cancelled while it looks. */
    struct wormclient_waiter *waiter = wormclient_wait_async(
        script.client, "laptop", wormclient_is_keyed, NULL, -1, never_told, NULL, &error);
    assert_non_null(waiter);
    while (!slow_is_asked)
        assert_true(wormclient_run_once(script.client, 1, &error));
    wormclient_waiter_cancel(waiter);
    check_view(wormclient_show(script.client, "laptop", NULL));
    script_end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_sessions),   cmocka_unit_test(sessions),
        cmocka_unit_test(forgetting),     cmocka_unit_test(answers_that_are_no_view),
        cmocka_unit_test(any_call),       cmocka_unit_test(sending),
        cmocka_unit_test(receiving),      cmocka_unit_test(receiving_what_is_held_back),
        cmocka_unit_test(nameplates),     cmocka_unit_test(backups),
        cmocka_unit_test(lost_in_a_call), cmocka_unit_test(late_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

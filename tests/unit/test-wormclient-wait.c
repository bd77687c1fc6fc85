/* Waiting, against a daemon that follows a script: it sleeps on notifications, and misses none. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>

#include "ipc/params.h"
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

static void view_with(struct script *script, const struct message *request, const char *state,
                      const char *result, int received)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_response(&writer, request->id);
    writer_map(&writer, NULL);
    writer_text(&writer, "id", SCRIPT_ID);
    writer_text(&writer, "state", state);
    writer_text(&writer, "result", result);
    writer_text(&writer, "reason", "a reason");
    writer_number(&writer, "received", received);
    writer_number(&writer, "unread", received > 0 ? 1 : 0);
    writer_end(&writer);
    script_write(script, &writer);
}

static void lonely(struct script *script, const struct message *request)
{
    view_with(script, request, "closing", "lonely", 0);
}

static void scary(struct script *script, const struct message *request)
{
    view_with(script, request, "closed", "scary", 0);
}

static void happy(struct script *script, const struct message *request)
{
    view_with(script, request, "closed", "happy", 0);
}

static void happy_with_messages(struct script *script, const struct message *request)
{
    view_with(script, request, "closed", "happy", 5);
}

static void established_with_messages(struct script *script, const struct message *request)
{
    view_with(script, request, "established", NULL, 5);
}

/* ---- waits ---- */

static enum wormclient_progress is_keyed(const struct wormclient_session *session, void *arg)
{
    if (arg != NULL)
        ++*(int *)arg;
    bool reached = strcmp(wormclient_session_state(session), "keyed") == 0;
    return reached ? WORMCLIENT_PROGRESS_REACHED : WORMCLIENT_PROGRESS_PENDING;
}

static void wait_for_keyed(struct script *script, int looks)
{
    int asked = 0;
    struct wormclient_error error = {0};
    struct wormclient_session *session =
        wormclient_wait(script->client, "laptop", is_keyed, &asked, 10000, &error);
    assert_string_equal(error.text, "");
    assert_non_null(session);
    assert_string_equal(wormclient_session_state(session), "keyed");
    assert_int_equal(asked, looks);
    wormclient_session_free(session);
}

static void subscribed(struct script *script, const struct message *request)
{
    if (script_says(request, "session", "laptop"))
        waiting(script, request); /* a result that nobody reads */
    else
        not_found(script, request);
}

static void wait_for_what_is(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed}, {"show", keyed}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    wait_for_keyed(&script, 1);
    script_end(&script);
}

static void waiting_then_notice(struct script *script, const struct message *request)
{
    waiting(script, request);
    script_notify(script, SCRIPT_ID);
    script_notify(script, SCRIPT_ID);
}

/* After the first look the id is used: "laptop" may come to mean another session. */
static void keyed_by_id(struct script *script, const struct message *request)
{
    if (script_says(request, "session", SCRIPT_ID))
        keyed(script, request);
    else
        not_found(script, request);
}

static void wait_through_changes_that_do_not_matter(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed},
                                        {"show", waiting_then_notice},
                                        {"show", waiting_then_notice},
                                        {"show", keyed_by_id},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    wait_for_keyed(&script, 3);
    script_end(&script);
}

/* The view was taken before the change, and comes after its notification: the change must not be
 * slept over. */
static void notice_then_waiting(struct script *script, const struct message *request)
{
    script_notify(script, SCRIPT_ID);
    waiting(script, request);
}

static void wait_with_a_change_during_the_look(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"subscribe", subscribed}, {"show", notice_then_waiting}, {"show", keyed}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    wait_for_keyed(&script, 2);
    script_end(&script);
}

static void wait_in_vain(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed}, {"show", waiting},
                                        {"subscribe", subscribed}, {"show", waiting},
                                        {"show", waiting},         SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_wait(script.client, "laptop", is_keyed, NULL, 50, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_TIMEOUT);
    assert_false(wormclient_error_is_fatal(&error));
    /* No time at all: one look. */
    int asked = 0;
    assert_null(wormclient_wait(script.client, "laptop", is_keyed, &asked, 0, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_TIMEOUT);
    assert_int_equal(asked, 1);
    struct wormclient_session *session = wormclient_show(script.client, "laptop", NULL);
    assert_non_null(session);
    wormclient_session_free(session);
    script_end(&script);
}

static void wait_for_nobody(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", not_found},
                                        {"subscribe", subscribed},
                                        {"show", waiting_then_notice},
                                        {"show", not_found},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_wait(script.client, "laptop", is_keyed, NULL, -1, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_NOT_FOUND);
    /* Forgotten while we wait. */
    assert_null(wormclient_wait(script.client, "laptop", is_keyed, NULL, -1, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_NOT_FOUND);
    script_end(&script);
}

static void waiting_then_gone(struct script *script, const struct message *request)
{
    waiting(script, request);
    script_hang_up(script, request);
}

static void wait_with_a_daemon_that_dies(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"subscribe", subscribed}, {"show", waiting_then_gone}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_wait(script.client, "laptop", is_keyed, NULL, -1, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    script_end(&script);
}

/* ---- sessions that end while somebody waits ---- */

static void check_told(struct script *script, wormclient_condition condition, int64_t timeout,
                       enum wormclient_error_code code, const char *word)
{
    struct wormclient_error error = {0};
    assert_null(wormclient_wait(script->client, "laptop", condition, NULL, timeout, &error));
    assert_int_equal(error.code, code);
    assert_string_equal(error.daemon_code, word);
    if (*word != '\0')
        assert_non_null(strstr(error.text, "a reason"));
}

/* The equivalent of the original library's TimeoutError. */
static void told_that_nobody_came(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"subscribe", subscribed}, {"show", waiting_then_notice}, {"show", lonely}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    check_told(&script, wormclient_is_established, -1, WORMCLIENT_ERROR_LONELY, "lonely");
    script_end(&script);
}

static void told_of_each_end(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed},
                                        {"show", scary},
                                        {"subscribe", subscribed},
                                        {"show", happy},
                                        {"subscribe", subscribed},
                                        {"show", lonely},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    check_told(&script, wormclient_has_code, 0, WORMCLIENT_ERROR_FAILED, "scary");
    check_told(&script, wormclient_has_message, 0, WORMCLIENT_ERROR_CLOSED, "happy");
    /* Closing, not closed: time is the caller's again. */
    check_told(&script, wormclient_is_closed, 0, WORMCLIENT_ERROR_TIMEOUT, "");
    script_end(&script);
}

static enum wormclient_progress never(const struct wormclient_session *session, void *arg)
{
    (void)session;
    (void)arg;
    return WORMCLIENT_PROGRESS_NEVER;
}

static enum wormclient_progress not_yet(const struct wormclient_session *session, void *arg)
{
    (void)session;
    (void)arg;
    return WORMCLIENT_PROGRESS_PENDING;
}

static void conditions_of_ones_own(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed},
                                        {"show", waiting},
                                        {"subscribe", subscribed},
                                        {"show", scary},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    check_told(&script, never, -1, WORMCLIENT_ERROR_REFUSED, "");
    /* Nothing changes any more in a session that is closed. */
    check_told(&script, not_yet, -1, WORMCLIENT_ERROR_FAILED, "scary");
    script_end(&script);
}

/* ---- receiving ---- */

static void fill_message(struct writer *writer)
{
    writer_number(writer, "number", 4);
    writer_data(writer, "data", "hi", 2);
}

static void fill_no_message(struct writer *writer)
{
    writer_nil(writer, "number");
    writer_nil(writer, "data");
}

static void message(struct script *script, const struct message *request)
{
    if (script_says(request, "session", SCRIPT_ID) && script_counts(request, "from", 3))
        script_result(script, request, fill_message);
    else
        not_found(script, request);
}

static void taken_by_another(struct script *script, const struct message *request)
{
    script_result(script, request, fill_no_message);
}

static void check_received(struct script *script, uint32_t *ret_number)
{
    size_t length = 0;
    struct wormclient_message *received =
        wormclient_recv_wait(script->client, "laptop", 3, 10000, NULL);
    assert_non_null(received);
    assert_string_equal(wormclient_message_data(received, &length), "hi");
    assert_int_equal(length, 2);
    if (ret_number != NULL)
        *ret_number = wormclient_message_number(received);
    wormclient_message_free(received);
}

static void receive_when_it_comes(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed},
                                        {"show", waiting_then_notice},
                                        {"show", established_with_messages},
                                        {"recv", message},
                                        {"subscribe", subscribed},
                                        {"show", happy_with_messages},
                                        {"recv", message},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    uint32_t number = 0;
    check_received(&script, &number);
    assert_int_equal(number, 4);
    /* A session that ended still has what came before. */
    check_received(&script, NULL);
    script_end(&script);
}

static void receive_once_more(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed},
                                        {"show", established_with_messages},
                                        {"recv", taken_by_another},
                                        {"subscribe", subscribed},
                                        {"show", established_with_messages},
                                        {"recv", message},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    check_received(&script, NULL);
    script_end(&script);
}

static void check_nothing_received(struct script *script, int64_t timeout,
                                   enum wormclient_error_code code)
{
    struct wormclient_error error = {0};
    assert_null(wormclient_recv_wait(script->client, "laptop", 3, timeout, &error));
    assert_int_equal(error.code, code);
}

static void receive_in_vain(void **state)
{
    (void)state;
    static const struct step steps[] = {{"subscribe", subscribed},
                                        {"show", waiting_then_notice},
                                        {"show", lonely},
                                        {"subscribe", subscribed},
                                        {"show", waiting},
                                        {"subscribe", subscribed},
                                        {"show", established_with_messages},
                                        {"recv", not_found},
                                        {"subscribe", subscribed},
                                        {"show", waiting_then_gone},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    check_nothing_received(&script, -1, WORMCLIENT_ERROR_LONELY);
    check_nothing_received(&script, 20, WORMCLIENT_ERROR_TIMEOUT);
    check_nothing_received(&script, -1, WORMCLIENT_ERROR_NOT_FOUND);
    check_nothing_received(&script, -1, WORMCLIENT_ERROR_LOST);
    script_end(&script);
}

/* ---- signals ---- */

static struct script *interrupted;

/* The third signal brings the change. */
static void on_alarm(int signal)
{
    static int alarms;
    (void)signal;
    static const char changed[] = "\x93\x02\xa7"
                                  "changed\x91\x82\xa6"
                                  "change\x01\xa7session\xa1x";
    if (++alarms == 3 && send(interrupted->fd, changed, sizeof(changed) - 1, MSG_NOSIGNAL) < 0)
        abort();
}

static void set_alarm(long milliseconds)
{
    const struct itimerval timer = {
        .it_interval = {.tv_usec = milliseconds * 1000},
        .it_value = {.tv_usec = milliseconds * 1000},
    };
    assert_return_code(setitimer(ITIMER_REAL, &timer, NULL), errno);
}

static void wait_through_signals(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"subscribe", subscribed}, {"show", waiting}, {"show", keyed}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    interrupted = &script;
    const struct sigaction act = {.sa_handler = on_alarm};
    struct sigaction before;
    assert_return_code(sigaction(SIGALRM, &act, &before), errno);
    set_alarm(20);
    wait_for_keyed(&script, 2);
    set_alarm(0);
    assert_return_code(sigaction(SIGALRM, &before, NULL), errno);
    script_end(&script);
}

static void tell(struct wormclient *client, const struct wormclient_error *error, uint64_t change,
                 const char *session, void *arg)
{
    assert_null(error);
    (void)client;
    (void)change;
    (void)session;
    ++*(int *)arg;
}

/* Somebody who watches all sessions is told as well, and shares the subscription. */
static void wait_with_a_listener(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"subscribe", waiting}, {"show", waiting_then_notice}, {"show", keyed}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    int told = 0;
    struct wormclient_watch *watch = wormclient_watch(script.client, NULL, tell, &told, NULL);
    assert_non_null(watch);
    wait_for_keyed(&script, 2);
    /* When it began, and of two changes. */
    assert_int_equal(told, 3);
    wormclient_watch_free(watch);
    script_end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_for_what_is),
        cmocka_unit_test(wait_through_changes_that_do_not_matter),
        cmocka_unit_test(wait_with_a_change_during_the_look),
        cmocka_unit_test(wait_in_vain),
        cmocka_unit_test(wait_for_nobody),
        cmocka_unit_test(wait_with_a_daemon_that_dies),
        cmocka_unit_test(told_that_nobody_came),
        cmocka_unit_test(told_of_each_end),
        cmocka_unit_test(conditions_of_ones_own),
        cmocka_unit_test(receive_when_it_comes),
        cmocka_unit_test(receive_once_more),
        cmocka_unit_test(receive_in_vain),
        cmocka_unit_test(wait_through_signals),
        cmocka_unit_test(wait_with_a_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

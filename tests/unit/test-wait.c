/* What wait makes of what its own memory cannot hold. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/wait.h"
#include "wormclient-script.h"

/* ---- memory that is short ---- */

/* Copies of views from this one on fail; 0: none. */
static unsigned fail_from, copies;

struct wormclient_session *__real_wormclient_session_dup(const struct wormclient_session *session,
                                                         struct wormclient_error *ret_error);
struct wormclient_session *__wrap_wormclient_session_dup(const struct wormclient_session *session,
                                                         struct wormclient_error *ret_error);

struct wormclient_session *__wrap_wormclient_session_dup(const struct wormclient_session *session,
                                                         struct wormclient_error *ret_error)
{
    copies++;
    if (fail_from == 0 || copies < fail_from)
        return __real_wormclient_session_dup(session, ret_error);
    if (ret_error != NULL)
        ret_error->code = WORMCLIENT_ERROR_MEMORY;
    return NULL;
}

/* ---- a wait ---- */

static void waiting(struct script *script, const struct message *request)
{
    script_view(script, request, "waiting");
}

static void waiting_then_notice(struct script *script, const struct message *request)
{
    waiting(script, request);
    script_notify(script, SCRIPT_ID);
}

static void closed(struct script *script, const struct message *request)
{
    script_view(script, request, "closed");
}

static enum wormclient_progress is_over(const struct wormclient_session *session, void *arg)
{
    (void)arg;
    return strcmp(wormclient_session_state(session), "closed") == 0 ? WORMCLIENT_PROGRESS_REACHED
                                                                    : WORMCLIENT_PROGRESS_PENDING;
}

static enum wait_end wait_until_closed(unsigned fail, struct wormclient_error *ret_error)
{
    static const struct step steps[] = {
        {"subscribe", waiting}, {"show", waiting_then_notice}, {"show", closed}, SCRIPT_END};
    struct script script;
    struct wormclient_session *session = NULL;
    fail_from = fail;
    copies = 0;
    script_start(&script, steps);
    enum wait_end end = wait_until(script.client, "laptop", is_over, -1, NULL, &session, ret_error);
    wormclient_session_free(session);
    script_end(&script);
    return end;
}

static void test_plenty(void **state)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    (void)state;
    assert_int_equal(wait_until_closed(0, &error), WAIT_REACHED);
    assert_int_equal(error.code, WORMCLIENT_ERROR_NONE);
}

/* The last view cannot be kept: that is no session that will never get there. */
static void test_last_view(void **state)
{
    (void)state;
    for (unsigned fail = 1; fail <= 3; fail++) {
        struct wormclient_error error = WORMCLIENT_ERROR_INIT;
        assert_int_equal(wait_until_closed(fail, &error), WAIT_ERROR);
        assert_int_equal(error.code, WORMCLIENT_ERROR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plenty),
        cmocka_unit_test(test_last_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

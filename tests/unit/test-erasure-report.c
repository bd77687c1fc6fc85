/* The disk refuses to overwrite a key: all goes on, and the log says once that what was forgotten
 * can still be read, and once that it no longer can. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sodium.h>

#include "tests/unit/rpc-fixture.h"
#include "tests/unit/keysfault.h"

/* ---- the log ---- */

static unsigned complaints, comforts;

void __wrap_log_error(const char *subsystem, const char *format, ...);
void __wrap_log_error(const char *subsystem, const char *format, ...)
{
    (void)subsystem;
    complaints += strstr(format, "could not be overwritten") != NULL;
}

void __wrap_log_info(const char *subsystem, const char *format, ...);
void __wrap_log_info(const char *subsystem, const char *format, ...)
{
    (void)subsystem;
    comforts += strstr(format, "can no longer be read") != NULL;
}

/* ---- what is said ---- */

static void begin_and_forget(struct rpc_fixture *fixture)
{
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_do(fixture->talk, "forget", "{'session': 'n', 'force': true}");
}

static void said_once(void **state)
{
    struct rpc_fixture *fixture = *state;
    begin_and_forget(fixture);
    assert_int_equal(complaints + comforts, 0);
    for (unsigned times = 1; times <= 2; times++) {
        keysfault_refuse(KEYSFAULT_WRITE, EIO);
        begin_and_forget(fixture);
        begin_and_forget(fixture);
        assert_int_equal(complaints, times);
        assert_int_equal(comforts, times - 1);
        keysfault_refuse(KEYSFAULT_WRITE, 0);
        begin_and_forget(fixture);
        begin_and_forget(fixture);
        assert_int_equal(complaints, times);
        assert_int_equal(comforts, times);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(said_once, rpc_fixture_set_up, rpc_fixture_tear_down),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

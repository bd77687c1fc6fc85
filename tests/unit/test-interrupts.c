/* A signal is heard whenever it comes, and whatever there is to be read; what was ignored is not.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/interrupts.h"

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    handled = number;
}

static void listen_to(int number, void (*handler)(int))
{
    const struct sigaction action = {.sa_handler = handler};
    assert_int_equal(sigaction(number, &action, NULL), 0);
}

/* Both ends of a pipe with a byte in it. */
static void make_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
}

static void close_pipe(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

/* Before it is waited for, and although there is something to be read: nothing is missed. */
static void before_waiting(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    int ends[2];
    (void)state;
    make_pipe(ends);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct interrupts interrupts;
        handled = 0;
        listen_to(signals[i], on_signal);
        assert_true(interrupts_begin(true, &interrupts));
        assert_int_equal(interrupts_wait(&interrupts, ends[0]), 0);
        raise(signals[i]);
        assert_int_equal(handled, 0);
        assert_int_equal(interrupts_wait(&interrupts, ends[0]), signals[i]);
        assert_int_equal(interrupts_wait(&interrupts, ends[0]), 0); /* it was taken */
        interrupts_end(&interrupts);
        assert_int_equal(handled, 0);
        raise(signals[i]);
        assert_int_equal(handled, signals[i]);
    }
    close_pipe(ends);
}

/* What nobody has waited for happens afterwards. */
static void not_waited_for(void **state)
{
    struct interrupts interrupts;
    (void)state;
    handled = 0;
    listen_to(SIGTERM, on_signal);
    assert_true(interrupts_begin(false, &interrupts));
    raise(SIGTERM);
    assert_int_equal(handled, 0);
    interrupts_end(&interrupts);
    assert_int_equal(handled, SIGTERM);
}

static void ignored(void **state)
{
    struct interrupts interrupts;
    int ends[2];
    (void)state;
    make_pipe(ends);
    listen_to(SIGHUP, SIG_IGN);
    assert_true(interrupts_begin(false, &interrupts));
    raise(SIGHUP);
    assert_int_equal(interrupts_wait(&interrupts, ends[0]), 0);
    interrupts_end(&interrupts);
    close_pipe(ends);
}

/* A question within something larger: that hears of it, too, if it is raised again. */
static void nested(void **state)
{
    struct interrupts outer, inner;
    int ends[2];
    (void)state;
    make_pipe(ends);
    handled = 0;
    listen_to(SIGTERM, on_signal);
    assert_true(interrupts_begin(false, &outer));
    assert_true(interrupts_begin(true, &inner));
    raise(SIGTERM);
    assert_int_equal(interrupts_wait(&inner, ends[0]), SIGTERM);
    interrupts_end(&inner);
    raise(SIGTERM);
    assert_int_equal(interrupts_wait(&outer, ends[0]), SIGTERM);
    interrupts_end(&outer);
    assert_int_equal(handled, 0);
    close_pipe(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_waiting),
        cmocka_unit_test(not_waited_for),
        cmocka_unit_test(ignored),
        cmocka_unit_test(nested),
    };
    return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}

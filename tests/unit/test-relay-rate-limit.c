/* Rations: what one address may do in a minute, that it must wait before it is refused, and that
 * the table of addresses is bounded. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "relay/rate_limit.h"

#define START  INT64_C(1700000000000)
#define MINUTE 60000

static struct rate_limit_address numbered(uint32_t number)
{
    struct rate_limit_address address = {{[10] = 0xff, [11] = 0xff}}; /* of IPv4 */
    memcpy(address.bytes + 12, &number, sizeof(number));
    return address;
}

static struct rate_limiter *make(unsigned connections, unsigned claims)
{
    struct rate_limits limits = {.connections = connections};
    limits.per_minute[RULES_RATE_CLAIM] = claims;
    struct rate_limiter *limiter = rate_limit_new(&limits);
    assert_non_null(limiter);
    return limiter;
}

static bool read_address(const char *text, bool loopback, struct rate_limit_address *ret_address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return rate_limit_address((struct sockaddr *)&v4, loopback, ret_address);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return rate_limit_address((struct sockaddr *)&v6, loopback, ret_address);
}

static bool same(const char *one, const char *other)
{
    struct rate_limit_address a, b;
    assert_true(read_address(one, true, &a) && read_address(other, true, &b));
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void addresses(void **state)
{
    (void)state;
    struct rate_limit_address address;
    assert_true(same("192.0.2.1", "::ffff:192.0.2.1"));
    assert_false(same("192.0.2.1", "192.0.2.2"));
    assert_false(same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    assert_true(same("2001:db8::1", "2001:db8::ffff:1:2:3"));
    assert_false(same("2001:db8::1", "2001:db8:0:1::1"));
    static const char *const loopback[] = {"127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
        assert_false(read_address(loopback[i], false, &address));
        assert_true(read_address(loopback[i], true, &address));
    }
    assert_true(read_address("192.0.2.1", false, &address));
    assert_true(read_address("2001:db8::1", false, &address));
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(rate_limit_address((struct sockaddr *)&local, true, &address));
}

/* Fine at first, then slow, then refused. */
static void slow_then_refused(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(0, 6);
    struct rate_limit_address address = numbered(1);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(rate_limit_wait(limiter, &address, START), 0);
        assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    }
    assert_int_equal(rate_limit_wait(limiter, &address, START), 0);
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    assert_int_equal(rate_limit_wait(limiter, &address, START), 10000);
    for (int i = 7; i < 12; i++)
        assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    assert_false(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    assert_false(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START + 9999));
    assert_int_equal(rate_limit_wait(limiter, &address, START), RATE_LIMIT_WAIT_MAX);
    /* What nobody limits, and other addresses, are not touched by it. */
    struct rate_limit_address other = numbered(2);
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_ALLOCATE, 1, START));
    assert_true(rate_limit_enter(limiter, &other, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_take(limiter, &other, RULES_RATE_CLAIM, 1, START));
    /* Each ten seconds earn one. */
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START + 10000));
    assert_false(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START + 10000));
    assert_int_equal(rate_limit_wait(limiter, &address, START + 65000), 5000);
    assert_int_equal(rate_limit_wait(limiter, &address, START + 70000), 0);
    rate_limit_free(limiter);
}

/* Idle time earns a minute's worth and no more. */
static void no_savings(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(0, 3);
    struct rate_limit_address address = numbered(1);
    int64_t later = START + INT64_C(1000) * MINUTE;
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    for (int i = 0; i < 6; i++)
        assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, later));
    assert_false(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, later));
    rate_limit_free(limiter);
}

static void many_in_a_minute(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(0, 7001);
    struct rate_limit_address address = numbered(1);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    unsigned taken = 0;
    while (rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START))
        taken++;
    assert_true(taken >= 2 * 7001 && taken <= 2 * 7001 + 2);
    rate_limit_free(limiter);
}

static void new_limits(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(1, 1);
    struct rate_limit_address address = numbered(1);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_false(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    assert_false(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    struct rate_limits none = {0};
    rate_limit_set(limiter, &none);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    rate_limit_free(limiter);
}

static void connections(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(2, 0);
    struct rate_limit_address address = numbered(1);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_false(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START);
    rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START);
    assert_int_equal(rate_limit_count(limiter), 0);
    rate_limit_free(limiter);
}

/* Sixteen channels take as much as a connection. */
static void channels(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(2, 0);
    struct rate_limit_address address = numbered(1);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    for (int i = 0; i < 16; i++)
        assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CHANNEL, START));
    assert_false(rate_limit_enter(limiter, &address, RATE_LIMIT_CHANNEL, START));
    rate_limit_leave(limiter, &address, RATE_LIMIT_CHANNEL, START);
    assert_false(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CHANNEL, START));
    for (int i = 0; i < 16; i++)
        rate_limit_leave(limiter, &address, RATE_LIMIT_CHANNEL, START);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    rate_limit_free(limiter);
}

/* To come back does not clear the debt. */
static void debts_stay(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(0, 1);
    struct rate_limit_address address = numbered(1), other = numbered(2);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START);
    assert_int_equal(rate_limit_wait(limiter, &address, START), RATE_LIMIT_WAIT_MAX);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_false(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START);
    assert_int_equal(rate_limit_count(limiter), 1);
    /* Paid back it is forgotten, when somebody else comes. */
    assert_true(rate_limit_enter(limiter, &other, RATE_LIMIT_CONNECTION, START + 2 * MINUTE));
    assert_int_equal(rate_limit_count(limiter), 1);
    rate_limit_free(limiter);
}

/* The oldest debts are forgotten; whoever is connected never is. */
static void bounded(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(0, 1);
    struct rate_limit_address first = numbered(0), second = numbered(1);
    for (uint32_t i = 0; i < RATE_LIMIT_ADDRESSES_MAX; i++) {
        struct rate_limit_address address = numbered(i);
        assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
        assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
        assert_true(rate_limit_take(limiter, &address, RULES_RATE_CLAIM, 1, START));
    }
    struct rate_limit_address one_more = numbered(RATE_LIMIT_ADDRESSES_MAX);
    assert_false(rate_limit_enter(limiter, &one_more, RATE_LIMIT_CONNECTION, START));
    for (uint32_t i = 1; i < RATE_LIMIT_ADDRESSES_MAX; i++) {
        struct rate_limit_address address = numbered(i);
        rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START);
    }
    assert_true(rate_limit_enter(limiter, &one_more, RATE_LIMIT_CONNECTION, START));
    assert_int_equal(rate_limit_count(limiter), RATE_LIMIT_ADDRESSES_MAX);
    assert_int_equal(rate_limit_wait(limiter, &second, START), 0); /* forgotten */
    assert_false(rate_limit_take(limiter, &first, RULES_RATE_CLAIM, 1, START));
    rate_limit_free(limiter);
}

/* Who has a network of 56 or 48 bits has not as many places as that has networks of 64. */
static void networks(void **state)
{
    (void)state;
    struct rate_limiter *limiter = make(2, 2);
    unsigned entered = 0;
    char text[64];
    for (unsigned i = 0; i < 64; i++) {
        struct rate_limit_address address;
        snprintf(text, sizeof(text), "2001:db8:1:%x::1", i);
        assert_true(read_address(text, false, &address));
        entered += rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START);
    }
    assert_int_equal(entered, 4 * 2);
    for (unsigned i = 1; i < 64; i++) {
        struct rate_limit_address address;
        snprintf(text, sizeof(text), "2001:db8:1:%x00::1", i);
        assert_true(read_address(text, false, &address));
        entered += rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START);
    }
    assert_int_equal(entered, 16 * 2);
    struct rate_limit_address elsewhere, inside;
    assert_true(read_address("2001:db8:2::1", false, &elsewhere));
    assert_true(rate_limit_enter(limiter, &elsewhere, RATE_LIMIT_CONNECTION, START));
    assert_true(read_address("2001:db8:1::1", false, &inside));
    unsigned taken = 0;
    while (rate_limit_take(limiter, &inside, RULES_RATE_CLAIM, 1, START))
        taken++;
    assert_int_equal(taken, 4);
    rate_limit_free(limiter);
}

/* Work is made to wait and never refused; what is stored is refused, and never waits. */
static void bytes(void **state)
{
    (void)state;
    const struct rate_limits limits = {.work = 1000, .stored = 3600};
    struct rate_limiter *limiter = rate_limit_new(&limits);
    struct rate_limit_address address = numbered(1);
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START));
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_STORED, 3000, START));
    assert_false(rate_limit_take(limiter, &address, RATE_LIMIT_STORED, 601, START));
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_STORED, 600, START));
    assert_int_equal(rate_limit_wait(limiter, &address, START), 0);
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_STORED, 60, START + MINUTE));
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_WORK, 1000, START));
    assert_int_equal(rate_limit_wait(limiter, &address, START), 0);
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_WORK, 500, START));
    assert_int_equal(rate_limit_wait(limiter, &address, START), 500);
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_WORK, 1000000, START));
    assert_int_equal(rate_limit_wait(limiter, &address, START), RATE_LIMIT_WAIT_MAX);
    rate_limit_free(limiter);
}

/* Handshakes come before there is a connection, never wait, and are refused beyond a minute's. */
static void handshakes(void **state)
{
    (void)state;
    const struct rate_limits limits = {.handshakes = 60};
    struct rate_limiter *limiter = rate_limit_new(&limits);
    struct rate_limit_address address = numbered(1), inside;
    for (int i = 0; i < 60; i++)
        assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_HANDSHAKES, 1, START));
    assert_int_equal(rate_limit_wait(limiter, &address, START), 0);
    assert_false(rate_limit_take(limiter, &address, RATE_LIMIT_HANDSHAKES, 1, START));
    assert_true(rate_limit_take(limiter, &address, RATE_LIMIT_HANDSHAKES, 1, START + 1000));
    assert_false(rate_limit_take(limiter, &address, RATE_LIMIT_HANDSHAKES, 1, START + 1000));
    assert_true(rate_limit_enter(limiter, &address, RATE_LIMIT_CONNECTION, START + 1000));
    rate_limit_leave(limiter, &address, RATE_LIMIT_CONNECTION, START + 1000);
    assert_false(rate_limit_take(limiter, &address, RATE_LIMIT_HANDSHAKES, 1, START + 1000));
    /* Those of a network of 56 bits count together. */
    char text[64];
    unsigned taken = 0;
    for (unsigned i = 0; i < 600; i++) {
        snprintf(text, sizeof(text), "2001:db8:1:%x::1", i % 256);
        assert_true(read_address(text, false, &inside));
        taken += rate_limit_take(limiter, &inside, RATE_LIMIT_HANDSHAKES, 1, START);
    }
    assert_int_equal(taken, 4 * 60);
    rate_limit_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),  cmocka_unit_test(slow_then_refused),
        cmocka_unit_test(no_savings), cmocka_unit_test(many_in_a_minute),
        cmocka_unit_test(new_limits), cmocka_unit_test(connections),
        cmocka_unit_test(channels),   cmocka_unit_test(debts_stay),
        cmocka_unit_test(networks),   cmocka_unit_test(bytes),
        cmocka_unit_test(bounded),    cmocka_unit_test(handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

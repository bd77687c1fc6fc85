/* Lasting sessions with several relays: relays die, cannot be reached from one end, are changed by
 * either user, and nothing is lost or doubled; a peer's list costs little, whatever it says. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/pair.h"
#include "tests/simulation/phases.h"
#include "wormhole/payload.h"

#define POLL   "0:60"
#define HOLD   "0:0"
#define RELAYS 4

#define FIRST  "ws://relay.invalid/v1"
#define URL(n) "ws://relay-" #n ".invalid/v1"

static struct stock *relays[RELAYS];
static struct phases judges[RELAYS];
/* A bit for each relay that can be reached from each end: A first. */
static unsigned reached[2];
static struct pair pair;

static int number_of(const char *url)
{
    const char *dash = strstr(url, "relay-");
    return dash == NULL ? 0 : atoi(dash + strlen("relay-"));
}

static struct stock *reach(const struct end *end, const char *url)
{
    int number = number_of(url);
    assert_in_range(number, 0, RELAYS - 1);
    return (reached[end == &pair.b] >> number & 1) != 0 ? relays[number] : NULL;
}

static void open_pair(const char *schedule, const char *more_a, const char *more_b)
{
    for (int i = 0; i < RELAYS; i++) {
        relays[i] = stock_new();
        if (pair_resumes)
            stock_resume(relays[i]);
        phases_watch(&judges[i], relays[i]);
    }
    pair.stock = relays[0];
    reached[0] = reached[1] = (1U << RELAYS) - 1;
    end_open_routed(&pair.a, pair.stock, "4-purple-sausages", schedule, 1, more_a);
    end_open_routed(&pair.b, pair.stock, "4-purple-sausages", schedule, 2, more_b);
    pair.a.reach = pair.b.reach = reach;
}

static void open_met(const char *schedule, const char *more_a, const char *more_b)
{
    open_pair(schedule, more_a, more_b);
    pair_visit(&pair, 6);
    assert_true(session_lasting(pair.a.session) && session_lasting(pair.b.session));
}

static void close_pair(void)
{
    for (int i = 0; i < RELAYS; i++)
        assert_int_equal(judges[i].twins, 0);
    pair_free(&pair); /* and the first relay */
    for (int i = 0; i < RELAYS; i++) {
        phases_free(&judges[i]);
        if (i > 0)
            stock_free(relays[i]);
    }
}

static void send_number(struct end *end)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", (unsigned)end->session->sent);
    assert_int_equal(end_send(end, text), SESSION_ACCEPTED);
}

static void read_all(struct end *end)
{
    while (end->session->acked < end->session->received) {
        uint32_t next = end->session->acked;
        assert_int_equal(strtoul(end_inbox(end, next), NULL, 10), next);
        assert_int_equal(end_ack(end, next), SESSION_ACCEPTED);
    }
}

/* What either says comes within so many intervals. */
static void talk(int intervals)
{
    send_number(&pair.a);
    send_number(&pair.b);
    for (int i = 0; i < intervals; i++) {
        int64_t until[] = {pair.a.now + 60000, pair.b.now + 60000};
        while (pair.a.session->wake <= until[0] || pair.b.session->wake <= until[1]) {
            end_visit(&pair.a);
            end_visit(&pair.b);
        }
        read_all(&pair.a);
        read_all(&pair.b);
    }
    assert_int_equal(pair.a.session->received, pair.b.session->sent);
    assert_int_equal(pair.b.session->received, pair.a.session->sent);
}

static void assert_urls(const struct session *session, const char *first, const char *second,
                        const char *third)
{
    const char *urls[] = {first, second, third};
    for (int i = 0; i < SESSION_ROUTES_MAX; i++)
        if (urls[i] == NULL)
            assert_null(session->route_urls[i]);
        else
            assert_string_equal(session->route_urls[i], urls[i]);
}

static bool is_settled(void)
{
    const struct session *a = pair.a.session, *b = pair.b.session;
    return a->delivered == a->sent && b->delivered == b->sent && a->epoch == b->epoch &&
           a->routes_version == b->routes_version && a->routes_by_b == b->routes_by_b &&
           a->routes_met && b->routes_met;
}

static void settle(uint64_t seed)
{
    for (int i = 0; i < 40 && !is_settled(); i++) {
        pair_visit(&pair, 1);
        read_all(&pair.a);
        read_all(&pair.b);
    }
    const struct session *a = pair.a.session, *b = pair.b.session;
    if (!is_settled())
        fail_msg(
            "seed %u: a %s, epoch %u, %u of %u, list %u, met %d, at %s, %s; b %s, epoch %u, %u "
            "of %u, list %u, met %d, at %s, %s",
            (unsigned)seed, session_state_name(a->state), a->epoch, a->delivered, a->sent,
            a->routes_version, a->routes_met, session_relay(a),
            a->last_error == NULL ? "" : a->last_error, session_state_name(b->state), b->epoch,
            b->delivered, b->sent, b->routes_version, b->routes_met, session_relay(b),
            b->last_error == NULL ? "" : b->last_error);
    assert_int_equal(a->received, b->sent);
    assert_int_equal(b->received, a->sent);
    assert_memory_equal(a->root, b->root, KEY_BYTES);
}

static enum session_refusal move(struct end *end, const char *urls)
{
    return end_step(end, &(struct session_event){.type = EVENT_MOVE, .text = urls});
}

/* ---- the first list ---- */

static void both_want_others(void **state)
{
    (void)state;
    open_met(POLL, URL(1) " " URL(2), URL(2) " " URL(3));
    bool a_is_lower = strcmp(pair.a.session->side, pair.b.session->side) < 0;
    for (int i = 0; i < 2; i++) {
        const struct session *session = i == 0 ? pair.a.session : pair.b.session;
        if (a_is_lower)
            assert_urls(session, FIRST, URL(1), URL(2));
        else
            assert_urls(session, FIRST, URL(2), URL(3));
        assert_int_equal(session->routes_version, 1);
    }
    assert_memory_equal(pair.a.session->route_numbers, pair.b.session->route_numbers,
                        sizeof(pair.a.session->route_numbers));
    assert_int_equal(pair.a.session->routes_own & pair.b.session->routes_own & 1, 1);
    assert_int_equal((pair.a.session->routes_own | pair.b.session->routes_own) & 6, 6);
    talk(2);
    close_pair();
}

static void nobody_wants_others(void **state)
{
    (void)state;
    open_met(POLL, NULL, NULL);
    assert_int_equal(pair.a.session->routes_version, 0);
    assert_false(session_routed(pair.a.session));
    assert_true(pair.a.session->peer_routes);
    talk(2);
    close_pair();
}

/* ---- relays that die, and such as one end cannot reach ---- */

static void first_dies(void **state)
{
    (void)state;
    for (int when = 0; when < 24; when++) {
        open_pair(POLL, URL(1) " " URL(2), NULL);
        for (int i = 0; i < when || !session_lasting(pair.a.session) ||
                        !session_lasting(pair.b.session) || !pair.b.session->routes_version;
             i++) {
            if (i % 5 == 0 && session_lasting(pair.a.session))
                send_number(&pair.a);
            end_visit(i % 2 == 0 ? &pair.a : &pair.b);
        }
        reached[0] = reached[1] = 6;
        talk(2);
        settle(0);
        assert_int_equal(pair.a.session->failures, 0);
        assert_int_equal(pair.b.session->failures, 0);
        close_pair();
    }
}

static void all_but_the_last_die(void **state)
{
    (void)state;
    open_met(POLL, URL(1) " " URL(2), NULL);
    reached[0] = reached[1] = 4;
    talk(2);
    reached[0] = reached[1] = 0;
    pair_visit(&pair, 6);
    assert_true(pair.a.session->failures > 0 && pair.b.session->failures > 0);
    reached[0] = reached[1] = 2;
    pair_visit(&pair, 3);
    talk(2);
    close_pair();
}

static void each_reaches_others(void **state)
{
    static const unsigned cases[][2] = {{3, 6}, {6, 3}, {5, 6}, {1 | 4, 2 | 4}, {7, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_met(POLL, URL(1) " " URL(2), NULL);
        reached[0] = cases[i][0];
        reached[1] = cases[i][1];
        talk(2);
        settle(i);
        close_pair();
    }
}

/* What comes by another one is found also by who has nothing to say, and no trouble. */
static void others_are_looked_at(void **state)
{
    (void)state;
    open_met(POLL, URL(1), NULL);
    reached[1] = 2;
    pair_visit(&pair, 2);
    send_number(&pair.b);
    pair_visit(&pair, 14);
    assert_int_equal(pair.a.session->received, 1);
    close_pair();
}

/* While nothing is wrong, the others cost one look in six rounds. */
static void others_are_left_alone(void **state)
{
    (void)state;
    open_met(POLL, URL(1) " " URL(2), NULL);
    pair_visit(&pair, 12);
    unsigned connects = pair.a.connects;
    int64_t until = pair.a.now + 60 * 60000;
    while (pair.a.now < until)
        pair_visit(&pair, 1);
    assert_in_range(pair.a.connects - connects, 58, 92);
    close_pair();
}

/* ---- two relays cannot tell that they have the same pair ---- */

static char seen[RELAYS][65536];

static void note(void *arg, const char *mailbox, const char *side, const char *phase,
                 const char *body)
{
    char *text = arg;
    (void)phase;
    snprintf(text + strlen(text), sizeof(seen[0]) - strlen(text), "%s %s %s ", mailbox, side, body);
}

static void nothing_links_relays(void **state)
{
    (void)state;
    open_met(POLL, URL(1) " " URL(2), NULL);
    for (int i = 0; i < 3; i++) {
        seen[i][0] = '\0';
        stock_watch(relays[i], note, seen[i]);
    }
    send_number(&pair.a);
    send_number(&pair.b);
    pair_visit(&pair, 16);
    reached[0] = reached[1] = 6;
    talk(2);
    for (int i = 0; i < 3; i++) {
        char *rest = seen[i], *word;
        assert_true(strlen(seen[i]) > 100);
        while ((word = strtok_r(rest, " ", &rest)) != NULL)
            for (int other = i + 1; other < 3; other++)
                if (strstr(seen[other], word) != NULL)
                    fail_msg("relays %d and %d have both seen %s", i, other, word);
    }
    for (int i = 0; i < 3; i++) {
        phases_free(&judges[i]);
        phases_watch(&judges[i], relays[i]);
    }
    close_pair();
}

/* ---- other relays ---- */

static void moves(void **state)
{
    (void)state;
    for (int dead = 0; dead < 2; dead++) {
        unsigned mailboxes, messages;
        open_met(POLL, URL(1), NULL);
        talk(2);
        if (dead)
            reached[0] = reached[1] = 14;
        assert_int_equal(move(&pair.a, URL(2) " " URL(1)), SESSION_ACCEPTED);
        talk(2);
        settle(0);
        pair_visit(&pair, 8);
        assert_urls(pair.b.session, URL(2), URL(1), NULL);
        assert_string_equal(pair.b.session->relay, URL(2));
        assert_null(pair.a.session->route_urls[SESSION_ROUTES_MAX]);
        assert_null(pair.b.session->route_urls[SESSION_ROUTES_MAX]);
        stock_count(relays[0], &mailboxes, &messages);
        assert_true(dead || mailboxes == 0);
        reached[0] = reached[1] = 4;
        talk(2);
        /* And back, by the other one. */
        reached[0] = reached[1] = 15;
        assert_int_equal(move(&pair.b, FIRST), SESSION_ACCEPTED);
        pair.a.now += 60000;
        talk(2);
        settle(0);
        assert_urls(pair.a.session, FIRST, NULL, NULL);
        reached[0] = reached[1] = 1;
        talk(2);
        close_pair();
    }
}

static bool is_own(const struct session *session, const char *url)
{
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        if (session->route_urls[i] != NULL && strcmp(session->route_urls[i], url) == 0)
            return (session->routes_own >> i & 1) != 0;
    fail_msg("%s is no route", url);
    return false;
}

/* Whoever gives a session a new list, with what was there before in it, has not looked at the
 * peer's relays: they are visited only where they are public. */
static void moving_trusts_nobody(void **state)
{
    (void)state;
    open_met(POLL, NULL, URL(1));
    talk(2);
    assert_false(is_own(pair.a.session, URL(1)));
    assert_true(is_own(pair.b.session, URL(1)));
    assert_int_equal(move(&pair.a, URL(2) " " URL(1)), SESSION_ACCEPTED);
    assert_true(is_own(pair.a.session, URL(2)));
    assert_false(is_own(pair.a.session, URL(1)));
    close_pair();
}

/* One that only has the relay of the introduction can move from there, and only if that lives. */
static void moves_from_one(void **state)
{
    (void)state;
    open_met(POLL, NULL, NULL);
    assert_int_equal(move(&pair.b, URL(3)), SESSION_ACCEPTED);
    reached[0] = reached[1] = 14;
    pair_visit(&pair, 4);
    assert_int_equal(pair.a.session->routes_version, 0);
    reached[0] = reached[1] = 15;
    pair_visit(&pair, 4);
    settle(0);
    assert_urls(pair.a.session, URL(3), NULL, NULL);
    reached[0] = reached[1] = 8;
    talk(2);
    close_pair();
}

/* One of two lists is valid in the end, the same at both ends. */
static void both_move(void **state)
{
    (void)state;
    open_met(POLL, URL(1), NULL);
    assert_int_equal(move(&pair.a, URL(2) " " FIRST), SESSION_ACCEPTED);
    assert_int_equal(move(&pair.b, URL(3) " " FIRST), SESSION_ACCEPTED);
    talk(3);
    settle(0);
    assert_string_equal(pair.a.session->route_urls[0], pair.b.session->route_urls[0]);
    close_pair();
}

static void who_cannot(void **state)
{
    (void)state;
    open_pair(POLL, NULL, NULL);
    assert_int_equal(move(&pair.a, URL(1)), SESSION_REFUSED_ROUTES);
    pair_visit(&pair, 6);
    pair.a.session->peer_routes = false; /* the peer is of an earlier version */
    assert_int_equal(move(&pair.a, URL(1)), SESSION_REFUSED_ROUTES);
    pair.a.session->peer_routes = true;
    assert_int_equal(move(&pair.a, FIRST), SESSION_ACCEPTED);
    assert_int_equal(pair.a.session->routes_version, 0);
    assert_int_equal(end_close(&pair.a), SESSION_ACCEPTED);
    assert_int_equal(move(&pair.a, URL(1)), SESSION_REFUSED_CLOSED);
    close_pair();
}

static void goodbye(void **state)
{
    (void)state;
    for (int dead = 0; dead < 2; dead++) {
        open_met(POLL, URL(1) " " URL(2), NULL);
        send_number(&pair.a);
        if (dead)
            reached[0] = reached[1] = 6;
        assert_int_equal(end_close(&pair.a), SESSION_ACCEPTED);
        for (int i = 0; i < 12; i++)
            pair_visit(&pair, 1);
        assert_int_equal(pair.a.session->state, SESSION_CLOSED);
        assert_int_equal(pair.b.session->state, SESSION_CLOSED);
        assert_int_equal(pair.a.session->result, RESULT_HAPPY);
        assert_string_equal(pair.b.session->reason, "closed by the peer");
        assert_int_equal(pair.b.session->received, 1);
        for (int i = dead; i < 3; i++) {
            unsigned mailboxes, messages;
            stock_count(relays[i], &mailboxes, &messages);
            assert_int_equal(mailboxes, 0);
        }
        close_pair();
    }
}

/* ---- a peer that misbehaves ---- */

/* B's newest statement has a list of this version, with a relay of its own. */
static void state_list(uint32_t version)
{
    struct session *b = pair.b.session;
    char url[64];
    snprintf(url, sizeof(url), "ws://relay-%u.invalid/v1", version % 3 + 1);
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++) {
        free(b->route_urls[i]);
        b->route_urls[i] = NULL;
    }
    b->route_urls[0] = strdup(url);
    b->route_urls[1] = strdup(FIRST);
    b->route_numbers[0] = 100 + version;
    b->route_numbers[1] = 0;
    b->routes_version = version;
    b->routes_by_b = true;
    b->routes_met = false;
    b->receipts++;
    b->receipt_stored = false;
}

/* It says a new list at each of its visits; of those, one a minute is taken, and each costs no more
 * than a list. */
static void lists_without_end(void **state)
{
    (void)state;
    open_met("0:5", URL(1), NULL);
    uint32_t taken = 0, before = pair.a.session->routes_version;
    int64_t until = pair.a.now + 600 * 1000;
    unsigned connects = pair.a.connects;
    for (uint32_t version = 10; pair.a.now < until; version++) {
        state_list(version);
        pair.b.session->route_round = 0;
        end_visit(&pair.b);
        end_visit(&pair.b);
        end_visit(&pair.a);
        taken += pair.a.session->routes_version != before;
        before = pair.a.session->routes_version;
        unsigned slots = 0;
        for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
            slots += pair.a.session->route_urls[i] != NULL;
        assert_in_range(slots, 1, SESSION_ROUTE_SLOTS);
    }
    assert_in_range(taken, 2, 11);
    assert_in_range(pair.a.connects - connects, 60, 6 * 130);
    assert_true(session_relay_is_peers(pair.a.session) ||
                number_of(session_relay(pair.a.session)) == 0);
    close_pair();
}

/* ---- whatever happens ---- */

static uint64_t chance_state;

static unsigned chance(unsigned below)
{
    chance_state ^= chance_state >> 12;
    chance_state ^= chance_state << 25;
    chance_state ^= chance_state >> 27;
    return (unsigned)(chance_state * 0x2545f4914f6cdd1du >> 40) % below;
}

static void move_anywhere(struct end *end)
{
    char urls[128] = FIRST;
    unsigned mask = 1 + chance(15);
    urls[0] = '\0';
    for (int i = 0, count = 0; i < RELAYS && count < SESSION_ROUTES_MAX; i++)
        if ((mask >> i & 1) != 0) {
            char url[32] = FIRST;
            if (i > 0)
                snprintf(url, sizeof(url), "ws://relay-%d.invalid/v1", i);
            snprintf(urls + strlen(urls), sizeof(urls) - strlen(urls), "%s%s",
                     count++ > 0 ? " " : "", url);
        }
    enum session_refusal refusal = move(end, urls);
    assert_true(refusal == SESSION_ACCEPTED || refusal == SESSION_REFUSED_MOVING);
}

static void something_happens(void)
{
    struct end *end = chance(2) == 0 ? &pair.a : &pair.b;
    switch (chance(12)) {
    case 0:
    case 1:
        if (end->session->sent < 60)
            send_number(end);
        break;
    case 2:
        read_all(end);
        break;
    case 3: /* a visit, or the middle of one */
        end_skip(end);
        for (unsigned steps = chance(12); steps > 0 && end_work(end); steps--)
            continue;
        break;
    case 4:
        end_crash(end);
        break;
    case 5:
        if (end->connection != NULL)
            end_lose(end);
        break;
    case 6:
        stock_prune(relays[chance(RELAYS)]);
        break;
    case 7:
        end->now += chance(4) == 0 ? INT64_C(8) * 24 * 3600 * 1000 : 60000;
        break;
    case 8:
        reached[end == &pair.b] = chance(16);
        break;
    case 9:
        if (chance(3) == 0)
            move_anywhere(end);
        break;
    default:
        end_visit(end);
        break;
    }
}

static void anything_happens(void **state)
{
    uint64_t worlds = pair_worlds(3);
    (void)state;
    for (uint64_t seed = 1; seed <= worlds; seed++) {
        chance_state = seed * 0x9e3779b97f4a7c15u;
        open_met(chance(2) == 0 ? HOLD : POLL, URL(1), chance(2) == 0 ? URL(2) : NULL);
        for (unsigned i = 0; i < 150; i++)
            something_happens();
        reached[0] = reached[1] = 15;
        pair.a.may_hold = pair.b.may_hold = false;
        pair.a.now += 60000;
        pair.b.now += 60000;
        settle(seed);
        assert_false(pair.a.session->copied || pair.b.session->copied);
        close_pair();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_want_others),
        cmocka_unit_test(nobody_wants_others),
        cmocka_unit_test(first_dies),
        cmocka_unit_test(all_but_the_last_die),
        cmocka_unit_test(each_reaches_others),
        cmocka_unit_test(others_are_looked_at),
        cmocka_unit_test(others_are_left_alone),
        cmocka_unit_test(nothing_links_relays),
        cmocka_unit_test(moves),
        cmocka_unit_test(moving_trusts_nobody),
        cmocka_unit_test(moves_from_one),
        cmocka_unit_test(both_move),
        cmocka_unit_test(who_cannot),
        cmocka_unit_test(goodbye),
        cmocka_unit_test(lists_without_end),
        cmocka_unit_test(anything_happens),
        cmocka_unit_test_setup_teardown(first_dies, pair_resume, pair_replay),
        cmocka_unit_test_setup_teardown(each_reaches_others, pair_resume, pair_replay),
        cmocka_unit_test_setup_teardown(moves, pair_resume, pair_replay),
        cmocka_unit_test_setup_teardown(anything_happens, pair_resume, pair_replay),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

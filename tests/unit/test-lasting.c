/* Lasting sessions move from epoch to epoch, and lose and double nothing, whatever happens. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "tests/simulation/pair.h"
#include "tests/simulation/phases.h"
#include "wormhole/payload.h"

#define HOLD "0:0"
#define POLL "0:60"

static void open_met(struct pair *pair, const char *schedule)
{
    pair_open_lasting(pair, schedule);
    pair_visit(pair, 4);
    assert_int_equal(pair->a.session->state, SESSION_ESTABLISHED);
    assert_int_equal(pair->b.session->state, SESSION_ESTABLISHED);
    assert_true(session_lasting(pair->a.session) && session_lasting(pair->b.session));
    assert_memory_equal(pair->a.session->root, pair->b.session->root, KEY_BYTES);
}

/* Sends a message of this length, whose text begins with its number. */
static void send_long(struct end *end, size_t length)
{
    char *text = malloc(length + 1);
    memset(text, 'x', length);
    text[length] = '\0';
    text[snprintf(text, length, "%u", (unsigned)end->session->sent)] = ' ';
    assert_int_equal(end_send(end, text), SESSION_ACCEPTED);
    free(text);
}

/* Acknowledges all, each message once and in order. */
static void read_all(struct end *end)
{
    while (end->session->acked < end->session->received) {
        uint32_t next = end->session->acked;
        assert_non_null(end_inbox(end, next));
        assert_int_equal(strtoul(end_inbox(end, next), NULL, 10), next);
        assert_int_equal(end_ack(end, next), SESSION_ACCEPTED);
    }
}

static void assert_settled(const struct pair *pair)
{
    const struct session *a = pair->a.session, *b = pair->b.session;
    assert_int_equal(a->received, b->sent);
    assert_int_equal(b->received, a->sent);
    assert_int_equal(a->delivered, a->sent);
    assert_int_equal(b->delivered, b->sent);
    assert_int_equal(a->epoch, b->epoch);
    assert_memory_equal(a->root, b->root, KEY_BYTES);
    assert_true(sodium_is_zero(a->old_root, KEY_BYTES) && sodium_is_zero(b->old_root, KEY_BYTES));
    assert_int_equal(a->sent_bytes, 0);
    assert_int_equal(b->sent_bytes, 0);
}

/* ---- the beginning ---- */

static void peer_cannot(void **state)
{
    struct pair pair;
    (void)state;
    for (int i = 0; i < 2; i++) {
        pair.stock = stock_new();
        (i == 0 ? end_open : end_open_lasting)(&pair.a, pair.stock, "4-purple-sausages", POLL, 1);
        (i == 0 ? end_open_lasting : end_open)(&pair.b, pair.stock, "4-purple-sausages", POLL, 2);
        end_send(&pair.a, "0 hello");
        end_send(&pair.b, "0 hi");
        pair_visit(&pair, 6);
        assert_false(session_lasting(pair.a.session) || session_lasting(pair.b.session));
        assert_true(sodium_is_zero(pair.a.session->epoch_secret, EPOCH_SECRET_BYTES));
        assert_true(sodium_is_zero(pair.b.session->epoch_secret, EPOCH_SECRET_BYTES));
        assert_string_equal(end_inbox(&pair.b, 0), "0 hello");
        assert_string_equal(end_inbox(&pair.a, 0), "0 hi");
        pair_free(&pair);
    }
}

static void both_can(void **state)
{
    struct pair pair;
    struct phases phases;
    (void)state;
    pair_open_lasting(&pair, POLL);
    phases_watch(&phases, pair.stock);
    end_send(&pair.a, "0 hello");
    end_send(&pair.b, "0 hi");
    pair_visit(&pair, 6);
    assert_string_equal(end_inbox(&pair.b, 0), "0 hello");
    assert_string_equal(end_inbox(&pair.a, 0), "0 hi");
    assert_settled(&pair);
    assert_int_equal(pair.a.session->epoch, 0);
    assert_int_equal(session_deadline(pair.a.session), INT64_MAX);
    assert_int_equal(phases.twins, 0);
    phases_free(&phases);
    pair_free(&pair);
}

/* Its user said so, and its version does. */
static void let_expire(struct end *end, int64_t expire)
{
    struct payload_lasting lasting = {.expire = expire};
    struct session *session = end->session;
    epoch_public(session->epoch_secret, lasting.public);
    free(session->version);
    session->version = payload_version(NULL, &lasting);
    session->expire = expire;
    session->expires = true;
}

/* It ends at both ends when the shorter time is over that one of the users wants; the other learns
 * it at the beginning, and ends even if it never hears of the end. */
static void expires_at_both_ends(void **state)
{
    static const int64_t day = INT64_C(24) * 3600 * 1000;
    static const int64_t cases[][3] = {{30, 0, 30}, {30, 40, 30}, {40, 30, 30}};
    struct pair pair;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pair_open_lasting(&pair, POLL);
        let_expire(&pair.a, cases[i][0] * day);
        if (cases[i][1] > 0)
            let_expire(&pair.b, cases[i][1] * day);
        pair_visit(&pair, 4);
        struct end *ends[] = {&pair.a, &pair.b};
        for (int e = 0; e < 2; e++) {
            const struct session *session = ends[e]->session;
            assert_true(session_lasting(session) && session->expires);
            assert_int_equal(session_deadline(session), session->last_activity + cases[i][2] * day);
            ends[e]->now = session_deadline(session) + 1;
            end_visit(ends[e]);
            assert_int_equal(session->state, SESSION_CLOSING);
            stock_prune(pair.stock);
        }
        pair_free(&pair);
    }
}

/* The relay tells what comes first in the end: nothing that is sealed by the root is taken for an
 * attack. */
static void version_comes_late(void **state)
{
    struct pair pair;
    (void)state;
    pair_open_lasting(&pair, POLL);
    end_send(&pair.a, "0 hello");
    for (int i = 0; i < 8; i++) {
        pair_visit(&pair, 1);
        stock_reverse(pair.stock);
    }
    pair_visit(&pair, 4);
    assert_string_equal(end_inbox(&pair.b, 0), "0 hello");
    assert_settled(&pair);
    pair_free(&pair);
}

/* ---- moving ---- */

static void moves_when_idle(void **state)
{
    struct pair pair;
    struct phases phases;
    (void)state;
    open_met(&pair, POLL);
    phases_watch(&phases, pair.stock);
    for (int round = 0; round < 5; round++) {
        send_long(&pair.a, 20000);
        send_long(&pair.b, 100);
        pair_visit(&pair, 12);
        read_all(&pair.a);
        read_all(&pair.b);
        pair_visit(&pair, 2);
        assert_settled(&pair);
        assert_true(pair.a.session->epoch > (uint32_t)round);
    }
    assert_int_equal(pair.a.session->received, 5);
    assert_int_equal(pair.b.session->received, 5);
    assert_int_equal(phases.twins, 0);
    assert_int_equal(phases.repeats, 0);
    /* What is over is closed. */
    unsigned mailboxes, messages;
    assert_int_equal(stock_count(pair.stock, &mailboxes, &messages), 0);
    assert_int_equal(mailboxes, 1);
    assert_in_range(messages, 2, 6);
    phases_free(&phases);
    pair_free(&pair);
}

static void moves_while_held(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, HOLD);
    for (int i = 0; i < 100; i++) {
        send_long(&pair.a, 100000);
        if (i % 10 == 0)
            send_long(&pair.b, 1000);
        pair_run(&pair);
        read_all(&pair.a);
        read_all(&pair.b);
    }
    pair_run(&pair);
    assert_settled(&pair);
    assert_in_range(pair.a.session->epoch, 3, 6);
    unsigned mailboxes, messages;
    stock_count(pair.stock, &mailboxes, &messages);
    assert_int_equal(mailboxes, 1);
    pair_free(&pair);
}

/* Keys that have sealed a message are used for a week at most; those that have not, for ever. */
static void moves_after_a_week(void **state)
{
    static const int64_t week = (int64_t)7 * 24 * 3600 * 1000;
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    send_long(&pair.a, 20);
    pair_visit(&pair, 4);
    read_all(&pair.b);
    pair.a.now += week / 2;
    pair.b.now += week / 2;
    pair_visit(&pair, 4);
    assert_settled(&pair);
    assert_int_equal(pair.a.session->epoch, 0);
    for (int i = 0; i < 2; i++) {
        pair.a.now += week;
        pair.b.now += week;
        pair_visit(&pair, 12);
        assert_settled(&pair);
        assert_int_equal(pair.a.session->epoch, 1);
    }
    pair_free(&pair);
}

/* ---- at whatever moment ---- */

static void polls(struct pair *pair)
{
    send_long(&pair->b, 100);
    end_visit(&pair->b);
    end_command(&pair->a, EVENT_POLL);
    end_run(&pair->a);
    assert_int_equal(pair->a.session->received, pair->b.session->sent);
}

static void sends(struct pair *pair)
{
    send_long(&pair->a, 100);
    end_run(&pair->a);
    assert_int_equal(pair->a.session->stored, pair->a.session->sent);
}

/* Both move; after so many steps of its a does something. False if there were fewer. */
static bool acts_after(unsigned steps, void (*act)(struct pair *pair))
{
    struct pair pair;
    bool acted = false;
    open_met(&pair, POLL);
    send_long(&pair.a, 20000);
    send_long(&pair.b, 100);
    for (int i = 0; i < 12 && !acted; i++) {
        end_skip(&pair.a);
        while (!acted && end_work(&pair.a))
            acted = steps-- == 0;
        if (acted)
            act(&pair);
        else
            end_visit(&pair.b);
        read_all(&pair.a);
        read_all(&pair.b);
    }
    assert_true(acted || pair.a.session->epoch > 0);
    pair_free(&pair);
    return acted;
}

/* What is wanted during a visit that cannot bring it comes with the next one, and that at once:
 * whether the visit is about to end, looks into the old place, or closes the one before. */
static void wanted_during_a_visit(void **state)
{
    (void)state;
    for (unsigned steps = 0; acts_after(steps, polls); steps++)
        continue;
    for (unsigned steps = 0; acts_after(steps, sends); steps++)
        continue;
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

static struct end *one_of(struct pair *pair)
{
    return chance(2) == 0 ? &pair->a : &pair->b;
}

/* At one moment an end comes only so often. */
static void visit_briefly(struct end *end)
{
    unsigned before = end->connects;
    const struct session *session = end->session;
    end_skip(end);
    for (int i = 0; i < 10000 && end_work(end); i++)
        if (end->connects > before + 12)
            fail_msg(
                "%s, epoch %u, old %d, turn %d, left %d, met %d, sent %u, delivered %u, received "
                "%u, acked %u, failures %u, %s, full %d, crowded %u",
                session_state_name(session->state), session->epoch,
                !sodium_is_zero(session->old_root, KEY_BYTES), session->turn_old,
                !sodium_is_zero(session->left_places, KEY_BYTES),
                !sodium_is_zero(session->peer_next, KEY_BYTES), session->sent, session->delivered,
                session->received, session->acked, session->failures,
                session->last_error == NULL ? "" : session->last_error, session->inbox_full,
                session->crowded);
}

static void work(struct end *end)
{
    if (!end_work(end))
        end_skip(end);
}

static void work_until_epoch(struct end *end, uint32_t epoch)
{
    for (int i = 0; i < 1000 && end->session->epoch < epoch; i++)
        work(end);
    assert_int_equal(end->session->epoch, epoch);
}

/* The visit under way ends well; the one after it does not. */
static void lose_the_next(struct end *end)
{
    while (end->session->visit != NULL)
        assert_true(end_work(end));
    while (end->session->visit == NULL)
        work(end);
    end_lose(end);
}

/* The next epoch may be over before the mailbox of the one before it is closed: that comes first.
 */
static void closes_what_is_over_before_it_moves(void **state)
{
    static const int64_t day = (int64_t)24 * 3600 * 1000;
    struct pair pair;
    const struct session *b;
    (void)state;
    open_met(&pair, POLL);
    b = pair.b.session;
    send_long(&pair.a, 20000);
    for (int i = 0; i < 1000 && sodium_is_zero(b->left_places, KEY_BYTES); i++) {
        work(&pair.a);
        work(&pair.b);
    }
    assert_false(sodium_is_zero(b->left_places, KEY_BYTES));
    lose_the_next(&pair.b);
    assert_int_equal(b->epoch, 1);
    read_all(&pair.b);
    send_long(&pair.a, 20);
    pair.a.now += 8 * day;
    pair.b.now += 8 * day;
    for (int i = 0; i < 6; i++)
        visit_briefly(&pair.a);
    assert_int_equal(pair.a.session->epoch, 2);
    work_until_epoch(&pair.b, 2);
    lose_the_next(&pair.b);
    pair_visit(&pair, 8);
    read_all(&pair.b);
    pair_visit(&pair, 4);
    assert_settled(&pair);
    assert_true(b->epoch >= 2);
    unsigned mailboxes, messages;
    stock_count(pair.stock, &mailboxes, &messages);
    assert_int_equal(mailboxes, 1);
    pair_free(&pair);
}

static void something_happens(struct pair *pair)
{
    static const int64_t day = (int64_t)24 * 3600 * 1000;
    struct end *end = one_of(pair);
    switch (chance(14)) {
    case 0:
    case 1:
        if (end->session->sent < 60)
            send_long(end, chance(3) == 0 ? 20000 : 20);
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
        stock_prune(pair->stock);
        break;
    case 7:
        end->now += chance(2) == 0 ? 8 * day : 60000;
        break;
    case 8:
        for (unsigned i = chance(8); i > 0; i--)
            stock_swap(pair->stock, false, chance);
        break;
    case 9:
        end->may_hold = !end->may_hold;
        break;
    case 10:
        for (unsigned steps = chance(30); steps > 0; steps--)
            end_work(one_of(pair));
        break;
    default:
        visit_briefly(end);
        break;
    }
}

static void come_together(struct pair *pair, uint64_t seed)
{
    pair->a.may_hold = pair->b.may_hold = false;
    for (int round = 0; round < 16; round++) {
        pair_visit(pair, 1);
        read_all(&pair->a);
        read_all(&pair->b);
    }
    const struct session *a = pair->a.session, *b = pair->b.session;
    if (a->delivered != a->sent || b->delivered != b->sent || a->epoch != b->epoch ||
        !sodium_is_zero(a->old_root, KEY_BYTES) || !sodium_is_zero(b->old_root, KEY_BYTES))
        fail_msg("seed %u: a is %s in epoch %u, %u of %u delivered; b %s in %u, %u of %u; %s %s",
                 (unsigned)seed, session_state_name(a->state), a->epoch, a->delivered, a->sent,
                 session_state_name(b->state), b->epoch, b->delivered, b->sent,
                 a->reason == NULL ? "" : a->reason, b->reason == NULL ? "" : b->reason);
    assert_settled(pair);
}

static void anything_happens(void **state)
{
    uint64_t worlds = pair_worlds(60);
    uint64_t epochs = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= worlds; seed++) {
        struct pair pair;
        struct phases phases;
        chance_state = seed * 0x9e3779b97f4a7c15u;
        open_met(&pair, chance(2) == 0 ? HOLD : POLL);
        phases_watch(&phases, pair.stock);
        if (getenv("SEED") != NULL)
            fprintf(stderr, "seed %u\n", (unsigned)seed);
        for (unsigned i = 0; i < 150; i++)
            something_happens(&pair);
        come_together(&pair, seed);
        assert_false(pair.a.session->copied || pair.b.session->copied);
        epochs += pair.a.session->epoch;
        if (phases.twins > 0)
            fail_msg("seed %u: one phase had two bodies", (unsigned)seed);
        phases_free(&phases);
        pair_free(&pair);
    }
    assert_true(epochs > 4 * worlds);
}

/* Only what waits counts: years of messages are no limit. */
static void the_outbox_is_a_window(void **state)
{
    struct pair pair;
    struct session *session;
    uint32_t sent, delivered;
    (void)state;
    open_met(&pair, POLL);
    session = pair.a.session;
    sent = session->sent;
    delivered = session->delivered;
    session->sent = session->delivered = 10 * SESSION_OUTBOX_MAX;
    assert_false(session_outbox_full(session, SESSION_MESSAGE_MAX));
    session->delivered -= SESSION_OUTBOX_MAX - 1;
    assert_false(session_outbox_full(session, 1));
    session->delivered--;
    assert_true(session_outbox_full(session, 1));
    assert_int_equal(end_send(&pair.a, "one more"), SESSION_REFUSED_UNDELIVERED);
    session->sent = sent;
    session->delivered = delivered;
    session->sent_bytes += SESSION_OUTBOX_BYTES_MAX - 4;
    assert_false(session_outbox_full(session, 4));
    assert_int_equal(end_send(&pair.a, "12345"), SESSION_REFUSED_UNDELIVERED);
    session->sent_bytes -= SESSION_OUTBOX_BYTES_MAX - 4;
    assert_int_equal(end_send(&pair.a, "12345"), SESSION_ACCEPTED);
    pair_free(&pair);
}

/* ---- what is over ---- */

static bool record_has(const struct end *end, const void *bytes, size_t length)
{
    struct kv_record record;
    assert_int_equal(session_record_encode(end->session, &record), KV_OK);
    bool found = memmem(record.data, record.length, bytes, length) != NULL;
    kv_record_clear(&record);
    return found;
}

/* Nothing from which a key of an epoch follows is kept once that is over, at either end. */
static void old_keys_go(void **state)
{
    enum { EPOCHS = 4 };
    uint8_t roots[EPOCHS][KEY_BYTES], secrets[2][EPOCHS][EPOCH_SECRET_BYTES];
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        assert_int_equal(pair.a.session->epoch, epoch);
        assert_settled(&pair);
        memcpy(roots[epoch], pair.a.session->root, KEY_BYTES);
        memcpy(secrets[0][epoch], pair.a.session->epoch_secret, EPOCH_SECRET_BYTES);
        memcpy(secrets[1][epoch], pair.b.session->epoch_secret, EPOCH_SECRET_BYTES);
        assert_true(record_has(&pair.a, roots[epoch], KEY_BYTES));
        for (uint32_t i = 0; i < epoch; i++) {
            assert_false(record_has(&pair.a, roots[i], KEY_BYTES));
            assert_false(record_has(&pair.b, roots[i], KEY_BYTES));
            assert_false(record_has(&pair.a, secrets[0][i], EPOCH_SECRET_BYTES));
            assert_false(record_has(&pair.b, secrets[1][i], EPOCH_SECRET_BYTES));
        }
        send_long(&pair.a, 20000);
        for (int round = 0; round < 20 && pair.b.session->epoch == epoch; round++)
            pair_visit(&pair, 1);
        pair_visit(&pair, 3);
        read_all(&pair.b);
        pair_visit(&pair, 3);
    }
    pair_free(&pair);
}

/* ---- copies ---- */

/* The session as it is stored now. */
static struct session *backup(const struct end *end)
{
    struct kv_record record;
    struct session *copy;
    assert_int_equal(session_record_encode(end->session, &record), KV_OK);
    assert_int_equal(session_record_decode(end->session->id, record.data, record.length, &copy),
                     KV_OK);
    kv_record_clear(&record);
    return copy;
}

static void restore(struct end *end, struct session *copy)
{
    end_crash(end);
    session_free(end->session);
    end->session = copy;
}

/* An older store in the same epoch: it says nothing more, and no number is used twice. */
static void restored_in_its_epoch(void **state)
{
    struct pair pair;
    struct phases phases;
    (void)state;
    open_met(&pair, POLL);
    phases_watch(&phases, pair.stock);
    struct session *copy = backup(&pair.a);
    send_long(&pair.a, 10);
    pair_visit(&pair, 3);
    restore(&pair.a, copy);
    end_send(&pair.a, "0 another text");
    pair_visit(&pair, 4);
    assert_true(pair.a.session->copied);
    assert_int_equal(phases.twins, 0);
    assert_int_equal(pair.b.session->received, 1);
    assert_int_equal(pair.a.session->delivered, 0);
    phases_free(&phases);
    pair_free(&pair);
}

/* An older store, and the relay has forgotten what was in the mailbox of its epoch. */
static void restored_in_a_forgotten_place(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    struct session *copy = backup(&pair.a);
    send_long(&pair.a, 20000);
    for (int i = 0; i < 20 && pair.b.session->epoch == 0; i++)
        pair_visit(&pair, 1);
    pair_visit(&pair, 3);
    assert_int_equal(pair.a.session->epoch, 1);
    restore(&pair.a, copy);
    stock_prune(pair.stock);
    send_long(&pair.a, 20);
    for (int i = 0; i < 10; i++) {
        pair_visit(&pair, 1);
        stock_prune(pair.stock);
    }
    /* Its peer has gone, and it cannot follow: whatever it says, nobody believes. */
    assert_int_equal(pair.b.session->received, 1);
    assert_int_equal(pair.a.session->delivered, 0);
    pair_free(&pair);
}

/* ---- goodbye ---- */

static void closes(void **state)
{
    struct pair pair;
    (void)state;
    for (int held = 0; held < 2; held++) {
        open_met(&pair, held ? HOLD : POLL);
        send_long(&pair.a, 20);
        send_long(&pair.a, 30);
        assert_int_equal(end_close(&pair.a), SESSION_ACCEPTED);
        if (held)
            pair_run(&pair);
        for (int i = 0; i < 8; i++)
            pair_visit(&pair, 1);
        assert_int_equal(pair.a.session->state, SESSION_CLOSED);
        assert_int_equal(pair.b.session->state, SESSION_CLOSED);
        assert_int_equal(pair.a.session->result, RESULT_HAPPY);
        assert_int_equal(pair.b.session->result, RESULT_HAPPY);
        assert_string_equal(pair.b.session->reason, "closed by the peer");
        assert_true(pair.b.session->closed_by_peer);
        assert_int_equal(pair.b.session->received, 2);
        assert_int_equal(pair.b.session->unread, 2);
        unsigned mailboxes, messages;
        stock_count(pair.stock, &mailboxes, &messages);
        assert_int_equal(mailboxes, 0);
        pair_free(&pair);
    }
}

/* The peer is away, and the relay forgets: it hears it nevertheless. */
static void closes_while_away(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    send_long(&pair.a, 20);
    end_close(&pair.a);
    for (int i = 0; i < 5; i++) {
        end_visit(&pair.a);
        stock_prune(pair.stock);
        assert_int_equal(pair.a.session->state, SESSION_CLOSING);
    }
    pair_visit(&pair, 4);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_int_equal(pair.a.session->result, RESULT_HAPPY);
    assert_int_equal(pair.b.session->received, 1);
    pair_free(&pair);
}

/* Who is there hears it at once, and its goodbye ends the session in the same visit; for who is not
 * the connection is held once, for a minute. */
static void stays_for_the_goodbye(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, HOLD);
    end_close(&pair.a);
    end_run_both(&pair.a, &pair.b);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    pair_free(&pair);
    open_met(&pair, HOLD);
    end_lose(&pair.b);
    end_run(&pair.b);
    end_close(&pair.a);
    end_run(&pair.a);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    assert_int_equal(session_alarm(pair.a.session), pair.a.now + 60 * 1000);
    end_visit(&pair.a);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(session_connection(pair.a.session), CONNECTION_NONE);
        assert_true(pair.a.session->wake > pair.a.now + 3 * 60 * 1000);
        end_visit(&pair.a);
    }
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    pair_free(&pair);
}

/* The peer has room for one message at a time: it ends when it has got all, and not before. */
static void closes_while_inbox_is_full(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    pair.b.session->inbox_messages = 1;
    for (int i = 0; i < 3; i++)
        send_long(&pair.a, 20);
    end_close(&pair.a);
    for (uint32_t received = 1; received <= 3; received++) {
        pair_visit(&pair, 4);
        assert_int_equal(pair.b.session->received, received);
        assert_int_equal(pair.b.session->state < SESSION_CLOSING, received < 3);
        read_all(&pair.b);
    }
    pair_visit(&pair, 4);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_int_equal(pair.a.session->result, RESULT_HAPPY);
    assert_int_equal(pair.b.session->result, RESULT_HAPPY);
    pair_free(&pair);
}

static void both_close(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    send_long(&pair.a, 20);
    end_close(&pair.a);
    end_close(&pair.b);
    pair_visit(&pair, 6);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    pair_free(&pair);
}

/* What the peer will not read any more is said to be lost. */
static void closes_too_early(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_close(&pair.a);
    end_visit(&pair.a);
    send_long(&pair.b, 20);
    pair_visit(&pair, 6);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->result, RESULT_ERRORY);
    assert_non_null(strstr(pair.b.session->reason, "had not got 1 of 1"));
    pair_free(&pair);
}

/* Who has moved and is not yet met in the new place is alone there: what it leaves there goes when
 * it closes that. A relay that never forgets makes no difference. */
static void closes_in_the_middle_of_a_move(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    stock_remember(pair.stock, 14 * 24 * 3600);
    send_long(&pair.b, 20000);
    for (int i = 0; i < 20 && pair.a.session->epoch == 0; i++)
        (i % 2 == 0 ? end_visit : read_all)(i % 4 < 2 ? &pair.b : &pair.a);
    assert_int_equal(pair.a.session->epoch, 1);
    assert_int_equal(pair.b.session->epoch, 0);
    assert_int_equal(end_close(&pair.a), SESSION_ACCEPTED);
    for (int i = 0; i < 6; i++)
        end_visit(&pair.a);
    pair_visit(&pair, 6);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_string_equal(pair.b.session->reason, "closed by the peer");
    assert_int_equal(pair.b.session->result, RESULT_HAPPY);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.a.session->result, RESULT_HAPPY);
    pair_free(&pair);
}

/* The relay has forgotten the message that the peer has: it is not added again, and not missed. */
static void delivered_is_sent(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    send_long(&pair.a, 20);
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->received, 1);
    stock_prune(pair.stock);
    end_close(&pair.b);
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_string_equal(pair.a.session->reason, "closed by the peer");
    assert_int_equal(pair.a.session->result, RESULT_HAPPY);
    pair_free(&pair);
}

/* Nor is it where two places were: the newest never had it. */
static void delivered_is_stored(void **state)
{
    struct pair pair;
    (void)state;
    for (uint64_t seed = 1; seed <= pair_worlds(20); seed++) {
        chance_state = seed * 0x9e3779b97f4a7c15u;
        open_met(&pair, POLL);
        for (unsigned i = 0; i < 60; i++) {
            something_happens(&pair);
            assert_true(pair.a.session->stored >= pair.a.session->delivered);
            assert_true(pair.b.session->stored >= pair.b.session->delivered);
        }
        pair_free(&pair);
    }
}

/* The offer of a text was taken, and then the peer closed, without a word. */
static void closes_without_an_answer(void **state)
{
    struct pair pair;
    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        open_met(&pair, POLL);
        pair.a.session->await_answer = true;
        send_long(&pair.a, 20);
        if (reads)
            pair_visit(&pair, 2);
        end_close(&pair.b);
        pair_visit(&pair, 6);
        assert_int_equal(pair.a.session->state, SESSION_CLOSED);
        assert_int_equal(pair.a.session->result, reads ? RESULT_LONELY : RESULT_ERRORY);
        pair_free(&pair);
    }
}

/* What is held back does not leave, not even words in its place: the goodbye is enough, and is not
 * said to have left out anything that nobody wrote. */
static void transfer_is_abandoned(void **state)
{
    struct pair pair;
    (void)state;
    pair_open_lasting(&pair, POLL);
    struct session *sessions[] = {pair.a.session, pair.b.session};
    for (int i = 0; i < 2; i++) {
        free(sessions[i]->appid);
        sessions[i]->appid = strdup("lothar.com/wormhole/text-or-file-xfer");
    }
    pair.a.session->verification = VERIFICATION_PENDING;
    pair_visit(&pair, 4);
    assert_true(session_lasting(pair.a.session));
    end_close(&pair.a);
    pair_visit(&pair, 6);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_int_equal(pair.a.session->sent, 0);
    assert_string_equal(pair.a.session->reason,
                        "closed by the user; the verifiers were never compared");
    pair_free(&pair);
}

static void verifiers_differ(void **state)
{
    struct pair pair;
    (void)state;
    pair_open_lasting(&pair, POLL);
    pair.a.session->verification = VERIFICATION_PENDING;
    end_send(&pair.a, "0 secret");
    pair_visit(&pair, 4);
    assert_int_equal(pair.a.session->state, SESSION_ESTABLISHED);
    end_verify(&pair.a, false);
    pair_visit(&pair, 6);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->result, RESULT_ERRORY);
    assert_int_equal(pair.b.session->received, 0);
    assert_int_equal(pair.b.session->read, 0);
    pair_free(&pair);
}

/* ---- strangers, and peers that misbehave ---- */

static void say(struct stock_connection *connection, json_t *command)
{
    char *text = json_dumps(command, 0);
    stock_receive(connection, text);
    free(text);
    json_decref(command);
}

static void hear_nothing(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

/* Somebody in the place of the newest epoch; in the name of `side`, or of nobody. After epoch 0
 * the sides are others: side_there(). */
static struct stock_connection *intrude(const struct pair *pair, const char *side)
{
    const struct session *session = pair->a.session;
    struct stock_connection *connection = stock_connect(pair->stock, hear_nothing, NULL, NULL);
    struct epoch_place place;
    uint8_t key[KEY_BYTES];
    epoch_places_key(session->root, key);
    epoch_place(key, 0, &place);
    say(connection, json_pack("{s:s,s:s,s:s}", "type", "bind", "appid", session->appid, "side",
                              side == NULL ? "0badbadbad" : side));
    say(connection, json_pack("{s:s,s:s}", "type", "open", "mailbox",
                              session->epoch == 0 ? session->mailbox : place.mailbox));
    return connection;
}

/* Who knows mailbox and sides can add anything in both names: it is not believed, and ends nothing.
 */
static void noise_is_ignored(void **state)
{
    static const char *const phases[] = {
        "0", "1", "5", "wormholed-receipt-0", "wormholed-receipt-7", "nonsense"};
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
        for (int who = 0; who < 2; who++) {
            struct stock_connection *connection =
                intrude(&pair, who == 0 ? pair.a.session->side : pair.b.session->side);
            say(connection, json_pack("{s:s,s:s,s:s}", "type", "add", "phase", phases[i], "body",
                                      "00112233445566778899aabbccddeeff00112233445566778899aabbccdd"
                                      "eeff00112233445566778899"));
            stock_disconnect(connection);
        }
    pair_visit(&pair, 2);
    send_long(&pair.a, 20);
    send_long(&pair.b, 20);
    pair_visit(&pair, 6);
    assert_false(pair.a.session->copied || pair.b.session->copied);
    assert_settled(&pair);
    pair_free(&pair);
}

/* What an end is called in the place of its newest epoch. */
static const char *side_there(const struct end *end, struct epoch_place *ret_place)
{
    const struct session *session = end->session;
    uint8_t key[KEY_BYTES];
    epoch_places_key(session->root, key);
    epoch_place(key, 0, ret_place);
    bool lower = strcmp(session->side, session->peer_side) < 0;
    return session->epoch == 0 ? session->side
                               : ret_place->sides[lower ? EPOCH_ROLE_A : EPOCH_ROLE_B];
}

/* Nor is what belongs to the introduction, in a place that has none. */
static void introductions_are_ignored(void **state)
{
    static const char *const phases[] = {"pake", "version"};
    struct pair pair;
    struct epoch_place place;
    (void)state;
    open_met(&pair, POLL);
    send_long(&pair.a, 20000);
    pair_visit(&pair, 12);
    assert_int_equal(pair.a.session->epoch, 1);
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
        for (int who = 0; who < 2; who++) {
            struct stock_connection *connection =
                intrude(&pair, side_there(who == 0 ? &pair.a : &pair.b, &place));
            say(connection, json_pack("{s:s,s:s,s:s}", "type", "add", "phase", phases[i], "body",
                                      "00112233445566778899aabbccddeeff00112233445566778899aabbccdd"
                                      "eeff00112233445566778899"));
            stock_disconnect(connection);
        }
    send_long(&pair.a, 20);
    send_long(&pair.b, 20);
    pair_visit(&pair, 6);
    assert_false(pair.a.session->copied || pair.b.session->copied);
    assert_int_equal(pair.a.session->state, SESSION_ESTABLISHED);
    assert_int_equal(pair.b.session->state, SESSION_ESTABLISHED);
    read_all(&pair.a);
    read_all(&pair.b);
    pair_visit(&pair, 4);
    assert_settled(&pair);
    pair_free(&pair);
}

/* A third side makes the mailbox crowded: the pair moves on. */
static void crowded(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        assert_int_equal(pair.a.session->epoch, epoch);
        stock_disconnect(intrude(&pair, NULL));
        send_long(&pair.a, 20);
        send_long(&pair.b, 20);
        pair_visit(&pair, 8);
        assert_settled(&pair);
    }
    assert_int_equal(pair.a.session->received, 3);
    pair_free(&pair);
}

/* A statement of b, as it might be. */
static void state_for_b(const struct pair *pair, uint32_t number, const char *text)
{
    const struct session *session = pair->b.session;
    struct stock_connection *connection = intrude(pair, session->side);
    uint8_t message_key[KEY_BYTES], key[KEY_BYTES], sealed[512];
    static const uint8_t nonce[KEYS_NONCE_BYTES] = {1};
    char phase[40];
    assert_int_equal(session->epoch, 0);
    snprintf(phase, sizeof(phase), "wormholed-receipt-%u", number);
    epoch_message_key(session->root, 0, message_key);
    keys_phase(message_key, session->side, phase, key);
    keys_seal(key, nonce, (const uint8_t *)text, strlen(text), sealed);
    char hex[2 * sizeof(sealed) + 1];
    sodium_bin2hex(hex, sizeof(hex), sealed, strlen(text) + KEYS_SEALED_EXTRA);
    say(connection, json_pack("{s:s,s:s,s:s}", "type", "add", "phase", phase, "body", hex));
    stock_disconnect(connection);
}

static void next_changes(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    state_for_b(&pair, 9,
                "{\"delivered\":0,\"read\":0,\"next\":"
                "\"0900000000000000000000000000000000000000000000000000000000000000\"}");
    end_visit(&pair.a);
    pair_visit(&pair, 3);
    assert_int_equal(pair.a.session->result, RESULT_ERRORY);
    assert_non_null(strstr(pair.a.session->reason, "older copy"));
    pair_free(&pair);
}

static void next_is_unusable(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    state_for_b(
        &pair, 9,
        "{\"delivered\":0,\"read\":0,\"next\":"
        "\"0100000000000000000000000000000000000000000000000000000000000000\",\"moved\":true}");
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->epoch, 0);
    assert_int_equal(pair.a.session->state, SESSION_ESTABLISHED);
    pair_free(&pair);
}

/* It says that it has moved, in an epoch in which nothing was said: once a minute is enough. And it
 * is not there: both places are visited, but not often. */
static void moves_for_nothing(void **state)
{
    struct pair pair;
    char text[256], hex[2 * EPOCH_PUBLIC_BYTES + 1];
    (void)state;
    open_met(&pair, "0:600");
    sodium_bin2hex(hex, sizeof(hex), pair.a.session->peer_next, EPOCH_PUBLIC_BYTES);
    snprintf(text, sizeof(text), "{\"delivered\":0,\"read\":0,\"next\":\"%s\",\"moved\":true}",
             hex);
    pair.a.session->epoch_since = pair.a.now + 600000 - 1000;
    state_for_b(&pair, 9, text);
    end_skip(&pair.a);
    int64_t before = pair.a.now;
    end_run(&pair.a);
    assert_int_equal(pair.a.session->epoch, 0);
    end_skip(&pair.a);
    assert_in_range(pair.a.now - before, 30000, 65000);
    end_run(&pair.a);
    assert_int_equal(pair.a.session->epoch, 1);
    unsigned connects = pair.a.connects;
    before = pair.a.now;
    while (pair.a.now < before + 6000 * 1000)
        end_visit(&pair.a);
    assert_in_range(pair.a.connects - connects, 10, 24);
    pair_free(&pair);
}

/* A copy cannot follow, however often it is told to: it comes by its schedule. */
static void copies_do_not_hurry(void **state)
{
    struct pair pair;
    char text[256], hex[2 * EPOCH_PUBLIC_BYTES + 1];
    (void)state;
    open_met(&pair, "0:600");
    sodium_bin2hex(hex, sizeof(hex), pair.a.session->peer_next, EPOCH_PUBLIC_BYTES);
    snprintf(text, sizeof(text), "{\"delivered\":0,\"read\":0,\"next\":\"%s\",\"moved\":true}",
             hex);
    state_for_b(&pair, 9, text);
    pair.a.session->copied = true;
    unsigned connects = pair.a.connects;
    int64_t before = pair.a.now;
    for (int i = 0; i < 100 && pair.a.now < before + 6000 * 1000; i++) {
        end_skip(&pair.a);
        for (int steps = 0; steps < 100 && end_work(&pair.a); steps++)
            continue;
    }
    assert_int_equal(pair.a.session->epoch, 0);
    assert_in_range(pair.a.connects - connects, 8, 12);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(peer_cannot),
        PAIR_TEST(both_can),
        PAIR_TEST(expires_at_both_ends),
        PAIR_TEST(version_comes_late),
        PAIR_TEST(moves_when_idle),
        PAIR_TEST(moves_while_held),
        PAIR_TEST(closes_what_is_over_before_it_moves),
        PAIR_TEST(moves_after_a_week),
        PAIR_TEST(wanted_during_a_visit),
        PAIR_TEST(anything_happens),
        PAIR_TEST(the_outbox_is_a_window),
        PAIR_TEST(old_keys_go),
        PAIR_TEST(restored_in_its_epoch),
        PAIR_TEST(restored_in_a_forgotten_place),
        PAIR_TEST(closes),
        PAIR_TEST(closes_while_away),
        PAIR_TEST(stays_for_the_goodbye),
        PAIR_TEST(closes_while_inbox_is_full),
        PAIR_TEST(both_close),
        PAIR_TEST(closes_too_early),
        PAIR_TEST(closes_in_the_middle_of_a_move),
        PAIR_TEST(delivered_is_sent),
        PAIR_TEST(delivered_is_stored),
        PAIR_TEST(closes_without_an_answer),
        PAIR_TEST(transfer_is_abandoned),
        PAIR_TEST(verifiers_differ),
        PAIR_TEST(noise_is_ignored),
        PAIR_TEST(introductions_are_ignored),
        PAIR_TEST(crowded),
        PAIR_TEST(next_changes),
        PAIR_TEST(next_is_unusable),
        PAIR_TEST(moves_for_nothing),
        PAIR_TEST(copies_do_not_hurry),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

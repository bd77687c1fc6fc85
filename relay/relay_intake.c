#include "config.h"

#include "relay/relay_intake.h"

#include <event2/event.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/timer.h"
#include "relay/relay_connection.h"
#include "relay/relay_yield.h"

/* How often it is looked whether there is a place, and who does not get on, ms. */
#define LOOK_MS 200

enum intake_pace { PACE_SLOW, PACE_PRESSED };

static void enlist(struct relay_connection *connection, struct relay_connection **list)
{
    struct relay_intake *intake = &connection->intake;
    if (intake->list != NULL)
        DL_DELETE2(*intake->list, connection, intake.prev, intake.next);
    intake->list = list;
    if (list != NULL)
        DL_APPEND2(*list, connection, intake.prev, intake.next);
}

static void see(struct relay_connection *connection, enum intake_pace pace, int64_t now)
{
    connection->intake.seen_at[pace] = now;
    connection->intake.seen[pace] = ws_received(connection->ws);
}

/* ---- places for large messages ---- */

static size_t pending(const struct relay_connections *all)
{
    return all->rules != NULL ? rules_pending(all->rules) : 0;
}

static bool has_place(const struct relay_connections *all, size_t wanted)
{
    size_t taken = all->intakes.large_held + pending(all);
    return taken == 0 || taken + wanted <= INTAKE_LARGE_MAX + all->settings.message_max;
}

static void give_place(struct relay_connection *connection, size_t held, int64_t now)
{
    struct relay_intakes *intakes = &connection->all->intakes;
    connection->intake.large = true;
    connection->intake.asks = false;
    connection->intake.held = held;
    intakes->large_held += held;
    enlist(connection, &intakes->large);
    see(connection, PACE_PRESSED, now);
}

static void look_soon(struct relay_connections *all)
{
    struct timeval wait = timer_interval(LOOK_MS);
    if (!evtimer_pending(all->intakes.timer, NULL))
        event_add(all->intakes.timer, &wait);
}

/* In the order in which they came: smaller ones do not pass a larger, which might then wait for
 * ever. */
static void serve_line(struct relay_connections *all)
{
    struct relay_connection *connection, *next;
    DL_FOREACH_SAFE2(all->intakes.line, connection, next, intake.next)
    {
        size_t held = ws_held(connection->ws);
        if (!has_place(all, held))
            break;
        give_place(connection, held, clock_monotonic());
        relay_connection_update_reading(connection);
    }
    if (all->intakes.line != NULL)
        look_soon(all);
}

/* Whoever has sent what stalls has others in the line, most likely with the same in mind. */
static void drop_with_kin(struct relay_connection *connection)
{
    struct relay_connections *all = connection->all;
    struct relay_connection *other, *next;
    DL_FOREACH_SAFE2(all->intakes.line, other, next, intake.next)
    {
        if (relay_yield_is_kin(connection, other))
            relay_connection_drop(other, RELAY_DROP_INPUT);
    }
    relay_connection_drop(connection, RELAY_DROP_INPUT);
}

/* True if it has come on far enough since that was last asked, or not so long ago. It is not to
 * blame for what we do not read. */
static bool gets_on(struct relay_connection *connection, enum intake_pace pace, int64_t now)
{
    static const struct {
        int64_t ms;
        uint64_t bytes;
    } paces[] = {
        [PACE_SLOW] = {INTAKE_SLOW_MS, INTAKE_SLOW_BYTES},
        [PACE_PRESSED] = {INTAKE_PRESSED_MS, INTAKE_PRESSED_BYTES},
    };
    const struct relay_intake *intake = &connection->intake;
    if (now - intake->seen_at[pace] < paces[pace].ms)
        return true;
    bool held_back = connection->wait != NULL || relay_intake_holds_back(connection) ||
                     (connection->client != NULL && rules_busy(connection->client));
    bool on = held_back || ws_received(connection->ws) - intake->seen[pace] >= paces[pace].bytes;
    see(connection, pace, now);
    return on;
}

static struct relay_connection *find_stalled(const struct relay_connections *all, int64_t now)
{
    struct relay_connection *connection;
    DL_FOREACH2(all->intakes.large, connection, intake.next)
    {
        if (!gets_on(connection, PACE_PRESSED, now))
            return connection;
    }
    return NULL;
}

static void drop_stalled(struct relay_connections *all, int64_t now)
{
    for (struct relay_connection *stalled = find_stalled(all, now); stalled != NULL;
         stalled = find_stalled(all, now))
        drop_with_kin(stalled);
}

/* ---- what waits for the store ---- */

void relay_intake_press(struct relay_connections *all)
{
    struct relay_connection *connection, *next;
    /* It ends lower than it begins, since its end costs a walk over all connections. */
    bool pressed = pending(all) > INTAKE_PENDING_MAX / (all->intakes.pressed ? 2 : 1);
    if (pressed)
        look_soon(all);
    if (pressed == all->intakes.pressed)
        return;
    all->intakes.pressed = pressed;
    if (pressed) /* each is held back when it is next heard */
        return;
    DL_FOREACH_SAFE(all->open, connection, next)
    {
        relay_connection_update_reading(connection);
    }
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct relay_connections *all = arg;
    (void)fd;
    (void)what;
    if (all->intakes.line != NULL)
        drop_stalled(all, clock_monotonic());
    serve_line(all);
    relay_intake_press(all);
}

/* ---- one connection ---- */

static void forget_held(struct relay_connection *connection)
{
    struct relay_intake *intake = &connection->intake;
    struct relay_intakes *intakes = &connection->all->intakes;
    *(intake->large ? &intakes->large_held : &intakes->small_held) -= intake->held;
    intake->held = 0;
}

void relay_intake_leave(struct relay_connection *connection)
{
    bool large = connection->intake.large;
    forget_held(connection);
    enlist(connection, NULL);
    connection->intake = (struct relay_intake){.held = 0};
    if (large && connection->all->intakes.line != NULL)
        look_soon(connection->all);
}

static void note_small(struct relay_connection *connection, size_t held)
{
    struct relay_intakes *intakes = &connection->all->intakes;
    connection->intake.held = held;
    intakes->small_held += held;
    if (connection->intake.list != &intakes->small)
        enlist(connection, &intakes->small);
    while (intakes->small_held > INTAKE_SMALL_MAX)
        relay_connection_drop(intakes->small, RELAY_DROP_INPUT);
}

void relay_intake_note(struct relay_connection *connection)
{
    struct relay_connections *all = connection->all;
    struct relay_intake *intake = &connection->intake;
    size_t held = ws_held(connection->ws);
    int64_t now = clock_monotonic();
    if (held == 0) {
        if (intake->list != NULL)
            relay_intake_leave(connection);
        relay_intake_press(all);
        serve_line(all);
        return;
    }
    if (intake->list == NULL)
        see(connection, PACE_SLOW, now);
    if (intake->asks || (intake->large && held <= intake->held))
        return;
    forget_held(connection);
    if (held <= INTAKE_SMALL && !intake->large) {
        note_small(connection, held);
    } else if (has_place(all, held) && (intake->large || all->intakes.line == NULL)) {
        give_place(connection, held, now);
    } else if (intake->large) { /* one more frame of the message would exceed its place */
        drop_with_kin(connection);
    } else {
        intake->asks = true;
        enlist(connection, &all->intakes.line);
        all->counts.waits++;
        look_soon(all);
        relay_connection_update_reading(connection);
    }
}

bool relay_intake_holds_back(const struct relay_connection *connection)
{
    return connection->intake.asks ||
           (connection->all->intakes.pressed && connection->client != NULL &&
            !rules_idle(connection->client));
}

bool relay_intake_gets_on(struct relay_connection *connection, int64_t now)
{
    return connection->intake.list == NULL || gets_on(connection, PACE_SLOW, now);
}

/* ---- all of them ---- */

bool relay_intake_begin(struct relay_connections *all)
{
    all->intakes.timer = evtimer_new(all->base, on_look, all);
    return all->intakes.timer != NULL;
}

void relay_intake_end(struct relay_connections *all)
{
    if (all->intakes.timer != NULL)
        event_free(all->intakes.timer);
}

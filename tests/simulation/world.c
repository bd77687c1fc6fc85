#include "config.h"

#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/rendezvous.h"
#include "tests/simulation/stranger.h"
#include "tests/simulation/strict.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/user.h"
#include "wormhole/code.h"

/* How long accidents happen. */
#define STORM_MIN TIMELINE_MINUTE
#define STORM_MAX (2 * TIMELINE_DAY)
/* Some more than so many accidents, and acts of users. */
#define THINGS_MAX 100
/* When they have stopped, all must have been said after so long, with so many visits of each side:
 * a schedule that has slowed down comes each hour. */
#define CALM_MAX   (2 * TIMELINE_DAY)
#define VISITS_MAX 150
/* Both look in so often then. */
#define ATTEND TIMELINE_MINUTE
/* A relay that is restarted is away for so long. */
#define BOUNCE_MAX   (30 * TIMELINE_MINUTE)
#define FORGET_TRIES 300
/* Nobody's clock is more wrong than that. */
#define CLOCK_ERROR_MAX TIMELINE_HOUR
#define MESSAGES_MAX    10
#define WORDS           "purple-sausages"

/* What this seed has in store, and who lives here. */
struct world {
    struct rendezvous *relay;
    struct user a, b;
    struct strict strict;
    struct stranger stranger;
    bool with_strict;   /* in place of b */
    bool with_stranger; /* somebody else tries the nameplate */
    bool wrong_code;
    bool pruned; /* a stock relay forgot something */
    bool accidents;
    int64_t storm; /* how long they last */
    int64_t accident_every, act_every;
    char nameplate[NAMEPLATE_MAX + 1];
    unsigned crashes;
};

/* ---- two sides, whoever they are ---- */

static void for_each(struct world *world, void (*act)(struct user *))
{
    act(&world->a);
    if (!world->with_strict)
        act(&world->b);
}

/* ---- accidents ---- */

static struct user *somebody(struct world *world)
{
    return world->with_strict || chance_percent(50) ? &world->a : &world->b;
}

static void cut_one(struct world *world)
{
    cable_cut_all(&somebody(world)->machine.net);
}

static void relay_comes_back(void *arg)
{
    struct world *world = arg;
    trace("relay", "is back");
    rendezvous_set_down(world->relay, false);
}

static void bounce(struct world *world)
{
    trace("relay", "goes down");
    rendezvous_set_down(world->relay, true);
    cable_cut_all(NULL);
    timeline_after(chance_spread(1, BOUNCE_MAX), relay_comes_back, world);
}

static void prune(struct world *world)
{
    trace("relay", "forgets what nobody listens to");
    world->pruned |= rendezvous_is_stock(world->relay);
    rendezvous_prune(world->relay);
}

static void crash_one(struct world *world)
{
    world->crashes++;
    machine_crash(&somebody(world)->machine);
}

static void suspend_one(struct world *world)
{
    machine_suspend(&somebody(world)->machine, chance_spread(TIMELINE_SECOND, 8 * TIMELINE_HOUR));
}

static void turn_clock(struct world *world)
{
    struct user *user = somebody(world);
    user->machine.clock_error = chance_between(-CLOCK_ERROR_MAX, CLOCK_ERROR_MAX);
    trace(user->side.who, "has a clock that is %lld s wrong",
          (long long)(user->machine.clock_error / TIMELINE_SECOND));
}

static void stranger_comes(struct world *world)
{
    if (!world->with_stranger || world->nameplate[0] == '\0' || world->stranger.ws != NULL)
        return;
    stranger_begin(&world->stranger, world->relay, world->nameplate);
}

static void accident(void *arg)
{
    static void (*const kinds[])(struct world *) = {
        cut_one,   cut_one,   cut_one,     bounce,     prune,          prune,
        crash_one, crash_one, suspend_one, turn_clock, stranger_comes, stranger_comes};
    struct world *world = arg;
    if (!world->accidents)
        return;
    kinds[chance_below(sizeof kinds / sizeof *kinds)](world);
    timeline_after(chance_spread(1, world->accident_every), accident, world);
}

/* ---- how the second one learns the code ---- */

static void tell_code(struct world *world)
{
    struct session *session = user_session(&world->a);
    if (session == NULL || session->code == NULL || world->nameplate[0] != '\0') {
        session_free(session);
        return;
    }
    code_nameplate(session->code, world->nameplate);
    free(world->b.code);
    world->b.code = strdup(session->code);
    if (world->wrong_code) {
        free(world->b.code);
        if (asprintf(&world->b.code, "%s-guessed-wrongly", world->nameplate) < 0)
            abort();
    }
    session_free(session);
    if (world->with_strict)
        strict_begin(&world->strict, world->relay, world->b.code,
                     (unsigned)chance_below(MESSAGES_MAX));
}

static void act(void *arg)
{
    struct world *world = arg;
    if (!world->accidents)
        return;
    tell_code(world);
    if (world->with_strict || world->b.code == NULL || chance_percent(50))
        user_act(&world->a);
    else
        user_act(&world->b);
    timeline_after(chance_spread(1, world->act_every), act, world);
}

/* ---- the beginning ---- */

/* With the visits that each stir may bring about: what the schedule asks for, some that fail, one
 * to tell and one to hear. */
static const struct {
    const char *text;
    unsigned visits, weight;
} schedules[] = {
    {"email", 20, 6}, {"realtime", 12, 3},      {"0:0", 12, 3},       {"0:0,120:600", 12, 3},
    {"0:60", 20, 3},  {"0:20,300:3600", 40, 3}, {"0:1,60:60", 80, 1}, {"0:0.5,30:30", 90, 1},
};

static unsigned draw_schedule(void)
{
    unsigned kind = 0, weights = 0;
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
        weights += schedules[i].weight;
    for (unsigned left = (unsigned)chance_below(weights); left >= schedules[kind].weight; kind++)
        left -= schedules[kind].weight;
    return kind;
}

static void draw_user(struct user *user)
{
    bool hard = chance_percent(50);
    unsigned kind = draw_schedule();
    user->schedule = schedules[kind].text;
    user->side.visits_a_stir = schedules[kind].visits;
    user->verify = chance_percent(15);
    user->to_send = (unsigned)chance_below(MESSAGES_MAX);
    if (!hard)
        return;
    user->machine.luck = (struct machine_luck){
        .crash_before = (unsigned)chance_below(4),
        .crash_after = (unsigned)chance_below(4),
        .crash_later = (unsigned)chance_below(4),
        .full = (unsigned)chance_below(4),
        .broken = (unsigned)chance_below(4),
    };
}

static void draw_weather(void)
{
    const struct cable_weather weather = {
        .delay_max = chance_spread(2, 30 * TIMELINE_SECOND),
        .lose = (unsigned)chance_below(6),
        .refuse = (unsigned)chance_below(20),
    };
    cable_set_weather(&weather);
}

static void begin(struct world *world)
{
    *world = (struct world){.accidents = true};
    world->relay = chance_percent(50) ? rendezvous_new_ours() : rendezvous_new_stock();
    user_begin(&world->a, "a", world->relay);
    user_begin(&world->b, "b", world->relay);
    world->a.side.peer = &world->b.side;
    world->b.side.peer = &world->a.side;
    draw_user(&world->a);
    draw_user(&world->b);
    draw_weather();
    world->with_strict = chance_percent(15);
    world->with_stranger = chance_percent(15);
    world->wrong_code = !world->with_strict && chance_percent(10);
    world->storm = chance_spread(STORM_MIN, STORM_MAX);
    world->accident_every = chance_spread(world->storm / THINGS_MAX, world->storm / 2);
    world->act_every = chance_spread(world->storm / THINGS_MAX, world->storm / 10);
    if (chance_percent(50))
        world->a.code = strdup("4-" WORDS);
    world->a.side.deaf = world->b.side.deaf = world->wrong_code;
    if (world->with_strict)
        world->a.side.peer = NULL;
    trace("world", "%s relay%s%s%s; a: %s, b: %s",
          rendezvous_is_stock(world->relay) ? "stock" : "our", world->with_strict ? ", strict" : "",
          world->with_stranger ? ", stranger" : "", world->wrong_code ? ", wrong code" : "",
          world->a.schedule, world->b.schedule);
    act(world);
    timeline_after(chance_spread(1, world->accident_every), accident, world);
}

static void end(struct world *world)
{
    user_end(&world->a);
    user_end(&world->b);
    cable_forget_all();
    timeline_begin();
    rendezvous_free(world->relay);
}

/* ---- time goes by ---- */

static int64_t next_thing(struct world *world)
{
    int64_t next = timeline_next();
    int64_t a = machine_next(&world->a.machine), b = machine_next(&world->b.machine);
    if (a < next)
        next = a;
    return b < next ? b : next;
}

static void go_until(struct world *world, int64_t when)
{
    while (timeline_now() < when && trace_failure() == NULL) {
        int64_t next = next_thing(world);
        timeline_go(next < when ? next : when);
        machine_work(&world->a.machine);
        machine_work(&world->b.machine);
    }
}

/* ---- calm ---- */

static void calm_user(struct user *user)
{
    user->machine.luck = (struct machine_luck){0};
    user->machine.clock_error = 0;
    user->machine.asleep_until = 0;
    user->side.begun = user->side.begun || disk_first(user->machine.disk, user->side.id);
    user->side.dials.count = 0;
}

/* From now on nothing bad happens any more, but what was cut still has to be noticed. */
static void calm(struct world *world)
{
    static const struct cable_weather fine = {.delay_max = 50};
    trace("world", "all accidents have stopped");
    world->accidents = false;
    cable_set_weather(&fine);
    rendezvous_set_down(world->relay, false);
    go_until(world, timeline_now() + 1); /* a machine that crashes just now is down then */
    machine_start(&world->a.machine);
    machine_start(&world->b.machine);
    calm_user(&world->a);
    calm_user(&world->b);
}

static bool has_ended(const struct session *session)
{
    return session != NULL && session->state >= SESSION_CLOSING;
}

static bool all_said(const struct user *from, const struct session *session,
                     const struct session *peer)
{
    return session->state == SESSION_ESTABLISHED && from->to_send == 0 &&
           session->stored == session->sent && peer->received == session->sent &&
           peer->acked == session->sent;
}

/* Everything that both have to say has arrived and was read. */
static bool is_done(struct world *world)
{
    struct session *a = user_session(&world->a), *b = user_session(&world->b);
    bool done = a != NULL && b != NULL && all_said(&world->a, a, b) && all_said(&world->b, b, a);
    session_free(a);
    session_free(b);
    return done;
}

static bool both_ended(struct world *world)
{
    struct session *a = user_session(&world->a), *b = user_session(&world->b);
    bool ended = has_ended(a) && (world->with_strict || has_ended(b));
    session_free(a);
    session_free(b);
    return ended;
}

/* Nobody but the two has meddled: then they must find each other. */
static bool is_honest(const struct world *world)
{
    return !world->with_strict && !world->with_stranger && !world->wrong_code;
}

static void describe(const struct user *user, char *ret_text, size_t size)
{
    struct session *session = user_session(user);
    if (session == NULL)
        snprintf(ret_text, size, "none");
    else
        snprintf(ret_text, size, "%s%s%s, %u of %u sent, %u of %u read, %s",
                 session_state_name(session->state), session->reason ? ": " : "",
                 session->reason ? session->reason : "", session->stored, session->sent,
                 session->acked, session->received,
                 session->last_error ? session->last_error : "no error");
    session_free(session);
}

static void fail_unfinished(struct world *world, const char *what)
{
    char a[256], b[256];
    describe(&world->a, a, sizeof a);
    describe(&world->b, b, sizeof b);
    trace_fail("%s: a is %s; b is %s", what, a, b);
}

/* Schedules of one's own come as often as they say. */
static void count_visits(const struct user *user, struct world_counts *counts)
{
    unsigned visits = user->side.dials.count;
    if (strchr(user->schedule, ':') != NULL)
        return;
    if (visits > counts->most_visits)
        counts->most_visits = visits;
    if (visits > VISITS_MAX)
        trace_fail("%s visited %u times before all was said", user->side.who, visits);
}

static void say_all(struct world *world, struct world_counts *counts)
{
    int64_t late = timeline_now() + CALM_MAX;
    while (trace_failure() == NULL && !is_done(world) && !both_ended(world) &&
           timeline_now() < late) {
        tell_code(world);
        user_attend(&world->a);
        if (!world->with_strict && world->b.code != NULL)
            user_attend(&world->b);
        go_until(world, timeline_now() + ATTEND);
    }
    if (!is_honest(world))
        return;
    if (!is_done(world))
        fail_unfinished(world, "two honest sides did not come together");
    count_visits(&world->a, counts);
    count_visits(&world->b, counts);
}

/* ---- the end of both sessions ---- */

static bool is_closed(const struct user *user)
{
    struct session *session = user_session(user);
    bool closed = session == NULL || session->state == SESSION_CLOSED;
    session_free(session);
    return closed;
}

static void close_all(struct world *world)
{
    int64_t late = timeline_now() + CALM_MAX;
    while (trace_failure() == NULL && timeline_now() < late &&
           !(is_closed(&world->a) && is_closed(&world->b))) {
        for_each(world, user_close); /* again, where the machine was down */
        go_until(world, timeline_now() + ATTEND);
    }
    if (!is_closed(&world->a) || !is_closed(&world->b))
        fail_unfinished(world, "a session does not end");
    /* What was added to a mailbox that a stock relay has just forgotten stays there for ever; and
     * nobody knows a nameplate whose `allocated` was lost. */
    bool lost = world->pruned || world->a.side.allocates > 1 || world->b.side.allocates > 1;
    if (is_honest(world) && !lost && !rendezvous_is_empty(world->relay))
        trace_fail("both have closed, and something of theirs is still at the relay");
}

static unsigned left(const struct world *world)
{
    return disk_count(world->a.machine.disk) + disk_count(world->b.machine.disk);
}

static void forget_all(struct world *world)
{
    for (int i = 0; i < FORGET_TRIES && left(world) > 0; i++) {
        for_each(world, user_forget); /* again, where the machine was down */
        go_until(world, timeline_now() + ATTEND);
    }
    if (trace_failure() == NULL && left(world) > 0)
        fail_unfinished(world, "something of a forgotten session is still in the store");
}

/* ---- a life ---- */

static void count(const struct world *world, struct world_counts *counts)
{
    counts->worlds++;
    counts->time += timeline_now();
    counts->messages += world->a.side.sent_count + world->b.side.sent_count;
    counts->crashes += world->crashes;
}

const char *world_live(uint64_t seed, bool loud, struct world_counts *counts)
{
    struct world world;
    chance_seed(seed);
    timeline_begin();
    trace_begin(loud);
    begin(&world);
    go_until(&world, world.storm);
    calm(&world);
    say_all(&world, counts);
    close_all(&world);
    forget_all(&world);
    count(&world, counts);
    end(&world);
    return trace_failure();
}

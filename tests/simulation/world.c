#include "config.h"

#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/world_parts.h"

/* How long our relay keeps what nobody visits: longer than any schedule pauses, or for ever. */
#define RETENTION_MIN  (2 * TIMELINE_HOUR)
#define RETENTION_MAX  (2 * TIMELINE_DAY)
#define RETENTION_EVER (400 * TIMELINE_DAY)
/* Somebody compares the verifiers as late after the last accident, in storms: where one lasts for
 * days, after days; where somebody comes each minute, after hours. */
#define COMPARES_SHARE 4
/* So often, per cent, a forgetful stock one forgets what somebody has left. */
#define FORGETS_MAX 80
/* How many sessions may share a connection to our relay: none, if it is an older one; or so few
 * that two on a machine do not always find place. */
static const unsigned channel_counts[] = {0, 1, 2, 1024};
/* What our relay reads of a mailbox at a time: mailboxes of more send their sessions away from a
 * shared connection. */
#define PIECE_SMALL 500
#define PIECE_LARGE 250000
/* Of a strict peer. */
#define MESSAGES_MAX 10

/* ---- who lives here ---- */

void world_each(struct world *world, void (*act)(struct user *))
{
    for (unsigned i = 0; world->users[i] != NULL; i++)
        if (world->users[i] == &world->people[WHO_A] || world->users[i]->code != NULL)
            act(world->users[i]);
}

bool world_is_honest(const struct world *world)
{
    for (unsigned i = 0; world->users[i] != NULL; i++)
        if (world->users[i]->parted)
            return false;
    return !world->with_strict && !world->with_stranger && !world->with_third && !world->wrong_code;
}

/* ---- how the others learn the code ---- */

static void set_code(struct user *user, const char *code)
{
    if (user->code == NULL && user->side.who != NULL)
        user->code = strdup(code);
}

static void tell_code(struct world *world, const char *code)
{
    char wrong[CODE_MAX + 1];
    snprintf(wrong, sizeof(wrong), "%s-guessed-wrongly", world->nameplate);
    set_code(&world->people[WHO_B], world->wrong_code ? wrong : code);
    set_code(&world->people[WHO_C], code);
    if (world->with_strict)
        strict_begin(&world->strict, world->relay, code, world->people[WHO_A].side.text,
                     (unsigned)chance_below(MESSAGES_MAX));
}

void world_tell_codes(struct world *world)
{
    const struct session *session = user_session(&world->people[WHO_A]);
    if (session == NULL || session_code(session) == NULL || world->nameplate[0] != '\0')
        return;
    code_nameplate(session->code, world->nameplate);
    strcpy(world->code, session->code);
    tell_code(world, world->code);
}

/* ---- time goes by ---- */

static void act(void *arg)
{
    struct world *world = arg;
    unsigned count = 0;
    if (!world->accidents)
        return;
    while (world->users[count] != NULL)
        count++;
    world_tell_codes(world);
    struct user *user = world->users[chance_below(count)];
    user_act(user->code == NULL ? &world->people[WHO_A] : user);
    timeline_after(chance_spread(1, world->act_every), act, world);
}

static int64_t next_thing(struct world *world)
{
    int64_t next = timeline_next();
    for (int i = 0; i < WORLD_HOMES; i++) {
        int64_t other = machine_next(&world->homes[i].machine);
        next = other < next ? other : next;
    }
    return next;
}

void world_go(struct world *world, int64_t ms)
{
    int64_t when = timeline_now() + ms;
    while (timeline_now() < when && trace_failure() == NULL) {
        int64_t next = next_thing(world);
        timeline_go(next < when ? next : when);
        for (int i = 0; i < WORLD_HOMES; i++)
            machine_work(&world->homes[i].machine);
    }
}

/* ---- a life ---- */

static struct rendezvous *draw_relay(struct world *world)
{
    if (chance_percent(50)) {
        struct rendezvous *relay = rendezvous_new_stock();
        world->ages = chance_percent(20);
        if (world->ages)
            rendezvous_age(relay);
        world->seldom = world->ages && chance_percent(20);
        if (chance_percent(30))
            rendezvous_set_forgetful(relay, (unsigned)chance_below(FORGETS_MAX));
        return relay;
    }
    world->expires = chance_percent(30);
    int64_t retention =
        world->expires ? chance_spread(RETENTION_MIN, RETENTION_MAX) : RETENTION_EVER;
    unsigned channels = channel_counts[chance_below(sizeof(channel_counts) / sizeof(unsigned))];
    unsigned form = (unsigned)chance_below(100);
    return rendezvous_new_ours(retention, channels, form < 20 ? PIECE_SMALL : PIECE_LARGE,
                               1 + form % 2);
}

static void begin(struct world *world)
{
    static const char *const names[WORLD_HOMES] = {"home", "office", "train"};
    *world = (struct world){.accidents = true};
    world->relay = draw_relay(world);
    for (int i = 0; i < WORLD_HOMES; i++)
        home_begin(&world->homes[i], names[i], world->relay, world->users);
    scenario_draw(world);
    act(world);
    accidents_begin(world);
}

static void calm_home(struct home *home)
{
    machine_start(&home->machine);
    home->machine.luck = (struct machine_luck){0};
    home->machine.clock_error = 0;
    home->machine.asleep_until = 0;
    home->dials.count = 0;
}

static void calm_user(const struct world *world, struct user *user)
{
    user->parting = PARTS_LATE;
    user->compares = timeline_now();
    if (user->slow)
        user->compares += chance_spread(TIMELINE_MINUTE, COMPARES_SHARE * world->storm);
    judge_stirred(&user->side); /* its clock is right again */
}

/* From now on nothing bad happens any more, but what was cut still has to be noticed. */
static void calm(struct world *world)
{
    static const struct cable_weather fine = {.delay_max = 50};
    trace("world", "all accidents have stopped");
    world->accidents = false;
    cable_set_weather(&fine);
    rendezvous_set_down(world->relay, false);
    rendezvous_fail(world->relay, RELAY_DONE);
    rendezvous_set_forgetful(world->relay, 0);
    world_go(world, 1); /* a machine that crashes just now is down then */
    for (int i = 0; i < WORLD_HOMES; i++)
        calm_home(&world->homes[i]);
    for (unsigned i = 0; world->users[i] != NULL; i++)
        calm_user(world, world->users[i]);
}

static void end(struct world *world)
{
    for (int i = 0; i < WORLD_HOMES; i++)
        home_end(&world->homes[i]);
    for (unsigned i = 0; world->users[i] != NULL; i++)
        user_end(world->users[i]);
    if (world->users[WHO_B] == NULL)
        free(world->people[WHO_B].code);
    cable_forget_all();
    timeline_begin();
    rendezvous_free(world->relay);
}

static void count(const struct world *world, struct world_counts *counts)
{
    counts->worlds++;
    counts->time += timeline_now();
    for (unsigned i = 0; world->users[i] != NULL; i++)
        counts->messages += world->users[i]->side.sent_count;
}

const char *world_live(uint64_t seed, bool loud, struct world_counts *counts)
{
    static struct world world;
    chance_seed(seed);
    timeline_begin();
    trace_begin(loud);
    begin(&world);
    if (seed % 2 == 1)
        rendezvous_resume(world.relay);
    world_go(&world, world.storm);
    calm(&world);
    promises_keep(&world, counts);
    count(&world, counts);
    end(&world);
    return trace_failure();
}

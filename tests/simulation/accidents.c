/* What goes wrong. */
#include "config.h"

#include <stdlib.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/world_parts.h"

/* A relay that is restarted is away for so long; one whose disk fails is mended after so long. */
#define BOUNCE_MAX (30 * TIMELINE_MINUTE)
#define FAULT_MAX  (10 * TIMELINE_MINUTE)
/* A clock that leaps comes back after so long: base/clock_watch.h doubts it for longer. */
#define LEAP_MAX (20 * TIMELINE_SECOND)
/* Some clocks are a little wrong, some in another day or season. */
#define CLOCK_ERROR_MAX TIMELINE_HOUR
#define MONTHS          (180 * TIMELINE_DAY)
#define SUSPEND_MAX     (8 * TIMELINE_HOUR)

static struct home *somewhere(struct world *world)
{
    return &world->homes[chance_below(world->with_third || world->with_second ? WORLD_HOMES : 2)];
}

/* ---- the network ---- */

static void cut_one(struct world *world)
{
    cable_cut_all(&somewhere(world)->machine.net);
}

/* ---- the relay ---- */

static void come_back(void *arg)
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
    if (chance_percent(50))
        rendezvous_lose(world->relay);
    timeline_after(chance_spread(1, BOUNCE_MAX), come_back, world);
}

static void prune(struct world *world)
{
    trace("relay", "forgets what nobody listens to");
    rendezvous_prune(world->relay);
}

/* A strict peer dies where the messages of one side are misplaced, and the stock clients with it:
 * there it is no fault of ours. */
static void shuffle(struct world *world)
{
    rendezvous_shuffle(world->relay, world->with_strict);
}

static void mend(void *arg)
{
    struct world *world = arg;
    rendezvous_fail(world->relay, RELAY_DONE);
}

static void break_disk(struct world *world)
{
    uint64_t chance = chance_below(100);
    enum relay_result result = chance < 25   ? RELAY_IN_DOUBT
                               : chance < 50 ? RELAY_BROKEN
                                             : RELAY_FULL;
    trace("relay", "has a disk that fails");
    rendezvous_fail(world->relay, result);
    timeline_after(chance_spread(1, FAULT_MAX), mend, world);
}

/* ---- machines ---- */

static void crash_one(struct world *world)
{
    machine_crash(&somewhere(world)->machine);
}

static void suspend_one(struct world *world)
{
    struct home *home = somewhere(world);
    machine_suspend(&home->machine, chance_spread(TIMELINE_SECOND, SUSPEND_MAX));
    if (chance_percent(50))
        cable_cut_all(&home->machine.net);
}

/* A session that looks at a clock that jumps begins its schedule anew. */
static void warn_judge(struct world *world)
{
    for (unsigned i = 0; world->users[i] != NULL; i++)
        judge_stirred(&world->users[i]->side);
}

static void turn_clock(struct world *world)
{
    static const int64_t most[] = {CLOCK_ERROR_MAX, CLOCK_ERROR_MAX, TIMELINE_DAY, MONTHS};
    struct home *home = somewhere(world);
    size_t kind = chance_below(sizeof(most) / sizeof(*most));
    home->machine.clock_error = chance_between(-most[kind], most[kind]);
    warn_judge(world);
    trace(home->machine.name, "has a clock that is %lld s wrong",
          (long long)(home->machine.clock_error / TIMELINE_SECOND));
}

static void leap_back(void *arg)
{
    struct home *home = arg;
    if (home->machine.clock_leap != 0)
        trace(home->machine.name, "has its clock back");
    home->machine.clock_leap = 0;
}

/* Past everybody's deadline, and back again. */
static void leap_clock(struct world *world)
{
    struct home *home = somewhere(world);
    trace(home->machine.name, "has a clock that leaps ahead");
    home->machine.clock_leap = USER_TIMEOUT + TIMELINE_DAY;
    timeline_after(chance_spread(1, LEAP_MAX), leap_back, home);
    warn_judge(world);
}

/* ---- strangers ---- */

static void stranger_comes(struct world *world)
{
    if (world->with_stranger && world->nameplate[0] != '\0' && world->stranger.ws == NULL)
        stranger_begin(&world->stranger, world->relay, world->nameplate);
}

static void accident(void *arg)
{
    static void (*const kinds[])(struct world *) = {
        cut_one,        cut_one,        cut_one,   bounce,      bounce,     prune,
        prune,          crash_one,      crash_one, suspend_one, turn_clock, leap_clock,
        stranger_comes, stranger_comes, shuffle,   break_disk};
    struct world *world = arg;
    if (!world->accidents)
        return;
    kinds[chance_below(sizeof(kinds) / sizeof(*kinds))](world);
    timeline_after(chance_spread(1, world->accident_every), accident, world);
}

void accidents_begin(struct world *world)
{
    timeline_after(chance_spread(1, world->accident_every), accident, world);
}

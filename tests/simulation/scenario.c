/* What a seed has in store. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/world_parts.h"

/* How long accidents happen, at least. */
#define STORM_MIN TIMELINE_MINUTE
/* Some more than so many accidents, and acts of users. */
#define THINGS_MAX   100
#define MESSAGES_MAX 10
/* A flood is more than are added without waiting, and less than the judge remembers. */
#define FLOOD 50
#define WORDS "purple-sausages"

/* With the visits that each stir may bring about: what the schedule asks for, some that fail, one
 * to tell and one to hear. And how long the storm may last: who comes often lives through as much
 * in a shorter time. */
static const struct {
    const char *text;
    unsigned visits, weight;
    int64_t storm;
} schedules[] = {
    {"email", 20, 6, 2 * TIMELINE_DAY},
    {"realtime", 12, 3, TIMELINE_DAY},
    {"0:0", 12, 3, TIMELINE_DAY},
    {"0:0,120:600", 12, 3, TIMELINE_DAY},
    {"0:60", 20, 3, 4 * TIMELINE_HOUR},
    {"0:20,300:3600", 40, 3, 2 * TIMELINE_DAY},
    {"0:1,60:60", 80, 1, 3 * TIMELINE_HOUR},
    {"0:0.5,30:30", 90, 1, 2 * TIMELINE_HOUR},
    {"0:20,300:43200", 40, 0, 2 * TIMELINE_DAY},
};

#define SELDOM (sizeof(schedules) / sizeof(*schedules) - 1)
/* Each visit replays the whole mailbox: a flood is for those of the first ones, who do not come all
 * the time. */
#define CALM_SCHEDULES 5

static unsigned draw_schedule(const struct world *world)
{
    unsigned kind = 0, weights = 0;
    if (world->seldom)
        return SELDOM;
    if (world->floods)
        return (unsigned)chance_below(CALM_SCHEDULES);
    for (size_t i = 0; i < sizeof(schedules) / sizeof(*schedules); i++)
        weights += schedules[i].weight;
    for (unsigned left = (unsigned)chance_below(weights); left >= schedules[kind].weight; kind++)
        left -= schedules[kind].weight;
    return kind;
}

static void draw_parting(struct user *user)
{
    static const enum parting kinds[] = {PARTS_EARLY, PARTS_EARLY, PARTS_BY_FORGETTING,
                                         PARTS_BY_DOUBT};
    if (chance_percent(12))
        user->parting = kinds[chance_below(sizeof(kinds) / sizeof(*kinds))];
}

static void draw_luck(struct home *home)
{
    home->machine.luck.attended = 5;
    if (chance_percent(50))
        return;
    home->machine.luck = (struct machine_luck){
        .attended = home->machine.luck.attended,
        .crash_before = (unsigned)chance_below(4),
        .crash_after = (unsigned)chance_below(4),
        .crash_later = (unsigned)chance_below(4),
        .full = (unsigned)chance_below(4),
        .broken = (unsigned)chance_below(4),
    };
}

static void draw_user(struct world *world, struct user *user)
{
    unsigned kind = draw_schedule(world);
    user->schedule = schedules[kind].text;
    user->side.visits_a_stir = schedules[kind].visits;
    if (schedules[kind].storm < world->storm)
        world->storm = schedules[kind].storm;
    user->verify = chance_percent(15);
    user->slow = chance_percent(50);
    user->to_send =
        world->floods && chance_percent(50) ? FLOOD : (unsigned)chance_below(MESSAGES_MAX);
    user->inbox_messages = chance_percent(20) ? 1 + (uint32_t)chance_below(4) : 0;
    if (chance_percent(15))
        user->target = &world->homes[WORLD_HOMES - 1];
    draw_parting(user);
}

static void draw_weather(const struct world *world)
{
    const struct cable_weather weather = {
        .delay_max = chance_spread(2, 30 * TIMELINE_SECOND),
        .lose = (unsigned)chance_below(6),
        .refuse = (unsigned)chance_below(20),
        .repeat = world->with_strict ? 0 : (unsigned)chance_below(10),
    };
    cable_set_weather(&weather);
}

/* ---- who lives where, and with whom ---- */

static void move_in(struct world *world, enum who who, const char *name, unsigned home)
{
    struct user *user = &world->people[who];
    unsigned place = 0;
    user_begin(user, name, &world->homes[home]);
    draw_user(world, user);
    while (world->users[place] != NULL)
        place++;
    world->users[place] = user;
}

static const struct home *last_home(const struct user *user)
{
    return user->target != NULL ? user->target : user->home;
}

/* A daemon does not let its own sessions meet: nobody moves to where the other is. */
static void may_meet(struct world *world, enum who one, enum who other)
{
    struct user *user = &world->people[one];
    struct judge_side *side = &user->side;
    side->peers[side->peers[0] != NULL] = &world->people[other].side;
    if (last_home(user) == last_home(&world->people[other]))
        user->target = NULL;
}

/* On a third machine. */
static void draw_third(struct world *world)
{
    move_in(world, WHO_C, "c", 2);
    for (enum who who = WHO_A; who <= WHO_B; who++) {
        may_meet(world, who, WHO_C);
        may_meet(world, WHO_C, who);
    }
}

/* Another pair: two sessions on one machine. */
static void draw_second(struct world *world)
{
    move_in(world, WHO_C, "c", 0);
    move_in(world, WHO_D, "d", 2);
    may_meet(world, WHO_C, WHO_D);
    may_meet(world, WHO_D, WHO_C);
    world->people[WHO_C].code = strdup("7-" WORDS);
    world->people[WHO_D].code = strdup("7-" WORDS);
}

static void draw_people(struct world *world)
{
    move_in(world, WHO_A, "a", 0);
    if (!world->with_strict) {
        move_in(world, WHO_B, "b", 1);
        may_meet(world, WHO_A, WHO_B);
        may_meet(world, WHO_B, WHO_A);
    }
    if (world->with_third)
        draw_third(world);
    if (world->with_second)
        draw_second(world);
}

/* Nameplates that were forgotten are given to others: a second pair needs codes of its own, and so
 * does whoever comes before the first. */
static void draw_codes(struct world *world)
{
    struct user *a = &world->people[WHO_A], *b = &world->people[WHO_B];
    bool agreed = world->with_second || chance_percent(50);
    if (agreed)
        a->code = strdup("4-" WORDS);
    if (world->wrong_code && agreed && chance_percent(50))
        b->code = strdup("4-guessed-wrongly");
    else if (agreed && chance_percent(50))
        b->code = world->wrong_code ? NULL : strdup(a->code);
    a->side.inbox_full = b->side.inbox_full = world->wrong_code;
}

static void draw_meddlers(struct world *world)
{
    unsigned lot = (unsigned)chance_below(100);
    world->with_strict = lot < 15;
    world->wrong_code = lot >= 15 && lot < 25;
    world->with_third = lot >= 25 && lot < 32;
    world->with_second = lot >= 32 && lot < 42;
    world->with_stranger = !world->with_second && chance_percent(15);
}

/* Sessions last, but for some users who want only one exchange, and in one world of four all do.
 * Drawn from what was drawn, so that these stay the worlds that they were before sessions lasted.
 */
static void draw_lasting(struct world *world)
{
    if (world->storm % 4 == 0)
        return;
    for (unsigned i = 0; world->users[i] != NULL; i++)
        world->users[i]->lasting = (world->act_every >> i) % 8 != 0;
}

/* ---- all of it ---- */

static void tell(const struct world *world)
{
    trace("world", "%s relay%s%s%s%s%s", rendezvous_is_stock(world->relay) ? "stock" : "our",
          world->with_strict ? ", strict peer" : "", world->with_stranger ? ", stranger" : "",
          world->wrong_code ? ", wrong code" : "", world->with_third ? ", third user" : "",
          world->with_second ? ", second pair" : "");
    for (unsigned i = 0; world->users[i] != NULL; i++)
        trace(world->users[i]->side.who, "schedule %s; on %s%s", world->users[i]->schedule,
              world->users[i]->home->machine.name, world->users[i]->lasting ? "; lasting" : "");
}

void scenario_draw(struct world *world)
{
    world->storm = 2 * TIMELINE_DAY;
    world->floods = chance_percent(8);
    draw_meddlers(world);
    draw_people(world);
    draw_codes(world);
    draw_weather(world);
    for (int i = 0; i < WORLD_HOMES; i++)
        draw_luck(&world->homes[i]);
    world->storm = chance_spread(STORM_MIN, world->storm);
    world->accident_every = chance_spread(world->storm / THINGS_MAX, world->storm / 2);
    world->act_every = chance_spread(world->storm / THINGS_MAX, world->storm / 10);
    draw_lasting(world);
    tell(world);
}

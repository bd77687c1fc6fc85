#include "config.h"

#include "tests/simulation/chance.h"

#include <sodium.h>
#include <string.h>

/* Two streams: what the programs under test draw must not shift what happens to them, so that a
 * change of theirs leaves the world's accidents as they were. */
static uint64_t accidents, secrets;

/* splitmix64 (public domain, Sebastiano Vigna) */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static const char *name(void)
{
    return "simulation";
}

static uint32_t draw_number(void)
{
    return (uint32_t)next(&secrets);
}

static void draw_bytes(void *const buffer, const size_t length)
{
    uint8_t *bytes = buffer;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)next(&secrets);
}

void chance_seed(uint64_t seed)
{
    static randombytes_implementation implementation = {
        .implementation_name = name, .random = draw_number, .buf = draw_bytes};
    static bool replaced;
    if (!replaced)
        randombytes_set_implementation(&implementation);
    replaced = true;
    accidents = seed;
    secrets = ~seed;
}

uint64_t chance_below(uint64_t below)
{
    return next(&accidents) % below;
}

int64_t chance_between(int64_t least, int64_t most)
{
    return least + (int64_t)chance_below((uint64_t)(most - least) + 1);
}

int64_t chance_spread(int64_t least, int64_t most)
{
    int64_t top = least;
    int doublings = 0;
    while (top < most) {
        top *= 2;
        doublings++;
    }
    top = least << chance_below((uint64_t)doublings + 1);
    return chance_between(top / 2 < least ? least : top / 2, top < most ? top : most);
}

bool chance_percent(unsigned percent)
{
    return chance_below(100) < percent;
}

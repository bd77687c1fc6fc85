/* Lives one simulated world after the other; tests/simulation/README.md says what for. */
#include "config.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/timeline.h"
#include "tests/simulation/world.h"

static const char usage[] = "Usage: simulate [--seeds FROM-TO] [--trace]\n"
                            "Lives the worlds of these seeds (1-1000) and stops at the first in "
                            "which a promise is broken.\n"
                            "  --seeds FROM-TO  FROM alone is this one; FROM- goes on for ever\n"
                            "  --trace          tell all that happens\n";

struct range {
    uint64_t from, to;
};

static bool parse_range(const char *text, struct range *ret_range)
{
    char *end;
    ret_range->from = ret_range->to = strtoull(text, &end, 10);
    if (*end == '-') {
        text = end + 1;
        ret_range->to = *text == '\0' ? UINT64_MAX : strtoull(text, &end, 10);
        end = *text == '\0' ? (char *)text : end;
    }
    return *end == '\0' && ret_range->from <= ret_range->to;
}

static void report(const struct world_counts *counts)
{
    printf("# %" PRIu64 " worlds, %" PRId64 " simulated days, %" PRIu64
           " messages; at most %u visits of one side from the end of the accidents until all was "
           "said; %" PRIu64 " times the relay made that impossible\n",
           counts->worlds, counts->time / TIMELINE_DAY, counts->messages, counts->most_visits,
           counts->loners);
}

/* The status that make's test driver, and a shell, understand. */
static int live(const struct range *range, bool loud)
{
    struct world_counts counts = {0};
    for (uint64_t seed = range->from;; seed++) {
        const char *broken = world_live(seed, loud, &counts);
        if (broken != NULL) {
            printf("seed %" PRIu64 ": %s\n", seed, broken);
            report(&counts);
            return EXIT_FAILURE;
        }
        if (seed == range->to)
            break;
    }
    report(&counts);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct range range = {1, 1000};
    bool loud = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            loud = true;
        } else if (strcmp(argv[i], "--seeds") != 0 || i + 1 == argc ||
                   !parse_range(argv[++i], &range)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    return sodium_init() < 0 ? EXIT_FAILURE : live(&range, loud);
}

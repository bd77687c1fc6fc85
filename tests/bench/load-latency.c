/* From one side's `add` to its arrival at the other, one at a time. */
#include "config.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load.h"

#define BODY_BYTES 200
/* Rounds that are not counted. */
#define WARM_UP 20

struct lane {
    struct load load;
    struct talker left, right;
    char mailbox[LOAD_SIDE_SIZE];
    unsigned ready; /* sides that listen */
    unsigned heard; /* sides that have heard the present message */
    size_t wanted, round;
    int64_t said;
    double *times; /* ms */
};

static void next(struct lane *lane)
{
    char phase[24];

    if (lane->round == lane->wanted + WARM_UP) {
        event_base_loopbreak(lane->load.base);
        return;
    }
    snprintf(phase, sizeof(phase), "%zu", lane->round);
    lane->heard = 0;
    lane->said = load_now();
    talker_add(&lane->left, phase, BODY_BYTES);
}

static void on_message(struct lane *lane, const struct talker *talker)
{
    if (talker == &lane->right && lane->round >= WARM_UP)
        lane->times[lane->round - WARM_UP] = (double)(load_now() - lane->said) / 1000;
    if (++lane->heard < 2)
        return;
    lane->round++;
    next(lane);
}

static void on_heard(struct talker *talker, const struct wire_message *message)
{
    struct lane *lane = talker->arg;

    if (message->type == WIRE_WELCOME) {
        talker_say(talker, wire_encode_open(lane->mailbox, NULL));
        talker_say(talker, wire_encode_ping(1));
    } else if (message->type == WIRE_PONG && ++lane->ready == 2) {
        next(lane);
    } else if (message->type == WIRE_MESSAGE) {
        on_message(lane, talker);
    }
}

void load_latency(char **words)
{
    struct lane lane = {.wanted = strtoul(words[1], NULL, 10)};

    lane.times = calloc(lane.wanted + 1, sizeof(*lane.times));
    if (!lane.times || lane.wanted == 0)
        load_fail("so many cannot be measured");
    load_begin(&lane.load, words[0]);
    lane.left = lane.right = (struct talker){.heard = on_heard, .arg = &lane};
    talker_start(&lane.left, &lane.load);
    snprintf(lane.mailbox, sizeof(lane.mailbox), "%s", lane.left.side);
    talker_start(&lane.right, &lane.load);
    event_base_dispatch(lane.load.base);
    load_print_percentiles("delivery-ms", lane.times, lane.wanted);
    talker_stop(&lane.left);
    talker_stop(&lane.right);
    load_end(&lane.load);
    free(lane.times);
}

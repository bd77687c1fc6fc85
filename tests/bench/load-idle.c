/* Clients that have opened a mailbox each, and then say nothing. */
#include "config.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/load.h"

/* Those that are being connected at the same time. */
#define AT_A_TIME 100

struct crowd {
    struct load load;
    struct talker *talkers;
    size_t wanted, begun, ready;
};

static void on_heard(struct talker *talker, const struct wire_message *message);

static void begin(struct crowd *crowd)
{
    struct talker *talker = &crowd->talkers[crowd->begun++];

    *talker = (struct talker){.heard = on_heard, .arg = crowd};
    talker_start(talker, &crowd->load);
}

static void on_heard(struct talker *talker, const struct wire_message *message)
{
    struct crowd *crowd = talker->arg;

    if (message->type == WIRE_WELCOME) {
        talker_say(talker, wire_encode_open(talker->side, NULL));
        talker_say(talker, wire_encode_ping(1));
    } else if (message->type == WIRE_PONG && ++crowd->ready == crowd->wanted) {
        puts("ready");
        fflush(stdout);
    } else if (message->type == WIRE_PONG && crowd->begun < crowd->wanted) {
        begin(crowd);
    }
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    struct crowd *crowd = arg;
    char byte;

    (void)what;
    if (read(fd, &byte, 1) == 0)
        event_base_loopbreak(crowd->load.base);
}

static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void load_idle(char **words)
{
    struct crowd crowd = {.wanted = strtoul(words[1], NULL, 10)};
    struct event *input;

    allow_descriptors();
    crowd.talkers = calloc(crowd.wanted + 1, sizeof(*crowd.talkers));
    if (!crowd.talkers || crowd.wanted == 0)
        load_fail("so many cannot be");
    load_begin(&crowd.load, words[0]);
    input = event_new(crowd.load.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, &crowd);
    if (!input || event_add(input, NULL))
        load_fail("standard input cannot be waited for");
    while (crowd.begun < crowd.wanted && crowd.begun < AT_A_TIME)
        begin(&crowd);
    event_base_dispatch(crowd.load.base);
    event_free(input);
    for (size_t i = 0; i < crowd.begun; i++)
        talker_stop(&crowd.talkers[i]);
    load_end(&crowd.load);
    free(crowd.talkers);
}

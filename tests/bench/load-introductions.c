/*
 * Complete two-sided introductions: connect, allocate, claim, open, pake, version, one message each
 * way, release, close. The messages have the lengths of real ones; nothing is encrypted, for it is
 * the relay that is measured.
 */
#include "config.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load.h"

/* Bytes of a pake, an encrypted version, a short encrypted text. */
#define PAKE_BYTES    82
#define VERSION_BYTES 60
#define TEXT_BYTES    100

#define NAMEPLATE_SIZE 16
#define MAILBOX_SIZE   32

struct run;

struct introduction {
    struct run *run;
    struct talker left, right;
    char nameplate[NAMEPLATE_SIZE], mailbox[MAILBOX_SIZE];
    unsigned left_due,
        right_due;   /* of the happenings below, how many are still to come before `close` */
    unsigned closed; /* sides */
};

/* Before a side closes: its release is done, its text is stored, the other's text is there. */
#define DUE 3

struct run {
    struct load load;
    unsigned long wanted, begun, done;
};

static void begin(struct run *run, struct introduction *introduction);

static void finish(struct introduction *introduction)
{
    struct run *run = introduction->run;

    if (++introduction->closed < 2)
        return;
    run->done++;
    if (run->begun < run->wanted)
        begin(run, introduction);
    else if (run->done == run->wanted)
        event_base_loopbreak(run->load.base);
}

/* One more thing is done that must be done before the close. */
static void come_closer(struct talker *talker)
{
    struct introduction *introduction = talker->arg;
    unsigned *due =
        talker == &introduction->left ? &introduction->left_due : &introduction->right_due;

    if (--*due == 0)
        talker_say(talker, wire_encode_close(introduction->mailbox, "happy"));
}

static void on_welcome(struct talker *talker, const struct wire_message *message)
{
    struct introduction *introduction = talker->arg;
    bool left = talker == &introduction->left;

    (void)message;
    talker_say(talker, left ? wire_encode_allocate() : wire_encode_claim(introduction->nameplate));
}

static void on_allocated(struct talker *talker, const struct wire_message *message)
{
    struct introduction *introduction = talker->arg;

    if (strlen(message->nameplate) >= NAMEPLATE_SIZE)
        load_fail("a long nameplate");
    strcpy(introduction->nameplate, message->nameplate);
    talker_say(talker, wire_encode_claim(introduction->nameplate));
}

/* The other side comes when this one is there, as people do: it has the code only then. */
static void on_claimed(struct talker *talker, const struct wire_message *message)
{
    struct introduction *introduction = talker->arg;

    if (strlen(message->mailbox) >= MAILBOX_SIZE)
        load_fail("a long mailbox id");
    strcpy(introduction->mailbox, message->mailbox);
    talker_say(talker, wire_encode_open(message->mailbox, NULL));
    talker_add(talker, "pake", PAKE_BYTES);
    if (talker == &introduction->left)
        talker_start(&introduction->right, talker->load);
}

static void on_pake(struct talker *talker)
{
    talker_say(talker, wire_encode_release(NULL));
    talker_add(talker, "version", VERSION_BYTES);
}

static void on_stored(struct talker *talker, const struct wire_message *message)
{
    bool echo = talker_is_echo(talker, message);

    if (strcmp(message->phase, "0") == 0)
        come_closer(talker);
    else if (!echo && strcmp(message->phase, "pake") == 0)
        on_pake(talker);
    else if (!echo)
        talker_add(talker, "0", TEXT_BYTES);
}

static void on_released(struct talker *talker, const struct wire_message *message)
{
    (void)message;
    come_closer(talker);
}

static void on_closed(struct talker *talker, const struct wire_message *message)
{
    (void)message;
    talker_stop(talker);
    finish(talker->arg);
}

static void on_heard(struct talker *talker, const struct wire_message *message)
{
    static void (*const reactions[WIRE_TYPES])(struct talker *, const struct wire_message *) = {
        [WIRE_WELCOME] = on_welcome, [WIRE_ALLOCATED] = on_allocated, [WIRE_CLAIMED] = on_claimed,
        [WIRE_MESSAGE] = on_stored,  [WIRE_RELEASED] = on_released,   [WIRE_CLOSED] = on_closed,
    };

    if (reactions[message->type])
        reactions[message->type](talker, message);
}

static void begin(struct run *run, struct introduction *introduction)
{
    run->begun++;
    *introduction = (struct introduction){
        .run = run,
        .left = {.heard = on_heard, .arg = introduction},
        .right = {.heard = on_heard, .arg = introduction},
        .left_due = DUE,
        .right_due = DUE,
    };
    talker_start(&introduction->left, &run->load);
}

void load_introductions(char **words)
{
    struct run run = {.wanted = strtoul(words[2], NULL, 10)};
    unsigned long at_a_time = strtoul(words[1], NULL, 10);
    struct introduction *introductions = calloc(at_a_time, sizeof(*introductions));
    int64_t started;

    if (!introductions || at_a_time == 0 || run.wanted < at_a_time)
        load_fail("so many cannot be at a time");
    load_begin(&run.load, words[0]);
    started = load_now();
    for (unsigned long i = 0; i < at_a_time; i++)
        begin(&run, &introductions[i]);
    event_base_dispatch(run.load.base);
    printf("introductions-per-second %f\n",
           (double)run.done * 1e6 / (double)(load_now() - started));
    load_end(&run.load);
    free(introductions);
}

/*
 * fill-relay DIRECTORY COUNT DAYS: puts so many mailboxes into a relay's store, each with its
 * nameplate and a message, all last visited so many days ago.
 */
#include "config.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/lmdb_store.h"

#define BATCH      1000 /* mailboxes in a commit */
#define DAY_MS     (INT64_C(24) * 3600 * 1000)
#define BODY_BYTES 164 /* of a pake, as hex */
#define KEEP_ALL   (INT64_C(36500) * DAY_MS)
/* The first nameplate. None is such that the relay would give it out. */
#define FIRST 1000000

struct filling {
    const struct relay_store *store;
    unsigned long waiting;
    int64_t then;
    char body[BODY_BYTES + 1];
};

/* One mailbox on its way: its own claim tells where the message goes. */
struct mailbox {
    struct filling *filling;
    char side[16];
};

static void fail(const char *why)
{
    fprintf(stderr, "fill-relay: %s\n", why);
    exit(EXIT_FAILURE);
}

static struct relay_who who(const struct mailbox *mailbox)
{
    return (struct relay_who){.appid = "example.org/bench",
                              .side = mailbox->side,
                              .turn = (uint64_t)(uintptr_t)mailbox,
                              .now = mailbox->filling->then};
}

static void on_added(void *arg, const struct relay_answer *answer)
{
    struct mailbox *mailbox = arg;

    if (answer->result != RELAY_DONE)
        fail("a message was not stored");
    mailbox->filling->waiting--;
}

static void on_claimed(void *arg, const struct relay_answer *answer)
{
    struct mailbox *mailbox = arg;
    struct filling *filling = mailbox->filling;
    struct relay_who asking = who(mailbox);
    struct relay_message message = {
        .side = mailbox->side,
        .phase = "pake",
        .body = filling->body,
        .body_length = BODY_BYTES,
        .server_rx = filling->then,
    };

    if (answer->result != RELAY_DONE)
        fail("a nameplate was not claimed");
    filling->store->add(filling->store->self, &asking, answer->mailbox, &message, on_added,
                        mailbox);
}

static void claim(struct filling *filling, struct mailbox *mailbox, unsigned long number)
{
    struct relay_who asking;
    char nameplate[24];

    mailbox->filling = filling;
    snprintf(mailbox->side, sizeof(mailbox->side), "%010lx", number);
    snprintf(nameplate, sizeof(nameplate), "%lu", FIRST + number);
    asking = who(mailbox);
    filling->waiting++;
    filling->store->claim(filling->store->self, &asking, nameplate, on_claimed, mailbox);
}

static void fill(struct filling *filling, struct event_base *base, unsigned long count)
{
    static struct mailbox mailboxes[BATCH];

    for (unsigned long first = 0; first < count; first += BATCH) {
        for (unsigned long i = 0; i < BATCH && first + i < count; i++)
            claim(filling, &mailboxes[i], first + i);
        while (filling->waiting > 0)
            event_base_loop(base, EVLOOP_ONCE);
    }
}

int main(int argc, char **argv)
{
    struct relay_limits limits = {
        .retention = KEEP_ALL, .mailbox_bytes = 4096, .mailbox_messages = 16};
    unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    struct event_base *base = event_base_new();
    struct filling filling = {0};
    char why[512];

    if (count == 0)
        fail("usage: fill-relay DIRECTORY COUNT DAYS");
    if (!base || sodium_init() < 0)
        fail("cannot begin");
    filling.store = lmdb_store_open(base, argv[1], 0, &limits, why, sizeof(why));
    if (!filling.store)
        fail(why);
    filling.then = (int64_t)time(NULL) * 1000 - (int64_t)strtoul(argv[3], NULL, 10) * DAY_MS;
    memset(filling.body, 'a', BODY_BYTES);
    fill(&filling, base, count);
    filling.store->free(filling.store->self);
    event_base_free(base);
    return EXIT_SUCCESS;
}

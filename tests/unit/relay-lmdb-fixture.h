/* The relay's store on disk in a directory of its own, asked without a relay. */
#ifndef TESTS_RELAY_LMDB_FIXTURE_H
#define TESTS_RELAY_LMDB_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/lmdb_store.h"
#include "relay/store.h"

struct event_base;

#define LMDB_FIXTURE_APP "app"

/* What an operation came to. `text`: messages as "number/side/phase/body/id;", or nameplates. */
struct lmdb_fixture_reply {
    struct lmdb_fixture *fixture;
    unsigned told;  /* how often */
    unsigned order; /* 1: the first of all that were told */
    enum relay_result result;
    char nameplate[RELAY_NAMEPLATE_MAX + 1];
    char mailbox[RELAY_MAILBOX_MAX + 1];
    size_t count;
    bool more, resumed;
    uint64_t serial;
    char text[8192];
};

struct lmdb_fixture {
    char *path;
    struct event_base *base;
    const struct relay_store *relay;
    struct relay_limits limits;
    uint64_t max_bytes;
    int64_t now;
    const char *app;
    uint64_t owner;         /* of who asks */
    unsigned told;          /* replies */
    unsigned fed;           /* messages */
    char feed[8192];        /* as "app/mailbox:" and a message as above, or "app/mailbox-side;" */
    uint64_t serial;        /* of the last mailbox that the feed told of */
    unsigned ended;         /* mailboxes, … */
    unsigned gone;          /* … of which the feed told so many, … */
    struct relay_life life; /* … the last of them … */
    char last[RELAY_MAILBOX_MAX + 1]; /* … and the name of that which the feed told of */
};

/* Retention of a day, small limits. New and open; lmdb_fixture_remove(). */
struct lmdb_fixture *lmdb_fixture_make(void);
void lmdb_fixture_remove(struct lmdb_fixture *fixture);
void lmdb_fixture_open(struct lmdb_fixture *fixture);
void lmdb_fixture_close(struct lmdb_fixture *fixture);

void lmdb_fixture_limit(const struct lmdb_fixture *fixture, const struct relay_limits *limits);

/* Lets the event loop run until nothing is left to do. */
void lmdb_fixture_run(struct lmdb_fixture *fixture);

/* fixture->app, this side, fixture->now. */
struct relay_who lmdb_fixture_who(const struct lmdb_fixture *fixture, const char *side);
/* A message of phase "p". */
struct relay_message lmdb_fixture_message(const struct lmdb_fixture *fixture, const char *body);

/* Callback whose arg is a struct lmdb_fixture_reply. */
void lmdb_fixture_done(void *arg, const struct relay_answer *answer);

struct relay_counts lmdb_fixture_count(const struct lmdb_fixture *fixture);

/* Each asks one thing and waits. The reply is good until the next one. */
const struct lmdb_fixture_reply *lmdb_fixture_allocate(struct lmdb_fixture *fixture,
                                                       const char *side);
const struct lmdb_fixture_reply *lmdb_fixture_claim(struct lmdb_fixture *fixture, const char *side,
                                                    const char *name);
const struct lmdb_fixture_reply *lmdb_fixture_list(struct lmdb_fixture *fixture);
const struct lmdb_fixture_reply *lmdb_fixture_enter(struct lmdb_fixture *fixture, const char *side,
                                                    const char *mailbox);
/* Opens with a place. */
const struct lmdb_fixture_reply *lmdb_fixture_resume(struct lmdb_fixture *fixture, const char *side,
                                                     const char *mailbox,
                                                     const struct relay_position *after);
enum relay_result lmdb_fixture_release(struct lmdb_fixture *fixture, const char *side,
                                       const char *name);
enum relay_result lmdb_fixture_add(struct lmdb_fixture *fixture, const char *side,
                                   const char *mailbox, const char *body);
/* With a mark. */
enum relay_result lmdb_fixture_add_marked(struct lmdb_fixture *fixture, const char *side,
                                          const char *mailbox, const char *body, uint64_t mark);
enum relay_result lmdb_fixture_leave(struct lmdb_fixture *fixture, const char *side,
                                     const char *mailbox);
void lmdb_fixture_touch(struct lmdb_fixture *fixture, const char *side, const char *mailbox);
size_t lmdb_fixture_expire(struct lmdb_fixture *fixture, unsigned most);

#endif

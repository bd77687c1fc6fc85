/* The relay's store on disk in a directory of its own, asked without a relay. */
#ifndef TESTS_RELAY_SHELF_H
#define TESTS_RELAY_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/lmdb_store.h"
#include "relay/store.h"

struct event_base;

#define SHELF_APP "app"

/* What an operation came to. `text`: messages as "number/side/phase/body/id;", or nameplates. */
struct shelf_reply {
    struct shelf *shelf;
    unsigned told;  /* how often */
    unsigned order; /* 1: the first of all that were told */
    enum relay_result result;
    char nameplate[RELAY_NAMEPLATE_MAX + 1];
    char mailbox[RELAY_MAILBOX_MAX + 1];
    size_t count;
    bool more;
    char text[8192];
};

struct shelf {
    char *path;
    struct event_base *base;
    struct lmdb_store *store;
    const struct relay_store *relay;
    struct relay_limits limits;
    uint64_t max_bytes;
    int64_t now;
    const char *app;
    unsigned told;   /* replies */
    unsigned fed;    /* messages */
    char feed[8192]; /* as "app/mailbox:" and a message as above */
};

/* Retention of a day, small limits. New and open; shelf_remove(). */
struct shelf *shelf_make(void);
void shelf_remove(struct shelf *shelf);
void shelf_open(struct shelf *shelf);
void shelf_close(struct shelf *shelf);

/* Lets the event loop run until nothing is left to do. */
void shelf_run(struct shelf *shelf);

/* shelf->app, this side, shelf->now. */
struct relay_who shelf_who(const struct shelf *shelf, const char *side);
/* A message of phase "p". */
struct relay_message shelf_message(const struct shelf *shelf, const char *body);

/* Callback whose arg is a struct shelf_reply. */
void shelf_done(void *arg, const struct relay_answer *answer);

struct relay_counts shelf_count(const struct shelf *shelf);

/* Each asks one thing and waits. The reply is good until the next one. */
const struct shelf_reply *shelf_allocate(struct shelf *shelf, const char *side);
const struct shelf_reply *shelf_claim(struct shelf *shelf, const char *side, const char *name);
const struct shelf_reply *shelf_list(struct shelf *shelf);
const struct shelf_reply *shelf_enter(struct shelf *shelf, const char *side, const char *mailbox);
enum relay_result shelf_release(struct shelf *shelf, const char *side, const char *name);
enum relay_result shelf_add(struct shelf *shelf, const char *side, const char *mailbox,
                            const char *body);
enum relay_result shelf_leave(struct shelf *shelf, const char *side, const char *mailbox);
void shelf_touch(struct shelf *shelf, const char *side, const char *mailbox);
size_t shelf_expire(struct shelf *shelf, unsigned most);

#endif

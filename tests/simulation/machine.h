/*
 * A machine with a daemon on it: the real turns, scheduler, visits and sessions of wormholed, over
 * the pretend disk, network and clock. It can crash at any moment that matters, and comes back with
 * what was durable.
 */
#ifndef SIMULATION_MACHINE_H
#define SIMULATION_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/turn.h"
#include "tests/simulation/cable.h"
#include "tests/simulation/disk.h"

struct rendezvous;

/* How bad a machine's life is; per cent of its commits. */
struct machine_luck {
    unsigned crash_before, crash_after;
    unsigned full, broken; /* the commit fails */
    unsigned crash_later;  /* within some ms after it: between its effects and their answers */
    unsigned attended;     /* not of its commits: somebody waits for a session when it is asked */
};

struct machine_parts;

struct machine {
    const char *name;
    struct kv *disk;
    struct ws_net net;
    struct machine_parts *parts; /* NULL while it is down */
    struct machine_luck luck;
    int64_t clock_error; /* its clock is wrong by so many ms … */
    int64_t clock_leap;  /* … and for some seconds by so many more */
    int64_t asleep_until;
    int64_t attended; /* when somebody waited for one of its sessions the last time */
    void (*committed)(void *arg);
    void *arg; /* of `committed`, and of net's callbacks */
};

/* An empty machine, switched off. The rest of the struct is the caller's to set. */
void machine_begin(struct machine *machine, const char *name, struct rendezvous *relay);
void machine_end(struct machine *machine);

/* Switches it on, if it is off or has crashed. Not from inside of it. */
void machine_start(struct machine *machine);

/* A crash, and a restart some time later. Safe at any time: what is being done is finished without
 * effect. */
void machine_crash(struct machine *machine);

/* Nothing runs for so long; the world goes on. */
void machine_suspend(struct machine *machine, int64_t ms);

/* NULL while it is down, crashing or asleep: then nothing can be asked of it. */
struct turns *machine_turns(struct machine *machine);

/* Does what is due now. */
void machine_work(struct machine *machine);

/* When it has something to do next. */
int64_t machine_next(const struct machine *machine);

#endif

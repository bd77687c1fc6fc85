/*
 * A pretend disk, which fills state/store.h: transactions are whole or nothing, and what was
 * committed survives a crash. It can fail, and it is the place where the machine can be made to
 * crash: before a commit, in the middle of it (which then has happened, or not), and after it.
 */
#ifndef SIMULATION_DISK_H
#define SIMULATION_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/store.h"

struct platter;

enum disk_crash { DISK_NO_CRASH = 0, DISK_CRASH_BEFORE, DISK_CRASH_AFTER };

/* Called at every commit that changes something: what is to happen to it. */
struct disk_hooks {
    /* A crash: nothing that the machine does from then on may have an effect. */
    enum disk_crash (*committing)(void *arg);
    /* KV_OK, or how the commit fails. */
    enum kv_status (*failing)(void *arg);
    /* It is durable now. */
    void (*committed)(void *arg);
    void *arg;
};

/* An empty disk. disk_free(). */
struct kv *disk_new(const struct disk_hooks *hooks);
void disk_free(struct kv *disk);

/* ---- what is durable now; for judges ---- */

/* The session, as it would be read after a crash. Borrowed until the next commit. NULL if there is
 * none. */
const struct session *disk_session(const struct kv *disk, const uint8_t id[SESSION_ID_BYTES]);

/* The session whose petname begins so. False if there is none. */
bool disk_find(const struct kv *disk, const char *beginning, uint8_t ret_id[SESSION_ID_BYTES]);

/* Borrowed until the next commit. False if there is no such row. */
bool disk_message(const struct kv *disk, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                  uint32_t number, const uint8_t **ret_data, size_t *ret_length);

/* How many sessions and messages there are. */
unsigned disk_count(const struct kv *disk);

#endif

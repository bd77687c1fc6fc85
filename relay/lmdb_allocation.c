#include "config.h"

#include "relay/lmdb_allocation.h"

#include <string.h>

_Static_assert(RELAY_SIDE_MAX <= RELAY_MAILBOX_MAX, "a side is no longer than a name in a key");

/* What the row says. False if there is none. */
static bool get(struct lmdb_change *change, const char *appid, const char *side,
                char ret_nameplate[RELAY_NAMEPLATE_MAX + 1])
{
    struct kv_key key = lmdb_rows_named(appid, side);
    MDB_val value;

    if (!kv_get(change->txn, ROWS_ALLOCATED, &key, &value))
        return false;
    if (value.mv_size > RELAY_NAMEPLATE_MAX) {
        kv_fail(change->txn, KV_DAMAGED);
        return false;
    }
    memcpy(ret_nameplate, value.mv_data, value.mv_size);
    ret_nameplate[value.mv_size] = 0;
    return true;
}

/* It is active: what its only side has left is gone. */
static bool only_side(const struct lmdb_sides *sides, const char *side)
{
    return sides->count == 1 && strcmp(sides->all[0].name, side) == 0;
}

static bool is_unused(struct lmdb_change *change, const struct relay_who *who, const char *name)
{
    struct kv_key key = lmdb_rows_named(who->appid, name);
    struct lmdb_nameplate nameplate;
    struct lmdb_mailbox mailbox;

    if (!lmdb_rows_get(change, LMDB_NAMEPLATE, &key, &nameplate) ||
        !only_side(&nameplate.sides, who->side))
        return false;
    key = lmdb_rows_named(who->appid, nameplate.mailbox);
    return lmdb_rows_get(change, LMDB_MAILBOX, &key, &mailbox) &&
           only_side(&mailbox.sides, who->side) && mailbox.count == 0;
}

bool lmdb_allocation_find(struct lmdb_change *change, const struct relay_who *who,
                          char ret_nameplate[RELAY_NAMEPLATE_MAX + 1])
{
    char nameplate[RELAY_NAMEPLATE_MAX + 1];

    if (!get(change, who->appid, who->side, nameplate) || !is_unused(change, who, nameplate))
        return false;
    memcpy(ret_nameplate, nameplate, sizeof(nameplate));
    return true;
}

void lmdb_allocation_note(struct lmdb_change *change, const struct relay_who *who,
                          const char *nameplate)
{
    struct kv_key key = lmdb_rows_named(who->appid, who->side);
    lmdb_rows_put_bytes(change, ROWS_ALLOCATED, &key, nameplate, strlen(nameplate));
}

/* The side's row may be about a later one. */
static void forget_one(struct lmdb_change *change, const char *appid, const char *nameplate,
                       const char *side)
{
    struct kv_key key = lmdb_rows_named(appid, side);
    char allocated[RELAY_NAMEPLATE_MAX + 1];

    if (get(change, appid, side, allocated) && strcmp(allocated, nameplate) == 0)
        lmdb_rows_delete(change, ROWS_ALLOCATED, &key);
}

void lmdb_allocation_forget(struct lmdb_change *change, const char *appid, const char *nameplate,
                            const struct lmdb_sides *sides)
{
    for (uint32_t i = 0; i < sides->count; i++)
        forget_one(change, appid, nameplate, sides->all[i].name);
}

#include "config.h"

#include "relay/lmdb_nameplate.h"

#include <sodium.h>
#include <string.h>

#include "relay/lmdb_allocation.h"
#include "relay/lmdb_number.h"

/* Of a mailbox's id, as the stock relay has it: 8 random bytes in base32. */
#define MAILBOX_BYTES  8
#define MAILBOX_LENGTH 13

static void new_mailbox_id(char ret_id[RELAY_MAILBOX_MAX + 1])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t random[MAILBOX_BYTES];
    unsigned bits = 0, held = 0;
    size_t next = 0;

    randombytes_buf(random, sizeof(random));
    for (size_t i = 0; i < MAILBOX_LENGTH; i++, held -= 5) {
        if (held < 5) {
            /* Behind the last byte come zeros. */
            bits = bits << 8 | (next < MAILBOX_BYTES ? random[next++] : 0);
            held += 8;
        }
        ret_id[i] = alphabet[bits >> (held - 5) & 31];
    }
    ret_id[MAILBOX_LENGTH] = 0;
}

static bool get(struct lmdb_change *change, const char *appid, const char *name,
                struct lmdb_nameplate *ret_nameplate)
{
    struct kv_key key = lmdb_rows_named(appid, name);
    return lmdb_rows_get(change, LMDB_NAMEPLATE, &key, ret_nameplate);
}

static void put(struct lmdb_change *change, const char *appid, const char *name,
                const struct lmdb_nameplate *nameplate)
{
    struct kv_key key = lmdb_rows_named(appid, name);
    lmdb_rows_put(change, LMDB_NAMEPLATE, &key, nameplate);
}

static void delete_row(struct lmdb_change *change, const char *appid, const char *name,
                       const struct lmdb_nameplate *nameplate)
{
    struct kv_key key = lmdb_rows_named(appid, name);
    lmdb_rows_delete(change, ROWS_NAMEPLATES, &key);
    lmdb_number_mark(change, appid, name, false);
    lmdb_allocation_forget(change, appid, name, &nameplate->sides);
}

enum relay_result lmdb_nameplate_look(struct lmdb_change *change, const struct relay_who *who,
                                      const char *name, struct lmdb_nameplate *ret_nameplate)
{
    if (!get(change, who->appid, name, ret_nameplate)) {
        *ret_nameplate = (struct lmdb_nameplate){0};
        new_mailbox_id(ret_nameplate->mailbox);
        return kv_txn_status(change->txn) == KV_OK ? RELAY_DONE : RELAY_BROKEN;
    }
    const struct lmdb_side *side = lmdb_sides_find(&ret_nameplate->sides, who->side);
    if (side != NULL)
        return side->active ? RELAY_DONE : RELAY_RECLAIMED;
    return ret_nameplate->sides.count < LMDB_SIDES_MAX ? RELAY_DONE : RELAY_CROWDED;
}

void lmdb_nameplate_take(struct lmdb_change *change, const struct relay_who *who, const char *name,
                         struct lmdb_nameplate *nameplate)
{
    bool is_new = nameplate->sides.count == 0;

    if (lmdb_sides_find(&nameplate->sides, who->side) != NULL)
        return;
    lmdb_sides_add(&nameplate->sides, who->side);
    put(change, who->appid, name, nameplate);
    change->grown = true;
    if (is_new)
        lmdb_number_mark(change, who->appid, name, true);
}

void lmdb_nameplate_release(struct lmdb_change *change, const struct relay_who *who,
                            const char *name, const char *mailbox)
{
    struct lmdb_nameplate nameplate;

    if (!get(change, who->appid, name, &nameplate) ||
        (mailbox != NULL && strcmp(nameplate.mailbox, mailbox) != 0))
        return;
    struct lmdb_side *side = lmdb_sides_find(&nameplate.sides, who->side);
    if (side == NULL || !side->active)
        return;
    side->active = false;
    if (lmdb_sides_active(&nameplate.sides))
        put(change, who->appid, name, &nameplate);
    else
        delete_row(change, who->appid, name, &nameplate);
}

void lmdb_nameplate_drop(struct lmdb_change *change, const char *appid, const char *name,
                         const char *mailbox)
{
    struct lmdb_nameplate nameplate;
    if (get(change, appid, name, &nameplate) && strcmp(nameplate.mailbox, mailbox) == 0)
        delete_row(change, appid, name, &nameplate);
}

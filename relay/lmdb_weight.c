#include "config.h"

#include "relay/lmdb_weight.h"

#include <string.h>

#include "relay/lmdb_mailbox.h"

/* Rows looked at, and mailboxes deleted, in one step; and bytes of the latter, after which it
 * ends. */
#define LOOK_STEP   4096
#define DELETE_STEP 64
#define DELETE_SIZE (UINT64_C(64) << 20)

/* A value: the kind, the logarithm of the weight, the mailbox's place. */
enum { VALUE_KIND, VALUE_LOG, VALUE_PLACE };

/* ---- rows ---- */

static struct kv_key row_of(uint64_t owner, uint64_t serial)
{
    struct kv_key key = kv_key_number(owner), second = kv_key_number(serial);
    kv_key_append(&key, second.bytes, second.length);
    return key;
}

static unsigned log_of(uint64_t bytes)
{
    unsigned log = 12;
    while (log < 63 && UINT64_C(1) << log < bytes)
        log++;
    return log;
}

_Static_assert(LMDB_WEIGHT_MIN == 1 << 12, "the least logarithm");

/* A row takes room even if it is empty: as much as rate_limit.h counts for it. */
#define ROW_ROOM ((uint64_t)1024)
static uint64_t size_of(uint64_t bytes, uint64_t messages)
{
    return bytes + ROW_ROOM * messages;
}

void lmdb_weight_put(struct lmdb_change *change, const char *appid, const char *name,
                     const struct lmdb_mailbox *mailbox)
{
    struct kv_key key = row_of(mailbox->owner, mailbox->serial);
    struct kv_key place = lmdb_rows_named(appid, name);
    uint8_t value[VALUE_PLACE + KV_KEY_MAX];
    if (mailbox->owner == 0)
        return;
    value[VALUE_KIND] = mailbox->sides.count > 1 ? LMDB_WEIGHT_KIN : LMDB_WEIGHT_ALONE;
    value[VALUE_LOG] = (uint8_t)log_of(size_of(mailbox->bytes, mailbox->count));
    memcpy(value + VALUE_PLACE, place.bytes, place.length);
    lmdb_rows_put_bytes(change, ROWS_WEIGHTS, &key, value, VALUE_PLACE + place.length);
}

void lmdb_weight_grown(struct lmdb_change *change, const char *appid, const char *name,
                       const struct lmdb_mailbox *mailbox, uint64_t bytes)
{
    if (log_of(size_of(mailbox->bytes, mailbox->count)) !=
        log_of(size_of(mailbox->bytes - bytes, mailbox->count - 1)))
        lmdb_weight_put(change, appid, name, mailbox);
}

void lmdb_weight_joined(struct lmdb_change *change, const char *appid, const char *name,
                        struct lmdb_mailbox *mailbox, uint64_t owner)
{
    if (mailbox->owner == owner) {
        lmdb_weight_put(change, appid, name, mailbox);
    } else {
        lmdb_weight_delete(change, mailbox);
        mailbox->owner = 0;
    }
}

void lmdb_weight_delete(struct lmdb_change *change, const struct lmdb_mailbox *mailbox)
{
    struct kv_key key = row_of(mailbox->owner, mailbox->serial);
    if (mailbox->owner != 0)
        lmdb_rows_delete(change, ROWS_WEIGHTS, &key);
}

/* A row that was read. */
struct weight_row {
    struct kv_key key, place;
    uint64_t owner, serial, weight;
    enum lmdb_weight_kind kind;
};

/* False: it is none of ours. */
static bool read_row(const MDB_val *key, const MDB_val *value, struct weight_row *ret_row)
{
    const uint8_t *bytes = value->mv_data, *numbers = key->mv_data;
    if (key->mv_size != 2 * KV_NUMBER_BYTES || value->mv_size < VALUE_PLACE ||
        value->mv_size > VALUE_PLACE + KV_KEY_MAX || bytes[VALUE_KIND] >= LMDB_WEIGHT_KINDS ||
        bytes[VALUE_LOG] > 63)
        return false;
    *ret_row = (struct weight_row){
        .owner = kv_read_number(numbers),
        .serial = kv_read_number(numbers + KV_NUMBER_BYTES),
        .weight = UINT64_C(1) << bytes[VALUE_LOG],
        .kind = bytes[VALUE_KIND],
    };
    ret_row->key = row_of(ret_row->owner, ret_row->serial);
    kv_key_append(&ret_row->place, bytes + VALUE_PLACE, value->mv_size - VALUE_PLACE);
    return true;
}

/* ---- who is heaviest ---- */

/* The owner of the last row has no more. */
static void settle(struct lmdb_clearance *clearance, enum lmdb_weight_kind kind)
{
    struct lmdb_heavy *at = &clearance->at[kind], *first = &clearance->first[kind];
    uint64_t *second = &clearance->second[kind];
    if (at->weight > first->weight) {
        *second = first->weight;
        *first = *at;
    } else if (at->weight > *second) {
        *second = at->weight;
    }
    *at = (struct lmdb_heavy){0};
}

static void settle_all(struct lmdb_clearance *clearance)
{
    for (enum lmdb_weight_kind kind = 0; kind < LMDB_WEIGHT_KINDS; kind++)
        settle(clearance, kind);
}

/* The walk over the rows. */
struct weigher {
    struct lmdb_change *change;
    struct lmdb_clearance *clearance;
    unsigned looked;
};

static bool weigh(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct weigher *weigher = arg;
    struct lmdb_clearance *clearance = weigher->clearance;
    struct weight_row row;
    if (!read_row(key, value, &row)) {
        kv_fail(weigher->change->txn, KV_DAMAGED);
        return false;
    }
    clearance->next = row.key;
    if (weigher->looked++ == LOOK_STEP)
        return false;
    struct lmdb_heavy *at = &clearance->at[row.kind];
    if (at->owner != row.owner)
        settle(clearance, row.kind);
    at->owner = row.owner;
    at->weight += row.weight;
    return true;
}

/* Those whom somebody has come to go only where nobody is heavy otherwise. Where nobody is heavy at
 * all, nothing goes: a full store refuses what is new rather than lose what honest people left. */
static void choose(struct lmdb_clearance *clearance)
{
    const struct lmdb_heavy *first = clearance->first;
    clearance->kind = first[LMDB_WEIGHT_ALONE].weight < clearance->quantum &&
                              first[LMDB_WEIGHT_KIN].weight >= clearance->quantum
                          ? LMDB_WEIGHT_KIN
                          : LMDB_WEIGHT_ALONE;
    uint64_t weight = first[clearance->kind].weight;
    uint64_t over = weight - clearance->second[clearance->kind];
    clearance->target = first[clearance->kind];
    clearance->target.weight = over > clearance->quantum ? over : clearance->quantum;
    clearance->over = weight < clearance->quantum;
    clearance->clearing = true;
    clearance->next = row_of(clearance->target.owner, 0);
}

static void look(struct lmdb_change *change, struct lmdb_clearance *clearance)
{
    struct kv_key last = row_of(UINT64_MAX, UINT64_MAX);
    struct weigher weigher = {change, clearance, 0};
    if (clearance->next.length == 0)
        clearance->next = row_of(0, 0);
    kv_walk(change->txn, ROWS_WEIGHTS, &clearance->next, &last, weigh, &weigher);
    if (weigher.looked > LOOK_STEP || kv_txn_status(change->txn) != KV_OK)
        return;
    settle_all(clearance);
    choose(clearance);
}

/* ---- deleting ---- */

static void look_again(struct lmdb_clearance *clearance)
{
    *clearance = (struct lmdb_clearance){
        .quantum = clearance->quantum,
        .deleted = clearance->deleted,
    };
}

static bool find_next(struct lmdb_change *change, const struct lmdb_clearance *clearance,
                      struct weight_row *ret_row)
{
    MDB_val key, value;
    if (!kv_seek(change->txn, ROWS_WEIGHTS, &clearance->next, &key, &value))
        return false;
    if (read_row(&key, &value, ret_row))
        return ret_row->owner == clearance->target.owner;
    kv_fail(change->txn, KV_DAMAGED);
    return false;
}

/* False if nothing was: a version that knows of no rows has been at work since this one was
 * written, or the mailbox is damaged. */
static bool delete_mailbox(struct lmdb_change *change, const struct weight_row *row)
{
    char appid[RELAY_APPID_MAX + 1], name[RELAY_MAILBOX_MAX + 1];
    struct lmdb_mailbox mailbox;
    bool found = lmdb_rows_split(&row->place, appid, name) &&
                 lmdb_mailbox_get(change, appid, name, &mailbox) && mailbox.serial == row->serial;
    bool joined = found && row->kind == LMDB_WEIGHT_ALONE && mailbox.sides.count > 1;
    if (joined) {
        mailbox.owner = 0; /* nobody knows whose the second side is */
        lmdb_mailbox_put(change, appid, name, &mailbox);
    } else if (found) {
        lmdb_mailbox_delete(change, appid, name, &mailbox, RELAY_LIFE_MADE_WAY);
    }
    lmdb_rows_delete(change, ROWS_WEIGHTS, &row->key);
    return found && !joined;
}

static void clear(struct lmdb_change *change, struct lmdb_clearance *clearance)
{
    uint64_t size = 0;
    struct weight_row row;
    for (unsigned i = 0; i < DELETE_STEP && size < DELETE_SIZE; i++) {
        if (clearance->target.weight == 0 || !find_next(change, clearance, &row)) {
            look_again(clearance);
            return;
        }
        clearance->next = row_of(row.owner, row.serial + 1);
        if (row.kind != clearance->kind)
            continue;
        clearance->deleted += delete_mailbox(change, &row);
        size += row.weight;
        clearance->target.weight -=
            row.weight < clearance->target.weight ? row.weight : clearance->target.weight;
    }
}

void lmdb_weight_clear(struct lmdb_change *change, struct lmdb_clearance *clearance)
{
    if (clearance->over)
        return;
    if (clearance->clearing)
        clear(change, clearance);
    else
        look(change, clearance);
}

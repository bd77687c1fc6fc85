#include "config.h"

#include "relay/lmdb_nameplate.h"

#include <sodium.h>
#include <string.h>

#include "base/mailbox_id.h"

#define TEN 10

/* How many numbers are taken below each digit, big-endian in the row. */
struct number_node {
    uint32_t taken[TEN];
};

#define NODE_BYTES (4 * TEN)

/* ---- numbers: rows ---- */

/* The node below the first `depth` digits of numbers with `length` digits. */
static struct kv_key node_key(const char *appid, size_t length, const char *digits, size_t depth)
{
    char name[1 + LMDB_NUMBER_DIGITS + 1] = {(char)('0' + length)};
    memcpy(name + 1, digits, depth);
    return lmdb_rows_named(appid, name);
}

/* A node that does not exist has nothing below it. */
static struct number_node get_node(struct lmdb_change *change, const struct kv_key *key)
{
    struct number_node node = {{0}};
    MDB_val value;

    if (!kv_get(change->txn, ROWS_NUMBERS, key, &value))
        return node;
    if (value.mv_size != NODE_BYTES) {
        kv_fail(change->txn, KV_DAMAGED);
        return node;
    }
    const uint8_t *bytes = value.mv_data;
    for (unsigned i = 0; i < NODE_BYTES; i++)
        node.taken[i / 4] = node.taken[i / 4] << 8 | bytes[i];
    return node;
}

static uint32_t sum(const struct number_node *node)
{
    uint32_t taken = 0;
    for (unsigned digit = 0; digit < TEN; digit++)
        taken += node->taken[digit];
    return taken;
}

static void put_node(struct lmdb_change *change, const struct kv_key *key,
                     const struct number_node *node)
{
    uint8_t bytes[NODE_BYTES];

    if (sum(node) == 0) {
        lmdb_rows_delete(change, ROWS_NUMBERS, key);
        return;
    }
    for (unsigned i = 0; i < NODE_BYTES; i++)
        bytes[i] = (uint8_t)(node->taken[i / 4] >> 8 * (3 - i % 4));
    lmdb_rows_put_bytes(change, ROWS_NUMBERS, key, bytes, sizeof(bytes));
}

/* ---- numbers: marking ---- */

/* The number of digits, or 0 if this is not one of the numbers that are given out. */
static size_t number_length(const char *nameplate)
{
    size_t length = strspn(nameplate, "0123456789");
    if (nameplate[length] != 0 || nameplate[0] == '0' || length > LMDB_NUMBER_DIGITS)
        return 0;
    return length;
}

static void mark_number(struct lmdb_change *change, const char *appid, const char *nameplate,
                        bool taken)
{
    size_t length = number_length(nameplate);

    for (size_t depth = 0; depth < length; depth++) {
        struct kv_key key = node_key(appid, length, nameplate, depth);
        struct number_node node = get_node(change, &key);
        uint32_t *count = &node.taken[nameplate[depth] - '0'];
        if (!taken && *count == 0)
            kv_fail(change->txn, KV_DAMAGED);
        *count += taken ? 1 : UINT32_MAX; /* or one less */
        put_node(change, &key, &node);
    }
}

/* ---- numbers: picking ---- */

static uint32_t power_of_ten(size_t exponent)
{
    uint32_t power = 1;
    while (exponent-- > 0)
        power *= TEN;
    return power;
}

/* The digit below which the free number of this rank lies; *rank becomes the rank among those
 * there. TEN if the counts are wrong. */
static unsigned descend(const struct number_node *node, bool first, uint32_t below, uint32_t *rank)
{
    for (unsigned digit = first ? 1 : 0; digit < TEN; digit++) {
        uint32_t available = below > node->taken[digit] ? below - node->taken[digit] : 0;
        if (*rank < available)
            return digit;
        *rank -= available;
    }
    return TEN;
}

static bool pick_of_length(struct lmdb_change *change, const char *appid, size_t length,
                           uint32_t rank, char digits[LMDB_NUMBER_DIGITS + 1])
{
    for (size_t depth = 0; depth < length; depth++) {
        struct kv_key key = node_key(appid, length, digits, depth);
        struct number_node node = get_node(change, &key);
        unsigned digit = descend(&node, depth == 0, power_of_ten(length - 1 - depth), &rank);
        if (digit == TEN) {
            kv_fail(change->txn, KV_DAMAGED);
            return false;
        }
        digits[depth] = (char)('0' + digit);
    }
    digits[length] = 0;
    return kv_txn_status(change->txn) == KV_OK;
}

bool lmdb_nameplate_pick_free(struct lmdb_change *change, const char *appid,
                              char ret_number[LMDB_NUMBER_DIGITS + 1])
{
    for (size_t length = 1; length <= LMDB_NUMBER_DIGITS; length++) {
        struct kv_key key = node_key(appid, length, "", 0);
        struct number_node root = get_node(change, &key);
        uint32_t numbers = 9 * power_of_ten(length - 1), taken = sum(&root);
        if (taken < numbers)
            return pick_of_length(change, appid, length, randombytes_uniform(numbers - taken),
                                  ret_number);
    }
    return false;
}

/* ---- allocations ---- */

_Static_assert(RELAY_SIDE_MAX <= RELAY_MAILBOX_MAX, "a side is no longer than a name in a key");

/* What the row holds. False if there is none. */
static bool get_allocated(struct lmdb_change *change, const char *appid, const char *side,
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

/* A sole side is active: a row whose only side has left is gone. */
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

bool lmdb_nameplate_find_allocated(struct lmdb_change *change, const struct relay_who *who,
                                   char ret_nameplate[RELAY_NAMEPLATE_MAX + 1])
{
    char nameplate[RELAY_NAMEPLATE_MAX + 1];

    if (!get_allocated(change, who->appid, who->side, nameplate) ||
        !is_unused(change, who, nameplate))
        return false;
    memcpy(ret_nameplate, nameplate, sizeof(nameplate));
    return true;
}

void lmdb_nameplate_note_allocated(struct lmdb_change *change, const struct relay_who *who,
                                   const char *nameplate)
{
    struct kv_key key = lmdb_rows_named(who->appid, who->side);
    lmdb_rows_put_bytes(change, ROWS_ALLOCATED, &key, nameplate, strlen(nameplate));
}

/* The side's row may concern a later allocation. */
static void forget_allocation(struct lmdb_change *change, const char *appid, const char *nameplate,
                              const char *side)
{
    struct kv_key key = lmdb_rows_named(appid, side);
    char allocated[RELAY_NAMEPLATE_MAX + 1];

    if (get_allocated(change, appid, side, allocated) && strcmp(allocated, nameplate) == 0)
        lmdb_rows_delete(change, ROWS_ALLOCATED, &key);
}

static void forget_allocations(struct lmdb_change *change, const char *appid, const char *nameplate,
                               const struct lmdb_sides *sides)
{
    for (uint32_t i = 0; i < sides->count; i++)
        forget_allocation(change, appid, nameplate, sides->all[i].name);
}

/* ---- nameplates ---- */

_Static_assert(MAILBOX_ID_TEXT <= RELAY_MAILBOX_MAX + 1, "an id fits");

static void new_mailbox_id(char ret_id[RELAY_MAILBOX_MAX + 1])
{
    uint8_t random[MAILBOX_ID_BYTES];

    randombytes_buf(random, sizeof(random));
    mailbox_id_text(random, ret_id);
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
    mark_number(change, appid, name, false);
    forget_allocations(change, appid, name, &nameplate->sides);
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
    change->grown |= is_new; /* the second side may use what a full store keeps back */
    if (is_new)
        mark_number(change, who->appid, name, true);
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

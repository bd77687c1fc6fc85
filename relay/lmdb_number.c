#include "config.h"

#include "relay/lmdb_number.h"

#include <sodium.h>
#include <string.h>

#define TEN 10

/* How many numbers are taken below each digit, big-endian in the row. */
struct node {
    uint32_t taken[TEN];
};

#define NODE_BYTES (4 * TEN)

/* ---- rows ---- */

/* The node below the first `depth` digits of numbers with `length` digits. */
static struct kv_key node_key(const char *appid, size_t length, const char *digits, size_t depth)
{
    char name[1 + LMDB_NUMBER_DIGITS + 1] = {(char)('0' + length)};
    memcpy(name + 1, digits, depth);
    return lmdb_rows_named(appid, name);
}

/* A node that is not there has nothing below it. */
static struct node get_node(struct lmdb_change *change, const struct kv_key *key)
{
    struct node node = {{0}};
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

static uint32_t sum(const struct node *node)
{
    uint32_t taken = 0;
    for (unsigned digit = 0; digit < TEN; digit++)
        taken += node->taken[digit];
    return taken;
}

static void put_node(struct lmdb_change *change, const struct kv_key *key, const struct node *node)
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

/* ---- marking ---- */

/* The number of digits, or 0 if this is none of the numbers that are given out. */
static size_t number_length(const char *nameplate)
{
    size_t length = strspn(nameplate, "0123456789");
    if (nameplate[length] != 0 || nameplate[0] == '0' || length > LMDB_NUMBER_DIGITS)
        return 0;
    return length;
}

void lmdb_number_mark(struct lmdb_change *change, const char *appid, const char *nameplate,
                      bool taken)
{
    size_t length = number_length(nameplate);

    for (size_t depth = 0; depth < length; depth++) {
        struct kv_key key = node_key(appid, length, nameplate, depth);
        struct node node = get_node(change, &key);
        uint32_t *count = &node.taken[nameplate[depth] - '0'];
        if (!taken && *count == 0)
            kv_fail(change->txn, KV_DAMAGED);
        *count += taken ? 1 : UINT32_MAX; /* or one less */
        put_node(change, &key, &node);
    }
}

/* ---- picking ---- */

static uint32_t power_of_ten(size_t exponent)
{
    uint32_t power = 1;
    while (exponent-- > 0)
        power *= TEN;
    return power;
}

/* The digit below which the free number of this rank is; the rank among those there. TEN if the
 * counts are wrong. */
static unsigned descend(const struct node *node, bool first, uint32_t below, uint32_t *rank)
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
        struct node node = get_node(change, &key);
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

bool lmdb_number_pick(struct lmdb_change *change, const char *appid,
                      char ret_number[LMDB_NUMBER_DIGITS + 1])
{
    for (size_t length = 1; length <= LMDB_NUMBER_DIGITS; length++) {
        struct kv_key key = node_key(appid, length, "", 0);
        struct node root = get_node(change, &key);
        uint32_t numbers = 9 * power_of_ten(length - 1), taken = sum(&root);
        if (taken < numbers)
            return pick_of_length(change, appid, length, randombytes_uniform(numbers - taken),
                                  ret_number);
    }
    return false;
}

#include "config.h"

#include "relay/lmdb_mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "relay/lmdb_nameplate.h"
#include "relay/lmdb_weight.h"

/* ---- rows ---- */

bool lmdb_mailbox_get(struct lmdb_change *change, const char *appid, const char *name,
                      struct lmdb_mailbox *ret_mailbox)
{
    struct kv_key key = lmdb_rows_named(appid, name);
    return lmdb_rows_get(change, LMDB_MAILBOX, &key, ret_mailbox);
}

void lmdb_mailbox_put(struct lmdb_change *change, const char *appid, const char *name,
                      const struct lmdb_mailbox *mailbox)
{
    struct kv_key key = lmdb_rows_named(appid, name);
    lmdb_rows_put(change, LMDB_MAILBOX, &key, mailbox);
}

/* ---- time ---- */

static void put_expiry(struct lmdb_change *change, const char *appid, const char *name,
                       const struct lmdb_mailbox *mailbox)
{
    struct kv_key place = lmdb_rows_named(appid, name);
    struct kv_key key = lmdb_rows_expiry(mailbox->updated, mailbox->serial);
    lmdb_rows_put_bytes(change, ROWS_EXPIRY, &key, place.bytes, place.length);
}

static void delete_expiry(struct lmdb_change *change, const struct lmdb_mailbox *mailbox)
{
    struct kv_key key = lmdb_rows_expiry(mailbox->updated, mailbox->serial);
    lmdb_rows_delete(change, ROWS_EXPIRY, &key);
}

static int64_t ahead(const struct relay_limits *limits)
{
    int64_t part = limits->retention / LMDB_AHEAD_PART;
    return part < LMDB_AHEAD_MAX ? part : LMDB_AHEAD_MAX;
}

/* How much earlier `updated` is: 0 for a mailbox that was used. */
static int64_t earlier(const struct relay_limits *limits, const struct lmdb_mailbox *mailbox)
{
    bool unused = mailbox->nameplate[0] != 0 && mailbox->next == 1 && mailbox->sides.count < 2;
    return unused && limits->retention > RELAY_UNUSED_LIFE ? limits->retention - RELAY_UNUSED_LIFE
                                                           : 0;
}

bool lmdb_mailbox_prolong(struct lmdb_change *change, const char *appid, const char *name,
                          struct lmdb_mailbox *mailbox, int64_t now)
{
    int64_t least = now - earlier(change->limits, mailbox);
    int64_t most = least + ahead(change->limits);

    /* It is beyond `most` only if the clock was once wrong. */
    if (least <= mailbox->updated && mailbox->updated <= most)
        return false;
    delete_expiry(change, mailbox);
    mailbox->updated = most;
    put_expiry(change, appid, name, mailbox);
    return true;
}

/* ---- opening ---- */

static void make(struct lmdb_change *change, const struct relay_who *who, const char *name,
                 const char *nameplate, struct lmdb_mailbox *ret_mailbox)
{
    *ret_mailbox = (struct lmdb_mailbox){
        .serial = lmdb_rows_new_serial(change), .next = 1, .owner = who->owner, .began = who->now,
        /* The first claim and open, which follow at once, then prolong nothing. */
    };
    ret_mailbox->updated = who->now + ahead(change->limits) - earlier(change->limits, ret_mailbox);
    memcpy(ret_mailbox->nameplate, nameplate, strnlen(nameplate, RELAY_NAMEPLATE_MAX));
    put_expiry(change, who->appid, name, ret_mailbox);
    lmdb_weight_put(change, who->appid, name, ret_mailbox);
}

/* True if the side is now open; *ret_changed tells if it was not before. */
static bool open_side(struct lmdb_sides *sides, const char *name, bool *ret_changed)
{
    struct lmdb_side *side = lmdb_sides_find(sides, name);

    *ret_changed = side == NULL || !side->active;
    if (side == NULL)
        return lmdb_sides_add(sides, name);
    side->active = true;
    side->mood[0] = 0;
    return true;
}

/* Once: how often somebody comes says nothing more. */
void lmdb_mailbox_note_crowd(struct lmdb_change *change, const char *appid, const char *name,
                             struct lmdb_mailbox *mailbox)
{
    if (mailbox->crowded)
        return;
    mailbox->crowded = true;
    lmdb_mailbox_put(change, appid, name, mailbox);
}

enum relay_result lmdb_mailbox_join(struct lmdb_change *change, const struct relay_who *who,
                                    const char *name, const char *nameplate,
                                    struct lmdb_mailbox *ret_mailbox)
{
    bool changed;

    if (!lmdb_mailbox_get(change, who->appid, name, ret_mailbox)) {
        if (kv_txn_status(change->txn) != KV_OK)
            return RELAY_BROKEN;
        make(change, who, name, nameplate, ret_mailbox);
    }
    uint32_t sides = ret_mailbox->sides.count;
    if (!open_side(&ret_mailbox->sides, who->side, &changed)) {
        lmdb_mailbox_note_crowd(change, who->appid, name, ret_mailbox);
        return RELAY_CROWDED;
    }
    if (sides == 1 && ret_mailbox->sides.count == 2) {
        ret_mailbox->joined = who->now;
        lmdb_weight_joined(change, who->appid, name, ret_mailbox, who->owner);
    }
    /* The second side of what is there already may use what a full store keeps back. */
    change->grown |= changed && ret_mailbox->sides.count < 2;
    if (lmdb_mailbox_prolong(change, who->appid, name, ret_mailbox, who->now) || changed)
        lmdb_mailbox_put(change, who->appid, name, ret_mailbox);
    return RELAY_DONE;
}

/* ---- messages ---- */

size_t lmdb_mailbox_weight(const struct relay_message *message)
{
    return message->body_length + (message->id == NULL ? 0 : strlen(message->id));
}

static struct kv_borrowed_text text(const char *string)
{
    return (struct kv_borrowed_text){string, string == NULL ? 0 : strlen(string)};
}

void lmdb_mailbox_append(struct lmdb_change *change, const char *appid, const char *name,
                         struct lmdb_mailbox *mailbox, const struct relay_message *message)
{
    struct kv_key key = lmdb_rows_message(mailbox->serial, mailbox->next);
    const struct lmdb_message record = {
        .side = text(message->side),
        .phase = text(message->phase),
        .body = {message->body, message->body_length},
        .id = text(message->id),
        .server_rx = message->server_rx,
        .mark = message->mark,
    };

    lmdb_rows_put(change, LMDB_MESSAGE, &key, &record);
    mailbox->next++;
    mailbox->count++;
    mailbox->bytes += lmdb_mailbox_weight(message);
    lmdb_weight_grown(change, appid, name, mailbox, lmdb_mailbox_weight(message));
    change->grown = true;
}

static uint64_t delete_messages(struct lmdb_change *change, uint64_t serial, uint64_t most)
{
    struct kv_key first = lmdb_rows_message(serial, 0);
    struct kv_key last = lmdb_rows_message(serial, UINT64_MAX);
    uint64_t deleted = kv_delete_some(change->txn, ROWS_MESSAGES, &first, &last, most);
    change->written |= deleted > 0;
    return deleted;
}

/* ---- deleting ---- */

/* Leaves the messages to the sweeper. */
static void bury(struct lmdb_change *change, uint64_t serial, uint64_t messages)
{
    struct kv_key key = kv_key_number(serial), value = kv_key_number(messages);
    lmdb_rows_put_bytes(change, ROWS_DEAD, &key, value.bytes, value.length);
}

static struct relay_life life_of(const struct lmdb_mailbox *mailbox, enum relay_life_end end,
                                 int64_t now)
{
    struct relay_life life = {
        .began = mailbox->began,
        .joined = mailbox->joined,
        .ended = now,
        .end = end,
        .nameplate = mailbox->nameplate[0] != 0,
        .crowded = mailbox->crowded,
        .messages = mailbox->count,
    };
    _Static_assert(RELAY_LIFE_SIDES == LMDB_SIDES_MAX, "a mood for each");
    for (uint32_t i = 0; i < mailbox->sides.count; i++)
        memcpy(life.moods[i], mailbox->sides.all[i].mood, sizeof(life.moods[i]));
    return life;
}

static void note_end(struct lmdb_change *change, const char *appid, const char *name,
                     uint64_t serial, const struct relay_life *life)
{
    struct lmdb_ended *ended = calloc(1, sizeof(*ended));
    if (ended == NULL) {
        kv_fail(change->txn, KV_MEMORY);
        return;
    }
    memcpy(ended->appid, appid, strnlen(appid, RELAY_APPID_MAX));
    memcpy(ended->name, name, strnlen(name, RELAY_MAILBOX_MAX));
    ended->serial = serial;
    ended->life = *life;
    *change->ended = ended;
    change->ended = &ended->next;
}

void lmdb_mailbox_delete(struct lmdb_change *change, const char *appid, const char *name,
                         const struct lmdb_mailbox *mailbox, enum relay_life_end end)
{
    struct kv_key key = lmdb_rows_named(appid, name);
    struct relay_life life = life_of(mailbox, end, change->now);

    note_end(change, appid, name, mailbox->serial, &life);
    lmdb_rows_delete(change, ROWS_MAILBOXES, &key);
    delete_expiry(change, mailbox);
    lmdb_weight_delete(change, mailbox);
    if (mailbox->nameplate[0] != 0)
        lmdb_nameplate_drop(change, appid, mailbox->nameplate, name);
    if (mailbox->count <= LMDB_DELETE_AT_ONCE)
        delete_messages(change, mailbox->serial, UINT64_MAX);
    else
        bury(change, mailbox->serial, mailbox->count);
}

static uint64_t messages_left(const MDB_val *value)
{
    return value->mv_size == KV_NUMBER_BYTES ? kv_read_number(value->mv_data) : 0;
}

/* Deletes messages of the first dead mailbox, and tells how many. False: there is none. */
static bool sweep_first(struct lmdb_change *change, uint64_t most, uint64_t *ret_deleted)
{
    struct kv_key first = kv_key_number(0);
    MDB_val key, value;

    if (!kv_seek(change->txn, ROWS_DEAD, &first, &key, &value))
        return false;
    if (key.mv_size != KV_NUMBER_BYTES) {
        kv_fail(change->txn, KV_DAMAGED);
        return false;
    }
    uint64_t serial = kv_read_number(key.mv_data), left = messages_left(&value);
    struct kv_key row = kv_key_number(serial);
    *ret_deleted = delete_messages(change, serial, most);
    if (*ret_deleted < most)
        lmdb_rows_delete(change, ROWS_DEAD, &row);
    else
        bury(change, serial, left > most ? left - most : 0);
    return true;
}

void lmdb_mailbox_sweep(struct lmdb_change *change)
{
    uint64_t budget = LMDB_SWEEP_STEP, deleted;
    while (budget > 0 && sweep_first(change, budget, &deleted))
        budget -= deleted;
}

static bool add_left(void *arg, const MDB_val *key, const MDB_val *value)
{
    uint64_t *sum = arg;
    (void)key;
    *sum += messages_left(value);
    return true;
}

uint64_t lmdb_mailbox_unswept(struct kv_txn *txn)
{
    struct kv_key first = kv_key_number(0), last = kv_key_number(UINT64_MAX);
    uint64_t sum = 0;
    kv_walk(txn, ROWS_DEAD, &first, &last, add_left, &sum);
    return sum;
}

/* ---- expiry ---- */

/* A row of the expiry index. */
struct expiry_row {
    struct kv_key key, place;
    int64_t updated;
    uint64_t serial;
};

/* The oldest row. False if there is none. */
static bool oldest(struct lmdb_change *change, struct expiry_row *ret_expiry)
{
    struct kv_key first = lmdb_rows_expiry(INT64_MIN, 0);
    MDB_val key, value;

    if (!kv_seek(change->txn, ROWS_EXPIRY, &first, &key, &value))
        return false;
    if (key.mv_size != ROWS_EXPIRY_BYTES || value.mv_size > KV_KEY_MAX) {
        kv_fail(change->txn, KV_DAMAGED);
        return false;
    }
    const uint8_t *bytes = key.mv_data;
    ret_expiry->updated = kv_read_signed(bytes);
    ret_expiry->serial = kv_read_number(bytes + 8);
    ret_expiry->key = lmdb_rows_expiry(ret_expiry->updated, ret_expiry->serial);
    ret_expiry->place.length = value.mv_size;
    memcpy(ret_expiry->place.bytes, value.mv_data, value.mv_size);
    return true;
}

static bool read_mailbox(struct lmdb_change *change, const struct kv_key *place,
                         struct lmdb_mailbox *ret_mailbox)
{
    MDB_val value;
    return kv_get(change->txn, ROWS_MAILBOXES, place, &value) &&
           lmdb_record_decode(LMDB_MAILBOX, value.mv_data, value.mv_size, ret_mailbox) == KV_OK;
}

/* Unreadable mailboxes expire too: they must not keep the others from expiring. */
static void expire_one(struct lmdb_change *change, const struct expiry_row *expiry)
{
    const struct relay_life unknown = {.ended = change->now, .end = RELAY_LIFE_EXPIRED};
    char appid[RELAY_APPID_MAX + 1], name[RELAY_MAILBOX_MAX + 1];
    struct lmdb_mailbox mailbox;
    bool named = lmdb_rows_split(&expiry->place, appid, name);

    if (!named || !read_mailbox(change, &expiry->place, &mailbox)) {
        lmdb_rows_delete(change, ROWS_MAILBOXES, &expiry->place);
        bury(change, expiry->serial, 0);
        if (named)
            note_end(change, appid, name, expiry->serial, &unknown);
    } else {
        free(mailbox.unknown);
        if (mailbox.serial == expiry->serial)
            lmdb_mailbox_delete(change, appid, name, &mailbox, RELAY_LIFE_EXPIRED);
    }
    lmdb_rows_delete(change, ROWS_EXPIRY, &expiry->key);
}

size_t lmdb_mailbox_expire(struct lmdb_change *change, int64_t now, size_t most)
{
    struct expiry_row expiry;
    size_t expired = 0;

    while (expired < most && oldest(change, &expiry) &&
           expiry.updated <= now - change->limits->retention) {
        expire_one(change, &expiry);
        expired++;
    }
    return expired;
}

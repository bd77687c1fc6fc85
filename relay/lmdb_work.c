#include "config.h"

#include "relay/lmdb_work.h"

#include <stdio.h>
#include <string.h>

#include "relay/lmdb_mailbox.h"
#include "relay/lmdb_nameplate.h"
#include "relay/lmdb_weight.h"

/* ---- nameplates ---- */

static enum relay_result claim(struct lmdb_change *change, struct lmdb_op *op, const char *name)
{
    struct lmdb_nameplate nameplate;
    struct lmdb_mailbox mailbox;

    enum relay_result result = lmdb_nameplate_look(change, &op->who, name, &nameplate);
    if (result == RELAY_CROWDED &&
        lmdb_mailbox_get(change, op->who.appid, nameplate.mailbox, &mailbox))
        lmdb_mailbox_note_crowd(change, op->who.appid, nameplate.mailbox, &mailbox);
    if (result == RELAY_DONE)
        result = lmdb_mailbox_join(change, &op->who, nameplate.mailbox, name, &mailbox);
    if (result != RELAY_DONE)
        return result;
    lmdb_nameplate_take(change, &op->who, name, &nameplate);
    memcpy(op->mailbox, nameplate.mailbox, sizeof(op->mailbox));
    op->answer.mailbox = op->mailbox;
    return RELAY_DONE;
}

static enum relay_result run_claim(struct lmdb_change *change, struct lmdb_op *op)
{
    return claim(change, op, op->name);
}

static enum relay_result run_allocate(struct lmdb_change *change, struct lmdb_op *op)
{
    bool again = lmdb_nameplate_find_allocated(change, &op->who, op->nameplate);

    if (!again && !lmdb_nameplate_pick_free(change, op->who.appid, op->nameplate))
        return RELAY_NO_NAMEPLATE;
    enum relay_result result = claim(change, op, op->nameplate);
    if (result == RELAY_DONE && !again)
        lmdb_nameplate_note_allocated(change, &op->who, op->nameplate);
    op->answer.nameplate = op->nameplate;
    return result;
}

static enum relay_result run_release(struct lmdb_change *change, struct lmdb_op *op)
{
    lmdb_nameplate_release(change, &op->who, op->name, NULL);
    return RELAY_DONE;
}

/* An operation that reads rows into its answer. */
struct row_reader {
    struct lmdb_change *change;
    struct lmdb_op *op;
};

static bool told(const struct row_reader *reader, bool done)
{
    if (!done)
        kv_fail(reader->change->txn, KV_MEMORY);
    return done;
}

static bool read_nameplate_row(void *arg, const MDB_val *key, const MDB_val *value)
{
    const struct row_reader *reader = arg;
    size_t prefix = strlen(reader->op->who.appid) + 1;
    (void)value;
    return told(reader, lmdb_op_tell_nameplate(reader->op, (const char *)key->mv_data + prefix,
                                               key->mv_size - prefix));
}

static enum relay_result run_list(struct lmdb_change *change, struct lmdb_op *op)
{
    struct kv_key first = lmdb_rows_named(op->who.appid, "");
    struct kv_key behind = lmdb_rows_behind(op->who.appid);
    struct row_reader reader = {change, op};
    kv_walk(change->txn, ROWS_NAMEPLATES, &first, &behind, read_nameplate_row, &reader);
    return RELAY_DONE;
}

/* ---- mailboxes ---- */

/* The piece that an answer may hold is full: this message is for the next one. */
static bool is_full(const struct row_reader *reader)
{
    size_t most = reader->change->limits->piece_bytes;

    reader->op->answer.more = most > 0 && reader->op->held >= most;
    return reader->op->answer.more;
}

static bool read_message_row(void *arg, const MDB_val *key, const MDB_val *value)
{
    const struct row_reader *reader = arg;
    const uint8_t *bytes = key->mv_data;
    struct lmdb_message message;

    if (is_full(reader))
        return false;
    if (key->mv_size != 2 * KV_NUMBER_BYTES) {
        kv_fail(reader->change->txn, KV_DAMAGED);
        return false;
    }
    if (!lmdb_rows_read(reader->change, LMDB_MESSAGE, value, &message))
        return false;
    uint64_t number = kv_read_number(bytes + KV_NUMBER_BYTES);
    return told(reader, lmdb_op_tell_message(reader->op, number, &message));
}

/* Those behind message number `after`. */
static void tell_messages(struct lmdb_change *change, struct lmdb_op *op,
                          const struct lmdb_mailbox *mailbox, uint64_t after)
{
    struct kv_key first = lmdb_rows_message(mailbox->serial, after + 1);
    struct kv_key last = lmdb_rows_message(mailbox->serial, UINT64_MAX);
    struct row_reader reader = {change, op};

    kv_walk(change->txn, ROWS_MESSAGES, &first, &last, read_message_row, &reader);
}

/* True if the place that the client names is one of this mailbox, and of this history of the store.
 */
static bool is_known(struct lmdb_change *change, const struct lmdb_mailbox *mailbox,
                     const struct relay_position *place)
{
    struct kv_key key = lmdb_rows_message(mailbox->serial, place->number);
    struct lmdb_message message;

    return place->mark != 0 && place->number < mailbox->next &&
           lmdb_rows_get(change, LMDB_MESSAGE, &key, &message) && message.mark == place->mark;
}

static enum relay_result run_open(struct lmdb_change *change, struct lmdb_op *op)
{
    struct lmdb_mailbox mailbox;

    enum relay_result result = lmdb_mailbox_join(change, &op->who, op->name, "", &mailbox);
    if (result != RELAY_DONE)
        return result;
    op->answer.serial = mailbox.serial;
    op->answer.resumed = is_known(change, &mailbox, &op->after);
    tell_messages(change, op, &mailbox, op->answer.resumed ? op->after.number : 0);
    return RELAY_DONE;
}

/* True if this side has the mailbox open. */
static bool get_open(struct lmdb_change *change, const struct lmdb_op *op,
                     struct lmdb_mailbox *ret_mailbox)
{
    if (!lmdb_mailbox_get(change, op->who.appid, op->name, ret_mailbox))
        return false;
    const struct lmdb_side *side = lmdb_sides_find(&ret_mailbox->sides, op->who.side);
    return side != NULL && side->active;
}

static enum relay_result run_read(struct lmdb_change *change, struct lmdb_op *op)
{
    struct lmdb_mailbox mailbox;

    if (!get_open(change, op, &mailbox))
        return RELAY_DONE;
    op->answer.serial = mailbox.serial;
    tell_messages(change, op, &mailbox, op->after.number);
    return RELAY_DONE;
}

static enum relay_result run_add(struct lmdb_change *change, struct lmdb_op *op)
{
    const struct relay_limits *limits = change->limits;
    size_t weight = lmdb_mailbox_weight(&op->message);
    struct lmdb_mailbox mailbox;

    if (!get_open(change, op, &mailbox))
        return RELAY_NOT_OPEN;
    if (mailbox.count >= limits->mailbox_messages || mailbox.bytes > limits->mailbox_bytes ||
        weight > limits->mailbox_bytes - mailbox.bytes)
        return RELAY_TOO_MUCH;
    op->message.number = mailbox.next;
    op->answer.serial = mailbox.serial;
    lmdb_mailbox_append(change, op->who.appid, op->name, &mailbox, &op->message);
    lmdb_mailbox_prolong(change, op->who.appid, op->name, &mailbox, op->who.now);
    lmdb_mailbox_put(change, op->who.appid, op->name, &mailbox);
    return RELAY_DONE;
}

static void close_side(struct lmdb_side *side, const char *mood)
{
    side->active = false;
    side->mood[0] = 0;
    if (mood != NULL)
        snprintf(side->mood, sizeof(side->mood), "%s", mood);
}

static enum relay_result run_close(struct lmdb_change *change, struct lmdb_op *op)
{
    struct lmdb_mailbox mailbox;

    if (!lmdb_mailbox_get(change, op->who.appid, op->name, &mailbox))
        return RELAY_DONE;
    if (mailbox.nameplate[0] != 0)
        lmdb_nameplate_release(change, &op->who, mailbox.nameplate, op->name);
    struct lmdb_side *side = lmdb_sides_find(&mailbox.sides, op->who.side);
    if (side == NULL || !side->active)
        return RELAY_DONE;
    close_side(side, op->mood);
    if (lmdb_sides_active(&mailbox.sides))
        lmdb_mailbox_put(change, op->who.appid, op->name, &mailbox);
    else
        lmdb_mailbox_delete(change, op->who.appid, op->name, &mailbox, RELAY_LIFE_CLOSED);
    return RELAY_DONE;
}

static enum relay_result run_touch(struct lmdb_change *change, struct lmdb_op *op)
{
    struct lmdb_mailbox mailbox;

    if (get_open(change, op, &mailbox) &&
        lmdb_mailbox_prolong(change, op->who.appid, op->name, &mailbox, op->who.now))
        lmdb_mailbox_put(change, op->who.appid, op->name, &mailbox);
    return RELAY_DONE;
}

/* ---- the passing of time ---- */

static enum relay_result run_expire(struct lmdb_change *change, struct lmdb_op *op)
{
    op->answer.count = lmdb_mailbox_expire(change, op->who.now, op->most);
    return RELAY_DONE;
}

static enum relay_result run_sweep(struct lmdb_change *change, struct lmdb_op *op)
{
    (void)op;
    lmdb_mailbox_sweep(change);
    return RELAY_DONE;
}

static enum relay_result run_clear(struct lmdb_change *change, struct lmdb_op *op)
{
    struct lmdb_clearance *clearance = op->arg;
    if (clearance->settled > 0)
        lmdb_rows_new_serial(change); /* an empty transaction would not be committed */
    else
        lmdb_weight_clear(change, clearance);
    return RELAY_DONE;
}

#define ON_NAMEPLATE(work) .run = (work), .name_max = RELAY_NAMEPLATE_MAX
#define ON_MAILBOX(work)   .run = (work), .name_max = RELAY_MAILBOX_MAX

const struct lmdb_work lmdb_work_allocate = {.run = run_allocate, .grows = true};
const struct lmdb_work lmdb_work_claim = {ON_NAMEPLATE(run_claim), .grows = true};
const struct lmdb_work lmdb_work_release = {ON_NAMEPLATE(run_release)};
const struct lmdb_work lmdb_work_list = {.run = run_list};
const struct lmdb_work lmdb_work_open = {ON_MAILBOX(run_open), .grows = true};
const struct lmdb_work lmdb_work_read = {ON_MAILBOX(run_read)};
const struct lmdb_work lmdb_work_add = {ON_MAILBOX(run_add), .grows = true};
const struct lmdb_work lmdb_work_close = {ON_MAILBOX(run_close), .patient = true};
const struct lmdb_work lmdb_work_touch = {ON_MAILBOX(run_touch), .patient = true};
const struct lmdb_work lmdb_work_expire = {.run = run_expire};
const struct lmdb_work lmdb_work_sweep = {.run = run_sweep};
const struct lmdb_work lmdb_work_clear = {.run = run_clear};

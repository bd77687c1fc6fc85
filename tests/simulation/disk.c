#include "config.h"

#include "tests/simulation/disk.h"

#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "wormhole/code.h"

/* More than any simulated user brings about. */
#define ROWS_MAX     2048
#define SESSIONS_MAX 16
#define IMPORTS_MAX  16

/* Never changed, and shared by the platters that have it. */
struct blob {
    unsigned holders;
    struct session *session; /* what it says, if it is a record that a judge has looked at */
    size_t length;
    uint8_t data[];
};

struct row {
    uint8_t id[SESSION_ID_BYTES];
    enum store_box box;
    uint32_t number;
    struct blob *blob;
};

struct entry {
    uint8_t id[SESSION_ID_BYTES];
    uint64_t change;
    int64_t wake;
    char name[NAME_MAX_BYTES + 1]; /* "" for none */
    struct blob *record;
};

/* A session that came from a text. */
struct import {
    uint8_t id[SESSION_ID_BYTES];
    uint32_t exports;
};

/* One state of the disk. */
struct platter {
    struct entry entries[SESSIONS_MAX]; /* sorted by id */
    unsigned entry_count;
    struct row rows[ROWS_MAX];
    unsigned row_count;
    struct import imports[IMPORTS_MAX];
    unsigned import_count;
    uint64_t last_change;
    int64_t noted; /* time of day; 0 for none */
};

struct kv {
    struct platter durable;
    struct disk_hooks hooks;
};

struct kv_txn {
    struct kv *store;
    struct platter *platter; /* the durable one for readers, a copy for the writer */
    bool writes, changed;
    enum kv_status status;
};

/* ---- blobs ---- */

static struct blob *blob_new(const void *data, size_t length)
{
    struct blob *blob = malloc(sizeof(*blob) + length + 1);
    blob->holders = 1;
    blob->session = NULL;
    blob->length = length;
    if (length > 0)
        memcpy(blob->data, data, length);
    return blob;
}

static struct blob *blob_hold(struct blob *blob)
{
    blob->holders++;
    return blob;
}

static void blob_drop(struct blob *blob)
{
    if (--blob->holders > 0)
        return;
    session_free(blob->session);
    free(blob);
}

/* ---- platters ---- */

static struct platter *platter_copy(const struct platter *platter)
{
    struct platter *copy = malloc(sizeof(*copy));
    memcpy(copy->entries, platter->entries, platter->entry_count * sizeof(platter->entries[0]));
    memcpy(copy->rows, platter->rows, platter->row_count * sizeof(platter->rows[0]));
    copy->entry_count = platter->entry_count;
    copy->row_count = platter->row_count;
    memcpy(copy->imports, platter->imports, sizeof(platter->imports));
    copy->import_count = platter->import_count;
    copy->last_change = platter->last_change;
    copy->noted = platter->noted;
    for (unsigned i = 0; i < copy->entry_count; i++)
        blob_hold(copy->entries[i].record);
    for (unsigned i = 0; i < copy->row_count; i++)
        blob_hold(copy->rows[i].blob);
    return copy;
}

static void platter_clear(struct platter *platter)
{
    for (unsigned i = 0; i < platter->entry_count; i++)
        blob_drop(platter->entries[i].record);
    for (unsigned i = 0; i < platter->row_count; i++)
        blob_drop(platter->rows[i].blob);
    platter->entry_count = platter->row_count = 0;
}

static struct entry *find_entry(const struct platter *platter, const uint8_t *id)
{
    for (unsigned i = 0; i < platter->entry_count; i++)
        if (memcmp(platter->entries[i].id, id, SESSION_ID_BYTES) == 0)
            return (struct entry *)&platter->entries[i];
    return NULL;
}

static struct row *find_row(const struct platter *platter, enum store_box box, const uint8_t *id,
                            uint32_t number)
{
    for (unsigned i = 0; i < platter->row_count; i++) {
        const struct row *row = &platter->rows[i];
        if (row->box == box && row->number == number && memcmp(row->id, id, SESSION_ID_BYTES) == 0)
            return (struct row *)row;
    }
    return NULL;
}

struct kv *disk_new(const struct disk_hooks *hooks)
{
    struct kv *store = calloc(1, sizeof(*store));
    store->hooks = *hooks;
    return store;
}

void disk_free(struct kv *store)
{
    platter_clear(&store->durable);
    free(store);
}

/* ---- transactions ---- */

struct kv_txn *kv_read(struct kv *store)
{
    struct kv_txn *txn = calloc(1, sizeof(*txn));
    *txn = (struct kv_txn){.store = store, .platter = &store->durable};
    return txn;
}

struct kv_txn *kv_write(struct kv *store, size_t room)
{
    struct kv_txn *txn = calloc(1, sizeof(*txn));
    (void)room;
    *txn =
        (struct kv_txn){.store = store, .platter = platter_copy(&store->durable), .writes = true};
    return txn;
}

enum kv_status kv_txn_status(const struct kv_txn *txn)
{
    return txn->status;
}

void kv_end(struct kv_txn *txn)
{
    if (txn == NULL)
        return;
    if (txn->writes) {
        platter_clear(txn->platter);
        free(txn->platter);
    }
    free(txn);
}

static void make_durable(struct kv_txn *txn)
{
    struct kv *store = txn->store;
    struct platter old = store->durable;
    store->durable = *txn->platter;
    *txn->platter = old; /* kv_end() clears it */
}

enum kv_status kv_commit(struct kv_txn *txn)
{
    const struct disk_hooks *hooks = &txn->store->hooks;
    enum kv_status status = txn->status;
    if (status == KV_OK && txn->changed)
        status = hooks->failing(hooks->arg);
    if (status == KV_OK && txn->changed) {
        enum disk_crash crash = hooks->committing(hooks->arg);
        if (crash != DISK_CRASH_BEFORE) {
            make_durable(txn);
            hooks->committed(hooks->arg);
        }
    }
    kv_end(txn);
    return status;
}

bool store_erasure_done(const struct kv *store)
{
    (void)store;
    return true;
}

/* ---- sessions ---- */

static enum kv_status read_entry(const struct entry *entry, struct session **ret_session)
{
    enum kv_status status =
        session_record_decode(entry->id, entry->record->data, entry->record->length, ret_session);
    if (status == KV_OK)
        (*ret_session)->change = entry->change;
    return status;
}

enum kv_status store_get_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                 struct session **ret_session)
{
    const struct entry *entry = find_entry(txn->platter, id);
    return entry == NULL ? KV_MISSING : read_entry(entry, ret_session);
}

enum kv_status store_next_code(struct kv_txn *txn, const char *nameplate, const uint8_t *after,
                               uint8_t ret_id[SESSION_ID_BYTES])
{
    for (unsigned i = 0; i < txn->platter->entry_count; i++) {
        struct entry *entry = &txn->platter->entries[i];
        char text[NAMEPLATE_MAX + 1];
        if (entry->record->session == NULL)
            read_entry(entry, &entry->record->session);
        if ((after != NULL && memcmp(entry->id, after, SESSION_ID_BYTES) <= 0) ||
            !session_meets_by_code(entry->record->session))
            continue;
        code_nameplate(entry->record->session->code, text);
        if (strcmp(text, nameplate) != 0)
            continue;
        memcpy(ret_id, entry->id, SESSION_ID_BYTES);
        return KV_OK;
    }
    return KV_MISSING;
}

static bool name_is_taken(const struct platter *platter, const struct session *session)
{
    for (unsigned i = 0; session->name != NULL && i < platter->entry_count; i++)
        if (strcmp(platter->entries[i].name, session->name) == 0 &&
            memcmp(platter->entries[i].id, session->id, SESSION_ID_BYTES) != 0)
            return true;
    return false;
}

static struct entry *add_entry(struct platter *platter, const uint8_t *id)
{
    unsigned place = 0;
    while (place < platter->entry_count &&
           memcmp(platter->entries[place].id, id, SESSION_ID_BYTES) < 0)
        place++;
    if (platter->entry_count == SESSIONS_MAX)
        abort();
    memmove(&platter->entries[place + 1], &platter->entries[place],
            (platter->entry_count - place) * sizeof(platter->entries[0]));
    platter->entry_count++;
    platter->entries[place] = (struct entry){.record = blob_new(NULL, 0)};
    memcpy(platter->entries[place].id, id, SESSION_ID_BYTES);
    return &platter->entries[place];
}

static bool same_record(const struct entry *entry, const struct kv_record *record)
{
    return entry->record->length == record->length &&
           memcmp(entry->record->data, record->data, record->length) == 0;
}

/* The record bears the number of its own change: the session is compared with the old one in it. */
static enum kv_status put(struct kv_txn *txn, struct session *session, bool *ret_changed)
{
    struct entry *entry = find_entry(txn->platter, session->id);
    struct kv_record record;
    session->change = entry == NULL ? 0 : entry->change;
    enum kv_status status = session_record_encode(session, &record);
    if (status != KV_OK)
        return status;
    if (entry != NULL && same_record(entry, &record)) {
        kv_record_clear(&record);
        return KV_OK;
    }
    kv_record_clear(&record);
    session->change = ++txn->platter->last_change;
    status = session_record_encode(session, &record);
    if (status != KV_OK)
        return status;
    if (entry == NULL)
        entry = add_entry(txn->platter, session->id);
    blob_drop(entry->record);
    entry->record = blob_new(record.data, record.length);
    entry->change = session->change;
    entry->wake = session->wake;
    strcpy(entry->name, session->name == NULL ? "" : session->name);
    kv_record_clear(&record);
    txn->changed = true;
    if (ret_changed != NULL)
        *ret_changed = true;
    return KV_OK;
}

enum kv_status store_put_session(struct kv_txn *txn, struct session *session, bool *ret_changed)
{
    if (ret_changed != NULL)
        *ret_changed = false;
    if (name_is_taken(txn->platter, session))
        return KV_TAKEN;
    enum kv_status status = put(txn, session, ret_changed);
    if (status != KV_OK && txn->status == KV_OK)
        txn->status = status;
    return status;
}

enum kv_status store_find(struct kv_txn *txn, const char *text, uint8_t ret_id[SESSION_ID_BYTES])
{
    for (unsigned i = 0; i < txn->platter->entry_count; i++)
        if (strcmp(txn->platter->entries[i].name, text) == 0) {
            memcpy(ret_id, txn->platter->entries[i].id, SESSION_ID_BYTES);
            return KV_OK;
        }
    return KV_MISSING;
}

void store_delete_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES])
{
    struct platter *platter = txn->platter;
    struct entry *entry = find_entry(platter, id);
    store_delete_messages(txn, STORE_OUTBOX, id, UINT32_MAX);
    store_delete_messages(txn, STORE_INBOX, id, UINT32_MAX);
    if (entry == NULL)
        return;
    blob_drop(entry->record);
    memmove(entry, entry + 1,
            (size_t)(&platter->entries[platter->entry_count] - (entry + 1)) * sizeof(*entry));
    platter->entry_count--;
    platter->last_change++;
    txn->changed = true;
}

/* ---- due ---- */

static int compare_due(int64_t wake, const uint8_t *id, const struct store_due *place)
{
    if (wake != place->wake)
        return wake < place->wake ? -1 : 1;
    return memcmp(id, place->id, SESSION_ID_BYTES);
}

enum kv_status store_next_due(struct kv_txn *txn, struct store_due *place)
{
    const struct platter *platter = txn->platter;
    struct store_due best = {.wake = INT64_MAX};
    for (unsigned i = 0; i < platter->entry_count; i++) {
        const struct entry *entry = &platter->entries[i];
        if (entry->wake == INT64_MAX || compare_due(entry->wake, entry->id, place) <= 0 ||
            (best.wake != INT64_MAX && compare_due(entry->wake, entry->id, &best) > 0))
            continue;
        best.wake = entry->wake;
        memcpy(best.id, entry->id, SESSION_ID_BYTES);
    }
    if (best.wake == INT64_MAX)
        return KV_MISSING;
    *place = best;
    return KV_OK;
}

/* ---- imports ---- */

static struct import *find_import(const struct platter *platter, const uint8_t *id)
{
    for (unsigned i = 0; i < platter->import_count; i++)
        if (memcmp(platter->imports[i].id, id, SESSION_ID_BYTES) == 0)
            return (struct import *)&platter->imports[i];
    return NULL;
}

enum kv_status store_get_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                uint32_t *ret_exports)
{
    const struct import *import = find_import(txn->platter, id);
    if (import == NULL)
        return KV_MISSING;
    *ret_exports = import->exports;
    return KV_OK;
}

/* No world lasts so long that one is forgotten. */
void store_put_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], uint32_t exports,
                      int64_t deadline, int64_t now)
{
    struct import *import = find_import(txn->platter, id);
    (void)deadline;
    (void)now;
    if (import == NULL && txn->platter->import_count == IMPORTS_MAX)
        abort();
    if (import == NULL)
        import = &txn->platter->imports[txn->platter->import_count++];
    memcpy(import->id, id, SESSION_ID_BYTES);
    import->exports = exports;
    txn->changed = true;
}

/* ---- the time of day; it is durable with the next change ---- */

void store_note_time(struct kv_txn *txn, int64_t now)
{
    if (txn->platter->noted < now)
        txn->platter->noted = now;
}

void store_correct_time(struct kv_txn *txn, int64_t now)
{
    txn->platter->noted = now;
    txn->changed = true;
}

int64_t store_noted_time(struct kv_txn *txn)
{
    return txn->platter->noted != 0 ? txn->platter->noted : INT64_MIN;
}

/* ---- messages ---- */

void store_put_message(struct kv_txn *txn, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                       uint32_t number, const uint8_t *data, size_t length)
{
    struct platter *platter = txn->platter;
    struct row *row = find_row(platter, box, id, number);
    if (row != NULL)
        blob_drop(row->blob);
    else if (platter->row_count == ROWS_MAX)
        abort();
    else
        row = &platter->rows[platter->row_count++];
    *row = (struct row){.box = box, .number = number, .blob = blob_new(data, length)};
    memcpy(row->id, id, SESSION_ID_BYTES);
    txn->changed = true;
}

enum kv_status store_get_message(struct kv_txn *txn, enum store_box box,
                                 const uint8_t id[SESSION_ID_BYTES], uint32_t number,
                                 const uint8_t **ret_data, size_t *ret_length)
{
    const struct row *row = find_row(txn->platter, box, id, number);
    if (row == NULL)
        return KV_MISSING;
    *ret_data = row->blob->data;
    *ret_length = row->blob->length;
    return KV_OK;
}

void store_delete_messages(struct kv_txn *txn, enum store_box box,
                           const uint8_t id[SESSION_ID_BYTES], uint32_t below)
{
    struct platter *platter = txn->platter;
    unsigned kept = 0;
    for (unsigned i = 0; i < platter->row_count; i++) {
        struct row *row = &platter->rows[i];
        bool goes = row->box == box && (row->number < below || below == UINT32_MAX) &&
                    memcmp(row->id, id, SESSION_ID_BYTES) == 0;
        if (goes)
            blob_drop(row->blob);
        else
            platter->rows[kept++] = *row;
    }
    txn->changed |= kept != platter->row_count;
    platter->row_count = kept;
}

struct kv_health kv_health(const struct kv *store)
{
    (void)store;
    return (struct kv_health){"ok", NULL};
}

const char *kv_status_text(enum kv_status status)
{
    return status == KV_FULL ? "the disk is full" : "the disk fails";
}

/* ---- for judges ---- */

/* Judges look far more often than a session changes: it is read once. */
const struct session *disk_session(const struct kv *disk, const uint8_t id[SESSION_ID_BYTES])
{
    const struct entry *entry = find_entry(&disk->durable, id);
    if (entry == NULL)
        return NULL;
    if (entry->record->session == NULL)
        read_entry(entry, &entry->record->session);
    return entry->record->session;
}

bool disk_find(const struct kv *disk, const char *beginning, uint8_t ret_id[SESSION_ID_BYTES])
{
    for (unsigned i = 0; i < disk->durable.entry_count; i++) {
        const struct entry *entry = &disk->durable.entries[i];
        if (strncmp(entry->name, beginning, strlen(beginning)) != 0)
            continue;
        memcpy(ret_id, entry->id, SESSION_ID_BYTES);
        return true;
    }
    return false;
}

bool disk_message(const struct kv *disk, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                  uint32_t number, const uint8_t **ret_data, size_t *ret_length)
{
    const struct row *row = find_row(&disk->durable, box, id, number);
    if (row == NULL)
        return false;
    *ret_data = row->blob->data;
    *ret_length = row->blob->length;
    return true;
}

unsigned disk_count(const struct kv *disk)
{
    return disk->durable.entry_count + disk->durable.row_count;
}

#include "config.h"

#include "state/store.h"

#include "state/slots.h"
#include "state/table.h"

static const char *const table_names[TABLES] = {
    [TABLE_META] = "meta",       [TABLE_SESSIONS] = "sessions", [TABLE_NAMES] = "names",
    [TABLE_DUE] = "due",         [TABLE_OUTBOX] = "outbox",     [TABLE_INBOX] = "inbox",
    [TABLE_CHANGES] = "changes", [TABLE_IMPORTS] = "imports",   [TABLE_SLOTS] = "slots",
};

static const struct kv_kind sessions_kind = {
    .program = "wormholed",
    .format = STORE_FORMAT,
    .tables = TABLES,
    .extra = &slots_extra,
    .names = table_names,
};

enum kv_status store_open(const char *directory, uint64_t max_bytes, struct kv **ret_store,
                          char *ret_why, size_t size)
{
    return kv_open(&sessions_kind, directory, max_bytes, ret_store, ret_why, size);
}

bool store_erasure_done(const struct kv *store)
{
    return slots_forget(store);
}

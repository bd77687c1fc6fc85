#include "config.h"

#include "kv/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const status_texts[] = {
    [KV_OK] = "all is well",
    [KV_MISSING] = "there is no such thing in the store",
    [KV_TAKEN] = "another session has this petname",
    [KV_AMBIGUOUS] = "more than one session's id begins like this",
    [KV_FULL] = "the store or its disk is full",
    [KV_LOCKED] = "another wormholed has the store open",
    [KV_NEWER] = "the store was written by a newer wormholed",
    [KV_DAMAGED] = "the store is damaged; it was left as it is",
    [KV_DENIED] = "the store may not be read or written: permission denied",
    [KV_MEMORY] = "out of memory",
    [KV_FAILED] = "the store could not be read or written",
};

const char *kv_status_text(enum kv_status status)
{
    return status_texts[status];
}

static const struct {
    int error;
    enum kv_status status;
} statuses[] = {
    {MDB_SUCCESS, KV_OK},
    {MDB_NOTFOUND, KV_MISSING},
    {MDB_MAP_FULL, KV_FULL},
    {ENOSPC, KV_FULL},
    {EDQUOT, KV_FULL},
    {EFBIG, KV_FULL},
    {MDB_INVALID, KV_DAMAGED},
    {MDB_VERSION_MISMATCH, KV_DAMAGED},
    {MDB_CORRUPTED, KV_DAMAGED},
    {MDB_PAGE_NOTFOUND, KV_DAMAGED},
    {MDB_INCOMPATIBLE, KV_DAMAGED},
    {EACCES, KV_DENIED},
    {EPERM, KV_DENIED},
    {EROFS, KV_DENIED},
    {ENOMEM, KV_MEMORY},
};

enum kv_status kv_status_of(int error)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].error == error)
            return statuses[i].status;
    return KV_FAILED;
}

enum kv_status kv_open_fail(const struct kv_open_error *why, enum kv_status status,
                            const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, why->size, format, arguments);
    va_end(arguments);
    return status;
}

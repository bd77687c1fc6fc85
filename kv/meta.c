#include "config.h"

#include "kv/meta.h"

#include <string.h>

#include "kv/row.h"

static MDB_val name_key(const char *name)
{
    return (MDB_val){.mv_size = strlen(name), .mv_data = (void *)name};
}

int meta_get(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t *ret_number)
{
    MDB_val key = name_key(name), value;
    int error = mdb_get(txn, table, &key, &value);
    if (error == MDB_SUCCESS && value.mv_size != ROW_NUMBER_BYTES)
        error = MDB_CORRUPTED;
    if (error == MDB_SUCCESS)
        *ret_number = row_read_number(value.mv_data);
    return error;
}

int meta_put(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t number)
{
    struct row_key bytes = row_number(number);
    MDB_val key = name_key(name);
    MDB_val value = {.mv_size = bytes.length, .mv_data = bytes.bytes};
    return mdb_put(txn, table, &key, &value, 0);
}

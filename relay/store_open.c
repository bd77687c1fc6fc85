#include "config.h"

#include "relay/store_open.h"

#include "relay/lmdb_store.h"

const struct relay_store *relay_store_open(struct event_base *base,
                                           const struct relay_store_options *options, char *ret_why,
                                           size_t size)
{
    return lmdb_store_open(base, options->address, options->max_bytes, &options->limits, ret_why,
                           size);
}

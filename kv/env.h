/* Private to kv/: LMDB's environment, made, opened, checked. */
#ifndef KV_ENV_H
#define KV_ENV_H

#include <stdbool.h>

#include "kv/table.h"
#include "kv/open_error.h"

/*
 * Makes a new, empty store in the directory. It is made under another name and renamed when it is
 * complete and durable: whoever is interrupted leaves no half of one behind.
 */
enum kv_status env_create(struct kv *store, const struct open_error *why);

/* Opens the environment, checks the format, and opens the tables. */
enum kv_status env_open(struct kv *store, const struct open_error *why);

/* Closes and opens it again; no transaction may be open. False if it cannot be opened: it is closed
 * then, and can be tried again. */
bool env_restart(struct kv *store);

void env_close(struct kv *store);

#endif

/* Private to lmdb/: LMDB's environment, made, opened, checked. */
#ifndef LMDB_ENV_H
#define LMDB_ENV_H

#include <stdbool.h>

#include "lmdb/lmdb.h"
#include "lmdb/why.h"

/*
 * Makes a new, empty store in the directory. It is made under another name and renamed when it is
 * complete and durable: whoever is interrupted leaves no half of one behind.
 */
enum store_status env_create(struct store *store, const struct why *why);

/* Opens the environment, checks the format, and opens the tables. */
enum store_status env_open(struct store *store, const struct why *why);

/* Closes and opens it again; no transaction may be open. False if it cannot be opened: it is closed
 * then, and can be tried again. */
bool env_restart(struct store *store);

void env_close(struct store *store);

#endif

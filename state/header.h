/*
 * Private to state/: a look at the head of LMDB's file before LMDB maps it. LMDB believes what is
 * there: a page size of 0 makes it divide by zero, and a file that was cut short makes the kernel
 * kill the process as soon as it reads behind the end.
 */
#ifndef STATE_HEADER_H
#define STATE_HEADER_H

#include "state/store.h"
#include "state/why.h"

#define HEADER_FILE "data.mdb"

/* STORE_MISSING if there is no file; STORE_DAMAGED if it cannot be a whole one. Reads only. */
enum store_status header_check(int directory, const char *path, const struct why *why);

#endif

/*
 * Private to lmdb/: a look at the head of LMDB's file before LMDB maps it. LMDB believes what is
 * there: a page size of 0 makes it divide by zero, and a file that was cut short makes the kernel
 * kill the process as soon as it reads behind the end.
 */
#ifndef LMDB_HEADER_H
#define LMDB_HEADER_H

#include "lmdb/store.h"
#include "lmdb/why.h"

#define HEADER_FILE "data.mdb"

/* STORE_MISSING if there is no file; STORE_DAMAGED if it cannot be a whole one. Reads only. */
enum store_status header_check(int directory, const char *path, const struct why *why);

#endif

/*
 * Private to kv/: a look at the head of LMDB's file before LMDB maps it. LMDB believes what is
 * there: a page size of 0 makes it divide by zero, and a file that was cut short makes the kernel
 * kill the process as soon as it reads behind the end.
 */
#ifndef KV_HEADER_H
#define KV_HEADER_H

#include "kv/kv.h"
#include "kv/open_error.h"

#define HEADER_FILE "data.mdb"

/* KV_MISSING if there is no file; KV_DAMAGED if it cannot be a whole one. Reads only. */
enum kv_status header_check(int directory, const char *path, const struct open_error *why);

#endif

/* Private to lmdb/: the store's directory, and the lock that keeps it to one process. */
#ifndef LMDB_DIRECTORY_H
#define LMDB_DIRECTORY_H

#include "lmdb/store.h"
#include "lmdb/why.h"

/*
 * Makes the directory (and its parents) with mode 0700 if it is missing. Refuses one that belongs
 * to somebody else or that others may write to: they could exchange the files. *ret_directory is a
 * new descriptor.
 */
enum store_status directory_open(const char *path, const struct why *why, int *ret_directory);

/*
 * Takes the lock of the directory, the file `lock` in it, which tells the holder's pid.
 * *ret_lock is a new descriptor; closing it (also by dying) gives the lock back. The file stays:
 * if it were removed, two processes could hold locks on two files of the same name.
 */
enum store_status directory_lock(int directory, const char *path, const struct why *why,
                                 int *ret_lock);

#endif

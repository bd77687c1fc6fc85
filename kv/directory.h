/* Private to kv/: the store's directory, and the lock that keeps it to one process. */
#ifndef KV_DIRECTORY_H
#define KV_DIRECTORY_H

#include "kv/kv.h"
#include "kv/open_error.h"

/*
 * Makes the directory (and its parents) with mode 0700 if it is missing. Refuses one that belongs
 * to somebody else or that others may write to: they could exchange the files. *ret_directory is a
 * new descriptor.
 */
enum kv_status directory_open(const char *path, const struct open_error *why, int *ret_directory);

/*
 * Takes the lock of the directory, the file `lock` in it, which tells the holder's pid.
 * *ret_lock is a new descriptor; closing it (also by dying) gives the lock back. The file stays:
 * if it were removed, two processes could hold locks on two files of the same name.
 */
enum kv_status directory_lock(int directory, const char *path, const struct open_error *why,
                              int *ret_lock);

#endif

/* Files that hold secrets, which nobody but their owner should be able to read. */
#ifndef BASE_PRIVATE_FILE_H
#define BASE_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Room for a sentence about a file. */
#define PRIVATE_FILE_WHY 512

/* True unless other users can read or write a regular file with this status; else ret_why (of
 * `size` bytes) says so, and which command mends it. Another user's file may be readable for a
 * group, as Debian's keys are for ssl-cert. */
bool private_file_fits(const struct stat *status, const char *path, char *ret_why, size_t size);

/* The same for a path. True also if its status cannot be read: whoever opens it will tell why. */
bool private_file_check(const char *path, char *ret_why, size_t size);

#endif

/*
 * Puts a backup (state/backup.h) back, into a directory that is not there yet, or is empty. It is
 * made beside that, in DIRECTORY.restoring, and takes its place when it is complete, durable, and
 * was opened once: whatever interrupts it, DIRECTORY is as it was or has all.
 */
#ifndef STATE_RESTORE_H
#define STATE_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct restore;

enum restore_result {
    RESTORE_OK = 0,
    RESTORE_DAMAGED, /* the backup is not a whole one */
    RESTORE_FAILED,  /* as a sentence says */
};

/* Makes the place for it; what an interrupted one has left there goes. New; restore_free(). Else
 * RESTORE_FAILED with a sentence in ret_why (of `size` bytes), as below. */
enum restore_result restore_begin(const char *directory, struct restore **ret_restore,
                                  char *ret_why, size_t size);

/* The next bytes of the backup. */
enum restore_result restore_add(struct restore *restore, const uint8_t *data, size_t length,
                                char *ret_why, size_t size);

/* That was all of it: checks it, and puts it in its place. Counts the sessions, and those whose
 * records cannot be read, as it was when the backup was made. */
enum restore_result restore_finish(struct restore *restore, uint64_t *ret_sessions,
                                   uint64_t *ret_unreadable, char *ret_why, size_t size);

/* Removes what is not in its place. NULL is fine. */
void restore_free(struct restore *restore);

#endif

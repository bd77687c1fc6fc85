/*
 * The relay's usage record: a line of JSON for each mailbox whose life is over, for the operator's
 * statistics. It tells how it went and never who it was: no address, nameplate, mailbox, side or
 * application is in it, and times are rounded.
 *
 * The file is appended to; one that has USAGE_MAX bytes becomes FILE.1, which is overwritten. Who
 * wants more of them lets another program rename the file, and opens it anew.
 */
#ifndef RELAY_USAGE_H
#define RELAY_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "relay/store.h"

/* Some hundreds of thousands of lines. */
#define USAGE_MAX (INT64_C(32) << 20)
/* Room for a line, with its end and a NUL. */
#define USAGE_LINE_SIZE 256

struct usage;

/* Opens the file, which is made with mode 0600 if there is none. `blur`: ms to which the time at
 * which a mailbox began is rounded down; 0: to seconds. New; usage_close(). NULL, with a sentence
 * in ret_why (of `size` bytes), if it cannot be written. */
struct usage *usage_open(const char *path, int64_t blur, char *ret_why, size_t size);

/* NULL is fine. */
void usage_close(struct usage *usage);

/* Appends a line. What cannot be written is lost, and the log says so, now and then. */
void usage_note(struct usage *usage, const struct relay_life *life);

/* The line. */
void usage_line(const struct relay_life *life, int64_t blur, char ret_line[USAGE_LINE_SIZE]);

#endif

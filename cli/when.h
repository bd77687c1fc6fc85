/* Points in time, as people say them. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdint.h>

/* Room for what these functions write, with the NUL. */
#define WHEN_MAX 64

/* "just now", "3 min ago", "in 2 h", "4 days ago"; whole units, rounded to the nearest. */
void when_relative(int64_t when, int64_t now, char ret_text[WHEN_MAX]);

/* What will happen: "in 20 min", then "today 14:05", "tomorrow 09:30" in local time, "in 4 days";
 * "now" if the time has come. */
void when_planned(int64_t when, int64_t now, char ret_text[WHEN_MAX]);

/* "2025-11-23 14:05 (3 min ago)", in local time. */
void when_absolute(int64_t when, int64_t now, char ret_text[WHEN_MAX]);

/* "2025-11-23 14:05:09", in local time. */
void when_stamp(int64_t when, char ret_text[WHEN_MAX]);

#endif

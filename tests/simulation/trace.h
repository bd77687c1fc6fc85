/* What happened, for whoever has to understand a failure; and the failure. */
#ifndef SIMULATION_TRACE_H
#define SIMULATION_TRACE_H

#include <stdbool.h>

/* A new world. `loud`: lines are printed as they come. */
void trace_begin(bool loud);

/* A line: when, `who`, and what. */
void trace(const char *who, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something that must never be. The first one is what this world failed for. */
void trace_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* NULL while all is well. Borrowed until the next world. */
const char *trace_failure(void);

#endif

/* The fields of what commands report, for -o: some of them, with tabs between, on a line. */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/report.h"

/* The fields that each kind of report has, as doc/ipc.md and wormctl(1) name them; NULL ends them.
 */
extern const char *const fields_view[];          /* a session */
extern const char *const fields_status[];        /* the daemon */
extern const char *const fields_sent[];          /* what send did */
extern const char *const fields_message[];       /* a message */
extern const char *const fields_received_text[]; /* a text that was received */
extern const char *const fields_session[];       /* only which session it was */
extern const char *const fields_key[];           /* a derived key */
extern const char *const fields_event[];         /* something that happened to a session */
extern const char *const fields_change[];        /* a change of a session */

/* True if `name` is one of them. */
bool fields_have(const char *const *fields, const char *name);

/* Checks that all fields of "a,b,c" exist; otherwise reports a usage error of `command` that lists
 * those that do, and returns EXIT_USAGE. */
enum exit_status fields_check(const char *command, const char *const *fields, const char *wanted);

/*
 * Prints those fields of `object` as one line, and flushes: texts with control characters escaped,
 * true and false, nothing for null or what is missing, JSON for arrays and objects.
 */
enum exit_status fields_print(const json_t *object, const char *wanted);

/* A new object that has only those fields; json_decref(); NULL: out of memory. */
json_t *fields_pick(const json_t *object, const char *wanted);

#endif

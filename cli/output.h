/* What goes to standard output: for programs with --json and -o, otherwise for people. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"
#include "cli/report.h"
#include "libclient/wormclient.h"

/* Columns of a label in front of a value: the longest label and a gap. */
#define OUTPUT_LABEL_WIDTH 15

/* Something was not printed because memory ran out: the next flush fails. */
void output_mark_incomplete(void);

/* Pushes out all that was printed. If some of it was lost, or is incomplete, reports that and
 * returns EXIT_FAILED. */
enum exit_status output_flush(void);

/* The same, and if standard output is a regular file, waits until the disk has it: comes before
 * anything that lets the daemon forget what was printed. */
enum exit_status output_sync(void);

/* Writes bytes exactly as they are, and flushes. */
enum exit_status output_bytes(const void *data, size_t length);

/* Writes a line, and flushes. */
enum exit_status output_line(const char *text);

/* Writes a text that is not ours, and flushes: exactly as it is; but on a terminal, which it must
 * not drive, with all control characters but newlines and tabs escaped, and in whole lines. */
enum exit_status output_text(const char *text, size_t length);

/* Prints "label  value" for a person, with control characters of the value escaped. */
void output_labelled(const char *label, const char *value);

/* ---- for programs ---- */

/* True if a program reads standard output (--json, -o): nothing else may go there then. */
bool output_for_program(const struct cli_options *options);

/* Writes a value as one line, and flushes. */
enum exit_status output_json(const json_t *value);

/* Each prints one line as --json and -o want it, and flushes; nothing without these options.
 * output_object() takes over `object`; NULL means that memory ran out. */
enum exit_status output_object(const struct cli_options *options, json_t *object);
enum exit_status output_value(const struct cli_options *options,
                              const struct wormclient_value *value);
enum exit_status output_session(const struct cli_options *options,
                                const struct wormclient_session *session);

#endif

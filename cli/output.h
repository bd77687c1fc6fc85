/* What goes to standard output. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>

#include "cli/exit.h"
#include "libclient/wormclient.h"

/* Pushes out all that was printed. Says so and returns EXIT_FAILED if some of it was lost. */
enum exit_status output_flush(void);

/* Writes bytes exactly as they are, and flushes. */
enum exit_status output_bytes(const void *data, size_t length);

/* Writes a line, and flushes. */
enum exit_status output_line(const char *text);

/* Writes a value of the daemon as one line of JSON, and flushes. */
enum exit_status output_json(const struct wormclient_value *value);

/* As output_json, but takes a session. */
enum exit_status output_session(const struct wormclient_session *session);

#endif

/* What a command reports to a program: all of it with --json, some of it with -o. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/exit.h"
#include "cli/options.h"
#include "libclient/wormclient.h"

/* True if a program reads what is printed: then nothing goes to standard output but this. */
bool result_wanted(const struct cli_options *options);

/* Each prints one line as the options want it, and flushes; nothing if they want none. */
enum exit_status result_value(const struct cli_options *options,
                              const struct wormclient_value *value);
enum exit_status result_session(const struct cli_options *options,
                                const struct wormclient_session *session);

/* Likewise; takes over `object`, of which NULL means that memory ran out. */
enum exit_status result_object(const struct cli_options *options, json_t *object);

/* The value as a new object; json_decref(); NULL: out of memory. */
json_t *result_load(const struct wormclient_value *value);

#endif

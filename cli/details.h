/* A map of the daemon as lines of "label  value", for people. */
#ifndef CLI_DETAILS_H
#define CLI_DETAILS_H

#include <stddef.h>

#include "cli/exit.h"
#include "libclient/wormclient.h"

/* The longest label and a gap. */
#define DETAILS_LABEL_WIDTH 15

struct details_row {
    const char *label;
    const char *key;
    /* Prints the line, or none if there is nothing to say. */
    void (*show)(const struct wormclient_value *map, const char *label, const char *key);
};

/* Prints one line, with control characters escaped. */
void details_line(const char *label, const char *value);

/* Rows for a text, a moment, a number (not if it is 0), and a number of bytes. */
void details_text(const struct wormclient_value *map, const char *label, const char *key);
void details_moment(const struct wormclient_value *map, const char *label, const char *key);
void details_count(const struct wormclient_value *map, const char *label, const char *key);
void details_bytes(const struct wormclient_value *map, const char *label, const char *key);

/* Prints all rows, and flushes. */
enum exit_status details_print(const struct wormclient_value *map, const struct details_row *rows,
                               size_t count);

#endif

/* What watch knows, and how it looks for what is new and tells it. */
#ifndef CLI_WATCH_SCAN_H
#define CLI_WATCH_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/watch_known.h"

struct watch {
    struct wormclient *client;
    const struct cli_options *options;
    char id[WATCH_ID_SIZE]; /* of the only session that is watched; "": all are */
    struct watch_known known;
    bool complete;           /* `seen` has every session there is */
    int64_t since;           /* all changes up to this one were told */
    uint64_t notifications;  /* counted up by each */
    int64_t newest;          /* change of the last one */
    bool gone;               /* the only session was forgotten */
    enum exit_status status; /* of a watch that is over */
};

/* How a step went. */
enum watch_step {
    WATCH_GOING_ON = 0,
    WATCH_LOST, /* the connection; it can be made again */
    WATCH_OVER, /* the watch ends with watch->status */
};

/* Tells all that changed since watch->since, and moves that on. */
enum watch_step watch_scan(struct watch *watch);

/* The watch ends with this status. */
enum watch_step watch_end(struct watch *watch, enum exit_status status);

/* A call failed: says so, and whether the watch can go on with another connection. */
enum watch_step watch_failed(struct watch *watch, const struct wormclient_error *error);

#endif

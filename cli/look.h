/* What watch knows, and how it looks for what is new and tells it. */
#ifndef CLI_LOOK_H
#define CLI_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/seen.h"

struct watch {
    struct wormclient *client;
    const struct options *options;
    char id[SEEN_ID_MAX]; /* of the only session that is watched; "": all are */
    struct seen seen;
    bool complete;           /* `seen` has every session there is */
    int64_t since;           /* all changes up to this one were told */
    uint64_t notifications;  /* counted up by each */
    enum exit_status status; /* of a watch that is over */
};

/* How a step went. */
enum step {
    STEP_DONE = 0,
    STEP_LOST, /* the connection; it can be made again */
    STEP_OVER, /* the watch ends with watch->status */
};

/* Tells all that changed since watch->since, and moves that on. */
enum step look(struct watch *watch);

/* The watch ends with this status. */
enum step look_over(struct watch *watch, enum exit_status status);

/* A call failed: says so, and whether the watch can go on with another connection. */
enum step look_failed(struct watch *watch, const struct wormclient_error *error);

#endif

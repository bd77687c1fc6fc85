/* The options of wormctl: one table says how each is spelled, what it takes and what help says. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/report.h"

/* OPTION_NAME and so on. */
enum option_id {
#define OPTION(id, name, letter, kind, value, help) OPTION_##id,
#include "cli/options.def"
#undef OPTION
    OPTIONS,
};

/* Sets of options: OPTION_BIT(OPTION_NAME) | … */
#define OPTION_BIT(id) (UINT64_C(1) << (id))
#define OPTIONS_GLOBAL                                                                             \
    (OPTION_BIT(OPTION_SOCKET) | OPTION_BIT(OPTION_START_DAEMON) | OPTION_BIT(OPTION_JSON) |       \
     OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION))
/* How people want to see what is printed: nothing for programs. */
#define OPTIONS_FOR_PEOPLE                                                                         \
    (OPTION_BIT(OPTION_QR) | OPTION_BIT(OPTION_URI) | OPTION_BIT(OPTION_RAW) |                     \
     OPTION_BIT(OPTION_WIDE) | OPTION_BIT(OPTION_NAMES) | OPTION_BIT(OPTION_NUL))
_Static_assert(OPTIONS <= 64, "a set of options is a number of 64 bits");

/* What a value must look like. */
enum option_kind {
    OPTION_FLAG = 0,       /* takes none */
    OPTION_TEXT,           /* anything that is not empty */
    OPTION_RELAYS,         /* the same, up to three times: struct cli_options has all in `relays` */
    OPTION_ANY,            /* anything */
    OPTION_NUMBER,         /* a number, at least 1 */
    OPTION_CHANGE,         /* a number, at least 0 */
    OPTION_SIZE,           /* base/quantity.h, more than 0 */
    OPTION_DURATION,       /* base/quantity.h, more than 0 */
    OPTION_LIMIT_DURATION, /* likewise, or 0 */
    OPTION_WAIT_DURATION,  /* likewise, or left out */
    OPTION_ALWAYS,         /* "always", or left out */
    OPTION_KINDS,
};

/* Which commands take an option because they begin a session. */
enum option_group {
    OPTION_GROUP_NONE = 0,
    OPTION_GROUP_EVERY,   /* each of them */
    OPTION_GROUP_LONG,    /* those that are not limited to one text */
    OPTION_GROUP_LASTING, /* those that leave the session to go on */
};

struct option_row {
    const char *name; /* without the hyphens */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *value; /* what help calls the value, NULL for a flag */
    const char *help;
    enum option_group group;
};

/* By enum option_id. */
extern const struct option_row option_rows[OPTIONS];

/* The options of a command of that group, which takes those of the groups before it as well. */
uint64_t options_of_group(enum option_group group);

/* True if an option of the set has this name. */
bool options_have(uint64_t set, const char *name);

/* True if the option may stand without its value. */
bool options_value_optional(const struct option_row *row);

#define OPTIONS_RELAYS_MAX 3

struct cli_options {
    bool given[OPTIONS];
    char *text[OPTIONS];     /* borrowed from argv */
    int64_t number[OPTIONS]; /* of numbers and sizes; the durations in ms, -1 if left out */
    char *relays[OPTIONS_RELAYS_MAX]; /* borrowed from argv, too */
    unsigned relays_count;
    int count; /* of the other arguments */
    char **arguments;
};

/*
 * Reads those options of the set `allowed` that are in `argv` (argv[0] is skipped) into *options,
 * which begins as `= {0}` and may be read into more than once. Options may follow other arguments;
 * but while `command` is NULL they end at the first other argument. Reports mistakes, naming
 * `command`, and returns EXIT_USAGE.
 */
enum exit_status options_read(struct cli_options *options, const char *command, uint64_t allowed,
                              int argc, char **argv);

#endif

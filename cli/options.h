/* The options of wormctl: one table says how each is spelt, what it takes and what help says. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"

enum option_id {
    OPTION_SOCKET = 0,
    OPTION_START_DAEMON,
    OPTION_JSON,
    OPTION_FIELDS,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_NAME,
    OPTION_APPID,
    OPTION_RELAY,
    OPTION_WORDS,
    OPTION_CODE,
    OPTION_QR,
    OPTION_SCHEDULE,
    OPTION_TIMEOUT, /* of a session: until it is given up */
    OPTION_VERIFY,
    OPTION_APP_VERSIONS,
    OPTION_INBOX_MESSAGES,
    OPTION_INBOX_BYTES,
    OPTION_DATA,
    OPTION_WAIT,
    OPTION_PEEK,
    OPTION_ALL,
    OPTION_FOR,
    OPTION_LIMIT, /* also spelt --timeout: until wormctl stops waiting */
    OPTION_YES,
    OPTION_NO,
    OPTION_RAW,
    OPTION_SINCE,
    OPTION_EXEC,
    OPTION_KEEP,
    OPTION_TERMINAL, /* spelt --force: a secret may go to a terminal */
    OPTION_FORCE,
    OPTION_NAMES,
    OPTIONS,
};

/* Sets of options: OPTION_BIT(OPTION_NAME) | … */
#define OPTION_BIT(id) (UINT64_C(1) << (id))
#define OPTIONS_GLOBAL                                                                             \
    (OPTION_BIT(OPTION_SOCKET) | OPTION_BIT(OPTION_START_DAEMON) | OPTION_BIT(OPTION_JSON) |       \
     OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION))
_Static_assert(OPTIONS <= 64, "a set of options is a number of 64 bits");

/* What a value must look like. */
enum option_kind {
    OPTION_FLAG = 0,       /* takes none */
    OPTION_TEXT,           /* anything but nothing */
    OPTION_ANY,            /* anything */
    OPTION_NUMBER,         /* a number from 1 on */
    OPTION_CHANGE,         /* a number from 0 on */
    OPTION_SIZE,           /* base/quantity.h, more than 0 */
    OPTION_DURATION,       /* base/quantity.h, more than 0 */
    OPTION_LIMIT_DURATION, /* likewise, or 0 */
    OPTION_WAIT_DURATION,  /* likewise, or left out */
    OPTION_ALWAYS,         /* "always", or left out */
};

struct option_row {
    const char *name; /* without the hyphens */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *value; /* what help calls the value, NULL for a flag */
    const char *help;
};

/* By enum option_id. */
extern const struct option_row option_rows[OPTIONS];

struct cli_options {
    bool given[OPTIONS];
    char *text[OPTIONS];     /* borrowed from argv */
    int64_t number[OPTIONS]; /* of numbers and sizes; the durations in ms, -1 if left out */
    int count;               /* of the other arguments */
    char **arguments;
};

/*
 * Reads those options of the set `allowed` that stand in `argv` (argv[0] is skipped), into
 * *options, which begins as `= {0}` and may be read into more than once. Options may stand after
 * other arguments; but while `command` is NULL they end at the first other argument. Says what is
 * wrong, naming `command`, and returns EXIT_USAGE.
 */
enum exit_status options_read(struct cli_options *options, const char *command, uint64_t allowed,
                              int argc, char **argv);

#endif

/* The commands of wormctl: what each file of commands defines, and what finds and runs them. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "cli/report.h"
#include "libclient/wormclient.h"

/* A command: usage checks, help and completion follow from this. */
struct cli_command {
    const char *name;          /* one word, or two */
    const char *usage;         /* its arguments, as help shows them */
    const char *help;          /* one line */
    const char *details;       /* more lines for its own help, or NULL */
    uint64_t options;          /* besides those of command_options() */
    enum option_group begins;  /* it begins a session, and takes its options as well */
    const char *const *fields; /* what -o can name; NULL: it reports nothing to choose from */
    int least, most;           /* number of arguments */
    bool local;                /* it asks no daemon: run() gets no client */
    /* Checks what the table cannot say, before the daemon is asked; NULL: nothing. */
    enum exit_status (*check)(const struct cli_options *options);
    /* Carries the command out, and reports what goes wrong. `client` is NULL if it is local. */
    enum exit_status (*run)(struct wormclient *client, const struct cli_options *options);
};

/* Each is defined in the file of its family. */
#define COMMAND(name) extern const struct cli_command name##_command;
#include "cli/commands.def"
#undef COMMAND

/* All commands, in the order in which help shows them. */
extern const struct cli_command *const commands[];
extern const size_t command_count;

/* All options that the command takes. */
uint64_t command_options(const struct cli_command *command);

/* The command that the arguments begin with, and how many of them are its name; NULL if none. */
const struct cli_command *command_find(int count, char **arguments, int *ret_words);

/* True if `word` is the first word of commands of two. */
bool command_is_family(const char *word);

/* The name most like `word`, NULL if none is. Borrowed. */
const char *command_nearest(const char *word);

/* Runs wormctl. */
enum exit_status command_main(int argc, char **argv);

#endif

/* The commands of wormctl: a table of them, and the functions that its rows name. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"
#include "cli/options.h"
#include "libclient/wormclient.h"

struct cli_command {
    const char *name;          /* one word, or two */
    const char *usage;         /* its arguments, as help shows them */
    const char *help;          /* one line */
    const char *details;       /* more lines for its own help, or NULL */
    uint64_t options;          /* beside those of command_options() */
    const char *const *fields; /* what -o can name; NULL: it reports nothing to choose from */
    int least, most;           /* how many arguments */
    /* Looks at what a table cannot say, before the daemon is asked; NULL: nothing. */
    enum exit_status (*check)(const struct cli_options *options);
    enum exit_status (*run)(struct wormclient *client, const struct cli_options *options);
};

extern const struct cli_command commands[];
extern const size_t command_count;

/* All options that the command takes. */
uint64_t command_options(const struct cli_command *command);

/* The command that the arguments begin with, and how many of them are its name; NULL if none. */
const struct cli_command *command_find(int count, char **arguments, int *ret_words);

/* True if the command's name is two words, and this is the first of them; and if there is any such.
 */
bool command_in_family(const struct cli_command *command, const char *word);
bool command_is_family(const char *word);

/* The name most like `word`, NULL if none is. Borrowed. */
const char *command_nearest(const char *word);

/* Runs wormctl. */
enum exit_status command_main(int argc, char **argv);

/* Help on all commands, on those with this first word, or on one, to standard output. */
void help_all(void);
void help_family(const char *word);
void help_command(const struct cli_command *command);

/* Each looks at one command's options before the daemon is asked, and says what is wrong. */
enum exit_status accept_check(const struct cli_options *options);
enum exit_status derive_key_check(const struct cli_options *options);
enum exit_status exchange_check(const struct cli_options *options);
enum exit_status export_check(const struct cli_options *options);
enum exit_status text_receive_check(const struct cli_options *options);
enum exit_status verify_check(const struct cli_options *options);
enum exit_status wait_check(const struct cli_options *options);

/* Each carries out one command, says what is wrong if it fails, and returns the exit status. */
enum exit_status invite_check(const struct cli_options *options);
enum exit_status invite_run(struct wormclient *client, const struct cli_options *options);
enum exit_status accept_run(struct wormclient *client, const struct cli_options *options);
enum exit_status exchange_run(struct wormclient *client, const struct cli_options *options);
enum exit_status list_run(struct wormclient *client, const struct cli_options *options);
enum exit_status show_run(struct wormclient *client, const struct cli_options *options);
enum exit_status send_run(struct wormclient *client, const struct cli_options *options);
enum exit_status recv_run(struct wormclient *client, const struct cli_options *options);
enum exit_status wait_run(struct wormclient *client, const struct cli_options *options);
enum exit_status watch_run(struct wormclient *client, const struct cli_options *options);
enum exit_status verify_run(struct wormclient *client, const struct cli_options *options);
enum exit_status derive_key_run(struct wormclient *client, const struct cli_options *options);
enum exit_status rename_run(struct wormclient *client, const struct cli_options *options);
enum exit_status export_run(struct wormclient *client, const struct cli_options *options);
enum exit_status import_run(struct wormclient *client, const struct cli_options *options);
enum exit_status close_run(struct wormclient *client, const struct cli_options *options);
enum exit_status forget_run(struct wormclient *client, const struct cli_options *options);
enum exit_status poll_run(struct wormclient *client, const struct cli_options *options);
enum exit_status status_run(struct wormclient *client, const struct cli_options *options);
enum exit_status text_send_check(const struct cli_options *options);
enum exit_status text_send_run(struct wormclient *client, const struct cli_options *options);
enum exit_status text_receive_run(struct wormclient *client, const struct cli_options *options);

#endif

#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/typos.h"
#include "cli/candidates.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/launch.h"
#include "cli/output.h"
#include "cli/report_json.h"
#include "cli/terminal.h"
#include "cli/wrap.h"

/* Columns for names in help; a longer one pushes its line. */
#define COMMAND_WIDTH 14
#define OPTION_WIDTH  24
/* Room for the line that says how a command is used. */
#define USAGE_MAX 256
/* Where a terminal is too narrow for two columns. */
#define NARROW_INDENT 10

const struct cli_command *const commands[] = {
#define COMMAND(name) &name##_command,
#include "cli/commands.def"
#undef COMMAND
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* getopt_long puts this before its complaints. */
static char program[] = "wormctl";

/* Those that its help shows first. */
static uint64_t own_options(const struct cli_command *command)
{
    return command->options | options_of_group(command->begins);
}

uint64_t command_options(const struct cli_command *command)
{
    return own_options(command) | OPTIONS_GLOBAL |
           (command->fields != NULL ? OPTION_BIT(OPTION_FIELDS) : 0);
}

/* ---- finding a command by what was typed ---- */

/* What other programs call such commands. */
static const struct command_alias {
    const char *usual, *ours;
} aliases[] = {
    {"ls", "list"},
    {"rm", "forget"},
    {"receive", "recv"},
    {"join", "accept"},
};

const struct cli_command *command_find(int count, char **arguments, int *ret_words)
{
    const char *first = count > 0 ? arguments[0] : "";

    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(first, aliases[i].usual) == 0)
            first = aliases[i].ours;
    for (size_t i = 0; i < command_count && count > 0; i++) {
        const char *name = commands[i]->name;
        size_t length = strcspn(name, " ");

        if (strncmp(first, name, length) != 0 || first[length] != '\0')
            continue;
        int words = name[length] == '\0' ? 1 : 2;
        if (words == 1 || (count >= 2 && strcmp(arguments[1], name + length + 1) == 0)) {
            *ret_words = words;
            return commands[i];
        }
    }
    return NULL;
}

/* True if the command's name is two words, and this is the first of them. */
static bool in_family(const struct cli_command *command, const char *word)
{
    size_t length = strlen(word);

    return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

bool command_is_family(const char *word)
{
    for (size_t i = 0; i < command_count; i++)
        if (in_family(commands[i], word))
            return true;
    return false;
}

const char *command_nearest(const char *word)
{
    struct typos_nearest nearest = {.word = word, .most = TYPOS_MAX};

    for (size_t i = 0; i < command_count; i++)
        typos_offer(&nearest, commands[i]->name, strcspn(commands[i]->name, " "));
    return nearest.name;
}

/* ---- what help says ---- */

/* Columns in which help is shown; 0: whatever it takes. */
static size_t help_columns(void)
{
    return terminal_columns(STDOUT_FILENO);
}

/* "  WORD   what it means", with that on lines of its own where the terminal is narrow. */
static void print_item(const char *word, int width, const char *help)
{
    size_t columns = help_columns(), at = (size_t)width + 4;

    if (columns > 0 && columns < 2 * at) {
        printf("  %s\n%*s", word, NARROW_INDENT, "");
        at = NARROW_INDENT;
    } else {
        int used = printf("  %-*s  ", width, word);

        at = (size_t)used;
    }
    wrap_print(stdout, help, at, at < (size_t)width + 4 ? at : (size_t)width + 4, columns);
    putchar('\n');
}

static void print_options(uint64_t set)
{
    for (int id = 0; id < OPTIONS; id++) {
        const struct option_row *row = &option_rows[id];
        char letter[8] = "    ", spelling[64];

        if ((set & OPTION_BIT(id)) == 0)
            continue;
        if (row->letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        if (row->value == NULL)
            snprintf(spelling, sizeof(spelling), "%s--%s", letter, row->name);
        else
            snprintf(spelling, sizeof(spelling),
                     options_value_optional(row) ? "%s--%s[=%s]" : "%s--%s %s", letter, row->name,
                     row->value);
        print_item(spelling, OPTION_WIDTH, row->help);
    }
}

static void print_general_help(void)
{
    size_t columns = help_columns();

    wrap_paragraph(stdout, "usage: wormctl [OPTION]... COMMAND [ARGUMENT]...", columns);
    wrap_paragraph(stdout, "Control wormholed, the Magic Wormhole daemon that does not forget.",
                   columns);
    putchar('\n');
    wrap_paragraph(stdout, "Commands ('wormctl help COMMAND' describes one):", columns);
#define COMMAND_GROUP(title) puts(title);
#define COMMAND(row)         print_item(row##_command.name, COMMAND_WIDTH, row##_command.help);
#include "cli/commands.def"
#undef COMMAND
    puts("\nOptions, before or after the command:");
    print_options(OPTIONS_GLOBAL);
    putchar('\n');
    wrap_paragraph(stdout, "SESSION is a name, an id, or an unambiguous prefix of either.",
                   columns);
    putchar('\n');
    wrap_paragraph(
        stdout,
        "Exit status: 0 success, 1 failure, 2 usage error, 3 nothing there or timed out,\n"
        "4 the session failed, 5 no daemon.",
        columns);
}

static void print_command_help(const struct cli_command *command)
{
    size_t columns = help_columns();
    char usage[USAGE_MAX];

    snprintf(usage, sizeof(usage), "usage: wormctl %s [OPTION]...%s%s", command->name,
             command->usage[0] != '\0' ? " " : "", command->usage);
    wrap_paragraph(stdout, usage, columns);
    wrap_paragraph(stdout, command->help, columns);
    if (command->details != NULL) {
        putchar('\n');
        wrap_paragraph(stdout, command->details, columns);
    }
    puts("\nOptions:");
    print_options(own_options(command));
    print_options(command_options(command) & ~own_options(command));
}

/* Of all commands whose first word this is. */
static void print_family_help(const char *word)
{
    const char *gap = "";

    for (size_t i = 0; i < command_count; i++) {
        if (in_family(commands[i], word)) {
            fputs(gap, stdout);
            print_command_help(commands[i]);
            gap = "\n";
        }
    }
}

/* True if the options ask for help (on `command`, unless it is NULL) or the version, which are then
 * printed. */
static bool print_help(const struct cli_options *options, const struct cli_command *command)
{
    if (options->given[OPTION_HELP] && command != NULL)
        print_command_help(command);
    else if (options->given[OPTION_HELP])
        print_general_help();
    else if (options->given[OPTION_VERSION])
        puts("wormctl " PACKAGE_VERSION);
    else
        return false;
    return true;
}

/* ---- running a command ---- */

/* What people want to see is not printed for programs. */
static enum exit_status check_for_people(const struct cli_command *command,
                                         const struct cli_options *options)
{
    for (int id = 0; id < OPTIONS && output_for_program(options); id++)
        if (options->given[id] && (OPTIONS_FOR_PEOPLE & OPTION_BIT(id)) != 0)
            return report_usage(command->name, "--%s cannot be used with --json or -o",
                                option_rows[id].name);
    return EXIT_DONE;
}

static enum exit_status check_usage(const struct cli_command *command,
                                    const struct cli_options *options)
{
    enum exit_status status;

    if (options->count < command->least)
        return report_usage(command->name, "missing argument: %s", command->usage);
    if (options->count > command->most) {
        return report_usage(command->name, "unexpected argument '%s'",
                            options->arguments[command->most]);
    }
    if (options->given[OPTION_FIELDS]) {
        status = fields_check(command->name, command->fields, options->text[OPTION_FIELDS]);
        if (status != EXIT_DONE)
            return status;
    }
    status = check_for_people(command, options);
    if (status != EXIT_DONE)
        return status;
    return command->check != NULL ? command->check(options) : EXIT_DONE;
}

static enum exit_status connect_client(const struct cli_options *options,
                                       struct wormclient **ret_client)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient *client = wormclient_connect(options->text[OPTION_SOCKET], &error);

    if (client == NULL && error.code == WORMCLIENT_ERROR_NO_DAEMON &&
        options->given[OPTION_START_DAEMON])
        return launch_daemon(options->text[OPTION_SOCKET], ret_client);
    if (client == NULL)
        return report_error(&error);
    *ret_client = client;
    return EXIT_DONE;
}

/* The words that begin with this one are no command. */
static enum exit_status report_no_command(const char *word)
{
    const char *nearest = command_nearest(word);

    if (command_is_family(word))
        return report_usage(word, "incomplete command");
    if (nearest != NULL)
        return report_usage(NULL, "unknown command '%s'; did you mean '%s'?", word, nearest);
    return report_usage(NULL, "unknown command '%s'", word);
}

/* The words are no command; but `text --help` asks for help all the same. */
static enum exit_status no_command(struct cli_options *options)
{
    char *word = options->arguments[0];
    enum exit_status status;

    if (!command_is_family(word))
        return report_no_command(word);
    options->arguments[0] = program;
    status = options_read(options, NULL, OPTIONS_GLOBAL, options->count, options->arguments);
    if (status != EXIT_DONE)
        return status;
    if (!options->given[OPTION_HELP])
        return report_no_command(word);
    print_family_help(word);
    return output_flush();
}

/* Without a command: what there is to choose from, but it is a mistake all the same. */
static enum exit_status nothing_given(void)
{
    report("no command given");
    if (!report_json_is_on() && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        print_general_help();
    fflush(stdout);
    return EXIT_USAGE;
}

static enum exit_status run_arguments(int argc, char **argv)
{
    struct cli_options options = {0};
    const struct cli_command *command;
    struct wormclient *client = NULL;
    enum exit_status status;
    int words;

    argv[0] = program;
    status = options_read(&options, NULL, OPTIONS_GLOBAL, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (options.count == 0)
        return print_help(&options, NULL) ? output_flush() : nothing_given();
    command = command_find(options.count, options.arguments, &words);
    if (command == NULL)
        return no_command(&options);
    /* The last word of its name becomes what getopt_long takes for the program. */
    argc = options.count - words + 1;
    argv = options.arguments + words - 1;
    argv[0] = program;
    status = options_read(&options, command->name, command_options(command), argc, argv);
    if (status != EXIT_DONE)
        return status;
    report_json_set(options.given[OPTION_JSON]);
    if (print_help(&options, command))
        return output_flush();
    status = check_usage(command, &options);
    if (status == EXIT_DONE && !command->local)
        status = connect_client(&options, &client);
    if (status != EXIT_DONE)
        return status;
    report_set_options(command_options(command));
    candidates_ask(client);
    status = command->run(client, &options);
    candidates_ask(NULL);
    wormclient_free(client);
    return status;
}

/* True if one of the arguments is the option: before they have been read, or if they cannot be. */
static bool asks_for_json(char **argv)
{
    for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--json") == 0)
            return true;
    return false;
}

enum exit_status command_main(int argc, char **argv)
{
    enum exit_status status;

    report_json_set(asks_for_json(argv));
    status = run_arguments(argc, argv);
    report_json_finish((int)status);
    return status;
}

/* ---- help ---- */

/* "help COMMAND" is "COMMAND --help"; "help" alone, the general help. */
static enum exit_status run_help(struct wormclient *client, const struct cli_options *options)
{
    char **words = options->arguments;
    int used = 0;
    const struct cli_command *command = command_find(options->count, words, &used);

    (void)client;
    if (command != NULL && used < options->count)
        return report_usage("help", "unexpected argument '%s'", words[used]);
    if (command != NULL)
        print_command_help(command);
    else if (options->count == 0)
        print_general_help();
    else if (options->count == 1 && command_is_family(words[0]))
        print_family_help(words[0]);
    else
        return report_no_command(words[0]);
    return output_flush();
}

const struct cli_command help_command = {
    .name = "help",
    .usage = "[COMMAND]",
    .help = "describe a command, or list them all",
    .most = 2, /* the words of a command */
    .local = true,
    .run = run_help,
};

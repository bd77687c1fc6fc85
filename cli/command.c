#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/fields.h"
#include "cli/launch.h"
#include "cli/output.h"
#include "cli/report.h"

/* getopt_long puts this before its complaints. */
static char program[] = "wormctl";

/* True if the options ask for help or the version, which are then printed. */
static bool answer_questions(const struct cli_options *options, const struct cli_command *command)
{
    if (options->given[OPTION_HELP]) {
        if (command != NULL)
            help_command(command);
        else
            help_all();
        return true;
    }
    if (options->given[OPTION_VERSION]) {
        puts("wormctl " PACKAGE_VERSION);
        return true;
    }
    return false;
}

static enum exit_status check_usage(const struct cli_command *command,
                                    const struct cli_options *options)
{
    if (options->count < command->least)
        return report_usage(command->name, "%s wants %s", command->name, command->usage);
    if (options->count > command->most) {
        return report_usage(command->name, "'%s' is too much for %s",
                            options->arguments[command->most], command->name);
    }
    if (options->given[OPTION_FIELDS]) {
        enum exit_status status =
            fields_check(command->name, command->fields, options->text[OPTION_FIELDS]);

        if (status != EXIT_DONE)
            return status;
    }
    return command->check != NULL ? command->check(options) : EXIT_DONE;
}

static enum exit_status connect_and_run(const struct cli_command *command,
                                        const struct cli_options *options)
{
    struct wormclient_error error = {0};
    struct wormclient *client;
    enum exit_status status;

    client = wormclient_connect(options->text[OPTION_SOCKET], &error);
    if (client == NULL && error.code == WORMCLIENT_ERROR_NO_DAEMON &&
        options->given[OPTION_START_DAEMON])
        status = launch_daemon(options->text[OPTION_SOCKET], &client);
    else
        status = client != NULL ? EXIT_DONE : report_error(&error);
    if (status != EXIT_DONE)
        return status;
    status = command->run(client, options);
    wormclient_free(client);
    return status;
}

static enum exit_status run_command(const struct cli_command *command, struct cli_options *options,
                                    int argc, char **argv)
{
    enum exit_status status;

    status = options_read(options, command->name, command_options(command), argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (answer_questions(options, command))
        return output_flush();
    status = check_usage(command, options);
    return status == EXIT_DONE ? connect_and_run(command, options) : status;
}

static enum exit_status unknown_command(const char *word)
{
    const char *nearest = command_nearest(word);

    if (nearest != NULL)
        return report_usage(NULL, "there is no command '%s'; did you mean '%s'?", word, nearest);
    return report_usage(NULL, "there is no command '%s'", word);
}

/* The arguments begin with no command; but `text --help` is a question all the same. */
static enum exit_status no_command(struct cli_options *options)
{
    char *word = options->arguments[0];
    enum exit_status status;

    if (!command_is_family(word))
        return unknown_command(word);
    options->arguments[0] = program;
    status = options_read(options, NULL, OPTIONS_GLOBAL, options->count, options->arguments);
    if (status != EXIT_DONE)
        return status;
    if (!options->given[OPTION_HELP])
        return report_usage(word, "'%s' is only the first word of a command", word);
    help_family(word);
    return output_flush();
}

enum exit_status command_main(int argc, char **argv)
{
    struct cli_options options = {0};
    const struct cli_command *command;
    enum exit_status status;
    int words;

    argv[0] = program;
    status = options_read(&options, NULL, OPTIONS_GLOBAL, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (options.count == 0) {
        return answer_questions(&options, NULL) ? output_flush()
                                                : report_usage(NULL, "what is to be done?");
    }
    command = command_find(options.count, options.arguments, &words);
    if (command == NULL)
        return no_command(&options);
    /* The last word of its name becomes what getopt_long takes for the program. */
    argc = options.count - words + 1;
    argv = options.arguments + words - 1;
    argv[0] = program;
    return run_command(command, &options, argc, argv);
}

#include "config.h"

#include <stdio.h>

#include "cli/command.h"

/* Columns for the names; what is longer pushes its line. */
#define COMMAND_WIDTH 14
#define OPTION_WIDTH  24

static void print_option(const struct option_row *row)
{
    char letter[8] = "    ", spelling[64];
    const char *before = row->value == NULL ? "" : " ", *after = "";

    if (row->kind == OPTION_WAIT_DURATION || row->kind == OPTION_ALWAYS) {
        before = "[=";
        after = "]";
    }
    if (row->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    snprintf(spelling, sizeof(spelling), "%s--%s%s%s%s", letter, row->name, before,
             row->value != NULL ? row->value : "", after);
    printf("  %-*s  %s\n", OPTION_WIDTH, spelling, row->help);
}

static void print_options(uint64_t set)
{
    for (int id = 0; id < OPTIONS; id++)
        if ((set & OPTION_BIT(id)) != 0)
            print_option(&option_rows[id]);
}

void help_all(void)
{
    puts("usage: wormctl [OPTION]... COMMAND [ARGUMENT]...\n"
         "Drive wormholed, the Magic Wormhole daemon that does not forget.\n"
         "\n"
         "Commands (wormctl COMMAND --help says more):");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-*s  %s\n", COMMAND_WIDTH, commands[i].name, commands[i].help);
    puts("\nOptions, before or after the command:");
    print_options(OPTIONS_GLOBAL);
    puts("\n"
         "A SESSION is a name, an id, or the beginning of one.\n"
         "\n"
         "Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing there or timed out,\n"
         "4 the session failed, 5 no daemon.");
}

void help_command(const struct cli_command *command)
{
    printf("usage: wormctl %s [OPTION]...%s%s\n%s\n", command->name,
           command->usage[0] != '\0' ? " " : "", command->usage, command->help);
    if (command->details != NULL)
        printf("\n%s\n", command->details);
    puts("\nOptions:");
    print_options(command->options);
    print_options(command_options(command) & ~command->options);
}

void help_family(const char *word)
{
    const char *gap = "";

    for (size_t i = 0; i < command_count; i++) {
        if (command_in_family(&commands[i], word)) {
            fputs(gap, stdout);
            help_command(&commands[i]);
            gap = "\n";
        }
    }
}

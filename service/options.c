#include "config.h"

#include "service/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

/* What getopt_long() returns for each option: beyond all characters, then a setting each. */
enum { OPTION_OWN = 0x100, OPTION_CONFIG, OPTION_HELP, OPTION_VERSION, OPTION_SETTINGS };

#define OWN_OPTIONS (OPTION_SETTINGS - OPTION_OWN)

/* Every setting is an option too. The array ends with a row of zeros. */
static void list_options(const struct options_info *info,
                         struct option ret_list[OWN_OPTIONS + SETTINGS_MAX + 1])
{
    const struct settings_table *table = info->table;
    struct option *next = ret_list;
    *next++ = (struct option){info->name, no_argument, NULL, OPTION_OWN};
    *next++ = (struct option){"config", required_argument, NULL, OPTION_CONFIG};
    *next++ = (struct option){"help", no_argument, NULL, OPTION_HELP};
    *next++ = (struct option){"version", no_argument, NULL, OPTION_VERSION};
    for (unsigned i = 0; i < table->count; i++)
        *next++ = (struct option){table->rows[i].key,
                                  *table->rows[i].value ? required_argument : no_argument, NULL,
                                  OPTION_SETTINGS + (int)i};
    *next = (struct option){0};
}

/* The last one given counts, or for a list all of them. False when out of memory. */
static bool take_setting(struct options *options, const struct settings_table *table, int index,
                         const char *argument)
{
    char **slot = &options->texts[index], *text = NULL;
    bool more = *slot && table->rows[index].list;
    if (asprintf(&text, "%s%s%s", more ? *slot : "", more ? " " : "", argument) < 0)
        return false;
    free(*slot);
    *slot = text;
    return true;
}

static bool take(struct options *options, const struct settings_table *table, int option,
                 const char *argument)
{
    if (option >= OPTION_SETTINGS)
        return take_setting(options, table, option - OPTION_SETTINGS, argument ? argument : "yes");
    if (option == OPTION_CONFIG)
        options->config_file = argument;
    else
        *(option == OPTION_OWN    ? &options->own
          : option == OPTION_HELP ? &options->help
                                  : &options->version) = true;
    return true;
}

bool options_parse(const struct options_info *info, int argc, char **argv,
                   struct options *ret_options)
{
    struct option list[OWN_OPTIONS + SETTINGS_MAX + 1];
    *ret_options = (struct options){0};
    list_options(info, list);
    int option;
    while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (option == '?') {
            fprintf(stderr, "Try '%s --help'.\n", argv[0]);
            return false;
        }
        if (!take(ret_options, info->table, option, optarg)) {
            fprintf(stderr, "%s: out of memory\n", argv[0]);
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is no option\n", argv[0], argv[optind]);
        return false;
    }
    return true;
}

void options_clear(struct options *options)
{
    for (unsigned i = 0; i < SETTINGS_MAX; i++)
        free(options->texts[i]);
    *options = (struct options){0};
}

static void print_option(const char *name, const char *value, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", name, *value ? " " : "", value);
    printf("  %-24s %s\n", left, help);
}

void options_print_help(const struct options_info *info)
{
    fputs(info->intro, stdout);
    print_option(info->name, "", info->help);
    print_option("config", "FILE", "read settings from FILE, as 'key = value' lines");
    for (unsigned i = 0; i < info->table->count; i++) {
        const struct settings_row *row = &info->table->rows[i];
        print_option(row->key, row->value, row->help);
    }
    print_option("help", "", "show this and exit");
    print_option("version", "", "show the version and exit");
    fputs(info->outro, stdout);
}

bool options_apply(const struct options_info *info, const struct options *options, void *settings,
                   char *ret_why, size_t size)
{
    const struct settings_table *table = info->table;
    if (options->config_file &&
        !settings_read_file(table, settings, options->config_file, ret_why, size))
        return false;
    if (!settings_read_environment(table, settings, ret_why, size))
        return false;
    for (unsigned i = 0; i < table->count; i++)
        if (options->texts[i] &&
            !settings_set(&table->rows[i], settings, options->texts[i], ret_why, size))
            return false;
    return true;
}

int options_main(const struct options_info *info, int argc, char **argv,
                 int (*run)(const struct options *options))
{
    struct options options;
    int status = EXIT_SUCCESS;
    if (!options_parse(info, argc, argv, &options))
        status = EXIT_USAGE;
    else if (options.help)
        options_print_help(info);
    else if (options.version)
        puts(PACKAGE_STRING);
    else
        status = run(&options);
    options_clear(&options);
    return status;
}

#include "config.h"

#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>

/* What getopt_long() returns for each option: beyond all characters, then a setting each. */
enum { OPTION_FOREGROUND = 0x100, OPTION_CONFIG, OPTION_HELP, OPTION_VERSION, OPTION_SETTINGS };

static const struct option own_options[] = {
    {"foreground", no_argument, NULL, OPTION_FOREGROUND},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
};

#define OWN_OPTIONS (sizeof own_options / sizeof *own_options)

/* Every setting is an option too. The array ends with a row of zeros. */
static void list_options(struct option ret_list[OWN_OPTIONS + SETTINGS_COUNT + 1])
{
    for (size_t i = 0; i < OWN_OPTIONS; i++)
        ret_list[i] = own_options[i];
    for (enum setting i = 0; i < SETTINGS_COUNT; i++)
        ret_list[OWN_OPTIONS + i] = (struct option){settings_info(i)->key, required_argument, NULL,
                                                    OPTION_SETTINGS + (int)i};
    ret_list[OWN_OPTIONS + SETTINGS_COUNT] = (struct option){0};
}

static void take(struct options *options, int option, const char *argument)
{
    if (option >= OPTION_SETTINGS)
        options->settings[option - OPTION_SETTINGS] = argument;
    else if (option == OPTION_CONFIG)
        options->config_file = argument;
    else
        *(option == OPTION_FOREGROUND ? &options->foreground
          : option == OPTION_HELP     ? &options->help
                                      : &options->version) = true;
}

bool options_parse(int argc, char **argv, struct options *ret_options)
{
    struct option list[OWN_OPTIONS + SETTINGS_COUNT + 1];
    struct options options = {0};
    list_options(list);
    int option;
    while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (option == '?') {
            fprintf(stderr, "Try '%s --help'.\n", argv[0]);
            return false;
        }
        take(&options, option, optarg);
    }
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is no option\n", argv[0], argv[optind]);
        return false;
    }
    *ret_options = options;
    return true;
}

static void print_option(const char *name, const char *value, const char *help)
{
    char left[40];
    snprintf(left, sizeof left, "--%s%s%s", name, *value ? " " : "", value);
    printf("  %-24s %s\n", left, help);
}

void options_print_help(void)
{
    printf("Usage: wormholed [OPTION]...\n"
           "Keeps Magic Wormhole sessions alive, over restarts and for weeks.\n"
           "Goes into the background once it can be reached.\n\n");
    print_option("foreground", "", "stay in the foreground");
    print_option("config", "FILE", "read settings from FILE, as 'key = value' lines");
    for (enum setting i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting_info *info = settings_info(i);
        print_option(info->key, info->value, info->help);
    }
    print_option("help", "", "show this and exit");
    print_option("version", "", "show the version and exit");
    printf("\nSee wormholed(8). Programs reach it through wormctl(1) and libwormclient.\n");
}

bool options_settings(const struct options *options, struct settings *ret_settings, char *ret_why,
                      size_t size)
{
    if (!settings_init(ret_settings)) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    if (options->config_file &&
        !settings_read_file(ret_settings, options->config_file, ret_why, size))
        return false;
    if (!settings_read_environment(ret_settings, ret_why, size))
        return false;
    for (enum setting i = 0; i < SETTINGS_COUNT; i++)
        if (options->settings[i] &&
            !settings_set(ret_settings, i, options->settings[i], ret_why, size))
            return false;
    return settings_complete(ret_settings, ret_why, size);
}

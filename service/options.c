#include "config.h"

#include "service/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"
#include "base/typos.h"
#include "service/log.h"
#include "service/paths.h"

#define EXIT_USAGE 2

/* What getopt_long() returns for each option: values beyond all characters, then one for each
 * setting. */
enum {
    OPTION_FIRST = 0x100,
    OPTION_OWN = OPTION_FIRST,
    OPTION_CHECK,
    OPTION_DIAGNOSE,
    OPTION_CONFIG,
    OPTION_RESTORE,
    OPTION_PASSPHRASE_FILE,
    OPTION_PRINT,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_SETTINGS,
};

#define OWN_OPTIONS (OPTION_SETTINGS - OPTION_FIRST)

static void forget(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
}

/* False with a sentence in ret_why. */
static bool take(struct service_options *options, const struct settings_table *table, int option,
                 char *argument, char *ret_why, size_t size)
{
    bool *const switches[] = {[OPTION_OWN - OPTION_FIRST] = &options->own,
                              [OPTION_CHECK - OPTION_FIRST] = &options->check,
                              [OPTION_PRINT - OPTION_FIRST] = &options->print,
                              [OPTION_DIAGNOSE - OPTION_FIRST] = &options->diagnose,
                              [OPTION_HELP - OPTION_FIRST] = &options->help,
                              [OPTION_VERSION - OPTION_FIRST] = &options->version};
    if (option == OPTION_CONFIG) {
        /* Made absolute, because it may be read again after the daemon has left its working
         * directory. */
        free(options->config_file);
        options->config_file = home_expand(argument, ret_why, size);
        return options->config_file != NULL &&
               paths_make_absolute(&options->config_file, ret_why, size);
    }
    if (option == OPTION_RESTORE || option == OPTION_PASSPHRASE_FILE) {
        *(option == OPTION_RESTORE ? &options->restore : &options->passphrase_file) = argument;
        return true;
    }
    if (option < OPTION_SETTINGS)
        return *switches[option - OPTION_FIRST] = true;

    /* The last value given counts or, for a list, all of them. */
    int index = option - OPTION_SETTINGS;
    enum settings_kind kind = table->rows[index].kind;
    char **slot = &options->texts[index], *text = NULL;
    bool more = *slot != NULL && kind == SETTINGS_LIST;
    if (asprintf(&text, "%s%s%s", more ? *slot : "", more ? " " : "",
                 argument != NULL ? argument : "yes") < 0) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    forget(*slot);
    free(*slot);
    *slot = text;
    if (kind == SETTINGS_SECRET)
        forget(argument); /* everybody can see the command line of a process */
    return true;
}

/* getopt_long() has reported that the argument is wrong: says what may have been meant. */
static void suggest(const struct option *list, const char *program, const char *argument)
{
    char word[TYPOS_WORD_MAX + 2];
    struct typos_nearest nearest = {.word = word, .most = TYPOS_MAX};

    if (strncmp(argument, "--", 2) != 0)
        return;
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    for (; list->name != NULL; list++)
        typos_offer(&nearest, list->name, strlen(list->name));
    if (nearest.name != NULL && nearest.typos > 0)
        fprintf(stderr, "%s: did you mean '--%s'?\n", program, nearest.name);
}

bool options_parse(const struct options_info *info, int argc, char **argv,
                   struct service_options *ret_options)
{
    const struct settings_table *table = info->table;
    struct option list[OWN_OPTIONS + SETTINGS_MAX + 1], *next = list;
    if (info->name != NULL)
        *next++ = (struct option){info->name, no_argument, NULL, OPTION_OWN};
    *next++ = (struct option){"check-config", no_argument, NULL, OPTION_CHECK};
    if (info->diagnose != NULL)
        *next++ = (struct option){"diagnose", no_argument, NULL, OPTION_DIAGNOSE};
    *next++ = (struct option){"config", required_argument, NULL, OPTION_CONFIG};
    if (info->restore != NULL) {
        *next++ = (struct option){"restore", required_argument, NULL, OPTION_RESTORE};
        *next++ =
            (struct option){"passphrase-file", required_argument, NULL, OPTION_PASSPHRASE_FILE};
    }
    *next++ = (struct option){"print-config", no_argument, NULL, OPTION_PRINT};
    *next++ = (struct option){"help", no_argument, NULL, OPTION_HELP};
    *next++ = (struct option){"version", no_argument, NULL, OPTION_VERSION};
    for (unsigned i = 0; i < table->count; i++) /* every setting is an option too */
        *next++ = (struct option){table->rows[i].key,
                                  *table->rows[i].value ? required_argument : no_argument, NULL,
                                  OPTION_SETTINGS + (int)i};
    *next = (struct option){0};

    *ret_options = (struct service_options){0};
    char why[512];
    int option;
    bool good = true;
    while ((option = getopt_long(argc, argv, "hV", list, NULL)) != -1) {
        if (option == '?') {
            suggest(list, argv[0], argv[optind - 1]);
            good = false;
            continue;
        }
        if (option == 'h' || option == 'V')
            option = option == 'h' ? OPTION_HELP : OPTION_VERSION;
        if (!take(ret_options, table, option, optarg, why, sizeof(why))) {
            fprintf(stderr, "%s: %s\n", argv[0], why);
            good = false;
        }
    }
    for (; optind < argc; optind++) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
        good = false;
    }
    if (ret_options->passphrase_file != NULL && ret_options->restore == NULL) {
        fprintf(stderr, "%s: --passphrase-file goes with --restore\n", argv[0]);
        good = false;
    }
    if (!good)
        fprintf(stderr, "Try '%s --help'.\n", argv[0]);
    return good;
}

void options_clear(struct service_options *options)
{
    for (unsigned i = 0; i < SETTINGS_MAX; i++) {
        forget(options->texts[i]);
        free(options->texts[i]);
    }
    free(options->config_file);
    *options = (struct service_options){0};
}

static void print_option(const char *name, const char *value, const char *help)
{
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", name, *value ? " " : "", value);
    printf("  %-24s %s\n", left, help);
}

void options_print_help(const struct options_info *info)
{
    fputs(info->intro, stdout);
    if (info->name != NULL)
        print_option(info->name, "", info->help);
    print_option("config", "FILE", "read settings from FILE, as 'key = value' lines");
    print_option("check-config", "", "check all settings, report every mistake, and exit");
    print_option("print-config", "", "show all settings, and where each comes from, and exit");
    if (info->diagnose != NULL)
        print_option("diagnose", "", info->diagnose);
    if (info->restore != NULL) {
        print_option("restore", "FILE", info->restore);
        print_option("passphrase-file", "FILE", "its passphrase: the first line of FILE");
    }
    for (unsigned i = 0; i < info->table->count; i++) {
        const struct settings_row *row = &info->table->rows[i];
        print_option(row->key, row->value, row->help);
    }
    print_option("help", "", "show this help and exit (-h)");
    print_option("version", "", "show the version and exit (-V)");
    fputs(info->outro, stdout);
}

/* A value on the command line was refused: its exit status is that of a wrong command line. */
static bool wrong_value;

/* The one requested, or the usual one. False when out of memory. */
static bool name_config(const struct options_info *info, const struct service_options *options,
                        char **ret_path)
{
    *ret_path = NULL;
    if (options->config_file != NULL)
        return (*ret_path = strdup(options->config_file)) != NULL;
    return info->config_file == NULL || paths_config(info->config_file, ret_path);
}

char *options_file(const struct options_info *info, const struct service_options *options)
{
    char *path;
    return name_config(info, options, &path) ? path : NULL;
}

/* The file to read, new: the one requested, or the usual one if it exists; NULL: none. False when
 * out of memory. */
static bool find_config(const struct options_info *info, const struct service_options *options,
                        char **ret_path)
{
    if (!name_config(info, options, ret_path))
        return false;
    if (options->config_file == NULL && *ret_path != NULL && access(*ret_path, F_OK) < 0 &&
        (errno == ENOENT || errno == ENOTDIR)) {
        free(*ret_path);
        *ret_path = NULL;
    }
    return true;
}

bool options_apply(const struct options_info *info, const struct service_options *options,
                   void *settings, struct settings_origin *ret_origin, char *ret_why, size_t size)
{
    struct settings_target target = {
        .table = info->table,
        .settings = settings,
        .record = options->print || options->check,
    };
    char *path;
    *ret_why = '\0';
    *ret_origin = (struct settings_origin){0};
    if (!find_config(info, options, &path))
        return settings_mistake(ret_why, size, "out of memory");
    bool good = path == NULL || settings_read_file(&target, path, ret_why, size);
    good = settings_read_environment(&target, ret_why, size) && good;
    for (unsigned i = 0; i < info->table->count; i++) {
        char why[512];
        if (options->texts[i] == NULL)
            continue;
        target.origin.sources[i] = SETTINGS_COMMAND_LINE;
        if (settings_set(&info->table->rows[i], settings, options->texts[i], why, sizeof(why)))
            continue;
        good = settings_mistake(ret_why, size, "--%s: %s", info->table->rows[i].key, why);
        wrong_value = true;
    }
    target.origin.file = path;
    *ret_origin = target.origin;
    return good;
}

void options_complain(const struct options_info *info, const char *why)
{
    while (*why != '\0') {
        size_t length = strcspn(why, "\n");
        fprintf(stderr, "%s: %.*s\n", info->program, (int)length, why);
        why += length + (why[length] == '\n');
    }
}

void options_log_refused(const char *subsystem, const char *why)
{
    while (*why != '\0') {
        size_t length = strcspn(why, "\n");
        log_error(subsystem, "settings not reloaded: %.*s", (int)length, why);
        why += length + (why[length] == '\n');
    }
}

int options_printed(const struct options_info *info, const void *settings,
                    const struct settings_origin *origin)
{
    settings_print(info->table, settings, origin, stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int options_checked(const char *config_file)
{
    if (config_file != NULL)
        printf("%s: fine\n", config_file);
    else
        puts("there is no configuration file; all other settings are fine");
    return EXIT_SUCCESS;
}

int options_main(const struct options_info *info, int argc, char **argv,
                 int (*run)(const struct service_options *options))
{
    struct service_options options;
    int status = EXIT_SUCCESS;
    if (!options_parse(info, argc, argv, &options)) {
        status = EXIT_USAGE;
        if (options.check)
            run(&options);
    } else if (options.help) {
        options_print_help(info);
    } else if (options.version) {
        printf("%s %s\n", info->program, PACKAGE_VERSION);
    } else {
        status = run(&options);
    }
    if (status == EXIT_FAILURE && wrong_value)
        status = EXIT_USAGE;
    options_clear(&options);
    return status;
}

#include "config.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "base/quantity.h"
#include "cli/report.h"

/* Longest number: nothing that is counted here comes near it, and the daemon knows the limits. */
#define NUMBER_DIGITS_MAX 9
/* Longest number of a change: it fits 64 bits. */
#define CHANGE_DIGITS_MAX 18

const struct option_row option_rows[OPTIONS] = {
#define OPTION(id, name, letter, kind, value, help)                                                \
    {name, letter, OPTION_##kind, value, help, OPTION_GROUP_NONE},
#define SESSION_OPTION(id, name, kind, value, help, set, group)                                    \
    {name, 0, OPTION_##kind, value, help, OPTION_GROUP_##group},
#include "cli/options.def"
#undef OPTION
};

static bool read_text(const char *text, int64_t *ret_number)
{
    *ret_number = 0;
    return text[0] != '\0';
}

static bool read_any(const char *text, int64_t *ret_number)
{
    (void)text;
    *ret_number = 0;
    return true;
}

static bool read_always(const char *text, int64_t *ret_number)
{
    *ret_number = 0;
    return strcmp(text, "always") == 0;
}

static bool read_digits(const char *text, size_t most, int64_t *ret_number)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > most || text[digits] != '\0')
        return false;
    *ret_number = strtoll(text, NULL, 10);
    return true;
}

static bool read_number(const char *text, int64_t *ret_number)
{
    return read_digits(text, NUMBER_DIGITS_MAX, ret_number) && *ret_number > 0;
}

static bool read_change(const char *text, int64_t *ret_number)
{
    return read_digits(text, CHANGE_DIGITS_MAX, ret_number);
}

static bool read_size(const char *text, int64_t *ret_number)
{
    return size_parse(text, ret_number) && *ret_number > 0;
}

static bool read_duration(const char *text, int64_t *ret_number)
{
    return duration_parse(text, ret_number) && *ret_number > 0;
}

static const struct option_kind_row {
    int argument; /* as getopt_long calls it */
    bool (*read)(const char *text, int64_t *ret_number);
    const char *wanted;
} kind_rows[OPTION_KINDS] = {
    [OPTION_FLAG] = {no_argument, NULL, NULL},
    [OPTION_TEXT] = {required_argument, read_text, "a non-empty value"},
    [OPTION_ANY] = {required_argument, read_any, "a value"},
    [OPTION_NUMBER] = {required_argument, read_number, "a number of at least 1"},
    [OPTION_CHANGE] = {required_argument, read_change, "a change number"},
    [OPTION_SIZE] = {required_argument, read_size, SIZE_EXPECTED},
    [OPTION_DURATION] = {required_argument, read_duration, DURATION_EXPECTED},
    [OPTION_LIMIT_DURATION] = {required_argument, duration_parse, DURATION_EXPECTED},
    [OPTION_WAIT_DURATION] = {optional_argument, duration_parse, DURATION_EXPECTED},
    [OPTION_ALWAYS] = {optional_argument, read_always, "'always' or no value"},
};

uint64_t options_of_group(enum option_group group)
{
    uint64_t set = 0;

    for (int id = 0; id < OPTIONS; id++)
        if (option_rows[id].group != OPTION_GROUP_NONE && option_rows[id].group <= group)
            set |= OPTION_BIT(id);
    return set;
}

bool options_value_optional(const struct option_row *row)
{
    return kind_rows[row->kind].argument == optional_argument;
}

/* getopt's tables, made from ours. */
struct getopt_tables {
    struct option longs[OPTIONS + 1];
    char letters[2 * OPTIONS + 2];
};

/* What getopt_long returns for an option; clear of every letter. */
#define RESULT_BASE 256

static void make_tables(uint64_t allowed, bool stop_early, struct getopt_tables *ret_tables)
{
    size_t count = 0, letters = 0;

    memset(ret_tables, 0, sizeof(*ret_tables));
    if (stop_early)
        ret_tables->letters[letters++] = '+';
    for (int id = 0; id < OPTIONS; id++) {
        const struct option_row *row = &option_rows[id];
        int argument = kind_rows[row->kind].argument;

        if ((allowed & OPTION_BIT(id)) == 0)
            continue;
        ret_tables->longs[count++] =
            (struct option){.name = row->name, .has_arg = argument, .val = RESULT_BASE + id};
        if (row->letter != 0) {
            ret_tables->letters[letters++] = row->letter;
            if (argument == required_argument)
                ret_tables->letters[letters++] = ':'; /* a value follows */
        }
    }
}

/* The option that getopt_long found; OPTIONS if none. */
static enum option_id found_option(int result)
{
    if (result >= RESULT_BASE)
        return (enum option_id)(result - RESULT_BASE);
    for (int id = 0; id < OPTIONS; id++)
        if (option_rows[id].letter == result)
            return (enum option_id)id;
    return OPTIONS;
}

enum exit_status options_read(struct cli_options *options, const char *command, uint64_t allowed,
                              int argc, char **argv)
{
    struct getopt_tables tables;
    int result;

    make_tables(allowed, command == NULL, &tables);
    optind = 0; /* glibc: start over */
    opterr = 1;
    while ((result = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        enum option_id id = found_option(result);

        if (id == OPTIONS) /* getopt_long has reported what is wrong */
            return report_try_help(command);
        const struct option_row *row = &option_rows[id];
        if (optarg != NULL && !kind_rows[row->kind].read(optarg, &options->number[id])) {
            return report_usage(command, "--%s: expected %s, not '%s'", row->name,
                                kind_rows[row->kind].wanted, optarg);
        }
        if (optarg == NULL)
            options->number[id] = -1;
        options->given[id] = true;
        options->text[id] = optarg;
    }
    options->count = argc - optind;
    options->arguments = argv + optind;
    return EXIT_DONE;
}

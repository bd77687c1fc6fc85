#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/typos.h"
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

/* Longest name of an option that is looked at, and room for those that begin alike. */
#define OPTION_NAME_MAX 64
#define NAMES_MAX       256
/* 366 days. */
#define OPTIONS_DURATION_MAX INT64_C(31622400000)

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
    [OPTION_RELAYS] = {required_argument, read_text, "a non-empty value"},
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

bool options_have(uint64_t set, const char *name)
{
    for (int id = 0; id < OPTIONS; id++)
        if ((set & OPTION_BIT(id)) != 0 && strcmp(option_rows[id].name, name) == 0)
            return true;
    return false;
}

bool options_value_optional(const struct option_row *row)
{
    return kind_rows[row->kind].argument == optional_argument;
}

/* getopt's tables, made from ours. */
struct getopt_tables {
    struct option longs[OPTIONS + 1];
    char letters[2 * OPTIONS + 3];
};

/* What getopt_long returns for an option; clear of every letter. */
#define RESULT_BASE 256

static void make_tables(uint64_t allowed, bool stop_early, struct getopt_tables *ret_tables)
{
    size_t count = 0, letters = 0;

    memset(ret_tables, 0, sizeof(*ret_tables));
    if (stop_early)
        ret_tables->letters[letters++] = '+';
    ret_tables->letters[letters++] = ':'; /* a value that is missing is told apart */
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

/* The option of the set that getopt_long found; OPTIONS if none. */
static enum option_id found_option(uint64_t allowed, int result)
{
    if (result >= RESULT_BASE)
        return (enum option_id)(result - RESULT_BASE);
    for (int id = 0; id < OPTIONS; id++)
        if ((allowed & OPTION_BIT(id)) != 0 && option_rows[id].letter == result)
            return (enum option_id)id;
    return OPTIONS;
}

/* The options of the set that begin like this, as "--name, --names". */
static size_t list_beginnings(uint64_t allowed, const char *word, size_t length, char *text,
                              size_t size)
{
    size_t count = 0, end = 0;

    text[0] = '\0';
    for (int id = 0; id < OPTIONS; id++) {
        if ((allowed & OPTION_BIT(id)) == 0 || strncmp(option_rows[id].name, word, length) != 0)
            continue;
        if (end < size)
            end += (size_t)snprintf(text + end, size - end, "%s--%s", count > 0 ? ", " : "",
                                    option_rows[id].name);
        count++;
    }
    return count;
}

/* The name most like the word; NULL if none is. */
static const char *nearest_option(uint64_t allowed, const char *word)
{
    struct typos_nearest nearest = {.word = word, .most = TYPOS_MAX};

    for (int id = 0; id < OPTIONS; id++)
        if ((allowed & OPTION_BIT(id)) != 0)
            typos_offer(&nearest, option_rows[id].name, strlen(option_rows[id].name));
    return nearest.name;
}

/* `word` is no option of the command: "--name=value", or a letter of "-x". */
static enum exit_status report_unknown(const char *command, uint64_t allowed, const char *word)
{
    char name[OPTION_NAME_MAX], names[NAMES_MAX];
    const char *nearest;

    if (strncmp(word, "--", 2) != 0)
        return report_usage(command, "unknown option '%s'", word);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    if (list_beginnings(allowed, name, strlen(name), names, sizeof(names)) > 1)
        return report_usage(command, "option '--%s' is ambiguous: %s", name, names);
    nearest = nearest_option(allowed, name);
    if (nearest != NULL)
        return report_usage(command, "unknown option '--%s'; did you mean '--%s'?", name, nearest);
    if (list_beginnings(~UINT64_C(0), name, SIZE_MAX, names, sizeof(names)) > 0)
        return report_usage(command, "option '--%s' belongs to other commands", name);
    return report_usage(command, "unknown option '--%s'", name);
}

/* What getopt_long() could not take; it has set optopt. */
static enum exit_status report_wrong(const char *command, uint64_t allowed, int result,
                                     const char *argument)
{
    enum option_id id = optopt != 0 ? found_option(allowed, optopt) : OPTIONS;
    char letter[] = {'-', (char)optopt, '\0'};

    if (id == OPTIONS || (allowed & OPTION_BIT(id)) == 0)
        return report_unknown(command, allowed, optopt != 0 ? letter : argument);
    if (result == ':')
        return report_usage(command, "--%s: expected %s", option_rows[id].name,
                            kind_rows[option_rows[id].kind].wanted);
    return report_usage(command, "--%s takes no value", option_rows[id].name);
}

/* The daemon accepts no others. */
static const struct option_range {
    enum option_id id;
    int64_t least, most;
    const char *wanted;
} ranges[] = {
    {OPTION_WORDS, 1, 16, "a number from 1 to 16"},
    {OPTION_TIMEOUT, 1000, OPTIONS_DURATION_MAX, "a duration from 1s to 366d"},
    {OPTION_EXPIRE, 1000, OPTIONS_DURATION_MAX, "a duration from 1s to 366d"},
    {OPTION_INBOX_MESSAGES, 1, 4096, "a number from 1 to 4096"},
    {OPTION_NEWEST, 1, 1000, "a number from 1 to 1000"},
    {OPTION_INBOX_BYTES, 1, INT64_C(64) << 20, "a size up to 64M"},
};

/* What is expected, if the number is out of its range; else NULL. */
static const char *range_wanted(enum option_id id, int64_t number)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (ranges[i].id == id && (number < ranges[i].least || number > ranges[i].most))
            return ranges[i].wanted;
    return NULL;
}

enum exit_status options_read(struct cli_options *options, const char *command, uint64_t allowed,
                              int argc, char **argv)
{
    struct getopt_tables tables;
    int result;

    make_tables(allowed, command == NULL, &tables);
    optind = 0; /* glibc: start over */
    opterr = 0;
    while ((result = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        enum option_id id =
            result == '?' || result == ':' ? OPTIONS : found_option(allowed, result);

        if (id == OPTIONS)
            return report_wrong(command, allowed, result, argv[optind - 1]);
        const struct option_row *row = &option_rows[id];
        const char *wanted = NULL;
        if (optarg != NULL && !kind_rows[row->kind].read(optarg, &options->number[id]))
            wanted = kind_rows[row->kind].wanted;
        else if (optarg != NULL)
            wanted = range_wanted(id, options->number[id]);
        if (wanted != NULL)
            return report_usage(command, "--%s: expected %s, not '%s'", row->name, wanted, optarg);
        if (optarg == NULL)
            options->number[id] = -1;
        if (row->kind == OPTION_RELAYS && options->relays_count == OPTIONS_RELAYS_MAX)
            return report_usage(command, "--%s: a session has at most 3 relays", row->name);
        if (row->kind == OPTION_RELAYS)
            options->relays[options->relays_count++] = optarg;
        if (row->kind != OPTION_RELAYS || !options->given[id])
            options->text[id] = optarg;
        options->given[id] = true;
    }
    options->count = argc - optind;
    options->arguments = argv + optind;
    return EXIT_DONE;
}

#include "config.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "base/quantity.h"
#include "cli/report.h"

/* Longest number: nothing that is counted here comes near it, the daemon knows the limits. */
#define NUMBER_DIGITS_MAX 9
/* Longest number of a change: fits 64 bits. */
#define CHANGE_DIGITS_MAX 18

const struct option_row option_rows[OPTIONS] = {
    [OPTION_SOCKET] = {"socket", 0, OPTION_TEXT, "PATH",
                       "the daemon's socket; else $WORMHOLED_SOCKET, else the usual place"},
    [OPTION_START_DAEMON] = {"start-daemon", 0, OPTION_FLAG, NULL,
                             "if no daemon is there, start one"},
    [OPTION_JSON] = {"json", 0, OPTION_FLAG, NULL, "report as JSON, one object a line"},
    [OPTION_FIELDS] = {"fields", 'o', OPTION_TEXT, "FIELDS",
                       "report only these, e.g. id,state, with tabs between them"},
    [OPTION_HELP] = {"help", 'h', OPTION_FLAG, NULL, "show this help"},
    [OPTION_VERSION] = {"version", 'V', OPTION_FLAG, NULL, "show the version"},
    [OPTION_NAME] = {"name", 0, OPTION_TEXT, "NAME", "call the session NAME from now on"},
    [OPTION_APPID] = {"appid", 0, OPTION_TEXT, "APPID", "the application; both ends need the same"},
    [OPTION_RELAY] = {"relay", 0, OPTION_TEXT, "URL", "the relay; both ends need the same"},
    [OPTION_WORDS] = {"words", 0, OPTION_NUMBER, "N",
                      "words of the code, 1 to 16; default 2 if realtime, else 3"},
    [OPTION_CODE] = {"code", 0, OPTION_TEXT, "CODE",
                     "use this code, which you agreed on; - reads it from standard input"},
    [OPTION_QR] = {"qr", 0, OPTION_ALWAYS, "WHEN",
                   "draw the code for a camera, if this is a terminal or WHEN is always"},
    [OPTION_SCHEDULE] = {"schedule", 0, OPTION_TEXT, "SCHEDULE",
                         "realtime, email, or WHEN:INTERVAL,... in seconds"},
    [OPTION_TIMEOUT] = {"timeout", 0, OPTION_DURATION, "DURATION",
                        "give up if nobody comes for so long, e.g. 14d"},
    [OPTION_VERIFY] = {"verify", 0, OPTION_FLAG, NULL,
                       "hold messages back until the verifiers were compared"},
    [OPTION_APP_VERSIONS] = {"app-versions", 0, OPTION_TEXT, "JSON",
                             "an object that the other side gets to see"},
    [OPTION_INBOX_MESSAGES] = {"inbox-messages", 0, OPTION_NUMBER, "N",
                               "keep so many unread messages at most"},
    [OPTION_INBOX_BYTES] = {"inbox-bytes", 0, OPTION_SIZE, "SIZE",
                            "keep unread messages of so many bytes at most, e.g. 16M"},
    [OPTION_DATA] = {"data", 0, OPTION_ANY, "DATA", "what to give; - reads it from standard input"},
    [OPTION_WAIT] = {"wait", 0, OPTION_WAIT_DURATION, "DURATION",
                     "if there is nothing yet, wait for it (so long)"},
    [OPTION_PEEK] = {"peek", 0, OPTION_FLAG, NULL, "leave messages unread"},
    [OPTION_ALL] = {"all", 0, OPTION_FLAG, NULL, "all messages that are there, not just the next"},
    [OPTION_FOR] = {"for", 0, OPTION_TEXT, "CONDITION",
                    "code, keyed, established, verified, message, sent, delivered, read or closed"},
    [OPTION_LIMIT] = {"timeout", 0, OPTION_LIMIT_DURATION, "DURATION", "wait so long at most"},
    [OPTION_YES] = {"yes", 0, OPTION_FLAG, NULL, "the other side sees the same: let messages flow"},
    [OPTION_NO] = {"no", 0, OPTION_FLAG, NULL, "it sees something else: end, deliver nothing"},
    [OPTION_RAW] = {"raw", 0, OPTION_FLAG, NULL, "write the bytes themselves"},
    [OPTION_SINCE] = {"since", 0, OPTION_CHANGE, "N", "tell first what changed after change N"},
    [OPTION_EXEC] = {"exec", 0, OPTION_TEXT, "COMMAND",
                     "run it in a shell for each change, facts in its environment"},
    [OPTION_KEEP] = {"keep", 0, OPTION_FLAG, NULL, "do not forget the session yet"},
    [OPTION_TERMINAL] = {"force", 0, OPTION_FLAG, NULL,
                         "print the secret on a terminal all the same"},
    [OPTION_FORCE] = {"force", 0, OPTION_FLAG, NULL, "also if it is alive; the relay is not told"},
    [OPTION_NAMES] = {"names", 0, OPTION_FLAG, NULL, "only the name of each, or the id, on a line"},
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
} kind_rows[] = {
    [OPTION_FLAG] = {no_argument, NULL, NULL},
    [OPTION_TEXT] = {required_argument, read_text, "a value that is not empty"},
    [OPTION_ANY] = {required_argument, read_any, "a value"},
    [OPTION_NUMBER] = {required_argument, read_number, "a number from 1 on"},
    [OPTION_CHANGE] = {required_argument, read_change, "the number of a change"},
    [OPTION_SIZE] = {required_argument, read_size, SIZE_EXPECTED},
    [OPTION_DURATION] = {required_argument, read_duration, DURATION_EXPECTED},
    [OPTION_LIMIT_DURATION] = {required_argument, duration_parse, DURATION_EXPECTED},
    [OPTION_WAIT_DURATION] = {optional_argument, duration_parse, DURATION_EXPECTED},
    [OPTION_ALWAYS] = {optional_argument, read_always, "no value, or 'always'"},
};

/* getopt's tables, made of ours. */
struct getopt_tables {
    struct option longs[OPTIONS + 1];
    char letters[2 * OPTIONS + 2];
};

/* What getopt_long returns for an option; clear of every letter. */
#define RESULT_BASE 256

/* A colon says that a value follows. Returns the new number of letters. */
static size_t spell_letter(const struct option_row *row, size_t count, char *letters)
{
    letters[count++] = row->letter;
    if (kind_rows[row->kind].argument == required_argument)
        letters[count++] = ':';
    return count;
}

static void spell(uint64_t allowed, bool stop_early, struct getopt_tables *ret_spelling)
{
    size_t count = 0, letters = 0;

    memset(ret_spelling, 0, sizeof(*ret_spelling));
    if (stop_early)
        ret_spelling->letters[letters++] = '+';
    for (int id = 0; id < OPTIONS; id++) {
        if ((allowed & OPTION_BIT(id)) == 0)
            continue;
        ret_spelling->longs[count++] =
            (struct option){.name = option_rows[id].name,
                            .has_arg = kind_rows[option_rows[id].kind].argument,
                            .val = RESULT_BASE + id};
        if (option_rows[id].letter != 0)
            letters = spell_letter(&option_rows[id], letters, ret_spelling->letters);
    }
}

/* Which option getopt_long found: OPTIONS if none. */
static enum option_id found_option(int result)
{
    if (result >= RESULT_BASE)
        return (enum option_id)(result - RESULT_BASE);
    for (int id = 0; id < OPTIONS; id++)
        if (option_rows[id].letter == result)
            return (enum option_id)id;
    return OPTIONS;
}

static enum exit_status take_option(struct cli_options *options, const char *command,
                                    enum option_id id, char *value)
{
    const struct option_row *row = &option_rows[id];

    if (value != NULL && !kind_rows[row->kind].read(value, &options->number[id])) {
        return report_usage(command, "--%s wants %s, not '%s'", row->name,
                            kind_rows[row->kind].wanted, value);
    }
    if (value == NULL)
        options->number[id] = -1;
    options->given[id] = true;
    options->text[id] = value;
    return EXIT_DONE;
}

enum exit_status options_read(struct cli_options *options, const char *command, uint64_t allowed,
                              int argc, char **argv)
{
    struct getopt_tables spelling;
    enum exit_status status;
    int result;

    spell(allowed, command == NULL, &spelling);
    optind = 0; /* glibc: start afresh */
    opterr = 1;
    while ((result = getopt_long(argc, argv, spelling.letters, spelling.longs, NULL)) != -1) {
        enum option_id id = found_option(result);

        if (id == OPTIONS) /* getopt_long has said what is wrong */
            return report_try_help(command);
        status = take_option(options, command, id, optarg);
        if (status != EXIT_DONE)
            return status;
    }
    options->count = argc - optind;
    options->arguments = argv + optind;
    return EXIT_DONE;
}

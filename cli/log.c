/* log: what happened to a session, a sentence for each thing that did. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "cli/wrap.h"

/* A moment, "2025-11-23 14:05:09", what of it is before the time of day, and two blanks. */
#define STAMP_WIDTH ((size_t)19)
#define DAY_WIDTH   ((size_t)11)
#define GAP         ((size_t)2)
/* Where less is left beside the time, further lines begin further left. */
#define SENTENCE_LEAST ((size_t)32)

/* "until 14:05:09", or with the day if it is another one; nothing if it is the same second. */
static void format_end(const char *first, int64_t last, char *ret_text, size_t size)
{
    char stamp[WHEN_MAX];

    when_stamp(last, stamp);
    ret_text[0] = '\0';
    if (strcmp(first, stamp) != 0)
        snprintf(ret_text, size, " (until %s)",
                 strncmp(first, stamp, DAY_WIDTH) == 0 && strlen(stamp) == STAMP_WIDTH
                     ? stamp + DAY_WIDTH
                     : stamp);
}

static enum exit_status print_event(const struct wormclient_log *log, size_t index, size_t columns)
{
    char stamp[WHEN_MAX], end[WHEN_MAX + 16], line[1024];
    size_t at = STAMP_WIDTH + GAP;
    size_t indent = columns == 0 || columns >= at + SENTENCE_LEAST ? at : 2 * GAP;
    int64_t first, last;
    const char *sentence = wormclient_log_at(log, index, &first, &last);

    when_stamp(first, stamp);
    format_end(stamp, last, end, sizeof(end));
    snprintf(line, sizeof(line), "%s%s", sentence, end);
    char *safe = escape_text(line, strlen(line), false);
    if (safe == NULL)
        return report_memory();
    printf("%-*s%*s", (int)STAMP_WIDTH, stamp, (int)GAP, "");
    wrap_print(stdout, safe, at, indent, columns);
    putchar('\n');
    wipe_free(safe);
    return EXIT_DONE;
}

static enum exit_status print_events(const struct cli_options *options,
                                     const struct wormclient_log *log)
{
    size_t columns = isatty(STDOUT_FILENO) ? terminal_columns(STDOUT_FILENO) : 0;
    enum exit_status status = EXIT_DONE;

    for (size_t i = 0; i < wormclient_log_count(log) && status == EXIT_DONE; i++)
        status = output_for_program(options) ? output_value(options, wormclient_log_view(log, i))
                                             : print_event(log, i, columns);
    return status == EXIT_DONE ? output_flush() : status;
}

/* What people may look for in vain. */
static void explain(const struct wormclient_log *log)
{
    int64_t dropped = wormclient_log_dropped(log);

    if (wormclient_log_count(log) == 0)
        report_note("nothing is known of what happened before this version was installed");
    else if (dropped > 0)
        report_note("%" PRId64 " older entr%s had to make room", dropped,
                    dropped == 1 ? "y" : "ies");
}

static enum exit_status run_log(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    unsigned limit = options->given[OPTION_NEWEST] ? (unsigned)options->number[OPTION_NEWEST] : 0;
    struct wormclient_log *log = wormclient_log(client, options->arguments[0], limit, &error);
    enum exit_status status;

    if (log == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = print_events(options, log);
    if (status == EXIT_DONE)
        explain(log);
    wormclient_log_free(log);
    return status;
}

const struct cli_command log_command = {
    .name = "log",
    .usage = "SESSION",
    .help = "show what happened to a session",
    .details =
        "The oldest entry comes first. What goes on happening is one entry, with how often and\n"
        "until when. Codes, keys and messages are not in it.",
    .options = OPTION_BIT(OPTION_NEWEST),
    .fields = fields_event,
    .least = 1,
    .most = 1,
    .run = run_log,
};

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounded_json.h"
#include "base/wipe.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/json.h"
#include "cli/output.h"

static bool incomplete;

static enum exit_status report_unwritten(void)
{
    report("cannot write to standard output: %s", strerror(errno));
    return EXIT_FAILED;
}

void output_mark_incomplete(void)
{
    incomplete = true;
}

enum exit_status output_flush(void)
{
    /* A write may have failed when the buffer ran full: fflush then knows nothing of it. */
    if (ferror(stdout) || fflush(stdout) != 0)
        return report_unwritten();
    if (!incomplete)
        return EXIT_DONE;
    incomplete = false;
    return report_memory();
}

enum exit_status output_sync(void)
{
    enum exit_status status = output_flush();
    struct stat file;
    int failed;

    if (status != EXIT_DONE || fstat(STDOUT_FILENO, &file) != 0 || !S_ISREG(file.st_mode))
        return status;
    do
        failed = fsync(STDOUT_FILENO);
    while (failed != 0 && errno == EINTR);
    return failed == 0 ? EXIT_DONE : report_unwritten();
}

enum exit_status output_bytes(const void *data, size_t length)
{
    /* Nothing is left for a later flush to write: a failure here is final. */
    return fwrite(data, 1, length, stdout) == length ? output_flush() : report_unwritten();
}

enum exit_status output_line(const char *text)
{
    fputs(text, stdout);
    putchar('\n');
    return output_flush();
}

enum exit_status output_text(const char *text, size_t length)
{
    char *safe;
    enum exit_status status;

    if (!isatty(STDOUT_FILENO))
        return output_bytes(text, length);
    safe = escape_text(text, length, true);
    if (safe == NULL)
        return report_memory();
    fputs(safe, stdout);
    if (length > 0 && text[length - 1] != '\n')
        putchar('\n');
    status = output_flush();
    wipe_free(safe);
    return status;
}

void output_labelled(const char *label, const char *value)
{
    char *safe = escape_text(value, strlen(value), false);

    if (safe != NULL)
        printf("%-*s%s\n", OUTPUT_LABEL_WIDTH, label, safe);
    else
        output_mark_incomplete();
    wipe_free(safe);
}

/* ---- for programs ---- */

bool output_for_program(const struct cli_options *options)
{
    return options->given[OPTION_JSON] || options->given[OPTION_FIELDS];
}

enum exit_status output_json(const json_t *value)
{
    char *line = bounded_json_text(value, JSON_COMPACT);
    char *safe = line != NULL ? escape_json(line) : NULL;
    enum exit_status status = safe != NULL ? output_line(safe) : report_memory();

    wipe_free(safe);
    wipe_free(line);
    return status;
}

enum exit_status output_object(const struct cli_options *options, json_t *object)
{
    const char *fields = options->text[OPTION_FIELDS];
    enum exit_status status;
    json_t *picked;

    if (object == NULL)
        return report_memory();
    if (fields == NULL) {
        status = options->given[OPTION_JSON] ? output_json(object) : EXIT_DONE;
    } else if (!options->given[OPTION_JSON]) {
        status = fields_print(object, fields);
    } else {
        picked = fields_pick(object, fields);
        status = picked != NULL ? output_json(picked) : report_memory();
        json_decref(picked);
    }
    json_decref(object);
    return status;
}

enum exit_status output_value(const struct cli_options *options,
                              const struct wormclient_value *value)
{
    return output_for_program(options) ? output_object(options, json_from_value(value)) : EXIT_DONE;
}

enum exit_status output_session(const struct cli_options *options,
                                const struct wormclient_session *session)
{
    return output_for_program(options)
               ? output_object(options, json_from_view(wormclient_session_view(session)))
               : EXIT_DONE;
}

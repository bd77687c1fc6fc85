#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_json.h"
#include "base/wipe.h"
#include "cli/escape.h"
#include "cli/report.h"
#include "cli/report_json.h"

/* Room for the word of an error. */
#define CODE_MAX 40

static struct {
    bool on, leading; /* the error was leading */
    char *error, *advice;
    char code[CODE_MAX];
} kept;

void report_json_set(bool on)
{
    kept.on = on;
}

bool report_json_is_on(void)
{
    return kept.on;
}

/* Adds a line to a text, which may be NULL; before it if `first`. */
static void add_line(char **text, const char *line, bool first)
{
    char *longer;

    if (*text == NULL)
        *text = strdup(line);
    else if (asprintf(&longer, "%s\n%s", first ? line : *text, first ? *text : line) >= 0) {
        wipe_free(*text);
        *text = longer;
    }
}

void report_json_add(bool leading, const char *line)
{
    if (kept.error != NULL && leading && !kept.leading) {
        add_line(&kept.advice, kept.error, true);
        wipe_free(kept.error);
        kept.error = NULL;
    }
    if (kept.error != NULL) {
        add_line(&kept.advice, line, false);
        return;
    }
    kept.error = strdup(line);
    kept.leading = leading;
}

void report_json_add_code(const char *word)
{
    if (kept.code[0] == '\0')
        snprintf(kept.code, sizeof(kept.code), "%s", word);
}

/* Takes over `object`. New; wipe_free(); NULL: out of memory. */
static char *format_line(json_t *object)
{
    char *text = object != NULL ? bounded_json_text(object, JSON_COMPACT) : NULL;
    char *safe = text != NULL ? escape_json(text) : NULL;

    wipe_free(text);
    json_decref(object);
    return safe;
}

/* Takes over the `line` of an error with this exit status, or of a note (EXIT_DONE). */
static void print(char *line, int status)
{
    if (line != NULL)
        fprintf(stderr, "%s\n", line);
    else if (status == EXIT_DONE)
        fputs("{\"note\":\"out of memory\"}\n", stderr);
    else
        fprintf(stderr,
                "{\"error\":\"out of memory\",\"code\":\"failed\",\"status\":%d,\"advice\":null}\n",
                status);
    wipe_free(line);
}

void report_json_note(const char *line)
{
    print(format_line(json_pack("{s:s}", "note", line)), EXIT_DONE);
}

/* What an error is called of which nothing but the exit status is known. */
static const char *word_for(int status)
{
    static const struct {
        int status;
        const char *word;
    } words[] = {
        {EXIT_USAGE, "usage"},
        {EXIT_NOTHING, "nothing"},
        {EXIT_SESSION, "session-failed"},
        {EXIT_NO_DAEMON, "no-daemon"},
        {EXIT_INTERRUPTED, "interrupted"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].status == status)
            return words[i].word;
    return "failed";
}

char *report_json_format(const char *error, const char *code, int status, const char *advice)
{
    code = code != NULL ? code : word_for(status);
    return format_line(json_pack("{s:s, s:s, s:i, s:s?}", "error", error != NULL ? error : code,
                                 "code", code, "status", status, "advice", advice));
}

void report_json_finish(int status)
{
    if (status != EXIT_DONE && kept.on) {
        print(report_json_format(kept.error, kept.code[0] != '\0' ? kept.code : NULL, status,
                                 kept.advice),
              status);
    } else if (kept.error != NULL) {
        report_json_note(kept.error);
        if (kept.advice != NULL)
            report_json_note(kept.advice);
    }
    wipe_free(kept.error);
    wipe_free(kept.advice);
    kept.error = kept.advice = NULL;
    kept.leading = false;
    kept.code[0] = '\0';
}

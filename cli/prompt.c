#include "config.h"

#include "cli/prompt.h"

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complete.h"
#include "cli/report.h"

/* Most candidates that are shown: a few lines of a terminal. */
#define SHOWN_MAX 60
#define TAB       "^I"

struct prompt {
    struct wormclient *client;
    const char *appid, *relay;
    struct wormclient_nameplates *nameplates; /* as the relay listed them last */
    struct wormclient_words *words;
    size_t place; /* of the word that is being typed */
};

bool prompt_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* ---- candidates ---- */

/* Reports something below the line that is being edited. */
static void report_below(const char *text)
{
    fputc('\n', stderr);
    report("%s", text);
}

static const char *nameplate_at(const void *list, size_t index)
{
    const struct prompt *prompt = list;

    return prompt->nameplates != NULL ? wormclient_nameplates_at(prompt->nameplates, index) : NULL;
}

static const char *word_at(const void *list, size_t index)
{
    const struct prompt *prompt = list;

    return prompt->words != NULL ? wormclient_words_at(prompt->words, prompt->place, index) : NULL;
}

/* The candidates for what is being typed. Nameplates change while somebody types: they are asked
 * for anew each time. */
static struct complete_list list_for(struct prompt *prompt, const char *text)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    size_t position = complete_position(text);

    if (position == 0) {
        wormclient_nameplates_free(prompt->nameplates);
        prompt->nameplates =
            wormclient_nameplates(prompt->client, prompt->appid, prompt->relay, &error);
    } else {
        prompt->place = position - 1;
        if (prompt->words == NULL)
            prompt->words = wormclient_words(prompt->client, &error);
    }
    if (error.code != WORMCLIENT_ERROR_NONE)
        report_below(error.text);
    return (struct complete_list){.at = position == 0 ? nameplate_at : word_at, .list = prompt};
}

static void show(const struct complete *complete, const struct complete_list *list)
{
    const char *candidate;
    size_t shown = 0;

    fputc('\n', stderr);
    for (size_t i = 0; (candidate = list->at(list->list, i)) != NULL && shown < SHOWN_MAX; i++)
        if (complete_fits(complete, candidate))
            fprintf(stderr, "%s%s", shown++ > 0 ? "  " : "", candidate);
    if (complete->count > shown)
        fprintf(stderr, "  and %zu more", complete->count - shown);
    fputc('\n', stderr);
}

/* ---- the line ---- */

/* libedit takes the terminal over only at the first key, after the prompt: until then the terminal
 * would interpret what is typed, and a Ctrl-D would get lost. Ctrl-C is already libedit's. */
static char *ask_with(EditLine *line)
{
    el_set(line, EL_PREP_TERM, 1);
    return "Code: ";
}

/* What is before the cursor. False if it is too long for a code. */
static bool typed(EditLine *line, char ret_text[COMPLETE_TEXT_MAX + 1])
{
    const LineInfo *info = el_line(line);
    size_t length = (size_t)(info->cursor - info->buffer);

    if (length > COMPLETE_TEXT_MAX)
        return false;
    memcpy(ret_text, info->buffer, length);
    ret_text[length] = '\0';
    return true;
}

/* Where a code may end: most have a third word, but stock ones have not. */
#define SECOND_WORD 2

static unsigned char on_tab(EditLine *line, int key)
{
    struct prompt *prompt;
    struct complete complete;
    char text[COMPLETE_TEXT_MAX + 1];
    unsigned char done = CC_REFRESH;

    (void)key;
    if (el_get(line, EL_CLIENTDATA, &prompt) != 0 || !typed(line, text))
        return CC_ERROR;
    struct complete_list list = list_for(prompt, text);
    complete_code(text, &list, &complete);
    if (complete.common[0] != '\0')
        el_insertstr(line, complete.common);
    if (complete.count == 1 && complete_position(text) == SECOND_WORD) {
        report_below("Return if that is the whole code; - and TAB if it has a third word");
        done = CC_REDISPLAY;
    } else if (complete.common[0] == '\0' && complete.count > 1) {
        show(&complete, &list);
        done = CC_REDISPLAY;
    } else if (complete.count == 0) {
        done = CC_REFRESH_BEEP;
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(&complete, sizeof(complete));
    return done;
}

static EditLine *begin(struct prompt *prompt)
{
    EditLine *line;

    setlocale(LC_CTYPE, ""); /* codes may contain any letters */
    line = el_init("wormctl", stdin, stderr, stderr);
    if (line == NULL)
        return NULL;
    el_set(line, EL_CLIENTDATA, prompt);
    el_set(line, EL_PROMPT, ask_with);
    el_set(line, EL_EDITOR, "emacs");
    el_set(line, EL_SIGNAL, 1); /* Ctrl-C restores the terminal before it ends us */
    el_set(line, EL_ADDFN, "complete-code", "complete a code", on_tab);
    el_set(line, EL_BIND, TAB, "complete-code", NULL);
    return line;
}

static enum exit_status read_line(EditLine *line, char **ret_code)
{
    int length = 0;
    const char *text = el_gets(line, &length);
    size_t start, end;

    if (text == NULL || length <= 0)
        return report_usage(NULL, "no code given");
    start = strspn(text, " \t");
    end = (size_t)length;
    while (end > start && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    if (end == start)
        return report_usage(NULL, "no code given");
    *ret_code = strndup(text + start, end - start);
    return *ret_code != NULL ? EXIT_DONE : report_memory();
}

enum exit_status prompt_code(struct wormclient *client, const char *appid, const char *relay,
                             char **ret_code)
{
    struct prompt prompt = {.client = client, .appid = appid, .relay = relay};
    EditLine *line = begin(&prompt);
    enum exit_status status;

    if (line == NULL)
        return report_memory();
    status = read_line(line, ret_code);
    el_end(line);
    wormclient_nameplates_free(prompt.nameplates);
    wormclient_words_free(prompt.words);
    return status;
}

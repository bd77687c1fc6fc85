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

/* Most candidates that are shown: some lines of a terminal. */
#define SHOWN_MAX 60
#define TAB       "^I"

struct prompt {
    struct wormclient *client;
    const char *appid, *relay;
    struct wormclient_value *nameplates; /* as the relay listed them last */
    struct wormclient_value *words;
};

bool prompt_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* ---- candidates ---- */

/* Something that stands beside the line being edited: a line of its own. */
static void say_beside(const char *text)
{
    fputc('\n', stderr);
    report("%s", text);
}

static void ask(struct prompt *prompt, struct wormclient_value **result, const char *method,
                struct wormclient_params *params)
{
    struct wormclient_error error = {0};

    wormclient_result_free(*result);
    *result = wormclient_call(prompt->client, method, params, &error);
    if (*result == NULL)
        say_beside(error.text);
}

/* Others come and go while somebody types: asked for anew each time. */
static const struct wormclient_value *ask_nameplates(struct prompt *prompt)
{
    struct wormclient_params *params = wormclient_params_new();

    if (prompt->appid != NULL)
        wormclient_params_text(params, "appid", prompt->appid);
    if (prompt->relay != NULL)
        wormclient_params_text(params, "relay", prompt->relay);
    ask(prompt, &prompt->nameplates, "nameplates", params);
    return wormclient_value_get(prompt->nameplates, "nameplates");
}

static const struct wormclient_value *ask_words(struct prompt *prompt, size_t position)
{
    const struct wormclient_value *lists;

    if (prompt->words == NULL)
        ask(prompt, &prompt->words, "words", NULL);
    lists = wormclient_value_get(prompt->words, "words");
    return wormclient_value_at(lists, (position - 1) % 2);
}

static const char *text_at(const void *list, size_t index)
{
    return wormclient_value_text(wormclient_value_at(list, index), NULL);
}

static struct complete_list list_for(struct prompt *prompt, const char *text)
{
    size_t position = complete_position(text);

    return (struct complete_list){
        .at = text_at,
        .list = position == 0 ? ask_nameplates(prompt) : ask_words(prompt, position),
    };
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

/* libedit takes the terminal over only at the first key, after the prompt: what is typed in between
 * would be the terminal's to interpret, and a Ctrl-D get lost. By now Ctrl-C is libedit's. */
static char *ask_with(EditLine *line)
{
    el_set(line, EL_PREP_TERM, 1);
    return "Code: ";
}

/* What stands before the cursor. False if it is too long for a code. */
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
    if (complete.common[0] != '\0') {
        el_insertstr(line, complete.common);
    } else if (complete.count > 1) {
        show(&complete, &list);
        done = CC_REDISPLAY;
    } else {
        done = complete.count == 0 ? CC_REFRESH_BEEP : CC_REFRESH;
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(&complete, sizeof(complete));
    return done;
}

static EditLine *begin(struct prompt *prompt)
{
    EditLine *line;

    setlocale(LC_CTYPE, ""); /* codes may have other letters than ours */
    line = el_init("wormctl", stdin, stderr, stderr);
    if (line == NULL)
        return NULL;
    el_set(line, EL_CLIENTDATA, prompt);
    el_set(line, EL_PROMPT, ask_with);
    el_set(line, EL_EDITOR, "emacs");
    el_set(line, EL_SIGNAL, 1); /* the terminal is as before when Ctrl-C ends us */
    el_set(line, EL_ADDFN, "complete-code", "completes a code", on_tab);
    el_set(line, EL_BIND, TAB, "complete-code", NULL);
    return line;
}

static enum exit_status read_line(EditLine *line, char **ret_code)
{
    int length = 0;
    const char *text = el_gets(line, &length);
    size_t start, end;

    if (text == NULL || length <= 0)
        return report_usage(NULL, "no code was given");
    start = strspn(text, " \t");
    end = (size_t)length;
    while (end > start && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    if (end == start)
        return report_usage(NULL, "no code was given");
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
    wormclient_result_free(prompt.nameplates);
    wormclient_result_free(prompt.words);
    return status;
}

#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/typos.h"
#include "base/wipe.h"
#include "cli/input.h"
#include "cli/prompt.h"
#include "cli/spelling.h"

/* Most words of a code that are looked at; the daemon makes no longer ones. */
#define WORDS_MAX 16
/* A word of three letters with two wrong ones is another word. */
#define LETTERS_TO_A_TYPO 3
/* Room for a question with two words in it. */
#define QUESTION_SIZE 160

/* ---- words of codes ---- */

/* A word of a code, and the one of the list that is nearest to it. */
struct code_word {
    const char *text, *nearest; /* nearest: borrowed from the list; NULL: none is near */
    bool listed;
};

/* Splits what follows the nameplate, in place, into words of letters. Returns how many; 0 if that
 * is not what it is made of. */
static size_t split(char *text, struct code_word *ret_words)
{
    size_t count = 0, digits = strspn(text, "0123456789");

    if (digits == 0 || text[digits] != '-')
        return 0;
    for (text += digits; *text == '-' && count < WORDS_MAX; count++) {
        size_t length = 0;

        *text++ = '\0';
        while (isalpha((unsigned char)text[length]))
            length++;
        if (length == 0)
            return 0;
        ret_words[count] = (struct code_word){.text = text};
        text += length;
    }
    return *text == '\0' ? count : 0;
}

static void look_up(const struct wormclient_words *words, size_t place, struct code_word *word)
{
    size_t forgiven = strlen(word->text) / LETTERS_TO_A_TYPO;
    struct typos_nearest nearest = {.word = word->text,
                                    .most = forgiven < TYPOS_MAX ? forgiven : TYPOS_MAX};
    const char *listed;

    for (size_t i = 0; (listed = wormclient_words_at(words, place, i)) != NULL; i++) {
        word->listed = word->listed || strcasecmp(listed, word->text) == 0;
        typos_offer(&nearest, listed, strlen(listed));
    }
    if (nearest.name != NULL)
        word->nearest = nearest.name;
}

/* EXIT_DONE if the word is settled: replaced, or meant. */
static enum exit_status ask_about(struct code_word *word)
{
    char question[QUESTION_SIZE];
    bool yes = false;

    if (word->nearest != NULL)
        snprintf(question, sizeof(question), "'%.40s' is not a word of codes; did you mean '%s'?",
                 word->text, word->nearest);
    else
        snprintf(question, sizeof(question), "'%.40s' is not a word of codes; use it all the same?",
                 word->text);
    if (!input_yes_or_no(question, &yes)) {
        report("no answer; nothing was begun");
        return EXIT_USAGE;
    }
    if (yes && word->nearest != NULL)
        word->text = word->nearest;
    if (yes || word->nearest != NULL)
        return EXIT_DONE;
    report("nothing was begun; look at the code again");
    return EXIT_USAGE;
}

/* The code of its parts again. New; NULL: out of memory. */
static char *join(const char *nameplate, const struct code_word *words, size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL)
        return NULL;
    fputs(nameplate, file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "-%s", words[i].text);
    return wipe_stream_close(file, &text);
}

static enum exit_status check_words(const struct wormclient_words *list, char *nameplate,
                                    struct code_word *words, size_t count, char **ret_code)
{
    enum exit_status status = EXIT_DONE;
    size_t listed = 0, near = 0;

    for (size_t i = 0; i < count; i++) {
        look_up(list, i, &words[i]);
        listed += words[i].listed;
        near += !words[i].listed && words[i].nearest != NULL;
    }
    /* A word that is near by chance makes no code of the list of what people made up. */
    if (listed == count || (listed == 0 && near < count))
        return EXIT_DONE;
    for (size_t i = 0; i < count && status == EXIT_DONE; i++)
        if (!words[i].listed)
            status = ask_about(&words[i]);
    if (status == EXIT_DONE && (*ret_code = join(nameplate, words, count)) == NULL)
        status = report_memory();
    return status;
}

enum exit_status spelling_check_code(struct wormclient *client, char **code)
{
    struct code_word words[WORDS_MAX];
    struct wormclient_words *list;
    char *parts = prompt_possible() ? strdup(*code) : NULL, *fresh = NULL;
    size_t count = parts != NULL ? split(parts, words) : 0;
    enum exit_status status = EXIT_DONE;

    list = count > 0 ? wormclient_words(client, NULL) : NULL;
    if (list != NULL)
        status = check_words(list, parts, words, count, &fresh);
    if (fresh != NULL) {
        wipe_free(*code);
        *code = fresh;
    }
    wormclient_words_free(list);
    wipe_free(parts);
    return status;
}

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/details.h"
#include "cli/verifier.h"

/* It is 32 bytes, as 64 digits or 32 words. Groups of four digits, and lines that the eye does not
 * lose, or that are said in one breath. */
#define DIGITS         64
#define DIGITS_GROUP   4
#define GROUPS_IN_LINE 8
#define WORDS_IN_LINE  4

/* ---- showing it ---- */

/* Prints words with so many in a line; the label stands before the first. */
static void print_lines(FILE *file, const char *label, const char *words, int in_line)
{
    for (int count = 0; *words != '\0'; count++) {
        size_t length = strcspn(words, " ");

        if (count % in_line == 0) {
            fprintf(file, "%s%-*s", count > 0 ? "\n" : "", DETAILS_LABEL_WIDTH, label);
            label = "";
        } else {
            putc(' ', file);
        }
        fprintf(file, "%.*s", (int)length, words);
        words += length + strspn(words + length, " ");
    }
    putc('\n', file);
}

static void print_digits(FILE *file, const char *verifier)
{
    char groups[DIGITS + DIGITS / DIGITS_GROUP + 1];
    size_t to = 0;

    for (size_t i = 0; i < DIGITS; i++) {
        if (i > 0 && i % DIGITS_GROUP == 0)
            groups[to++] = ' ';
        groups[to++] = verifier[i];
    }
    groups[to] = '\0';
    print_lines(file, "verifier", groups, GROUPS_IN_LINE);
}

void verifier_print(FILE *file, const struct wormclient_value *view)
{
    const char *verifier = wormclient_value_text(view, "verifier");
    const char *words = wormclient_value_text(view, "verifier_words");
    char *safe;

    if (verifier == NULL || strlen(verifier) != DIGITS)
        return;
    print_digits(file, verifier);
    safe = words != NULL ? escape_text(words, strlen(words), false) : NULL;
    if (safe != NULL)
        print_lines(file, "in words", safe, WORDS_IN_LINE);
    else if (words != NULL)
        output_lacks();
    free(safe);
}

/* ---- what the user says ---- */

enum exit_status verifier_decide(struct wormclient *client, const char *session, bool same,
                                 struct wormclient_session **ret_session)
{
    struct wormclient_error error = {0};
    struct wormclient_session *view = wormclient_verify(client, session, same, &error);

    if (view == NULL)
        return report_error_about(&error, session);
    if (ret_session != NULL)
        *ret_session = view;
    else
        wormclient_session_free(view);
    return EXIT_DONE;
}

static enum exit_status ask(struct wormclient *client, const struct wormclient_session *session)
{
    enum exit_status status;
    bool same;

    if (!input_yes_or_no("Does the other side see the same?", &same)) {
        report("no answer; messages are held back until: wormctl verify %s", report_label(session));
        return EXIT_NOTHING;
    }
    status = verifier_decide(client, wormclient_session_id(session), same, NULL);
    if (status != EXIT_DONE || same)
        return status;
    report("the verifiers differ: somebody is between the two sides; nothing was delivered");
    return EXIT_SESSION;
}

static enum exit_status wait_elsewhere(struct wormclient *client,
                                       const struct wormclient_session *session,
                                       struct wait_reported *reported)
{
    report("messages are held back until the other side sees the same: wormctl verify %s --yes",
           report_label(session));
    return await_session(client, wormclient_session_id(session), progress_verified, -1, reported,
                         NULL);
}

enum exit_status verifier_agree(struct wormclient *client, const struct wormclient_session *session,
                                struct wait_reported *reported)
{
    struct wormclient_session *keyed;
    enum exit_status status =
        await_session(client, wormclient_session_id(session), progress_keyed, -1, reported, &keyed);

    if (status != EXIT_DONE)
        return status;
    verifier_print(stderr, wormclient_session_view(keyed));
    wormclient_session_free(keyed);
    return isatty(STDIN_FILENO) ? ask(client, session) : wait_elsewhere(client, session, reported);
}

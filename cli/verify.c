/* verify and derive-key: what both sides know and nobody else does. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/report_json.h"
#include "cli/verify.h"

/* It is 32 bytes, as 64 digits or 32 words. Groups of four digits, and lines that the eye does not
 * lose, or that are said in one breath. */
#define DIGITS         64
#define DIGITS_GROUP   4
#define GROUPS_IN_LINE 8
#define WORDS_IN_LINE  4

/* The lengths of keys in doc/ipc.md: 255 blocks of HKDF-SHA256 are the most there is. */
#define KEY_LENGTH_DEFAULT 32
#define KEY_LENGTH_MAX     8160
/* Digits of the longest. */
#define KEY_LENGTH_DIGITS 4

static const char question[] = "Does the peer see the same verifier?";

/* ---- showing the verifier ---- */

/* Prints `in_line` words on each line, with the label before the first. */
static void print_lines(FILE *file, const char *label, const char *words, int in_line)
{
    for (int count = 0; *words != '\0'; count++) {
        size_t length = strcspn(words, " ");

        if (count % in_line == 0) {
            fprintf(file, "%s%-*s", count > 0 ? "\n" : "", OUTPUT_LABEL_WIDTH, label);
            label = "";
        } else {
            putc(' ', file);
        }
        fprintf(file, "%.*s", (int)length, words);
        words += length + strspn(words + length, " ");
    }
    putc('\n', file);
}

void verify_print(FILE *file, const struct wormclient_session *session)
{
    const char *verifier = wormclient_session_verifier(session);
    const char *words = wormclient_session_verifier_words(session);
    char groups[DIGITS + DIGITS / DIGITS_GROUP + 1], *safe;
    size_t length = 0;

    if (verifier == NULL || strlen(verifier) != DIGITS)
        return;
    for (size_t i = 0; i < DIGITS; i++) {
        if (i > 0 && i % DIGITS_GROUP == 0)
            groups[length++] = ' ';
        groups[length++] = verifier[i];
    }
    groups[length] = '\0';
    print_lines(file, "verifier", groups, GROUPS_IN_LINE);
    safe = words != NULL ? escape_text(words, strlen(words), false) : NULL;
    if (safe != NULL)
        print_lines(file, "in words", safe, WORDS_IN_LINE);
    else if (words != NULL)
        output_mark_incomplete();
    wipe_free(safe);
}

/* ---- before messages may flow ---- */

static void note_verifier(const struct wormclient_session *session)
{
    const char *words = wormclient_session_verifier_words(session);

    report_note("verifier: %s", wormclient_session_verifier(session));
    if (words != NULL)
        report_note("verifier in words: %s", words);
}

static enum exit_status ask_to_agree(struct wormclient *client,
                                     const struct wormclient_session *session)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *view;
    bool same;

    if (!input_yes_or_no(question, &same)) {
        report("no answer; messages are held back until: wormctl verify %s", report_label(session));
        return EXIT_NOTHING;
    }
    view = wormclient_verify(client, wormclient_session_id(session), same, &error);
    wormclient_session_free(view);
    if (view == NULL)
        return report_error_about(&error, wormclient_session_id(session));
    if (same)
        return EXIT_DONE;
    report("the verifiers differ: somebody is between the two sides; nothing was delivered");
    return EXIT_SESSION;
}

enum exit_status verify_agree(struct wormclient *client, const struct wormclient_session *session,
                              struct wait_reported *reported)
{
    const char *id = wormclient_session_id(session);
    struct wormclient_session *keyed;
    enum exit_status status = wait_for(client, id, wormclient_is_keyed, -1, reported, &keyed);

    if (status != EXIT_DONE)
        return status;
    if (report_json_is_on())
        note_verifier(keyed);
    else
        verify_print(stderr, keyed);
    wormclient_session_free(keyed);
    if (isatty(STDIN_FILENO))
        return ask_to_agree(client, session);
    report_note(
        "messages are held back; if the peer sees the same verifier: wormctl verify %s --yes",
        report_label(session));
    return wait_for(client, id, wormclient_is_verified, -1, reported, NULL);
}

/* ---- verify ---- */

static enum exit_status check_verify(const struct cli_options *options)
{
    if (options->given[OPTION_YES] && options->given[OPTION_NO])
        return report_usage("verify", "give either --yes or --no, not both");
    return EXIT_DONE;
}

/* Carries out what the user decided. */
static enum exit_status decide(struct wormclient *client, const struct cli_options *options,
                               const char *session, bool same)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *view = wormclient_verify(client, session, same, &error);
    enum exit_status status;

    if (view == NULL)
        return report_error_about(&error, session);
    status = output_session(options, view);
    if (!same)
        report_hint("The session has ended; no message from the peer is delivered.");
    wormclient_session_free(view);
    return status;
}

/* Nothing was decided on the command line: shows the verifier, and asks on a terminal. */
static enum exit_status show_and_ask(struct wormclient *client, const struct cli_options *options,
                                     const struct wormclient_session *session)
{
    enum exit_status status;
    bool same;

    if (wormclient_session_verifier(session) == NULL) {
        if (wormclient_session_result(session) != NULL)
            return report_ended(session);
        report("nobody has used the code yet; to wait: wormctl wait %s --for keyed",
               report_label(session));
        return EXIT_NOTHING;
    }
    if (output_for_program(options))
        return output_session(options, session);
    verify_print(stdout, session);
    status = output_flush();
    if (status != EXIT_DONE || !isatty(STDIN_FILENO) || wormclient_session_result(session) != NULL)
        return status;
    if (!input_yes_or_no(question, &same)) {
        report("no answer; nothing was changed");
        return EXIT_NOTHING;
    }
    return decide(client, options, wormclient_session_id(session), same);
}

static enum exit_status run_verify(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session;
    enum exit_status status;

    if (options->given[OPTION_YES] || options->given[OPTION_NO])
        return decide(client, options, options->arguments[0], options->given[OPTION_YES]);
    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = show_and_ask(client, options, session);
    wormclient_session_free(session);
    return status;
}

const struct cli_command verify_command = {
    .name = "verify",
    .usage = "SESSION",
    .help = "compare verifiers with the peer",
    .details =
        "Shows the verifier as digits and as words, and on a terminal asks whether the peer\n"
        "sees the same. Elsewhere nothing changes without --yes or --no.",
    .options = OPTION_BIT(OPTION_YES) | OPTION_BIT(OPTION_NO),
    .fields = fields_view,
    .least = 1,
    .most = 1,
    .check = check_verify,
    .run = run_verify,
};

/* ---- derive-key ---- */

/* 0 if what was given is no length. */
static size_t key_length(const struct cli_options *options)
{
    const char *text = options->count > 2 ? options->arguments[2] : NULL;
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    long length;

    if (text == NULL)
        return KEY_LENGTH_DEFAULT;
    length = digits <= KEY_LENGTH_DIGITS && text[digits] == '\0' ? strtol(text, NULL, 10) : 0;
    return length <= KEY_LENGTH_MAX ? (size_t)length : 0;
}

static enum exit_status check_derive_key(const struct cli_options *options)
{
    if (key_length(options) == 0)
        return report_usage("derive-key", "LENGTH must be a number from 1 to %d", KEY_LENGTH_MAX);
    return EXIT_DONE;
}

static enum exit_status print_key(const struct cli_options *options, const char *session,
                                  const unsigned char *key, size_t length)
{
    char hex[2 * KEY_LENGTH_MAX + 1];
    enum exit_status status;

    if (options->given[OPTION_RAW])
        return output_bytes(key, length);
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", key[i]);
    status = output_for_program(options)
                 ? output_object(options, json_pack("{s:s, s:s}", "session", session, "key", hex))
                 : output_line(hex);
    explicit_bzero(hex, sizeof(hex));
    return status;
}

static enum exit_status run_derive_key(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = wormclient_show(client, options->arguments[0], &error);
    size_t length = key_length(options);
    unsigned char key[KEY_LENGTH_MAX];
    enum exit_status status;

    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    if (wormclient_derive_key(client, wormclient_session_id(session), options->arguments[1], key,
                              length, &error)) {
        status = print_key(options, wormclient_session_id(session), key, length);
        explicit_bzero(key, sizeof(key));
    } else {
        status = report_error_about(&error, options->arguments[0]);
    }
    wormclient_session_free(session);
    return status;
}

const struct cli_command derive_key_command = {
    .name = "derive-key",
    .usage = "SESSION PURPOSE [LENGTH]",
    .help = "print a key that only the two sides can know",
    .details = "Prints LENGTH bytes (default: 32) as hexadecimal digits.",
    .options = OPTION_BIT(OPTION_RAW),
    .fields = fields_key,
    .least = 2,
    .most = 3,
    .check = check_derive_key,
    .run = run_derive_key,
};

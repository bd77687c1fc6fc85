/* derive-key: a key that only the two sides can know, for a purpose of their own. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/result.h"

/* As doc/ipc.md has it: 255 blocks of HKDF-SHA256 are the most there is. */
#define LENGTH_DEFAULT 32
#define LENGTH_MAX     8160
/* Digits of the longest. */
#define LENGTH_DIGITS 4

/* 0 if it is no length. */
static size_t read_length(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long length = digits <= LENGTH_DIGITS && text[digits] == '\0' ? strtol(text, NULL, 10) : 0;

    return length <= LENGTH_MAX ? (size_t)length : 0;
}

static size_t wanted_length(const struct cli_options *options)
{
    return options->count > 2 ? read_length(options->arguments[2]) : LENGTH_DEFAULT;
}

enum exit_status derive_key_check(const struct cli_options *options)
{
    if (wanted_length(options) == 0)
        return report_usage("derive-key", "LENGTH is a number from 1 to %d", LENGTH_MAX);
    if (options->given[OPTION_RAW] && result_wanted(options))
        return report_usage("derive-key", "--raw goes with neither --json nor -o");
    return EXIT_DONE;
}

static void format_hex(const unsigned char *key, size_t length, char *ret_text)
{
    for (size_t i = 0; i < length; i++)
        snprintf(ret_text + 2 * i, 3, "%02x", key[i]);
}

static enum exit_status print_key(const struct cli_options *options, const char *session,
                                  const unsigned char *key, size_t length)
{
    char hex[2 * LENGTH_MAX + 1];
    enum exit_status status;

    if (options->given[OPTION_RAW])
        return output_bytes(key, length);
    format_hex(key, length, hex);
    status = result_wanted(options)
                 ? result_object(options, json_pack("{s:s, s:s}", "session", session, "key", hex))
                 : output_line(hex);
    explicit_bzero(hex, sizeof(hex));
    return status;
}

static enum exit_status derive(struct wormclient *client, const struct cli_options *options,
                               const char *session)
{
    size_t length = wanted_length(options);
    struct wormclient_error error = {0};
    unsigned char key[LENGTH_MAX];
    enum exit_status status;

    if (!wormclient_derive_key(client, session, options->arguments[1], key, length, &error))
        return report_error_about(&error, options->arguments[0]);
    status = print_key(options, session, key, length);
    explicit_bzero(key, sizeof(key));
    return status;
}

enum exit_status derive_key_run(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(client, options->arguments[0], &error);
    enum exit_status status;

    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = derive(client, options, wormclient_session_id(session));
    wormclient_session_free(session);
    return status;
}

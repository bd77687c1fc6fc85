#include "config.h"

#include "cli/code.h"

#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/prompt.h"
#include "cli/report.h"
#include "cli/uri.h"

static bool is_asked_for(const char *argument)
{
    return argument == NULL || strcmp(argument, "-") == 0;
}

static enum exit_status read_text(struct wormclient *client, const struct cli_options *options,
                                  const char *appid, char **ret_text)
{
    char *argument = options->count > 0 ? options->arguments[0] : options->text[OPTION_CODE];

    if (appid == NULL)
        appid = options->text[OPTION_APPID];
    if (is_asked_for(argument) && prompt_possible())
        return prompt_code(client, appid, options->text[OPTION_RELAY], ret_text);
    return input_code(argument, ret_text);
}

/* Puts what a URI holds in its place. */
static enum exit_status take_uri(struct code *code)
{
    struct uri uri;
    const char *wrong = uri_parse(code->text, &uri);
    struct code plain = {0};

    if (wrong != NULL) {
        explicit_bzero(&uri, sizeof(uri));
        return report_usage(NULL, "the URI cannot be used: %s", wrong);
    }
    plain.text = strdup(uri.code);
    plain.relay = uri.relay[0] != '\0' ? strdup(uri.relay) : NULL;
    explicit_bzero(&uri, sizeof(uri));
    code_clear(code);
    *code = plain;
    return code->text != NULL ? EXIT_DONE : report_memory();
}

enum exit_status code_read(struct wormclient *client, const struct cli_options *options,
                           const char *appid, struct code *ret_code)
{
    struct code code = {0};
    enum exit_status status = read_text(client, options, appid, &code.text);

    if (status == EXIT_DONE && uri_is(code.text))
        status = take_uri(&code);
    if (status == EXIT_DONE)
        *ret_code = code;
    else
        code_clear(&code);
    return status;
}

void code_clear(struct code *code)
{
    input_code_free(code->text);
    free(code->relay);
    *code = (struct code){0};
}

enum exit_status code_check_options(const char *command, const struct cli_options *options)
{
    if (options->count > 0 && options->given[OPTION_CODE])
        return report_usage(command, "one code is enough: CODE or --code CODE");
    return EXIT_DONE;
}

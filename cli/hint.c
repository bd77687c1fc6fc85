#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/hint.h"
#include "cli/uri.h"

/* Characters that a shell takes as they are. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+="

/* Writes a word as a shell must be given it. */
static void put_word(FILE *file, const char *word)
{
    if (word[strspn(word, PLAIN)] == '\0') {
        fputs(word, file);
        return;
    }
    putc('\'', file);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            fputs("'\\''", file);
        else
            putc(*word, file);
    }
    putc('\'', file);
}

static void put_option(FILE *file, const char *option, const char *value, const char *usual)
{
    if (value == NULL || strcmp(value, usual) == 0)
        return;
    fprintf(file, " %s ", option);
    put_word(file, value);
}

static void put_code(FILE *file, const struct wormclient_session *session)
{
    const char *code = wormclient_session_code(session);

    putc(' ', file);
    put_word(file, code != NULL && isatty(STDERR_FILENO) ? code : "CODE");
}

char *hint_command(const struct wormclient_session *session, const char *command, const char *appid)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL)
        return NULL;
    fputs(command, file);
    put_code(file, session);
    put_option(file, "--relay", wormclient_session_relay(session), URI_PUBLIC_RELAY);
    put_option(file, "--appid", appid, HINT_APPID);
    return wipe_stream_close(file, &text);
}

char *hint_stock_receive(const struct wormclient_session *session)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL)
        return NULL;
    fputs("wormhole", file);
    put_option(file, "--relay-url", wormclient_session_relay(session), URI_PUBLIC_RELAY);
    fputs(" receive", file);
    put_code(file, session);
    return wipe_stream_close(file, &text);
}

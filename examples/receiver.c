/*
 * The side that was invited: set the code, give my data, get theirs.
 *
 *     receiver CODE DATA
 *
 * Prints the other side's data. Two receivers with a code that people agreed on find each other as
 * well: whoever comes first waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wormclient.h>

static struct wormclient_error error = WORMCLIENT_ERROR_INIT; /* why the last call failed */

/* Some failures deserve more than the library's sentence: see enum wormclient_error_code. */
static void must(bool done)
{
    if (done)
        return;
    fprintf(stderr, "receiver: %s\n", error.text);
    if (error.code == WORMCLIENT_ERROR_FAILED && strcmp(error.daemon_code, "scary") == 0)
        fprintf(stderr, "receiver: a typing error, or somebody guesses: ask for a new code\n");
    exit(EXIT_FAILURE);
}

/* For calls whose resulting view of the session is not needed. */
static void done(struct wormclient_session *session)
{
    must(session != NULL);
    wormclient_session_free(session);
}

/* Acknowledges only once the data is in good hands: after a crash before that, it could be received
 * again. */
static void take(struct wormclient *client, const char *id)
{
    struct wormclient_message *message = wormclient_recv_wait(client, id, 0, -1, &error);
    must(message != NULL);
    printf("%s\n", (const char *)wormclient_message_data(message, NULL));
    done(wormclient_ack(client, id, wormclient_message_number(message), &error));
    wormclient_message_free(message);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: receiver CODE DATA\n");
        return EXIT_FAILURE;
    }
    struct wormclient *client = wormclient_connect(NULL, &error);
    must(client != NULL);

    /* Malformed codes are refused at once, with WORMCLIENT_ERROR_BAD_CODE. */
    struct wormclient_options *options = wormclient_options_new();
    wormclient_options_set_appid(options, "example.org/exchange");
    struct wormclient_session *session = wormclient_accept(client, argv[1], options, &error);
    wormclient_options_free(options);
    must(session != NULL);
    const char *id = wormclient_session_id(session);

    must(wormclient_send(client, id, argv[2], strlen(argv[2]), NULL, &error));
    take(client, id);
    done(wormclient_close(client, id, &error));
    wormclient_session_free(session);
    wormclient_free(client);
    return EXIT_SUCCESS;
}

/*
 * The side that begins: get a code, give my data, get theirs.
 *
 *     initiator DATA
 *
 * Prints the code for the other side, then, whenever they come, their data.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wormclient.h>

static struct wormclient_error error = WORMCLIENT_ERROR_INIT; /* why the last call failed */

/* The library's sentence says what went wrong, so one line after each call is enough. */
static void must(bool done)
{
    if (done)
        return;
    fprintf(stderr, "initiator: %s\n", error.text);
    exit(EXIT_FAILURE);
}

/* For calls whose resulting view of the session is not needed. */
static void done(struct wormclient_session *session)
{
    must(session != NULL);
    wormclient_session_free(session);
}

/* The relay assigns the code, which takes a moment. A view is a snapshot: what was waited for comes
 * with a new one. */
static void tell_code(struct wormclient *client, const char *id)
{
    struct wormclient_session *session =
        wormclient_wait(client, id, wormclient_has_code, NULL, -1, &error);
    must(session != NULL);
    const char *code = wormclient_session_code(session);
    printf("%s\n", code != NULL ? code : "it was used already, and has gone");
    fflush(stdout);
    wormclient_session_free(session);
}

/* Waits without a time limit of its own, since the session has one: if nobody has come by then,
 * this fails with WORMCLIENT_ERROR_LONELY. */
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
    if (argc != 2) {
        fprintf(stderr, "usage: initiator DATA\n");
        return EXIT_FAILURE;
    }
    struct wormclient *client = wormclient_connect(NULL, &error);
    must(client != NULL);

    /* Both sides must use the same appid, which keeps the codes of different programs apart. */
    struct wormclient_options *options = wormclient_options_new();
    wormclient_options_set_appid(options, "example.org/exchange");
    struct wormclient_session *session = wormclient_invite(client, options, &error);
    wormclient_options_free(options);
    must(session != NULL);
    const char *id = wormclient_session_id(session);

    /* From here on our data is safe with the daemon, and leaves when the other side is there. */
    must(wormclient_send(client, id, argv[1], strlen(argv[1]), NULL, &error));
    tell_code(client, id);
    take(client, id);

    /* What has not yet been sent is sent before the session ends, after this program has ended if
     * need be. */
    done(wormclient_close(client, id, &error));
    wormclient_session_free(session);
    wormclient_free(client);
    return EXIT_SUCCESS;
}

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

static struct wormclient_error error; /* why the last call failed */

/* The library's sentence says what went wrong, so that one line after each call will do. */
static void must(bool done)
{
    if (done)
        return;
    fprintf(stderr, "initiator: %s\n", error.text);
    exit(EXIT_FAILURE);
}

/* For calls whose view of the session is of no interest. */
static void done(struct wormclient_session *session)
{
    must(session != NULL);
    wormclient_session_free(session);
}

/* The relay gives the code, so it takes a moment. A view shows one moment only: what was waited for
 * comes with a new one. */
static void tell_code(struct wormclient *client, const char *id)
{
    struct wormclient_session *session =
        wormclient_wait(client, id, wormclient_has_code, NULL, -1, &error);
    must(session != NULL);
    printf("%s\n", wormclient_session_code(session));
    fflush(stdout);
    wormclient_session_free(session);
}

/* Waits without a limit of our own, for the session has one: if nobody came by then, this fails
 * with WORMCLIENT_LONELY. */
static void take(struct wormclient *client, const char *id)
{
    void *data;
    size_t length;
    uint32_t number;
    must(wormclient_recv_wait(client, id, 0, -1, &number, &data, &length, &error));
    printf("%.*s\n", (int)length, (char *)data);
    free(data);
    done(wormclient_ack(client, id, number, &error));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: initiator DATA\n");
        return EXIT_FAILURE;
    }
    struct wormclient *client = wormclient_connect(NULL, &error);
    must(client != NULL);

    /* Both sides must use the same appid: it is what keeps the codes of different programs apart.
     */
    const struct wormclient_options options = {.appid = "example.org/exchange"};
    struct wormclient_session *session = wormclient_invite(client, &options, &error);
    must(session != NULL);
    const char *id = wormclient_session_id(session);

    /* Our data is safe with the daemon from here on, and leaves when the other side is there. */
    must(wormclient_send(client, id, argv[1], strlen(argv[1]), NULL, &error));
    tell_code(client, id);
    take(client, id);

    /* What is not sent yet is sent before the session ends, after this program if need be. */
    done(wormclient_close(client, id, &error));
    wormclient_session_free(session);
    wormclient_free(client);
    return EXIT_SUCCESS;
}

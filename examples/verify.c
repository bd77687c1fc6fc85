/*
 * Pausing at the verifier, before any data: for those who fear that somebody guessed the code.
 *
 *     verify DATA         prints a code for the other side
 *     verify DATA CODE    uses the code that the other side printed
 *
 * Prints words that both users compare, for instance on the telephone, and reads "yes" or "no" from
 * standard input. Only after "yes" does data leave, and only then is the other side's given out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wormclient.h>

static struct wormclient_error error = WORMCLIENT_ERROR_INIT; /* why the last call failed */

static void must(bool done)
{
    if (done)
        return;
    fprintf(stderr, "verify: %s\n", error.text);
    exit(EXIT_FAILURE);
}

/* For calls whose resulting view of the session is not needed. */
static void done(struct wormclient_session *session)
{
    must(session != NULL);
    wormclient_session_free(session);
}

static struct wormclient_session *begin(struct wormclient *client, const char *code)
{
    /* `verify` holds back messages in both directions, until wormclient_verify(). */
    struct wormclient_options *options = wormclient_options_new();
    wormclient_options_set_appid(options, "example.org/exchange");
    wormclient_options_set_verify(options, true);
    struct wormclient_session *session = code == NULL
                                             ? wormclient_invite(client, options, &error)
                                             : wormclient_accept(client, code, options, &error);
    wormclient_options_free(options);
    must(session != NULL);
    return session;
}

/* A view is a snapshot; what is waited for comes with a new one. */
static void tell_code(struct wormclient *client, const char *id)
{
    struct wormclient_session *session =
        wormclient_wait(client, id, wormclient_has_code, NULL, -1, &error);
    must(session != NULL);
    printf("%s\n", wormclient_session_code(session));
    fflush(stdout);
    wormclient_session_free(session);
}

/* Once there is a verifier, half of the key exchange is done: no data has been touched. */
static bool compare(struct wormclient *client, const char *id)
{
    char answer[8] = "";
    struct wormclient_session *session =
        wormclient_wait(client, id, wormclient_is_keyed, NULL, -1, &error);
    must(session != NULL);
    printf("%s\nDoes the other side read the same words? (yes/no) ",
           wormclient_session_verifier_words(session));
    fflush(stdout);
    wormclient_session_free(session);
    return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

/* After "no" the session has ended, and this says so: WORMCLIENT_ERROR_FAILED. */
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
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: verify DATA [CODE]\n");
        return EXIT_FAILURE;
    }
    struct wormclient *client = wormclient_connect(NULL, &error);
    must(client != NULL);
    struct wormclient_session *session = begin(client, argv[2]);
    const char *id = wormclient_session_id(session);
    if (argv[2] == NULL)
        tell_code(client, id);

    must(wormclient_send(client, id, argv[1], strlen(argv[1]), NULL, &error));
    done(wormclient_verify(client, id, compare(client, id), &error));
    take(client, id);
    done(wormclient_close(client, id, &error));
    wormclient_session_free(session);
    wormclient_free(client);
    return EXIT_SUCCESS;
}

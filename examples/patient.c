/*
 * Waiting for several sessions at once, for as long as it takes: also through restarts of the
 * daemon.
 *
 *     patient SESSION...
 *
 * Prints the name or id of the session whose peer is there first, and what became of the
 * connection meanwhile on standard error.
 */
#include <stdio.h>
#include <stdlib.h>

#include <wormclient.h>

static void on_connection(struct wormclient *client, const struct wormclient_error *error,
                          void *arg)
{
    (void)client;
    (void)arg;
    if (error != NULL)
        fprintf(stderr, "patient: %s; waiting for it to come back\n", error->text);
    else
        fprintf(stderr, "patient: the daemon is back\n");
}

int main(int argc, char **argv)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    if (argc < 2) {
        fprintf(stderr, "usage: patient SESSION...\n");
        return EXIT_FAILURE;
    }
    struct wormclient *client = wormclient_connect(NULL, &error);
    struct wormclient_session *session = NULL;
    size_t index;
    if (client != NULL) {
        wormclient_set_reconnect(client, true);
        wormclient_on_connection(client, on_connection, NULL);
        fprintf(stderr, "patient: waiting\n");
        session = wormclient_wait_any(client, (const char *const *)argv + 1, (size_t)argc - 1,
                                      wormclient_is_established, NULL, -1, &index, &error);
    }
    if (session != NULL)
        printf("%s\n", argv[index + 1]);
    else
        fprintf(stderr, "patient: %s\n", error.text);
    int status = session != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
    wormclient_session_free(session);
    wormclient_free(client);
    return status;
}

/*
 * A daemon that follows a script, in a thread of its own, at the other end of a socket pair (or of
 * the first connection to a socket). Each step names the method that must come next and says how to
 * answer; a request that is not the expected one ends the connection, so that the test fails
 * instead of hanging. hello is answered by itself.
 */
#ifndef TESTS_WORMCLIENT_SCRIPT_H
#define TESTS_WORMCLIENT_SCRIPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipc/message.h"
#include "libclient/wormclient.h"

#define SCRIPT_ID "00112233aabbccdd"

struct script;

struct step {
    const char *method; /* NULL: the script's end */
    void (*act)(struct script *script, const struct message *request);
};

/* Behind the last step. */
#define SCRIPT_END                                                                                 \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

struct script {
    const struct step *steps;
    int listener;  /* -1: fd is connected from the start */
    int fd;        /* the daemon's end */
    size_t played; /* steps done */
    struct frame_reader in;
    pthread_t thread;
    struct wormclient *client;
};

/* Starts the daemon over a socket pair; the client says hello when it wants to. */
void script_start(struct script *script, const struct step *steps);

/* The same for the first who connects to a listening socket, which stays the caller's; without a
 * client. */
void script_listen(struct script *script, const struct step *steps, int listener);

/* Frees the client, ends the thread, and checks that the whole script was played. */
void script_end(struct script *script);

/* ---- for steps ---- */

/* Sends what was written, and frees it. */
void script_write(struct script *script, struct writer *writer);

/* Ends the daemon's part of the connection. */
void script_hang_up(struct script *script, const struct message *request);

/* A result: a map that `fill` writes. */
void script_result(struct script *script, const struct message *request,
                   void (*fill)(struct writer *writer));

/* A view of the session SCRIPT_ID, called laptop, with this state. */
void script_view(struct script *script, const struct message *request, const char *state);

/* The view of a waiting session if the request was `right`, else bad-params. */
void script_answer_if(struct script *script, const struct message *request, bool right);

void script_error(struct script *script, const struct message *request, enum ipc_error code);
void script_notify(struct script *script, const char *session);

/* What a request says under a key: this text, this number, this flag. */
bool script_says(const struct message *request, const char *key, const char *value);
bool script_counts(const struct message *request, const char *key, uint64_t value);
bool script_flags(const struct message *request, const char *key, bool value);

#endif

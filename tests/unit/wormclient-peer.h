/*
 * The daemon's end of a socket pair, played by hand: a test says which bytes must have come, and
 * which go back. Assertions are cmocka's. The client's name is "t".
 */
#ifndef TESTS_WORMCLIENT_PEER_H
#define TESTS_WORMCLIENT_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "libclient/wormclient.h"

struct peer {
    int fd;
    struct wormclient *client;
};

/* A literal and its length. */
#define BYTES(text) text, sizeof(text) - 1

/* What a new client says first. */
#define PEER_HELLO                                                                                 \
    "\x94\x00\x01\xa5hello\x91\x82\xa3"                                                            \
    "api\x01\xa6"                                                                                  \
    "client\xa1t"

/* A new client, which has said nothing yet. */
void peer_open(struct peer *peer);

/* A new client whose hello has been answered. Its next request has id 2. */
void peer_open_greeted(struct peer *peer);

/* Frees the client too, unless it is NULL. */
void peer_close(struct peer *peer);

/* Lets the client process until this many bytes have come, and compares them. */
void peer_expect(struct peer *peer, const char *bytes, size_t size);

/* The client has nothing more to say. */
void peer_expect_no_more(struct peer *peer);

/* Sends bytes, `chunk` at a time, and lets the client process each. Stops when it has failed. */
void peer_say(struct peer *peer, const char *bytes, size_t size, size_t chunk);

#endif

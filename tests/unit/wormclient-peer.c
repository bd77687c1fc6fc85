#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "wormclient-peer.h"

void peer_open(struct peer *peer)
{
    program_invocation_short_name = "t";
    int ends[2];
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), errno);
    peer->fd = ends[0];
    peer->client = wormclient_adopt(ends[1], NULL);
    assert_non_null(peer->client);
}

void peer_open_greeted(struct peer *peer)
{
    peer_open(peer);
    peer_expect(peer, BYTES(PEER_HELLO));
    peer_say(peer,
             BYTES("\x94\x01\x01\xc0\x81\xa3"
                   "api\x01"),
             64);
}

void peer_close(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    wormclient_free(peer->client);
}

void peer_expect(struct peer *peer, const char *bytes, size_t size)
{
    char *got = malloc(size);
    assert_non_null(got);
    size_t length = 0;
    while (length < size) {
        assert_true(wormclient_process(peer->client, NULL));
        ssize_t received = recv(peer->fd, got + length, size - length, MSG_DONTWAIT);
        assert_return_code(received, errno);
        length += (size_t)received;
    }
    assert_memory_equal(got, bytes, size);
    free(got);
}

void peer_expect_no_more(struct peer *peer)
{
    char byte;
    assert_true(wormclient_process(peer->client, NULL));
    assert_int_equal(wormclient_interest(peer->client), WORMCLIENT_WANT_READ);
    assert_int_equal(recv(peer->fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

void peer_say(struct peer *peer, const char *bytes, size_t size, size_t chunk)
{
    bool usable = true;
    for (size_t at = 0; at < size && usable; at += chunk) {
        size_t length = size - at < chunk ? size - at : chunk;
        assert_int_equal(send(peer->fd, bytes + at, length, MSG_NOSIGNAL), length);
        usable = wormclient_process(peer->client, NULL);
    }
}

#!/usr/bin/python3
"""Many strangers: 10,000 clients that have opened a mailbox and say nothing, and 100,000 who come for a nameplate and
go. The others go on, and each stranger costs little.

WORMHOLED_TEST_CROWD and WORMHOLED_TEST_ALLOCATIONS in the environment say how many there are to be.
"""

import asyncio
import json
import os
import resource
import socket
import struct

from harness import Skip, equal, main, test, true
from harness.bystanders import Bystanders
from harness.waiting import patience
from harness.websocket import FINAL, MASKED, TEXT, decode, encode

CROWD = int(os.environ.get("WORMHOLED_TEST_CROWD", "10000"))
ALLOCATIONS = int(os.environ.get("WORMHOLED_TEST_ALLOCATIONS", "100000"))
AT_A_TIME = 200
EACH_ADDRESS = 50  # strangers: an address may allocate 60 nameplates in a minute
KILOBYTES_EACH = 4
HANDSHAKE = (b"GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def possible(wanted):
    """As many as this process and its children may have descriptors for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + 200:
        enough = wanted + 200 if hard == resource.RLIM_INFINITY else min(hard, wanted + 200)
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)


async def say(port, number, answer, *messages):
    """A client that binds, says that, and waits for the answer; (reader, writer)."""
    bind = {"type": "bind", "appid": "crowd", "side": "s%d" % number}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE + b"".join(encode(TEXT, json.dumps(message).encode()) for message in (bind,) + messages))
    heard = b""
    while b'"%s"' % answer not in heard:
        data = await reader.read(4096)
        if not data:
            raise AssertionError("client %d was dropped: %r" % (number, heard[-300:]))
        heard += data
    return reader, writer


async def settle_one(port, number, gate):
    """One client with its mailbox open."""
    async with gate:
        return await say(port, number, b"pong", {"type": "open", "mailbox": "m%d" % number}, {"type": "ping", "ping": 1})


async def still_there(reader, writer):
    """Answers a ping after all that time."""
    writer.write(encode(TEXT, b'{"type": "ping", "ping": 2}'))
    buffer = bytearray()
    while b'"pong"' not in buffer:
        buffer += await reader.read(4096)
    return decode(buffer) is not None


async def crowd_in(relay, numbers, meanwhile):
    gate = asyncio.Semaphore(AT_A_TIME)
    settling = [asyncio.create_task(settle_one(relay.port, number, gate)) for number in numbers]
    pairs = []
    for number, task in enumerate(settling):
        pairs.append(await task)
        if number % 1000 == 0:
            meanwhile()
    return pairs


@test("%d idle clients, each with a mailbox open, and the others go on" % CROWD)
def crowd(world):
    count = possible(CROWD)
    if count < 500:
        raise Skip("only %d descriptors are allowed" % count)
    relay = world.relayd("--log-level", "info")
    bystanders = Bystanders(relay)

    def meanwhile():
        bystanders.go_on("a crowd")

    async def story():
        """What each idle client costs, in bytes. The first hundred are not counted: with them comes what all share."""
        pairs = await crowd_in(relay, range(100), meanwhile)
        before = relay.memory()
        pairs += await crowd_in(relay, range(100, count), meanwhile)
        each = (relay.memory() - before) / (count - 100)
        for reader, writer in pairs[::500]:
            true(await still_there(reader, writer), "an idle one is still there")
        for _, writer in pairs:
            writer.transport.abort()
        return each

    each = asyncio.run(story())
    print("# %d clients, %.1f KB each, slowest delivery %.0f ms, %.1f s of CPU" %
          (count, each / 1000, 1000 * bystanders.slowest, relay.cpu_seconds()), flush=True)
    true(each < KILOBYTES_EACH * 1000, "%.1f KB for each idle client" % (each / 1000))
    relay.until_metric("connections", 2)
    bystanders.go_on("the crowd's end")


def address_of(number):
    """So many addresses that none of them is over its rations."""
    return "127.77.%d.%d" % divmod(number // EACH_ADDRESS, 256)


def frame(**message):
    """A short one, masked with zeros: cheap to make by the hundred thousand."""
    data = json.dumps(message).encode()
    return bytes([FINAL | TEXT, MASKED | len(data)]) + bytes(4) + data


ALLOCATE = frame(type="allocate")


class Stranger:
    """Comes for a nameplate."""

    def __init__(self, port, number):
        self.number = number
        self.socket = socket.socket()
        self.socket.settimeout(patience(10))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.bind((address_of(number), 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(HANDSHAKE + frame(type="bind", appid="crowd", side="s%d" % number) + ALLOCATE)

    def take_and_go(self):
        heard = b""
        while b'"allocated"' not in heard:
            data = self.socket.recv(4096)
            heard += data
            true(data and b'"error"' not in heard, "stranger %d, who has heard %r" % (self.number, heard[-300:]))
        self.socket.close()


@test("%d strangers from many addresses allocate a nameplate each, and the others go on" % ALLOCATIONS)
def allocations(world):
    relay = world.relayd("--log-level", "info", "--ration-loopback")
    bystanders = Bystanders(relay)
    before = relay.memory()
    for first in range(0, ALLOCATIONS, AT_A_TIME):
        strangers = [Stranger(relay.port, number) for number in range(first, min(first + AT_A_TIME, ALLOCATIONS))]
        bystanders.go_on("strangers at the door")
        for stranger in strangers:
            stranger.take_and_go()
    grown = relay.memory() - before
    print("# slowest delivery %.0f ms, %.1f MB more, %.1f s of CPU" %
          (1000 * bystanders.slowest, grown / 1e6, relay.cpu_seconds()), flush=True)
    equal(relay.metric("nameplates"), ALLOCATIONS, "nameplates")
    true(grown < 32 << 20, "memory grew by %d bytes" % grown)


if __name__ == "__main__":
    main(300)

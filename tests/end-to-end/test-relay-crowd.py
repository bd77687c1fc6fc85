#!/usr/bin/python3
"""Many strangers: 10,000 clients that have opened a mailbox and say nothing, and thousands who come for a nameplate and
go. The others go on, and each stranger costs little.

WORMHOLED_TEST_CROWD and WORMHOLED_TEST_ALLOCATIONS in the environment say how many there are to be.
"""

import asyncio
import json
import os
import resource
import time

from harness import Skip, equal, main, test, true
from harness.client import meet
from harness.websocket import TEXT, decode, encode

CROWD = int(os.environ.get("WORMHOLED_TEST_CROWD", "10000"))
ALLOCATIONS = int(os.environ.get("WORMHOLED_TEST_ALLOCATIONS", "5000"))
AT_A_TIME = 200
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


async def allocate_one(port, number):
    """One that leaves a nameplate behind."""
    _, writer = await say(port, number, b"allocated", {"type": "allocate"})
    writer.transport.abort()


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


class Others:
    """Two who behave, and how long they had to wait at most."""

    def __init__(self, relay):
        self.clients = meet(relay)[:2]
        self.slowest = 0

    def go_on(self):
        started = time.perf_counter()
        self.clients[0].say("add", phase=str(started), body="00")
        for client in self.clients:
            client.expect("message", 5)
        self.slowest = max(self.slowest, time.perf_counter() - started)


@test("%d idle clients, each with a mailbox open, and the others go on" % CROWD)
def crowd(world):
    count = possible(CROWD)
    if count < 500:
        raise Skip("only %d descriptors are allowed" % count)
    relay = world.relayd("--log-level", "info")
    others = Others(relay)

    async def story():
        """What each idle client costs, in bytes. The first hundred are not counted: with them comes what all share."""
        pairs = await crowd_in(relay, range(100), others.go_on)
        before = relay.memory()
        pairs += await crowd_in(relay, range(100, count), others.go_on)
        each = (relay.memory() - before) / (count - 100)
        for reader, writer in pairs[::500]:
            true(await still_there(reader, writer), "an idle one is still there")
        for _, writer in pairs:
            writer.transport.abort()
        return each

    each = asyncio.run(story())
    print("# %d clients, %.1f KB each, slowest delivery %.0f ms, %.1f s of CPU" %
          (count, each / 1000, 1000 * others.slowest, relay.cpu_seconds()), flush=True)
    true(each < KILOBYTES_EACH * 1000, "%.1f KB for each idle client" % (each / 1000))
    relay.until_metric("connections", 2)
    others.go_on()


@test("%d strangers allocate a nameplate each, and the others go on" % ALLOCATIONS)
def allocations(world):
    relay = world.relayd("--log-level", "info")
    others = Others(relay)
    before = relay.memory()

    async def story():
        for first in range(0, ALLOCATIONS, AT_A_TIME):
            await asyncio.gather(*(allocate_one(relay.port, first + number) for number in range(AT_A_TIME)))
            others.go_on()

    asyncio.run(story())
    grown = relay.memory() - before
    print("# slowest delivery %.0f ms, %.1f MB more" % (1000 * others.slowest, grown / 1e6), flush=True)
    equal(relay.metric("nameplates"), ALLOCATIONS, "nameplates")
    true(grown < 32 << 20, "memory grew by %d bytes" % grown)


if __name__ == "__main__":
    main(40)

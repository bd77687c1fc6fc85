"""A bad line to a relay. Each session has a path of its own in its relay's URL, by which its connections are known; the plan
for that path says what goes wrong, once, and at which frame of which direction. The HTTP upgrade counts as frame 0.
"""

import asyncio
import json
import threading

from . import websocket
from .middle import CLIENT, RELAY


async def passing(line, unit):
    """Nothing goes wrong. As all of these, it says whether the frame arrived."""
    line.target.write(unit)
    return True


async def cut(line, unit):
    """The connection breaks after the frame."""
    line.target.write(unit)
    line.connection.hang_up()
    return True


async def truncate(line, unit):
    """The connection breaks in the middle of the frame."""
    line.target.write(unit[:len(unit) // 2])
    line.connection.hang_up()
    return False


async def stall(line, unit):
    """From the frame on nothing comes through any more, in either direction, and nobody is told."""
    line.connection.silent = True
    return False


async def split(line, unit):
    """The frame comes byte by byte."""
    for number in range(len(unit)):
        line.target.write(unit[number:number + 1])
        await asyncio.sleep(0)
    return True


async def repeat(line, unit):
    """The frame comes twice."""
    line.target.write(unit + unit)
    return True


class Plan:
    """Without damage the frames are only counted. `lost` counts nameplates of which nobody heard: the relay was asked for one,
    and its answer did not arrive.
    """

    def __init__(self, who=None, number=None, damage=passing):
        self.who, self.number, self.damage = who, number, damage
        self.frames = {CLIENT: 0, RELAY: 0}
        self.done = False
        self.lost = 0

    def next(self, who):
        """What happens to one more frame of `who`."""
        number = self.frames[who]
        self.frames[who] += 1
        if self.done or (who, number) != (self.who, self.number):
            return passing
        self.done = True
        return self.damage


class Connection:
    def __init__(self, plan, *ends):
        self.plan, self.ends = plan, ends
        self.silent = False  # nothing comes through any more

    def hang_up(self):
        self.silent = True
        for end in self.ends:
            end.close()

    def arrived(self, kind):
        """A message of that type."""
        if kind in ("allocate", "allocated"):
            self.plan.lost += 1 if kind == "allocate" else -1


def kind_of(frame):
    """The type of the relay message in it; None: it has none."""
    kind, _, data, _ = frame
    return json.loads(data)["type"] if kind == websocket.TEXT else None


class Line:
    """One direction of one connection."""

    def __init__(self, connection, who, source, target):
        self.connection, self.who, self.source, self.target = connection, who, source, target

    async def carry(self, unit, kind=None):
        damage = self.connection.plan.next(self.who)
        if not self.connection.silent and await damage(self, unit):
            self.connection.arrived(kind)

    async def run(self, head):
        try:
            await self.carry(head or await self.source.readuntil(b"\r\n\r\n"))
            buffer = bytearray()
            while data := await self.source.read(1 << 16):
                buffer += data
                while (frame := websocket.decode(buffer)) is not None:
                    unit = bytes(buffer[:frame[3]])
                    del buffer[:frame[3]]
                    await self.carry(unit, kind_of(frame))
        except (OSError, asyncio.IncompleteReadError):
            pass  # an end has gone
        self.connection.hang_up()


class Chaos:
    """The place of all the bad lines to one relay."""

    def __init__(self, world, relay):
        self.relay = relay
        self.plans = {}
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.accept, "127.0.0.1", 0, backlog=512))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        world.finally_call(self.close)

    def url(self, path, plan):
        """Of the relay, for the one session that `plan` is for."""
        self.plans[path] = plan
        return "ws://127.0.0.1:%d/%s" % (self.port, path)

    async def accept(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            from_relay, to_relay = await asyncio.open_connection("127.0.0.1", self.relay.port)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        path = head.split(b" ", 2)[1].decode()
        connection = Connection(self.plans[path.lstrip("/")], writer, to_relay)
        await asyncio.gather(
            Line(connection, CLIENT, reader, to_relay).run(head.replace(path.encode(), b"/v1", 1)),
            Line(connection, RELAY, from_relay, writer).run(None))

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

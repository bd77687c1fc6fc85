"""A man in the middle between a daemon and its relay: it sees every message, and holds back the one that a test waits
for. So a test can kill the daemon at an exact point of the protocol.
"""

import json
import select
import socket
import threading

from . import websocket
from .waiting import patience

CLIENT, RELAY = "client", "relay"  # who speaks


class Trap:
    """Catches the first message said by `who` that has all of `keys`; `ours` tells whose `message` it must be."""

    def __init__(self, who, keys, ours=None):
        self.who = who
        self.keys = keys
        self.ours = ours
        self.event = threading.Event()
        self.released = threading.Event()

    def wants(self, who, message, side):
        if self.event.is_set() or who != self.who:
            return False
        if self.ours is not None and (message.get("side") == side) != self.ours:
            return False
        return all(message.get(key) == value for key, value in self.keys.items())

    def catch(self):
        """In the connection's thread: reports the catch, and holds the message until let_go()."""
        self.event.set()
        self.released.wait()

    def wait(self, seconds=20):
        """Until it has caught its message, which then has not arrived."""
        if not self.event.wait(patience(seconds)):
            raise AssertionError("no message %r of the %s came by" % (self.keys, self.who))

    def let_go(self):
        self.released.set()


class Pump(threading.Thread):
    """Carries one direction of one connection."""

    def __init__(self, middle, who, source, target, connection):
        super().__init__(daemon=True)
        self.middle, self.who, self.source, self.target = middle, who, source, target
        self.connection = connection  # what both directions know: {"side": …}
        self.buffer = bytearray()
        self.message = b""
        self.upgraded = False

    def run(self):
        try:
            while True:
                data = self.source.recv(1 << 16)
                if not data:
                    break
                self.buffer += data
                self.forward()
        except OSError:
            pass  # the other direction has shut the sockets down
        for end in (self.source, self.target):
            shut(end)

    def forward(self):
        if not self.upgraded:
            head, mark, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            if not mark:
                return
            self.target.sendall(head + mark)
            self.buffer, self.upgraded = bytearray(rest), True
        while (frame := websocket.decode(self.buffer)) is not None:
            kind, final, data, used = frame
            raw = bytes(self.buffer[:used])
            del self.buffer[:used]
            self.look(kind, final, data)
            self.target.sendall(raw)

    def look(self, kind, final, data):
        if kind not in (websocket.TEXT, websocket.BINARY, websocket.CONTINUATION):
            return
        self.message += data
        if final:
            message, self.message = json.loads(self.message), b""
            if message.get("type") == "bind":
                self.connection["side"] = message["side"]
            self.middle.saw(self.who, message, self.connection.get("side"))


def shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Middle:
    """Listens on a port of its own; `seen` holds every (who, message)."""

    def __init__(self, relay_port):
        self.relay_port = relay_port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = "ws://127.0.0.1:%d/v1" % self.listener.getsockname()[1]
        self.traps = []
        self.seen = []
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while (client := self.next_client()) is not None:
            try:
                relay = socket.create_connection(("127.0.0.1", self.relay_port))
            except OSError:
                client.close()  # the relay is away
                continue
            for end in (client, relay):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as it would be without us
            self.sockets += [client, relay]
            connection = {}
            Pump(self, CLIENT, client, relay, connection).start()
            Pump(self, RELAY, relay, client, connection).start()

    def next_client(self):
        try:
            return self.listener.accept()[0]
        except OSError:
            return None  # close() was called

    def trap(self, who, ours=None, **keys):
        trap = Trap(who, keys, ours)
        self.traps.append(trap)
        return trap

    def saw(self, who, message, side):
        self.seen.append((who, message))
        for trap in self.traps:
            if trap.wants(who, message, side):
                trap.catch()

    def cut(self):
        """Drops all connections, and what was held back with them."""
        for end in self.sockets:
            shut(end)
        for trap in self.traps:
            trap.let_go()
        self.traps.clear()

    def close(self):
        shut(self.listener)
        self.listener.close()
        self.cut()


class SlowLine:
    """A line between a daemon and its relay, which carries so many bytes as are asked for, in either direction. With
    `buffer`, the kernels on it hold little.
    """

    def __init__(self, relay, buffer=16384):
        self.relay = relay
        self.buffer = buffer
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.url = "ws://127.0.0.1:%d/v1" % self.port
        self.ways = {}  # from each socket to the one behind

    def connect(self):
        near, _ = self.listener.accept()
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        far.connect(("127.0.0.1", self.relay.port))
        self.ways.update({near: far, far: near})

    def hang_up(self, one):
        for end in (one, self.ways[one]):
            del self.ways[end]
            end.close()

    def carry(self, most, until=lambda: False, seconds=20):
        """Carries at most so many bytes, or less if `until` holds or all is silent for half a second; how many."""
        carried = 0
        while carried < most and not until():
            ready = select.select([self.listener, *self.ways], [], [], 0.5)[0]
            if not ready:
                break
            for end in ready:
                if end is self.listener:
                    self.connect()
                elif end in self.ways:
                    data = end.recv(min(self.buffer, most))
                    if not data:
                        self.hang_up(end)
                        continue
                    self.ways[end].sendall(data)
                    carried += len(data)
        return carried

    def close(self):
        for one in list(self.ways):
            if one in self.ways:
                self.hang_up(one)
        self.listener.close()

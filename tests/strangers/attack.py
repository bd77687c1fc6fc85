"""What an attack on a relay costs those who behave: they are a process of their own, which measures how long the relay
takes to answer while the attack goes on, beside what it took before. WORMHOLED_TEST_ATTACK=full is `make attack`.
"""

import json
import mmap
import os
import random
import select
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "end-to-end"))

# pylint: disable=wrong-import-position
from harness import true  # noqa: E402
from harness.client import Client  # noqa: E402
from harness.waiting import patience, wait_until  # noqa: E402
from harness.websocket import FINAL, MASKED, TEXT, Closed, connect  # noqa: E402

FULL = os.environ.get("WORMHOLED_TEST_ATTACK") == "full"
REST_INTRODUCTIONS = 20 if FULL else 3
HONEST = "127.0.1.1"  # their address
HANDSHAKE = (b"GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def scale(small, full):
    return full if FULL else small


def frame(text, announced=None):
    """A masked text frame (masked with zeros: cheap to make), which may announce more than it has."""
    data = text if isinstance(text, bytes) else text.encode()
    length = announced or len(data)
    if length < 126:
        head = struct.pack("!BB", FINAL | TEXT, MASKED | length)
    elif length < 65536:
        head = struct.pack("!BBH", FINAL | TEXT, MASKED | 126, length)
    else:
        head = struct.pack("!BBQ", FINAL | TEXT, MASKED | 127, length)
    return head + bytes(4) + data


def command(kind, **message):
    return frame(json.dumps(dict(message, type=kind)))


def bind(side, appid="attack"):
    return HANDSHAKE + command("bind", appid=appid, side=side)


def strike(port, data, source, linger=None):
    """A connection that has said all this."""
    client = connect(port, patience(10), source)
    if linger is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, linger))
    client.sendall(data)
    return client


def hear(client, word, seconds=20):
    """Reads until that was said; True if it was, False if the connection ended before."""
    client.settimeout(patience(seconds))
    heard = b""
    try:
        while word not in heard[-len(word) - 70000:]:
            data = client.recv(65536)
            if not data:
                return False
            heard += data
    except (ConnectionError, TimeoutError):
        return False
    return True


def add_large(client, phase, size):
    """An add of so many bytes of hex, sent as fast as it can be; returns when it is stored."""
    client.websocket.socket.settimeout(patience(60))
    client.websocket.socket.sendall(command("add", phase=phase, body="00" * (size // 2)))
    client.expect("message", 60)


# ---- those who behave ----

def introduce(relay):
    """Two come together and exchange a message, as briefly as it can be done."""
    with Client(relay, source=HONEST) as left, Client(relay, source=HONEST) as right:
        mailbox = "%016x" % random.getrandbits(64)
        left.open(mailbox)
        left.add("pake")
        right.say("open", mailbox=mailbox)
        right.expect("message")
        right.add("pake")


def behave(relay, until, tell, seen):
    """Pings, and introductions, until that pipe is closed; tells how long each took, for a ping also how much of a processor
    the relay, and meanwhile how many there were.
    """
    pings, busy, introductions, trouble = [], [], [], None
    client = Client(relay, source=HONEST)
    next_introduction, over = 0, False
    while not over or not introductions:
        over = over or bool(select.select([until], [], [], 0.002)[0])  # a pause, too: they are no attack
        try:
            cpu, started = relay.cpu_seconds(), time.perf_counter()
            client.ask("ping", "pong", ping=1)
            pings.append(time.perf_counter() - started)
            busy.append(relay.cpu_seconds() - cpu)
            if time.perf_counter() > next_introduction:
                started = time.perf_counter()
                introduce(relay)
                introductions.append(time.perf_counter() - started)
                seen[:8] = struct.pack("=Q", len(introductions))
                next_introduction = time.perf_counter() + 0.1  # an address may open 600 mailboxes in a minute
        except (AssertionError, TimeoutError, Closed, OSError, KeyError) as error:
            trouble = repr(error)[:300]
            break
    os.write(tell, json.dumps([pings, busy, introductions, trouble]).encode())


def part(values, which):
    return sorted(values)[min(len(values) - 1, int(which * len(values)))] * 1000 if values else float("nan")


class Measure:
    """`with Measure(relay) as ...`: what those who behave see meanwhile, and what the relay takes."""

    def __init__(self, relay, what):
        self.relay, self.what, self.highest, self.trouble = relay, what, 0, None
        self.pings, self.busy, self.introductions = [], [], []
        self.seen = mmap.mmap(-1, mmap.PAGESIZE)

    def __enter__(self):
        child_until, self.end = os.pipe()
        self.told, child_tell = os.pipe()
        self.cpu, self.started = self.relay.cpu_seconds(), time.monotonic()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.end)
            try:
                behave(self.relay, child_until, child_tell, self.seen)
            finally:
                os._exit(0)
        os.close(child_until)
        os.close(child_tell)
        self.over = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()
        return self

    def watch(self):
        while not self.over.wait(0.02):
            self.look()

    def introduced(self):
        return struct.unpack("=Q", self.seen[:8])[0]

    def lasts(self, introductions):
        """It goes on until so many more have been introduced."""
        most = self.introduced() + introductions
        wait_until(lambda: self.introduced() >= most, 60, "%d introductions while %s" % (introductions, self.what))

    def look(self):
        """Notes how much memory the relay has now."""
        self.highest = max(self.highest, self.relay.memory())

    def __exit__(self, kind, *exception):
        self.over.set()
        self.watcher.join()
        took = time.monotonic() - self.started
        os.close(self.end)
        told = b""
        while data := os.read(self.told, 1 << 16):
            told += data
        os.close(self.told)
        os.waitpid(self.child, 0)
        if told:
            self.pings, self.busy, self.introductions, self.trouble = json.loads(told)
        print("# %-24s ping p50 %.1f p99 %.1f max %.1f ms; introduction p50 %.1f p99 %.1f ms (%d); relay: %.2f s of CPU "
              "in %.1f s (%.2f s in a ping), RSS %.1f MiB" %
              (self.what, part(self.pings, 0.5), part(self.pings, 0.99), part(self.pings, 1),
               part(self.introductions, 0.5), part(self.introductions, 0.99), len(self.introductions),
               self.relay.cpu_seconds() - self.cpu, took, max(self.busy, default=0), self.highest / (1 << 20)), flush=True)
        if kind is None:
            true(self.trouble is None, "trouble of those who behave while %s: %s" % (self.what, self.trouble))
            true(self.introductions, "nobody was introduced while " + self.what)

    def ping_at_most(self, milliseconds):
        """The promise is for a machine of its own, as that of `make attack` is. On a loaded one a disk alone may stand still for
        seconds; there it counts what the relay did before it answered, for which a sanitizer needs some times as long.
        """
        slowest, busiest = part(self.pings, 0.99), part(self.busy, 0.99)
        if FULL:
            true(slowest < milliseconds, "a ping took %.0f ms while %s" % (slowest, self.what))
        true(busiest < 5 * milliseconds, "a ping waited for %.0f ms of CPU while %s" % (busiest, self.what))


def at_rest(relay):
    with Measure(relay, "at rest") as rest:
        rest.lasts(REST_INTRODUCTIONS)
    return rest

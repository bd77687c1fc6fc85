#!/usr/bin/python3
"""What strangers may do to wormhole-relayd: garbage at every layer, more than they may, and nothing at all. They get an
error or a clean end; those who behave never notice.
"""

import json
import os
import socket
import ssl
import struct

from harness import contains, equal, main, test, true, websocket
from harness.bystanders import Bystanders
from harness.client import APPID, Client, phases
from harness.clock import Clock
from harness.tls import Authority
from harness.waiting import patience
from harness.websocket import Closed, connect, encode

UPGRADE = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}


# ---- JSON ----

DEEP = 200_000
NO_JSON = [
    ("nothing", ""), ("a space", " "), ("half an object", '{"type": "ping"'), ("two objects", "{}{}"),
    ("a trailing comma", '{"type": "ping", "ping": 1,}'), ("a bare word", "ping"), ("a comment", "{} // no"),
    ("NaN", '{"type": "ping", "ping": NaN}'), ("a huge number", '{"type": "ping", "ping": 1%s}' % ("0" * 5000)),
    ("a huge exponent", '{"type": "ping", "ping": 1e999999}'), ("half an escape", '{"type": "\\u12'),
    ("a lone surrogate", '{"type": "\\ud800"}'), ("deep arrays", '{"type": ' + "[" * DEEP),
    ("deep objects", '{"a":' * DEEP), ("deep and balanced", '{"type": "ping", "ping": %s}' % ("[" * 5000 + "]" * 5000)),
    ("an array", '["type", "ping"]'), ("a string", '"ping"'), ("a number", "5"), ("null", "null"), ("true", "true"),
    ("NUL in a string", '{"type": "bind", "appid": "a\\u0000b", "side": "s"}'), ("NUL itself", '{"type": "ping\0"}'),
    ("a repeated key", '{"type": "claim", "type": "ping", "ping": []}'),
]
WRONG = [None, True, 5, -1, 1.5, [], ["x"], {}, {"x": 1}, "", "x" * 100_000, "a\0b"]
KEYS = [
    ("bind", {"appid": APPID, "side": "s"}), ("claim", {"nameplate": "4"}), ("open", {"mailbox": "m"}),
    ("add", {"phase": "p", "body": "00"}), ("release", {"nameplate": "4"}), ("close", {"mailbox": "m", "mood": "happy"}),
    ("ping", {"ping": 1}), ("submit-permissions", {"method": "hashcash", "stamp": "1:0"}), ("list", {"id": "i"}),
]


def answers_or_ends(relay, text, what):
    """Says it over a connection of its own: an error must be the answer, or the end."""
    with Client(relay) as client:
        try:
            client.say_text(text)
            client.say("ping", ping=77)
            heard = [client.receive()]
            while heard[-1]["type"] not in ("pong", "error"):
                heard.append(client.receive())
            equal(heard[-1]["type"], "error", "answer to " + what)
        except Closed:
            pass  # a clean end


def until_pong(client):
    """Until it is clear that the connection lives, or has ended."""
    try:
        client.say("ping", ping="seventy-seven")
        client.say("ping", ping=77)
        while client.hear().get("pong") != 77:
            pass
    except Closed:
        pass


@test("what is no JSON object gets an error or a clean end; others go on")
def no_json(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    for what, text in NO_JSON:
        answers_or_ends(relay, text, what)
        bystanders.go_on(what)


@test("a wrong type in any key of any message is answered, and the connection or its end is clean")
def wrong_types(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    for kind, message in KEYS:
        for key in message:
            for value in WRONG:
                with Client(relay, bind=kind != "bind") as client:
                    client.say(kind, **dict(message, **{key: value}))
                    until_pong(client)
        bystanders.go_on("wrong types in " + kind)
    for value in WRONG:
        with Client(relay) as client:
            client.say_text(json.dumps({"type": value}))
            equal(client.expect("error")["type"], "error", "the answer to the type %r" % (value,))


@test("names are not cut, mixed or believed: NUL, length, other alphabets, SQL")
def names(world):
    relay = world.relayd("--any-nameplate")
    said = ["ä" * 10, "x' OR 1=1 --", "../../etc/passwd", " ", "%s%n", "\u202e4", "4\n", "0", "00", "04", "4" * 30]
    with Client(relay) as looking:
        for name in said:
            Client(relay).claim(name)
        equal(looking.list(), sorted(said), "nameplates as they were claimed")


# ---- WebSocket ----

def handshake(headers=None, line="GET /v1 HTTP/1.1", **changes):
    lines = {**UPGRADE, **(headers or {}), **changes}
    return (line + "\r\n" + "".join("%s: %s\r\n" % row for row in lines.items() if row[1] is not None) + "\r\n").encode()


HANDSHAKES = [
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n"),
    ("nothing but line ends", b"\r\n" * 40),
    ("another method", handshake(line="POST /v1 HTTP/1.1")),
    ("another path", handshake(line="GET /v2 HTTP/1.1")),
    ("HTTP/1.0", handshake(line="GET /v1 HTTP/1.0")),
    ("no version of HTTP", handshake(line="GET /v1")),
    ("no upgrade", handshake({"Upgrade": None})),
    ("another upgrade", handshake({"Upgrade": "h2c"})),
    ("no key", handshake({"Sec-WebSocket-Key": None})),
    ("a short key", handshake({"Sec-WebSocket-Key": "AAAA"})),
    ("another version", handshake({"Sec-WebSocket-Version": "8"})),
    ("NUL in a header", handshake({"X-Evil": "a\0b"})),
    ("a header without a colon", handshake().replace(b"Host: ", b"Host ")),
    ("a very long line", handshake({"X-Long": "x" * 100_000})),
    ("very many headers", handshake({"X-%d" % number: "x" for number in range(10_000)})),
    ("a very long path", handshake(line="GET /" + "x" * 50_000 + " HTTP/1.1")),
]


def said_until_end(client, seconds=10):
    """All that the relay says until it hangs up."""
    client.settimeout(patience(seconds))
    said = b""
    while True:
        try:
            data = client.recv(1 << 16)
        except ConnectionError:
            return said
        if not data:
            return said
        said += data


@test("handshakes that are none are refused and ended")
def handshakes(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    for what, data in HANDSHAKES:
        with connect(relay.port, 10) as client:
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
            except (ConnectionError, OSError):
                pass
            said = said_until_end(client)
        true(b" 101 " not in said.split(b"\r\n")[0], "no WebSocket for %s: %r" % (what, said[:80]))
        bystanders.go_on(what)


def frame(first, second, payload=b"", key=bytes(4)):
    return bytes([first, second]) + (key if second & 0x80 else b"") + payload


PING = b'{"type": "ping", "ping": 1}'
FRAMES = [
    ("an unmasked frame", frame(0x81, len(PING), PING)),
    ("a reserved bit", frame(0xc1, 0x80 | len(PING), PING)),
    ("a reserved opcode", frame(0x83, 0x80)),
    ("a reserved control opcode", frame(0x8b, 0x80)),
    ("a continuation of nothing", frame(0x80, 0x80 | 2, b"{}")),
    ("a message within a fragmented one", frame(0x01, 0x80 | 1, b"{") + frame(0x81, 0x80 | 2, b"{}")),
    ("a fragmented ping", frame(0x09, 0x80)),
    ("a long ping", frame(0x89, 0x80 | 126, struct.pack("!H", 126) + bytes(4 + 126), key=b"")),
    ("a length with its highest bit", bytes([0x81, 0xff]) + b"\xff" * 8 + bytes(4)),
    ("a length of 2^62", bytes([0x81, 0xff]) + struct.pack("!Q", 1 << 62) + bytes(4)),
    ("a length over the limit", bytes([0x81, 0xff]) + struct.pack("!Q", 1 << 40) + bytes(4)),
    ("a length that is longer than need be", bytes([0x81, 0xfe, 0, 1]) + bytes(4) + b"{"),
    ("a close frame of one byte", frame(0x88, 0x80 | 1, b"x")),
    ("a close frame with a bad code", frame(0x88, 0x80 | 2, struct.pack("!H", 1005))),
    ("text that is no UTF-8", frame(0x81, 0x80 | 4, b"\xc3\x28\xff\xfe")),
    ("an overlong form", frame(0x81, 0x80 | 3, b"\xe0\x80\x80")),
    ("a surrogate", frame(0x81, 0x80 | 3, b"\xed\xa0\x80")),
]


@test("malformed frames end their connection, and only that")
def frames(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    for what, data in FRAMES:
        with Client(relay) as client:
            try:
                client.websocket.socket.sendall(data)
                client.websocket.socket.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass
            said = said_until_end(client.websocket.socket)
        true(b"pong" not in said, "%s is not obeyed: %r" % (what, said))
        bystanders.go_on(what)


@test("random bytes, in and out of frames, hurt nobody")
def noise(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    for number in range(60):
        with connect(relay.port, 10) as client:
            data = os.urandom(4096)
            try:
                client.sendall(data if number % 3 == 0 else handshake() + (data if number % 3 == 1 else encode(1, data)))
            except ConnectionError:
                pass
    bystanders.go_on("noise")


@test("a message over --max-message ends its connection or gets an error; one just below it passes")
def oversized(world):
    relay = world.relayd("--max-message", "64K")
    bystanders = Bystanders(relay)
    with Client(relay) as client:
        client.open("m")
        client.add("fits", "00" * 32_000)
    for size in (70_000, 200_000, 5_000_000):
        with Client(relay) as client:
            client.open("n")
            try:
                client.say("add", phase="large", body="00" * (size // 2))
                heard = client.hear()["type"]
            except (Closed, TimeoutError):
                heard = "end"
            true(heard in ("error", "end"), "what comes of %d bytes: %s" % (size, heard))
        bystanders.go_on("%d bytes" % size)
    with Client(relay) as client:
        equal(phases(client.open("n")), [], "what is stored of them")


@test("a mailbox takes so many messages and bytes, then an error, and what it held is still there")
def full_mailbox(world):
    relay = world.relayd("--max-mailbox-messages", "20", "--max-mailbox-bytes", "16K")
    for size, fits in ((1, 20), (2000, 4)):
        with Client(relay) as client:
            mailbox = "of-%d" % size
            client.open(mailbox)
            for number in range(fits):
                client.add(str(number), "00" * size)
            contains(client.refused_add("more", "00" * size), "full", "one more message of %d bytes" % size)
        with Client(relay, side=client.side) as again:
            equal(len(phases(again.open(mailbox))), fits, "messages kept")
            again.close()


# ---- those who stop in the middle ----

@test("half a handshake, half a frame, half a message: nobody waits for the rest")
def halves(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    whole = handshake() + encode(websocket.TEXT, PING)
    waiting = []
    for at in range(1, len(whole), 3):
        client = connect(relay.port, 10)
        client.sendall(whole[:at])
        waiting.append(client)
    bystanders.go_on("%d halves" % len(waiting))
    for client in waiting:
        client.close()
    bystanders.go_on("their end")


# ---- more than one may ----

FREE = 20  # a minute, before an address is slowed down


def refusals_of(relay, source, count, kind, key=None):
    """What comes of so many tries from one address: how many were granted, and whether it was refused or slowed."""
    granted = 0
    for number in range(count):
        # Those that must not be slowed down may be slow on a busy machine.
        seconds = 20 if granted < FREE else 0.1
        try:
            with Client(relay, source=source, seconds=seconds, appid="flood-%s" % kind) as client:
                client.say(kind, **({key: "9%d" % number} if key else {}))
                answer = client.hear(seconds)
        except (TimeoutError, Closed):
            return granted, "slowed"
        except (AssertionError, KeyError):
            return granted, "refused"
        if answer["type"] == "error":
            return granted, "refused"
        granted += 1
    return granted, "granted"


@test("allocations and claims of one address get slow, then are refused; other addresses go on")
def rations(world):
    relay = world.relayd("--ration-loopback", "--allocations-per-minute", str(FREE), "--claims-per-minute", str(FREE))
    bystanders = Bystanders(relay, source="127.0.0.2")
    for kind, key, source in (("allocate", None, "127.0.0.3"), ("claim", "nameplate", "127.0.0.4")):
        granted, end = refusals_of(relay, source, 100, kind, key)
        true(end != "granted" and FREE <= granted <= 45, "%s: %d granted, then %s" % (kind, granted, end))
        bystanders.go_on("a flood of %ss" % kind)
        started = Client(relay, source="127.0.0.5")
        started.claim(started.allocate())


@test("a clock that is set back an hour makes nobody wait for it, and nobody is refused")
def clock_set_back(world):
    clock = Clock(world)
    relay = world.relayd("--ration-loopback", clock=clock)
    bystanders = Bystanders(relay, source="127.0.0.2")
    clock.advance(-3600)
    bystanders.go_on("a clock that is set back")
    with Client(relay, source="127.0.0.2") as client:
        client.claim(client.allocate())
    equal(relay.metric("waits_total"), 0, "times that somebody was made to wait")


@test("connections of one address are limited, with a word about it; other addresses come in")
def connections(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "10")
    crowd = [Client(relay, source="127.0.0.3") for _ in range(10)]
    contains(refusal(relay, "127.0.0.3"), "address", "what the next one is told")
    with Client(relay, source="127.0.0.2") as other:
        other.fence()
    crowd.pop().close_socket()
    relay.until_metric("connections", 9)
    Client(relay, source="127.0.0.3").fence()


def shakes_hands(relay, source):
    """True if the relay goes through with a TLS handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with connect(relay.port, patience(20), source) as plain, context.wrap_socket(plain) as client:
            return client.version() is not None
    except (ConnectionError, ssl.SSLError):
        return False


@test("TLS handshakes of one address are limited, finished or not; other addresses come in")
def tls_handshakes(world):
    certificate = Authority(world).issue("localhost")
    relay = world.relayd("--ration-loopback", "--tls-cert", certificate, "--handshakes-per-minute", str(FREE))
    granted = 0
    while granted < 3 * FREE and shakes_hands(relay, "127.0.0.3"):
        granted += 1
    true(FREE <= granted < 3 * FREE, "granted: %d" % granted)
    for _ in range(3 * FREE):  # nor by those who never go through with it
        connect(relay.port, patience(20), "127.0.0.4").close()
    true(not shakes_hands(relay, "127.0.0.4"), "who has begun many is refused")
    true(shakes_hands(relay, "127.0.0.2"), "another address comes in")
    true(relay.metric('drops_total{cause="tls_rate"}') > 2 * FREE - 10, "they are counted")


@test("without --ration-loopback, TLS handshakes of this machine are not limited")
def tls_handshakes_of_ours(world):
    relay = world.relayd("--tls-cert", Authority(world).issue("localhost"), "--handshakes-per-minute", "1")
    true(all(shakes_hands(relay, "127.0.0.3") for _ in range(5)), "all went through")


@test("sessions on one connection take places of their address as well, and hurt nobody else")
def sessions_of_one_connection(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "3")
    bystanders = Bystanders(relay, source="127.0.0.2")
    greedy = Client(relay, source="127.0.0.3", bind=False)
    for channel in range(1, 34):
        greedy.say("bind", appid="a", side="s%d" % channel, channel=channel)
    left = greedy.expect("left")
    equal(left["channel"], 33, "the session for which there is no place")
    contains(refusal(relay, "127.0.0.3"), "address", "what the next connection is told")
    for channel in range(1, 17):
        greedy.say("leave", channel=channel)
    greedy.ask("ping", "pong", ping=1, channel=32)
    Client(relay, source="127.0.0.3").fence()
    bystanders.go_on("many sessions on one connection")


def refusal(relay, source=None):
    """The error in the welcome of a connection that is not served."""
    client = Client(relay, source=source, bind=False)
    client.until_gone()
    return client.welcome["error"]


@test("connections beyond --max-connections are told so, and those who are in stay")
def full_house(world):
    relay = world.relayd("--max-connections", "20")
    crowd = [Client(relay) for _ in range(20)]
    for number, client in enumerate(crowd):
        client.open("of-%d" % number)
    contains(refusal(relay), "limit of connections", "what the next one is told")
    for client in crowd:
        client.fence()


@test("when the relay is full, whoever has not bound makes way, then whoever listens to nothing; the oldest first")
def make_way(world):
    relay = world.relayd("--max-connections", "20")
    idle = [Client(relay, bind=False) for _ in range(5)]
    bound = [Client(relay) for _ in range(10)]
    busy = [Client(relay) for _ in range(5)]
    for client in bound[5:] + busy:
        client.open("of-" + client.side)
    for number, gone in enumerate(idle + bound[:5]):
        busy.append(Client(relay))
        busy[-1].open("of-%d" % number)
        gone.until_gone()
        equal(relay.metric('drops_total{cause="unbound"}'), number + 1, "those who made way")
    contains(refusal(relay), "limit of connections", "what one more is told")
    for client in busy + bound[5:]:
        client.fence()


@test("a flood of connections and allocations from one address leaves the others alone")
def flood(world):
    relay = world.relayd("--ration-loopback")
    bystanders = Bystanders(relay, source="127.0.0.2")
    tries = int(os.environ.get("WORMHOLED_TEST_FLOOD", "3000"))
    flooding = [connect(relay.port, 10, "127.0.0.3") for _ in range(100)]
    opening = handshake() + b"".join(
        encode(websocket.TEXT, json.dumps(message).encode())
        for message in [{"type": "bind", "appid": "f", "side": "s"}] + [{"type": "allocate"}] * (tries // 100))
    for number, client in enumerate(flooding):
        client.sendall(opening)
        if number % 20 == 0:
            bystanders.go_on("%d flooding" % number)
    bystanders.go_on("%d allocations tried" % tries)
    true(relay.metric('refusals_total{command="allocate"}') + relay.metric("waits_total") > 0, "the flood was rationed")
    true(relay.metric("nameplates") < 150, "nameplates: %d" % relay.metric("nameplates"))


if __name__ == "__main__":
    main(25)

#!/usr/bin/python3
"""`nameplates` of doc/ipc.md: what a relay's list becomes, that nothing is claimed for it, and what comes of relays that
are silent, strange or busy.
"""

import base64
import hashlib
import json
import socket
import threading

from harness import Skip, contains, equal, failure, main, test
from harness import websocket
from harness.middle import CLIENT
from harness.rpc import RpcError

WELCOME = {"type": "welcome", "welcome": {}}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class StrangeRelay:
    """Says its welcome, then `answer` (texts, or what becomes JSON) as soon as it is asked for `what`."""

    def __init__(self, world, answer, welcome=WELCOME, what="list"):
        self.welcome, self.answer, self.what = welcome, answer, b'"%s"' % what.encode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "ws://127.0.0.1:%d/v1" % self.listener.getsockname()[1]
        world.finally_call(self.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            client, _ = self.listener.accept()
            with client:
                self.converse(client)
        except OSError:
            pass  # the daemon has hung up, or the test is over

    def converse(self, client):
        buffer = bytearray()
        while b"\r\n\r\n" not in buffer:
            buffer += client.recv(1 << 16)
        key = next(line.split(b": ")[1] for line in buffer.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        client.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n" % accept).encode())
        self.say(client, self.welcome)
        buffer.clear()
        while data := client.recv(1 << 16):
            buffer += data
            while (frame := websocket.decode(buffer)) is not None:
                del buffer[:frame[3]]
                if self.what in frame[2]:
                    self.say(client, self.answer)

    def say(self, client, message):
        data = (message if isinstance(message, str) else json.dumps(message)).encode()
        client.sendall(websocket.encode_plain(websocket.TEXT, data))

    def close(self):
        self.listener.close()


def unreachable(rpc, **params):
    """Why."""
    error = failure(RpcError, lambda: rpc.call("nameplates", **params), "nameplates %r" % params)
    equal(error.code, "unreachable", "error")
    return error.message


def listed(*ids):
    return {"type": "nameplates", "nameplates": [{"id": name} for name in ids]}


@test("the nameplates of the application, and nothing is claimed")
def claims_nothing(world):
    relay = world.relay()
    middle = world.middle(relay)
    daemon = world.daemon("a", relay)
    for code in ("5-x", "123456-y"):
        session = daemon.call("invite", code=code)["id"]
        daemon.until(session, lambda view: view["nameplate"] == "claimed", what="its nameplate is claimed")
    with daemon.rpc() as rpc:
        equal(sorted(rpc.call("nameplates", relay=middle.url)["nameplates"]), ["123456", "5"], "nameplates")
        equal(rpc.call("status")["active"], 2, "sessions with a connection")
    equal([message["type"] for who, message in middle.seen if who == CLIENT], ["bind", "list"], "what was said")


@test("what is no nameplate is left out")
def strange_ids(world):
    relay = StrangeRelay(world, {"type": "nameplates", "nameplates": [
        {"id": "7"}, {"id": "x"}, {"id": 8}, {"id": ""}, {"id": "9" * 65}, {"id": "\x1b[2J"}, {}, 5, None, {"id": "9" * 64}]})
    with world.daemon("a", relay).rpc() as rpc:
        equal(rpc.call("nameplates"), {"nameplates": ["7", "9" * 64]}, "nameplates")


@test("a long list, and one that is too long")
def long_lists(world):
    names = [str(number) for number in range(15000)]
    with world.daemon("a", StrangeRelay(world, listed(*names))).rpc() as rpc:
        equal(rpc.call("nameplates"), {"nameplates": names}, "nameplates")
        unreachable(rpc, relay=StrangeRelay(world, listed(*map(str, range(100000)))).url)
        unreachable(rpc, relay=StrangeRelay(world, listed(*["7" * 30] * 100000)).url)


@test("a relay that answers nonsense or an error, and one that refuses clients")
def nonsense(world):
    with world.daemon("a", world.relay()).rpc() as rpc:
        for answer in ("no JSON", "[]", {"type": "nameplates"}, {"type": "nameplates", "nameplates": {}}):
            contains(unreachable(rpc, relay=StrangeRelay(world, answer).url), "makes no sense", "the message")
        error = StrangeRelay(world, {"type": "error", "error": "not\x07 now", "orig": {"type": "list"}})
        contains(unreachable(rpc, relay=error.url), "not? now", "the message")
        closed = StrangeRelay(world, listed(), {"type": "welcome", "welcome": {"error": "closed for today"}})
        contains(unreachable(rpc, relay=closed.url), "closed for today", "the message")
        toll = {"type": "welcome", "welcome": {"permission-required": {"gold": {}}}}
        contains(unreachable(rpc, relay=StrangeRelay(world, listed(), toll).url), "permission", "the message")
        unreachable(rpc, relay="ws://127.0.0.1:1/")
        equal(rpc.call("status")["sessions"], 0, "sessions after all that")


@test("a relay that says nothing for ten seconds")
def silent(world):
    with world.daemon("a", world.relay()).rpc() as rpc, socket.create_server(("127.0.0.1", 0)) as listener:
        number = rpc.request("nameplates", relay="ws://127.0.0.1:%d/" % listener.getsockname()[1])
        error = failure(RpcError, lambda: rpc.answer(number, 60), "nameplates of a silent relay")
        equal(error.code, "unreachable", "error")


@test("so many at a time, and who goes away makes room for others")
def nameplates_busy(world):
    daemon = world.daemon("a", world.relay())
    with socket.create_server(("127.0.0.1", 0)) as silent, daemon.rpc() as rpc:
        impatient = daemon.rpc()
        for _ in range(16):
            impatient.request("nameplates", relay="ws://127.0.0.1:%d/" % silent.getsockname()[1])
        impatient.call("status")
        contains(unreachable(rpc), "too many", "the message")
        impatient.close()
        # The daemon hears of that within a few turns of its loop, long before those would have given up.
        for _ in range(100):
            try:
                equal(rpc.call("nameplates"), {"nameplates": []}, "nameplates")
                return
            except RpcError as error:
                contains(error.message, "too many", "the message")
        raise AssertionError("there is no room again")


@test("a relay that asks for hashcash gets it")
def nameplates_hashcash(world):
    relay = world.relayd("--require-hashcash", "8")
    if relay.stock:
        raise Skip("the stock relay does not")
    with world.daemon("a", relay).rpc() as rpc:
        session = rpc.call("invite", code="5-x")["id"]
        rpc.until(session, lambda view: view["nameplate"] == "claimed", what="its nameplate is claimed")
        equal(rpc.call("nameplates"), {"nameplates": ["5"]}, "nameplates")


def toll(methods):
    return {"type": "welcome", "welcome": {"permission-required": methods}}


@test("a session tells why a relay that asks for a permission does not serve it")
def refused_permission(world):
    refusal = {"type": "error", "error": "that stamp is forged", "orig": {"type": "submit-permissions"}}
    cases = (({"gold": {}}, "a permission that this program cannot obtain (gold)"),
             (["gold"], "a permission that this program cannot obtain (gold)"),
             ({"hashcash": {"bits": 60, "resource": "r"}}, "a hashcash stamp of 60 bits"),
             ({"hashcash": {"bits": 4, "resource": "r"}}, "that stamp is forged"))
    daemon = world.daemon("a", "ws://127.0.0.1:1/v1")
    with daemon.rpc() as rpc:
        for methods, reason in cases:
            relay = StrangeRelay(world, refusal, toll(methods), "submit-permissions")
            session = rpc.call("invite", relay=relay.url)["id"]
            view = rpc.until(session, lambda view: view["failures"] > 0, what="its first visit fails")
            contains(view["last_error"], reason, "why")
            contains(daemon.ctl("show", session).out, reason, "what show prints")


if __name__ == "__main__":
    main(180)

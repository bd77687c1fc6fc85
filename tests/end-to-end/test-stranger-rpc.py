#!/usr/bin/python3
"""A client in another language: every method of doc/ipc.md, spoken with python3-msgpack by what that page says."""

import os

from harness import equal, failure, main, test, true
from harness.rpc import API, RpcError

VIEW = {
    "id": str, "name": (str, type(None)), "appid": str, "relay": str, "state": str, "result": (str, type(None)),
    "reason": (str, type(None)), "code": (str, type(None)), "nameplate": str, "verifier": (str, type(None)),
    "peer_versions": (str, type(None)), "created": int, "deadline": int, "schedule": str, "connection": str,
    "last_visit": (int, type(None)), "next_visit": (int, type(None)), "failures": int, "last_error": (str, type(None)),
    "sent": int, "stored": int, "received": int, "unread": int, "heals": int, "retention": str,
    "motd": (str, type(None)), "relay_error": (str, type(None)), "relay_down": bool, "change": int,
}
STATUS = {
    "version": str, "api": int, "pid": int, "started": int, "state_dir": str, "socket": str, "default_relay": str,
    "sessions": int, "active": int, "held": int, "change": int, "store_bytes": int, "store_limit": (int, type(None)),
    "relays": list,
}
RELAY = {
    "url": str, "state": str, "connections": int, "failures": int, "retry_at": (int, type(None)),
    "motd": (str, type(None)), "error": (str, type(None)), "last_error": (str, type(None)),
    "retention": (int, type(None)),
}


def check_shape(value, shape, what):
    for key, kind in shape.items():
        true(key in value, "%s has no %s: %r" % (what, key, value))
        true(isinstance(value[key], kind), "%s of %s is %r" % (key, what, value[key]))
    equal(set(value) - set(shape), set(), "keys of %s that doc/ipc.md does not have" % what)


def refused(rpc, code, method, /, **params):
    error = failure(RpcError, lambda: rpc.call(method, **params), "%s %r" % (method, params))
    equal(error.code, code, "error of %s %r" % (method, params))
    true(error.message, "there is a sentence")
    return error


def pair(world):
    """Two daemons, and a client of each."""
    _, left, right = world.pair()
    clients = left.rpc(), right.rpc()
    for client in clients:
        world.finally_call(client.close)
    return clients


@test("hello and status")
def hello(world):
    relay = world.relay(motd="hi")
    daemon = world.daemon("a", relay)
    with daemon.rpc() as rpc:
        equal(rpc.greeting["api"], API, "the daemon's api level")
        equal(rpc.greeting["pid"], daemon.process.pid, "pid")
        true(rpc.greeting["version"], "version")
        rpc.until(rpc.call("invite")["id"], lambda view: view["code"], what="there is a code")
        status = rpc.call("status")
        check_shape(status, STATUS, "status")
        equal(status["socket"], daemon.socket, "socket")
        equal(status["state_dir"], daemon.state, "state directory")
        equal(status["default_relay"], relay.url, "default relay")
        equal((status["sessions"], len(status["relays"])), (1, 1), "sessions and relays")
        check_shape(status["relays"][0], RELAY, "relay")
        equal((status["relays"][0]["state"], status["relays"][0]["motd"]), ("up", "hi"), "state and motd of the relay")
        equal(rpc.call("hello", api=API + 1000, client="from the future")["api"], API, "api level told to newer clients")


@test("invite, with every option")
def invite(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    with daemon.rpc() as rpc:
        view = rpc.call("invite")
        check_shape(view, VIEW, "view")
        equal((view["name"], view["state"], view["schedule"]), (None, "allocating", "email"), "defaults")
        view = rpc.until(view["id"], lambda view: view["code"], what="there is a code")
        equal(view["state"], "waiting", "state with a code")
        equal(len(view["code"].split("-")), 3, "parts of the code")
        options = {"name": "n", "appid": "example.org/x", "relay": relay.url, "words": 4, "schedule": "0:60,300:600",
                   "timeout": 3_600_000, "colour": "green"}
        view = rpc.call("invite", **options)
        for key in ("name", "appid", "relay", "schedule"):
            equal(view[key], options[key], key)
        equal(view["deadline"] - view["created"], options["timeout"], "timeout")
        code = rpc.until("n", lambda view: view["code"], what="there is a code")["code"]
        equal(len(code.split("-")), 5, "parts of a code of 4 words")
        equal(rpc.call("invite", code="12-agreed")["code"], "12-agreed", "a code that people agreed on")
        refused(rpc, "name-taken", "invite", name="n")
        for bad in ("12 34-x", "word-word", "12", "", "-x", "12-"):
            refused(rpc, "bad-code", "invite", code=bad)
        for bad in ({"words": 0}, {"words": 17}, {"words": "two"}, {"schedule": "sometimes"}, {"relay": "http://x/"},
                    {"timeout": -1}, {"appid": ""}, {"appid": "a" * 1000}, {"name": ""}, {"name": "n" * 1000}, {"name": 5},
                    {"name": b"\xff"}):
            error = refused(rpc, "bad-params", "invite", **bad)
            true(list(bad)[0] in error.message, "the message names %r: %s" % (bad, error.message))
        equal(rpc.call("status")["sessions"], 3, "sessions after all that")


@test("accept")
def accept(world):
    left, right = pair(world)
    code = left.until(left.call("invite")["id"], lambda view: view["code"], what="there is a code")["code"]
    view = right.call("accept", code=code, name="n", schedule="realtime", timeout=60_000)
    check_shape(view, VIEW, "view")
    equal((view["code"], view["schedule"]), (code, "realtime"), "code and schedule")
    refused(right, "bad-params", "accept")
    refused(right, "bad-code", "accept", code="no nameplate")
    refused(right, "name-taken", "accept", code="5-x", name="n")
    view = right.until("n", lambda view: view["state"] == "established", what="it is established")
    equal(len(bytes.fromhex(view["verifier"])), 32, "bytes of the verifier")
    equal(view["peer_versions"], "{}", "the peer's versions")


@test("list in pages, show by name, id and start of an id")
def listing(world):
    left, _ = pair(world)
    made = sorted(left.call("invite", code="%d-x" % number, name="n%d" % number)["id"] for number in range(25))
    pages, after = [], {}
    while True:
        page = left.call("list", limit=10, **after)
        pages.append([view["id"] for view in page["sessions"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    equal([len(page) for page in pages], [10, 10, 5], "sizes of pages")
    equal(sum(pages, []), made, "ids in order")
    for view in left.call("list")["sessions"]:
        check_shape(view, VIEW, "view")
    for limit in (0, 1001, "ten"):
        refused(left, "bad-params", "list", limit=limit)
    equal(left.call("show", session="n3")["code"], "3-x", "shown by name")
    equal(left.call("show", session=made[0])["id"], made[0], "shown by id")
    equal(left.call("show", session=made[0][:14])["id"], made[0], "shown by the start of an id")
    prefix = next(a[0] for a, b in zip(made, made[1:]) if a[0] == b[0])
    refused(left, "ambiguous", "show", session=prefix)
    refused(left, "not-found", "show", session="nobody")
    refused(left, "bad-params", "show")


@test("send, recv and ack")
def messages(world):
    left, right = pair(world)
    code = left.until(left.call("invite", name="r")["id"], lambda view: view["code"], what="there is a code")["code"]
    right.call("accept", code=code, name="l")
    every_byte = bytes(range(256))
    sent = [b"", every_byte, "text as str".encode(), os.urandom(1 << 20)]
    numbers = [left.call("send", session="r", data=data)["number"] for data in sent[:2]]
    numbers.append(left.call("send", session="r", data="text as str")["number"])
    numbers.append(left.call("send", session="r", data=sent[3])["number"])
    equal(numbers, [0, 1, 2, 3], "numbers of messages")
    right.until("l", lambda view: view["unread"] == 4, what="all have come")
    left.until("r", lambda view: view["stored"] == 4, what="all are stored")
    for start, data in enumerate(sent):
        row = right.call("recv", session="l", **{"from": start})
        equal((row["number"], row["data"]), (start, data), "message %d" % start)
    equal(right.call("recv", session="l", **{"from": 4}), {"session": row["session"], "number": None, "data": None},
          "beyond the last message")
    equal(right.call("ack", session="l", number=1)["unread"], 2, "unread after an ack of two")
    equal(right.call("recv", session="l")["number"], 2, "first one not acknowledged")
    equal(right.call("ack", session="l", number=0)["unread"], 2, "an ack that is behind changes nothing")
    refused(right, "bad-params", "ack", session="l", number=4)
    refused(right, "bad-params", "ack", session="l", number=-1)
    refused(right, "bad-params", "send", session="l")
    refused(right, "bad-params", "send", session="l", data=5)
    refused(right, "too-large", "send", session="l", data=bytes((16 << 20) + 1))
    refused(right, "not-found", "send", session="nobody", data=b"x")


@test("large answers, one after the other: a connection goes on however fast it is read")
def large_answers(world):
    left, right = pair(world)
    code = left.until(left.call("invite", name="r")["id"], lambda view: view["code"], what="there is a code")["code"]
    right.call("accept", code=code, name="l")
    data = os.urandom(1 << 20)
    left.call("send", session="r", data=data)
    right.until("l", lambda view: view["unread"] == 1, what="it has come")
    for _ in range(40):
        true(right.call("recv", session="l")["data"] == data, "the bytes are the same")


@test("a message of 16 MiB")
def largest(world):
    left, right = pair(world)
    code = left.until(left.call("invite", name="r")["id"], lambda view: view["code"], what="there is a code")["code"]
    right.call("accept", code=code, name="l")
    data = os.urandom(1 << 16) * 256
    left.call("send", session="r", data=data)
    right.until("l", lambda view: view["unread"] == 1, 60, "it has come")
    true(right.call("recv", session="l")["data"] == data, "the bytes are the same")


@test("poll, close and forget")
def ending(world):
    left, right = pair(world)
    code = left.until(left.call("invite", name="r")["id"], lambda view: view["code"], what="there is a code")["code"]
    right.call("accept", code=code, name="l")
    check_shape(left.call("poll", session="r"), VIEW, "view")
    left.until("r", lambda view: view["state"] == "established", what="it is established")
    refused(left, "not-closed", "forget", session="r")
    left.call("send", session="r", data=b"last words")
    view = left.call("close", session="r")
    equal((view["state"], view["result"]), ("closing", "happy"), "state and result of a closing session")
    refused(left, "closed", "send", session="r", data=b"too late")
    left.call("close", session="r")
    left.until("r", lambda view: view["state"] == "closed", what="it is closed")
    equal(left.call("close", session="r")["result"], "happy", "result after closing again")
    right.until("l", lambda view: view["unread"] == 1, what="the last words came")
    equal(right.call("recv", session="l")["data"], b"last words", "what came before the end")
    equal(set(left.call("forget", session="r")), {"session"}, "keys of what forget says")
    refused(left, "not-found", "show", session="r")
    right.call("forget", session="l", force=True)
    refused(right, "not-found", "show", session="l")
    left.call("invite", name="lonely", code="5-nobody")
    equal(left.call("close", session="lonely")["result"], "lonely", "result when nobody came")


@test("subscribe and changes")
def changes(world):
    left, right = pair(world)
    start = left.call("subscribe")["change"]
    first = left.call("invite", name="r", code="31-first")["id"]
    method, params = left.notification()
    equal(method, "changed", "the notification")
    true(params["change"] > start and params["session"] == first, "what it says: %r" % params)
    second = left.call("invite", code="32-second")["id"]
    left.call("invite", code="33-third", name="third")
    left.call("poll", session=first)
    page = left.call("changes", since=start)
    rows = page["changes"]
    equal(sorted(row["session"] for row in rows), sorted({row["session"] for row in rows}), "each session once")
    equal([row["change"] for row in rows], sorted(row["change"] for row in rows), "oldest change first")
    true(rows[-1]["change"] <= page["change"], "the newest number of all")
    equal(len(left.call("changes", since=start, limit=1)["changes"]), 1, "changes when one is asked for")
    left.call("forget", session=second, force=True)
    true(second not in [row["session"] for row in left.call("changes", since=start)["changes"]],
         "a forgotten session appears no more")

    left.call("subscribe", session="third")
    left.notifications.clear()
    right.call("accept", code="31-first", name="l")
    left.until("r", lambda view: view["state"] == "established", what="it is established")
    left.call("subscribe", session="third")
    left.notifications.clear()
    left.call("send", session="r", data=b"x")
    left.call("poll", session="third")
    equal(left.call("show", session="third")["id"], left.notification()[1]["session"], "the session that is told of")


if __name__ == "__main__":
    main(60)

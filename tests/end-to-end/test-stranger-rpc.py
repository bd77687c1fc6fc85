#!/usr/bin/python3
"""A client in another language: every method of doc/ipc.md, spoken with python3-msgpack by what that page says."""

import os

from harness import contains, equal, failure, lacks, main, test, true
from harness.rpc import API, RpcError

NIL = type(None)
VIEW = {
    "id": str, "name": (str, NIL), "appid": str, "relay": str, "state": str, "result": (str, NIL), "reason": (str, NIL),
    "code": (str, NIL), "nameplate": str, "verifier": (str, NIL), "verifier_words": (str, NIL), "verification": str,
    "app_versions": str, "peer_versions": (str, NIL), "created": int, "deadline": (int, NIL), "schedule": str, "connection": str,
    "last_visit": (int, NIL), "next_visit": (int, NIL), "failures": int, "last_error": (str, NIL), "sent": int,
    "stored": int, "received": int, "unread": int, "delivered": (int, NIL), "read": (int, NIL), "inbox_messages": int,
    "inbox_bytes": int, "paused": bool, "heals": int, "strangers": int, "unexpected": int, "copied": bool, "leased": bool, "nobody_there": bool, "timeout": int, "expire": int,
    "retention": str, "motd": (str, NIL), "relay_error": (str, NIL),
    "relay_down": bool, "relay_failure": (str, NIL), "change": int, "lasting": bool, "epoch": int, "closed_by_peer": bool,
    "expires": bool, "last_news": (int, NIL), "visit_bytes": int, "routes": str, "leaving": (str, NIL),
}
STATUS = {
    "version": str, "api": int, "pid": int, "started": int, "state_dir": str, "socket": str, "config": (str, NIL), "config_error": (str, NIL),
    "default_relay": str, "default_relay_from": str, "proxy": (str, NIL), "proxy_from": str, "cafile": (str, NIL), "sandbox": str, "sessions": int, "active": int, "held": int, "change": int,
    "store_bytes": int, "store_limit": (int, NIL), "store_health": str, "store_error": (str, NIL), "relays": list,
}
RELAY = {
    "url": str, "proxy": (str, NIL), "state": str, "connections": int, "failures": int, "retry_at": (int, NIL),
    "motd": (str, NIL), "error": (str, NIL), "last_error": (str, NIL), "retention": (int, NIL),
    "hashcash": int, "hashcash_until": (int, NIL),
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
        equal((status["default_relay"], status["default_relay_from"]), (relay.url, "command line"), "default relay")
        equal(status["config"], None, "configuration file")
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
        equal(len(view["code"].split("-")), 4, "parts of a code that waits for days")
        view = rpc.until(rpc.call("invite", schedule="realtime")["id"], lambda view: view["code"], what="there is a code")
        equal(len(view["code"].split("-")), 3, "parts of a code for now")
        options = {"name": "n", "appid": "example.org/x", "relay": relay.url, "words": 4, "schedule": "0:60,300:600",
                   "timeout": 3_600_000, "app_versions": '{"x":[1]}', "verify": True, "inbox_messages": 5,
                   "inbox_bytes": 1 << 20, "once": True, "colour": "green"}
        view = rpc.call("invite", **options)
        for key in ("name", "appid", "relay", "schedule", "app_versions", "inbox_messages", "inbox_bytes"):
            equal(view[key], options[key], key)
        equal(view["verification"], "pending", "verification")
        equal(view["deadline"] - view["created"], options["timeout"], "timeout")
        code = rpc.until("n", lambda view: view["code"], what="there is a code")["code"]
        equal(len(code.split("-")), 5, "parts of a code of 4 words")
        equal(rpc.call("invite", code="12-agreed")["code"], "12-agreed", "a code that people agreed on")
        refused(rpc, "name-taken", "invite", name="n")
        for bad in ("12 34-x", "word-word", "12", "", "-x", "12-"):
            refused(rpc, "bad-code", "invite", code=bad)
        for bad in ({"words": 0}, {"words": 17}, {"words": "two"}, {"schedule": "sometimes"}, {"relay": "http://x/"},
                    {"timeout": -1}, {"appid": ""}, {"appid": "a" * 1000}, {"name": ""}, {"name": "n" * 1000}, {"name": 5},
                    {"name": b"\xff"}, {"app_versions": {}}, {"app_versions": "[1]"}, {"app_versions": "{" + " " * 4096 + "}"},
                    {"verify": "yes"}, {"once": 1}, {"inbox_messages": 0}, {"inbox_messages": 4097}, {"inbox_bytes": 0},
                    {"inbox_bytes": (64 << 20) + 1}):
            error = refused(rpc, "bad-params", "invite", **bad)
            true(list(bad)[0] in error.message, "the message names %r: %s" % (bad, error.message))
        equal(rpc.call("status")["sessions"], 4, "sessions after all that")


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


def introduce(left, right, **options):
    """Sessions "r" of the left and "l" of the right client, on their way to each other."""
    code = left.until(left.call("invite", name="r", **options)["id"], lambda view: view["code"], what="there is a code")["code"]
    right.call("accept", code=code, name="l", **options)


@test("verify: messages are held back in both directions until both users said that the verifiers agree")
def verify(world):
    left, right = pair(world)
    refused(left, "not-keyed", "verify", session=left.call("invite", code="77-nobody")["id"], ok=True)
    introduce(left, right, verify=True)
    left.call("send", session="r", data=b"from the left")
    right.call("send", session="l", data=b"from the right")
    views = [left.until("r", lambda view: view["state"] == "established", what="it is established"),
             right.until("l", lambda view: view["state"] == "established", what="it is established")]
    equal([view["verification"] for view in views], ["pending"] * 2, "verification")
    equal(views[0]["verifier"], views[1]["verifier"], "verifiers")
    equal(views[0]["verifier_words"], views[1]["verifier_words"], "verifiers in words")
    equal(len(views[0]["verifier_words"].split(" ")), 32, "words of a verifier")
    refused(left, "unverified", "recv", session="r")
    refused(left, "unverified", "derive_key", session="r", purpose="p")
    refused(left, "bad-params", "verify", session="r")
    refused(left, "bad-params", "verify", session="r", ok=1)
    check_shape(left.call("verify", session="r", ok=True), VIEW, "view")
    equal(left.call("verify", session="r", ok=True)["verification"], "done", "verification after saying so twice")
    right.call("poll", session="l")
    refused(right, "unverified", "recv", session="l")
    right.call("verify", session="l", ok=True)
    for rpc, name, data in ((left, "r", b"from the right"), (right, "l", b"from the left")):
        rpc.until(name, lambda view: view["unread"] == 1, what="the message came")
        equal(rpc.call("recv", session=name)["data"], data, "what came")


@test("verify: who says that the verifiers differ gets nothing, and the session ends")
def verify_no(world):
    left, right = pair(world)
    introduce(left, right)
    right.call("send", session="l", data=b"an impostor's")
    left.until("r", lambda view: view["unread"] == 1, what="a message came")
    view = left.call("verify", session="r", ok=False)
    equal((view["result"], view["unread"]), ("errory", 0), "result, and what is left of the message")
    equal(left.call("recv", session="r")["data"], None, "what is given out")
    refused(left, "closed", "verify", session="r", ok=True)
    left.until("r", lambda view: view["state"] == "closed", what="it is closed")


@test("derive_key: both sides get the same keys, once the peer is proven and until the end")
def derive_key(world):
    left, right = pair(world)
    refused(left, "not-keyed", "derive_key", session=left.call("invite", code="77-nobody")["id"], purpose="p")
    introduce(left, right)
    for rpc, name in ((left, "r"), (right, "l")):
        rpc.until(name, lambda view: view["state"] == "established", what="it is established")
    keys = [rpc.call("derive_key", session=name, purpose="example.org/ü", length=8160)["key"]
            for rpc, name in ((left, "r"), (right, "l"))]
    equal(keys[0], keys[1], "keys of the two sides")
    equal(len(keys[0]), 8160, "length of the longest key")
    short = left.call("derive_key", session="r", purpose="example.org/ü")
    equal((set(short), short["key"]), ({"session", "key"}, keys[0][:32]), "what derive_key says")
    true(left.call("derive_key", session="r", purpose="another")["key"] != short["key"], "another purpose, another key")
    for bad in ({}, {"purpose": ""}, {"purpose": "wormhole:verifier"}, {"purpose": "p" * 129}, {"purpose": 5}):
        contains(refused(left, "bad-params", "derive_key", session="r", **bad).message, "purpose", "the message")
    for bad in (0, 8161, "32"):
        refused(left, "bad-params", "derive_key", session="r", purpose="p", length=bad)
    left.call("close", session="r")
    left.until("r", lambda view: view["state"] == "closed", what="it is closed")
    refused(left, "closed", "derive_key", session="r", purpose="p")


@test("rename: another petname, none, and none that is taken; over kill -9")
def rename(world):
    daemon = world.daemon("a", world.relay())
    first = daemon.call("invite", name="p", code="1-x")["id"]
    daemon.call("invite", name="q", code="2-x")
    with daemon.rpc() as rpc:
        refused(rpc, "name-taken", "rename", session="p", name="q")
        refused(rpc, "bad-params", "rename", session="p", name="p/q")
        equal(rpc.call("rename", session="p", name="r")["name"], "r", "the new name")
        refused(rpc, "not-found", "show", session="p")
        equal(rpc.call("rename", session="q", name="p")["name"], "p", "a name that another one gave up")
    daemon.restart_killed()
    equal(daemon.show("r")["id"], first, "what has the new name after kill -9")
    equal(daemon.call("rename", session="r")["name"], None, "no name")
    daemon.restart_killed()
    equal(daemon.show(first)["name"], None, "no name after kill -9")
    equal(daemon.show("p")["code"], "2-x", "the other one")


@test("export and import: an invitation goes on in another daemon, once, over kill -9 at each step")
def move(world):
    relay = world.relay()
    old, new, peer = (world.daemon(name, relay) for name in ("old", "new", "peer"))
    view = old.invite(name="n")
    text = old.call("export", session="n")["export"]
    true("\n" not in text and text.startswith("{"), "it is a line of JSON")
    old.restart_killed()
    equal(old.show("n")["state"], "exported", "state between the steps, after kill -9")
    equal(old.call("export", session="n"), {"session": view["id"], "export": text}, "the same text again")
    with old.rpc() as rpc:
        for method, params in (("send", {"data": b"x"}), ("poll", {}), ("close", {})):
            refused(rpc, "closed", method, session="n", **params)
        refused(rpc, "not-closed", "forget", session="n")
        equal(rpc.call("export", session="n", done=True), {"session": view["id"], "export": None}, "what done says")
        refused(rpc, "not-found", "export", session="n")
    with new.rpc() as rpc:
        altered = text[:len(text) // 2] + ("A" if text[len(text) // 2] != "A" else "B") + text[len(text) // 2 + 1:]
        for bad in (altered, text[:-5], "", "{}", "hello", text.replace('"version": 1', '"version": 2')):
            refused(rpc, "bad-export", "import", export=bad)
        rpc.call("invite", name="n", code="99-x")
        refused(rpc, "name-taken", "import", export=text)
        moved = rpc.call("import", export=text + "\n", name="m")
        check_shape(moved, VIEW, "view")
        equal((moved["id"], moved["name"], moved["code"]), (view["id"], "m", view["code"]), "what was moved")
    new.restart_killed()
    session = peer.call("accept", code=view["code"])["id"]
    peer.call("send", session=session, data=b"to where you are now")
    equal(new.take("m", 1), [b"to where you are now"], "what came to the new place")
    with new.rpc() as rpc:
        refused(rpc, "imported", "import", export=text)
        refused(rpc, "not-exportable", "export", session="m")
        rpc.call("forget", session="m", force=True)
        refused(rpc, "imported", "import", export=text)
    new.restart_killed()
    with new.rpc() as rpc:
        refused(rpc, "imported", "import", export=text)
    secret = text[len(text) // 3:len(text) // 2]
    for process in world.processes:
        lacks(process.err(), secret, "the log of %s" % process.name)


@test("export at any other point is refused, and changes nothing")
def not_exportable(world):
    relay = world.relay()
    left, right = world.daemon("a", relay).rpc(), world.daemon("b", relay).rpc()
    for rpc in (left, right):
        world.finally_call(rpc.close)
    away = left.call("invite", relay="ws://127.0.0.1:1/")["id"]
    refused(left, "not-exportable", "export", session=away)
    left.call("invite", name="queued", code="88-x")
    left.call("send", session="queued", data=b"x")
    refused(left, "not-exportable", "export", session="queued")
    introduce(left, right)
    left.until("r", lambda view: view["state"] == "established", what="it is established")
    refused(left, "not-exportable", "export", session="r")
    refused(left, "not-exportable", "export", session="r", done=True)
    left.call("close", session="r")
    refused(left, "not-exportable", "export", session="r")
    refused(left, "not-found", "export", session="nobody")


TYPES = {"str": str, "int": int, "bool": bool, "bin": bytes}


@test("api: the daemon describes itself, and does what it says")
def api(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as rpc:
        table = rpc.call("api")
        check_shape(table, {"api": int, "methods": list, "errors": list, "view": list}, "api")
        equal(table["api"], API, "level")
        view = {row["name"]: (TYPES[row["type"]], NIL) if row["nil"] else TYPES[row["type"]] for row in table["view"]}
        equal(view, VIEW, "keys of a view")
        methods = {row["name"]: row for row in table["methods"]}
        equal(len(methods), len(table["methods"]), "names")
        equal(set(methods["status"]["result"]), set(STATUS), "keys of status")
        equal((methods["show"]["result"], methods["show"]["errors"]), (None, ["not-found", "ambiguous"]), "show")
        for name, method in methods.items():
            true(1 <= method["since"] <= API, "%s has since %r" % (name, method["since"]))
            required = [row["name"] for row in method["params"] if row["required"]]
            for row in method["params"]:
                check_shape(row, {"name": str, "type": str, "required": bool, "since": int, "min": (int, NIL), "max": (int, NIL)}, name)
            if required:  # something is missing, whatever is called
                true(required[0] in refused(rpc, "bad-params", name).message, "%s names %s" % (name, required[0]))
        number = next(row for row in methods["list"]["params"] if row["name"] == "limit")
        rpc.call("list", limit=number["max"])
        refused(rpc, "bad-params", "list", limit=number["max"] + 1)
        refused(rpc, "bad-params", "list", limit=number["min"] - 1)
        true("unknown-method" in table["errors"] and "not-found" not in table["errors"], "errors of all requests")
        refused(rpc, "unknown-method", "fly")


@test("words: the two lists of codes")
def words(world):
    with world.daemon("a", world.relay()).rpc() as rpc:
        lists = rpc.call("words")["words"]
        equal([len(words) for words in lists], [256, 256], "lengths")
        code = rpc.until(rpc.call("invite", words=16)["id"], lambda view: view["code"], what="there is a code")["code"]
        for place, word in enumerate(code.split("-")[1:]):
            contains(lists[place % 2], word, "the list for word %d" % place)


@test("nameplates: those of the application")
def nameplates(world):
    daemon = world.daemon("a", world.relay())
    session = daemon.call("invite", code="5-x")["id"]
    daemon.until(session, lambda view: view["nameplate"] == "claimed", what="its nameplate is claimed")
    with daemon.rpc() as rpc:
        equal(rpc.call("nameplates"), {"nameplates": ["5"]}, "those of our application")
        equal(rpc.call("nameplates", appid="example.org/x"), {"nameplates": []}, "those of another one")
        refused(rpc, "bad-params", "nameplates", relay="http://x/")
        refused(rpc, "bad-params", "nameplates", appid="")
        refused(rpc, "unreachable", "nameplates", relay="ws://127.0.0.1:1/")


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
    main(120)

#!/usr/bin/python3
"""wormhole-relayd, heard by a client that says exactly what a test wants: the whole protocol, message by message."""

import hashlib
import json
import re
import time

from harness import contains, equal, lacks, main, test, true, websocket
from harness.client import APPID, Client, meet, phases

BITS = 8
DAY = 24 * 3600


@test("the welcome says what is promised: retention and the largest message")
def welcome(world):
    relay = world.relayd("--retention", "90d", "--max-message", "1M", "--motd", "hello Ærøskøbing")
    with Client(relay) as client:
        equal(client.welcome["motd"], "hello Ærøskøbing", "motd")
        equal(client.welcome["relayd"]["retention"], 90 * DAY, "retention")
        equal(client.welcome["relayd"]["max_message"], 1 << 20, "max_message")
        lacks(client.welcome, "error", "welcome")
        lacks(client.welcome, "permission-required", "welcome")


@test("each message is acknowledged with its id, before its answer")
def acks(world):
    relay = world.relayd()
    with Client(relay, bind=False) as client:
        said = [("ping", {"ping": 1}), ("bind", {"appid": APPID, "side": "aaaa"}), ("allocate", {}), ("list", {}),
                ("release", {}), ("nonsense", {}), ("open", {"mailbox": "m"}), ("add", {"phase": "p", "body": "00"}),
                ("close", {}), ("close", {})]
        answers = ["pong", None, "allocated", "nameplates", "error", "error", None, "message", "closed", "error"]
        for number, ((kind, message), answer) in enumerate(zip(said, answers)):
            client.say(kind, id="id-%d" % number, **message)
            ack = client.receive()
            equal((ack["type"], ack["id"]), ("ack", "id-%d" % number), "what comes first after " + kind)
            if answer:
                equal(client.receive()["type"], answer, "what comes then")
        client.say("ping", ping=2)
        equal((client.receive()["id"], client.expect("pong")["pong"]), (None, 2), "the ack of a message without id")


@test("an error quotes the message that it refuses")
def orig(world):
    relay = world.relayd()
    with Client(relay, bind=False) as client:
        for message in ({"type": "list"}, {"type": "claim", "nameplate": "5", "id": "x"}, {"type": "who", "a": [1, None]},
                        {"no": "type"}, {"type": "bind", "side": "s"}, {"type": "ping", "extra": {"deep": [{}]}}):
            client.say_text(json.dumps(message))
            equal(client.expect("error")["orig"], message, "orig")


@test("an allocated nameplate has one digit while one is free, then two; none is given twice")
def allocate(world):
    relay = world.relayd()
    given = []
    for _ in range(12):
        client = Client(relay)
        given.append(client.allocate())
        contains(client.refused("allocate"), "already allocated", "a second one on a connection")
    equal(sorted(given[:9]), [str(digit) for digit in range(1, 10)], "the first nine")
    true(all(re.fullmatch("[1-9][0-9]", nameplate) for nameplate in given[9:]), "the next: %r" % given[9:])
    equal(len(set(given)), 12, "distinct nameplates")
    with Client(relay, appid="another") as client:
        equal(len(client.allocate()), 1, "digits in another app")


@test("list tells the nameplates of one's app; with --no-list there are none to see")
def listing(world):
    relay = world.relayd()
    with Client(relay) as first, Client(relay) as second, Client(relay, appid="another") as stranger:
        equal(first.list(), [], "at first")
        first.claim("17")
        nameplate = second.allocate()
        equal(first.list(), sorted(["17", nameplate]), "with two")
        equal(stranger.list(), [], "in another app")
        first.release()
        equal(second.list(), [nameplate], "after a release")
    secretive = world.relayd("--no-list")
    with Client(secretive) as client:
        client.claim("17")
        equal(client.list(), [], "with --no-list")


@test("claim is idempotent until the side has released, on any connection; then it is reclaimed")
def claiming(world):
    relay = world.relayd()
    with Client(relay, side="left") as first, Client(relay, side="left") as again, Client(relay, side="left") as late:
        mailbox = first.claim("4")
        true(re.fullmatch("[a-z2-7]{13}", mailbox), "a mailbox's id: " + mailbox)
        equal(again.claim("4"), mailbox, "claimed again")
        contains(again.refused("claim", nameplate="5"), "only one claim", "a second claim on a connection")
        with Client(relay, side="right") as right:
            equal(right.claim("4"), mailbox, "the other side's mailbox")
            first.release()
            equal(late.refused("claim", nameplate="4"), "reclaimed", "a claim after the release")
            equal(right.list(), ["4"], "held by the other side still")
            right.release(nameplate="4")
            equal(right.list(), [], "after both have released")
    with Client(relay) as other:
        true(other.claim("4") != mailbox, "a new claim of the number finds a new mailbox")


@test("release works on a fresh connection, by the nameplate's name, and again")
def releasing(world):
    relay = world.relayd()
    with Client(relay, side="left") as first:
        first.claim("4")
    for _ in range(2):
        with Client(relay, side="left") as fresh:
            contains(fresh.refused("release"), "must follow claim", "without a name")
            fresh.release(nameplate="4")
            contains(fresh.refused("release", nameplate="4"), "only one release", "twice on a connection")
            equal(fresh.list(), [], "nameplates")


@test("stored messages come before the pong of a later ping, ours included, oldest first, with all they had")
def replay(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    said = []
    for number in range(40):
        who = (left, right)[number % 3 == 0]
        body = "%04x" % number
        who.say("add", phase="p%d" % number, body=body, id="i%d" % number)
        said.append((who.side, "p%d" % number, body))
        who.hear(), (right if who is left else left).hear()
    with Client(relay, side=left.side) as back:
        heard = back.open(mailbox)
        equal(phases(heard), said, "the replay")
        equal([message["id"] for message in heard], ["i%d" % number for number in range(40)], "their ids")
        times = [message["server_rx"] for message in heard]
        equal(times, sorted(times), "server_rx, in order")


@test("nothing is heard twice, and nothing missed, by who opens while the other one talks")
def replay_meets_live(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    for number in range(300):
        left.say("add", phase=str(number), body="00")
        if number % 50 == 25:
            with Client(relay, side=right.side) as late:
                late.say("open", mailbox=mailbox)
                while number < 299:
                    number += 1
                    left.say("add", phase=str(number), body="00")
                heard = [late.expect("message")["phase"] for _ in range(300)]
                equal(heard, [str(phase) for phase in range(300)], "what the late one heard")
                equal(late.fence(), [], "more of it")
            break
    for client in (left, right):
        equal([client.expect("message")["phase"] for _ in range(300)], [str(phase) for phase in range(300)], "phases")


@test("an echo goes to the sender and to every other connection of both sides")
def echo(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    others = [Client(relay, side=side) for side in (left.side, left.side, right.side)]
    for other in others:
        equal(other.open(mailbox), [], "the replay")
    left.add("pake", "c0ffee", id="mine")
    for client in [right] + others:
        message = client.expect("message")
        equal((message["side"], message["phase"], message["body"], message["id"]), (left.side, "pake", "c0ffee", "mine"),
              "what the others hear")
    for client in [left, right] + others:
        equal(client.fence(), [], "anything else")


@test("when every side has closed, the mailbox and its messages are gone; moods are any")
def closing(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    left.add("pake", "aa")
    left.close(mood="happy")
    contains(left.refused("add", phase="x", body="00"), "open", "an add after close")
    equal(phases(Client(relay, side=right.side).open(mailbox)), [(left.side, "pake", "aa")], "still there for the other")
    right.expect("message")
    right.close(mood="never heard of")
    relay.until_metric("mailboxes", 0)
    relay.until_metric("messages", 0)
    with Client(relay) as stranger:
        equal(stranger.open(mailbox), [], "what a new one finds under its name")


@test("close works without open, on a fresh connection, and again; and needs no mailbox that exists")
def closing_anew(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    left.close_socket()
    for _ in range(3):
        with Client(relay, side=left.side) as fresh:
            contains(fresh.refused("close"), "must follow open", "without a name")
            fresh.close(mailbox=mailbox, mood="lonely")
            contains(fresh.refused("close", mailbox=mailbox), "only one close", "twice on a connection")
    right.add("0")
    right.close()
    with Client(relay) as client:
        client.close(mailbox="never-existed")
    equal(relay.mailboxes(), [], "mailboxes")


@test("what is out of order is refused with a word, and the connection lives")
def order(world):
    relay = world.relayd()
    with Client(relay, bind=False) as client:
        for kind, message in (("list", {}), ("allocate", {}), ("claim", {"nameplate": "1"}), ("open", {"mailbox": "m"}),
                              ("add", {"phase": "p", "body": ""}), ("close", {"mailbox": "m"}), ("release", {})):
            contains(client.refused(kind, **message), "bind", kind + " before bind")
        client.bind()
        contains(client.refused("bind", appid="x", side="y"), "already bound", "a second bind")
        contains(client.refused("add", phase="p", body="00"), "open", "add before open")
        client.claim("4")
        contains(client.refused("release", nameplate="5"), "same nameplate", "release of another one")
        client.open("m")
        contains(client.refused("open", mailbox="n"), "only one open", "a second open")
        contains(client.refused("close", mailbox="n"), "same mailbox", "close of another one")
        equal(client.fence(), [], "anything else")


@test("ping is answered before bind and in order; its number comes back as it was")
def pings(world):
    relay = world.relayd()
    with Client(relay, bind=False) as client:
        numbers = [0, 1, -5, 2**31, 2**53, 1.5]
        for number in numbers:
            client.say("ping", ping=number)
        equal([client.expect("pong")["pong"] for _ in numbers], numbers, "pongs")


@test("answers come in the order of the questions, however many are asked at once")
def pipelined(world):
    relay = world.relayd()
    with Client(relay) as client:
        for kind, message in (("allocate", {}), ("list", {}), ("claim", {"nameplate": "77"}), ("open", {"mailbox": "m"}),
                              ("add", {"phase": "a", "body": "01"}), ("add", {"phase": "b", "body": "02"}),
                              ("ping", {"ping": 1}), ("release", {}), ("close", {"mood": "happy"}), ("ping", {"ping": 2})):
            client.say(kind, **message)
        kinds = [client.hear()["type"] for _ in range(9)]
        # The echoes are no answers: they may be overtaken by the pong, which proves only what was stored before `open`.
        equal([kind for kind in kinds if kind != "message"],
              ["allocated", "nameplates", "claimed", "pong", "released", "closed", "pong"], "answers")
        equal(kinds.count("message"), 2, "echoes")
        true(kinds.index("closed") > max(at for at, kind in enumerate(kinds) if kind == "message"), "echoes before closed")


@test("binary frames and fragments are understood; answers are TEXT")
def frames(world):
    relay = world.relayd()
    with Client(relay) as client:
        socket = client.websocket.socket
        socket.sendall(websocket.encode(websocket.BINARY, b'{"type": "ping", "ping": 1}'))
        equal(client.expect("pong")["pong"], 1, "the answer to a binary frame")
        parts = [b'{"type": ', b'"ping"', b', "ping": 2}']
        kinds = [websocket.TEXT, websocket.CONTINUATION, websocket.CONTINUATION]
        for number, (kind, part) in enumerate(zip(kinds, parts)):
            frame = bytearray(websocket.encode(kind, part))
            frame[0] = kind | (websocket.FINAL if number == 2 else 0)
            socket.sendall(bytes(frame))
            socket.sendall(websocket.encode(websocket.PING, b"between"))
        equal(client.expect("pong")["pong"], 2, "the answer to fragments, with pings between them")
        socket.sendall(websocket.encode(websocket.TEXT, b'{"type": "ping", "ping": 3}'))
        equal(first_data_frame(client.websocket)[0], websocket.TEXT, "opcode of what the relay says")


def first_data_frame(connection):
    while True:
        frame = websocket.decode(connection.buffer)
        if frame is None:
            connection.fill(time.monotonic() + 100)
            continue
        del connection.buffer[:frame[3]]
        if frame[0] in (websocket.TEXT, websocket.BINARY):
            return frame


def stamp(bits, resource):
    """A hashcash stamp that shows so many zero bits."""
    number = 0
    while True:
        text = "1:%d:261123:%s::c2FsdA==:%x" % (bits, resource, number)
        if int.from_bytes(hashlib.sha1(text.encode()).digest(), "big") >> (160 - bits) == 0:
            return text
        number += 1


@test("with --require-hashcash nobody binds before he has paid; both spellings are understood")
def hashcash(world):
    relay = world.relayd("--require-hashcash", str(BITS))
    resources = set()
    for spelling in ("submit-permissions", "submit-permission"):
        with Client(relay, bind=False) as client:
            wanted = client.welcome["permission-required"]["hashcash"]
            equal(wanted["bits"], BITS, "bits")
            resources.add(wanted["resource"])
            client.say("ping", ping=1)
            client.expect("pong")
            contains(client.refused("bind", appid=APPID, side="s"), "permission", "bind before the stamp")
            good = stamp(BITS, wanted["resource"])
            bad = stamp(BITS, wanted["resource"] + "-of-another")
            client.refused(spelling, method="hashcash", stamp=bad)
        with Client(relay, bind=False) as client:
            client.refused(spelling, method="hashcash", stamp=good)
        with Client(relay, bind=False) as client:
            resource = client.welcome["permission-required"]["hashcash"]["resource"]
            client.say(spelling, method="hashcash", stamp=stamp(BITS, resource))
            client.bind()
            equal(client.list(), [], "what the one who paid is told")
    equal(len(resources), 2, "a resource for each connection")


if __name__ == "__main__":
    main(25)

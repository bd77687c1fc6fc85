#!/usr/bin/python3
"""What doc/coverage.md promises of introductions: codes that people agree on, applications that never meet by accident,
verifiers compared before anything is said, receipts, derived keys, and an inbox of one's own size.
"""

import os

from harness import equal, main, test, true
from harness.clock import Clock
from harness.middle import CLIENT, SlowLine
from harness.scripted import APPID
from harness.stock import LibraryPeer

CODE = "913-166532"


def established(daemon, session):
    return daemon.until_state(session, "established")


# ---- slow lines ----

SIZE = 1 << 20  # of a message; on the wire it is twice as long
SLICE = 150_000  # bytes a minute


def crawl(line, clock, daemon, most, done):
    """The line carries a slice a minute until the daemon's session is done; how many bytes in all, less than `most`."""
    carried = 0
    while not done(view := daemon.show("right")):
        equal(view["last_error"], None, "visits given up after %d bytes" % carried)
        true(carried < most, "the message goes over the line once, and its echo comes back once")
        now = line.carry(SLICE, until=lambda: done(daemon.show("right")))
        if now >= SLICE:
            clock.wait(50)
        carried += now
    return carried


@test("a line slower than a message a minute carries it, in both directions, in one visit")
def slow_line(world):
    crawl_both_ways(world, True, 5 * SIZE)


@test("a line slower than a message a minute carries it in a session that lasts; at a move what was in the old mailbox comes again")
def slow_line_lasting(world):
    crawl_both_ways(world, False, 9 * SIZE)


def crawl_both_ways(world, once, most):
    relay = world.relay()
    clock, line = Clock(world), SlowLine(relay)
    world.finally_call(line.close)
    right = world.daemon("right", relay)
    left = world.daemon("left", line, start=False)
    left.extra = clock.environment()
    left.start()
    left.call("accept", code=right.invite(name="left", once=once)["code"], name="right")
    line.carry(1 << 20, until=lambda: left.show("right")["state"] == "established")
    for sender, receiver, said in ((left, right, "stored"), (right, left, "received")):
        text = os.urandom(SIZE)
        sender.call("send", session=receiver.name, data=text)
        carried = crawl(line, clock, left, most, lambda view: view[said] == 1)
        true(carried > 2 * SIZE, "all of it was carried: %d bytes" % carried)
        true(receiver.take(sender.name, 1) == [text], "what came")


# ---- codes and applications ----


@test("a code that people agreed on: both sides set it, whoever is first")
def agreed(world):
    _, left, right = world.pair()
    for number, (first, second) in enumerate(((left, right), (right, left))):
        code = "%d-%s" % (913 + number, CODE)
        one = first.call("invite", code=code)["id"]
        first.until(one, lambda view: view["nameplate"] == "claimed", what="it waits behind its nameplate")
        first.call("send", session=one, data=b"from the first")
        other = second.call("invite", code=code)["id"]
        second.call("send", session=other, data=b"from the second")
        equal(second.take(other, 1), [b"from the first"], "what the second one got")
        equal(first.take(one, 1), [b"from the second"], "what the first one got")


def meet_library(world, first):
    """The same with the stock library."""
    relay = world.relay()
    daemon = world.daemon("a", relay)
    peer = LibraryPeer(world, relay, APPID, CODE) if first == "library" else None
    if peer:
        equal(peer.first("code"), CODE, "its code")
    session = daemon.call("invite", code=CODE, appid=APPID)["id"]
    if not peer:
        daemon.until(session, lambda view: view["nameplate"] == "claimed", what="it waits behind its nameplate")
        peer = LibraryPeer(world, relay, APPID, CODE)
    peer.send(b"theirs")
    daemon.call("send", session=session, data=b"ours")
    equal(daemon.take(session, 1), [b"theirs"], "what we got")
    equal(peer.messages(1), [b"ours"], "what it got")


@test("a code that people agreed on, with the stock library, which is first")
def agreed_library_first(world):
    meet_library(world, "library")


@test("a code that people agreed on, with the stock library, which comes later")
def agreed_library_later(world):
    meet_library(world, "daemon")


@test("two applications with the same code never meet, and each meets its own")
def applications(world):
    relay, left, right = world.pair()
    for daemon in (left, right):
        for app in ("one", "two"):
            if (daemon, app) != (left, "two"):
                daemon.call("invite", code=CODE, appid="example.org/" + app, name=app)
    stranger = LibraryPeer(world, relay, "example.org/three", CODE)
    right.call("send", session="two", data=b"nobody may see this")
    left.call("send", session="one", data=b"one")
    equal(right.take("one", 1), [b"one"], "what came within the application")
    right.until("two", lambda view: view["nameplate"] == "claimed", what="it waits behind its nameplate")
    equal(right.show("two")["state"], "waiting", "state of who is alone in his application")
    left.call("invite", code=CODE, appid="example.org/two", name="two")
    equal(left.take("two", 1), [b"nobody may see this"], "what came once somebody of the application was there")
    stranger.first("code")
    equal(stranger.all("verifier") + stranger.all("message"), [], "what the stock library's application met")


# ---- verifiers ----


class Verified:
    """Our daemon, whose user wants to compare; behind a man in the middle, who sees what it says. The stock library."""

    def __init__(self, world):
        self.relay = world.relay()
        self.middle = world.middle(self.relay)
        self.daemon = world.daemon("a", self.middle)
        view = self.daemon.invite(appid=APPID, verify=True)
        self.session = view["id"]
        self.daemon.call("send", session=self.session, data=b"ours")
        self.peer = LibraryPeer(world, self.relay, APPID, view["code"])
        self.peer.send(b"theirs")
        self.peer.first("versions")
        view = established(self.daemon, self.session)
        equal(view["verifier"], self.peer.first("verifier"), "verifier")
        self.daemon.until(self.session, lambda view: view["received"] == 1, what="the peer's message is held back")

    def said(self, kind):
        return [message for who, message in self.middle.seen if who == CLIENT and message["type"] == kind]


@test("verify holds messages back in both directions, over kill -9, and lets them go")
def verify(world):
    scene = Verified(world)
    equal([message["phase"] for message in scene.said("add")], ["pake", "version"], "what has left")
    scene.daemon.restart_killed()
    view = scene.daemon.show(scene.session)
    equal((view["verification"], view["sent"], view["stored"]), ("pending", 1, 0), "verification and messages after kill -9")
    scene.daemon.call("poll", session=scene.session)
    scene.daemon.call("verify", session=scene.session, ok=True)
    equal(scene.daemon.take(scene.session, 1), [b"theirs"], "what we got")
    equal(scene.peer.messages(1), [b"ours"], "what it got")
    scene.daemon.call("close", session=scene.session)
    equal(scene.peer.close(), "happy", "its mood")


@test("verify --no gives nothing out, sends nothing, and ends in mood errory")
def verify_no(world):
    scene = Verified(world)
    view = scene.daemon.call("verify", session=scene.session, ok=False)
    equal((view["result"], view["unread"]), ("errory", 0), "result, and what is unread")
    scene.daemon.until_state(scene.session, "closed")
    equal([message["mood"] for message in scene.said("close")], ["errory"], "the mood that the relay is told")
    equal([message["phase"] for message in scene.said("add")], ["pake", "version"], "what has left")
    equal(scene.daemon.call("recv", session=scene.session)["data"], None, "what is given out")
    scene.peer.close()
    equal(scene.peer.all("message"), [], "what the peer got")


@test("a verification that only one side wanted holds that side's messages, and the other's from it")
def verify_one(world):
    _, left, right = world.pair()
    code = left.invite(name="r", verify=True)["code"]
    right.call("accept", code=code, name="l")
    right.call("send", session="l", data=b"a")
    left.call("send", session="r", data=b"b")
    left.until("r", lambda view: view["received"] == 1, what="a message is held back")
    equal(right.show("l")["received"], 0, "messages at the other side")
    left.call("verify", session="r", ok=True)
    equal((left.take("r", 1), right.take("l", 1)), ([b"a"], [b"b"]), "what came then")


# ---- receipts ----


@test("receipts: delivered, then read, over kill -9 of either side")
def receipts(world):
    _, left, right = world.pair()
    code = left.invite(name="r")["code"]
    right.call("accept", code=code, name="l")
    for number in range(3):
        left.call("send", session="r", data=b"%d" % number)
    view = left.until("r", lambda view: view["delivered"] == 3, what="three are delivered")
    equal(view["read"], 0, "messages read before anybody read")
    right.restart_killed()
    equal(right.take("l", 1), [b"0"], "the first one")
    view = left.until("r", lambda view: view["read"] == 1, what="one is read")
    left.restart_killed()
    view = left.show("r")
    equal((view["delivered"], view["read"]), (3, 1), "delivered and read after kill -9")
    left.kill9()
    equal(right.take("l", 2), [b"1", b"2"], "the others, while their sender is away")
    right.restart_killed()
    left.start()
    left.until("r", lambda view: view["read"] == 3, what="all are read")
    equal(right.show("l")["delivered"], 0, "delivered of nothing sent")


@test("a stock peer is never sent a receipt, and none of its messages is taken for one")
def no_receipts(world):
    relay = world.relay()
    middle = world.middle(relay)
    daemon = world.daemon("a", middle)
    view = daemon.invite(appid=APPID)
    peer = LibraryPeer(world, relay, APPID, view["code"])
    for number in range(3):
        peer.send(b"%d" % number)
    equal(daemon.take(view["id"], 3), [b"0", b"1", b"2"], "what we got")
    daemon.call("send", session=view["id"], data=b"ours")
    equal(peer.messages(1), [b"ours"], "what it got")
    daemon.call("close", session=view["id"])
    ended = daemon.until_state(view["id"], "closed")
    equal((ended["delivered"], ended["read"]), (None, None), "delivered and read")
    added = [message["phase"] for who, message in middle.seen if who == CLIENT and message["type"] == "add"]
    equal(added, ["pake", "version", "0"], "phases that we added")
    equal(peer.close(), "happy", "its mood")


# ---- keys ----


@test("derived keys are the same at both daemons, and at the stock library")
def derived_keys(world):
    relay, left, right = world.pair()
    code = left.invite(name="r")["code"]
    right.call("accept", code=code, name="l")
    view = left.invite(name="s", appid=APPID)
    peer = LibraryPeer(world, relay, APPID, view["code"])
    for daemon, session in ((left, "r"), (right, "l"), (left, "s")):
        established(daemon, session)
    peer.first("versions")
    for purpose in ("example.org/key", "schlüssel"):
        keys = [daemon.call("derive_key", session=session, purpose=purpose)["key"]
                for daemon, session in ((left, "r"), (right, "l"), (left, "s"))]
        equal(keys[0], keys[1], "keys of two daemons")
        equal(keys[2], peer.derive_key(purpose), "key of the stock library")
        true(keys[0] != keys[2], "another session, another key")


# ---- limits ----


def drain(daemon, session, messages, most):
    """All of them come, in order, though never more than `most` are unread."""
    for number, message in enumerate(messages):
        equal(daemon.take(session, 1), [message], "message %d" % number)
        true(daemon.show(session)["unread"] <= most, "no more are unread than may be")
    equal(daemon.until(session, lambda view: not view["paused"], what="the peer is heard again")["unread"], 0, "unread in the end")


@test("a peer that floods is paused, and nothing is lost: so many messages")
def paused_by_number(world):
    _, left, right = world.pair()
    code = left.invite(name="r")["code"]
    right.call("accept", code=code, name="l", inbox_messages=5)
    messages = [b"%d" % number for number in range(40)]
    for message in messages:
        left.call("send", session="r", data=message)
    view = right.until("l", lambda view: view["paused"], what="the peer is paused")
    equal(view["unread"], 5, "unread of a full inbox")
    right.restart_killed()
    equal(right.show("l")["paused"], True, "paused after kill -9")
    drain(right, "l", messages, 5)


@test("a peer that floods is paused, and nothing is lost: so many bytes, from the stock library")
def paused_by_bytes(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    view = daemon.invite(appid=APPID, inbox_bytes=1000)
    peer = LibraryPeer(world, relay, APPID, view["code"])
    messages = [bytes([number]) * (5000 if number == 7 else 300) for number in range(20)]
    for message in messages:
        peer.send(message)
    equal(daemon.until(view["id"], lambda view: view["paused"], what="the peer is paused")["unread"], 3, "unread of a full inbox")
    drain(daemon, view["id"], messages, 3)
    equal(peer.close(), "happy", "its mood")


if __name__ == "__main__":
    main(240)

#!/usr/bin/python3
"""kill -9 of a daemon at every point that matters, and a start. Whatever the point, everything completes: each side
receives each message once and in order, and a peer as strict as Go's never sees a phase twice or out of place.

A man in the middle catches the message at which the daemon is killed: that message never arrives.
"""

import random

from harness import contains, equal, main, test
from harness.middle import CLIENT, RELAY
from harness.scripted import APPID, ScriptedPeer
from harness.stock import TEXT_APPID, receive_text

OURS = [b"ours 0", b"ours 1 \x00\xff", b"ours 2"]
THEIRS = [b"theirs 0", b"theirs 1 \x00\xff", b"theirs 2"]

INVITING = [
    ("before a nameplate is asked for", CLIENT, {"type": "allocate"}),
    ("while the nameplate is on its way", RELAY, {"type": "allocated"}),
]
TALKING = [
    ("before the nameplate is claimed", CLIENT, {"type": "claim"}),
    ("while the mailbox's id is on its way", RELAY, {"type": "claimed"}),
    ("before our pake leaves", CLIENT, {"type": "add", "phase": "pake"}),
    ("after our pake is stored", RELAY, {"type": "message", "phase": "pake", "ours": True}),
    ("before the peer's pake arrives", RELAY, {"type": "message", "phase": "pake", "ours": False}),
    ("after the peer's pake, before our version leaves", CLIENT, {"type": "add", "phase": "version"}),
    ("after our version is stored", RELAY, {"type": "message", "phase": "version", "ours": True}),
    ("before the peer's version arrives", RELAY, {"type": "message", "phase": "version", "ours": False}),
    ("before the nameplate is released", CLIENT, {"type": "release"}),
    ("after the nameplate was released", RELAY, {"type": "released"}),
    ("before our first message leaves", CLIENT, {"type": "add", "phase": "0"}),
    ("after our first message is stored", RELAY, {"type": "message", "phase": "0", "ours": True}),
    ("before our last message leaves", CLIENT, {"type": "add", "phase": "2"}),
    ("before the peer's first message arrives", RELAY, {"type": "message", "phase": "0", "ours": False}),
    ("before the peer's last message arrives", RELAY, {"type": "message", "phase": "2", "ours": False}),
]
CLOSING = [
    ("before the mailbox is closed", CLIENT, {"type": "close"}),
    ("after the mailbox was closed", RELAY, {"type": "closed"}),
]


class Scene:
    """A daemon behind a man in the middle, and one trap."""

    def __init__(self, world, who, keys):
        self.relay = world.relay()
        self.middle = world.middle(self.relay)
        self.daemon = world.daemon("a", self.middle)
        self.trap = self.middle.trap(who, **keys)
        self.session = None

    def kill(self):
        """kill -9 at the trap, and a new start."""
        self.trap.wait()
        self.daemon.kill9()
        self.middle.cut()
        self.daemon.start()

    def queue(self):
        for message in OURS:
            self.daemon.call("send", session=self.session, data=message)

    def meet(self, code):
        """The strict peer comes, and says all that it has to say."""
        peer = ScriptedPeer(self.relay, code)
        for message in THEIRS:
            peer.send(message)
        return peer

    def exchange(self, peer):
        equal(peer.wait_messages(3), OURS, "what the peer received")
        equal(self.daemon.take(self.session, 3), THEIRS, "what we received")

    def finish(self, peer):
        peer.leave()
        ended = self.daemon.until_state(self.session, "closed")
        equal(ended["result"], "happy", "result")
        equal(peer.violations, [], "violations that the strict peer saw")
        view = self.daemon.show(self.session)
        equal((view["sent"], view["received"]), (3, 3), "messages sent and received")


def killed_inviting(world, who, keys):
    """A nameplate whose number never arrived stays behind at a stock relay until it expires: nobody knows it."""
    scene = Scene(world, who, keys)
    scene.session = scene.daemon.call("invite", appid=APPID)["id"]
    scene.kill()
    code = scene.daemon.until(scene.session, lambda view: view["code"], what="there is a code")["code"]
    scene.queue()
    peer = scene.meet(code)
    scene.exchange(peer)
    scene.daemon.call("close", session=scene.session)
    scene.finish(peer)
    if not scene.relay.stock:
        equal(scene.relay.mailboxes(), [], "mailboxes left at the relay")


def killed_talking(world, who, keys):
    """The code is one that people agreed on: so the claim is a point as well."""
    scene = Scene(world, who, keys)
    scene.session = scene.daemon.call("invite", appid=APPID, code="77-agreed-before")["id"]
    scene.queue()
    peer = scene.meet("77-agreed-before")
    scene.kill()
    scene.exchange(peer)
    scene.daemon.call("close", session=scene.session)
    scene.finish(peer)
    equal(scene.relay.mailboxes(), [], "mailboxes left at the relay")


def killed_closing(world, who, keys):
    scene = Scene(world, who, keys)
    view = scene.daemon.invite(appid=APPID)
    scene.session = view["id"]
    scene.queue()
    peer = scene.meet(view["code"])
    scene.exchange(peer)
    scene.daemon.call("close", session=scene.session)
    scene.kill()
    scene.finish(peer)
    equal(scene.relay.mailboxes(), [], "mailboxes left at the relay")


def register(points, story):
    for description, who, keys in points:
        @test("killed " + description)
        def body(world, who=who, keys=keys):
            story(world, who, dict(keys))


register(INVITING, killed_inviting)
register(TALKING, killed_talking)
register(CLOSING, killed_closing)


@test("killed when the code was printed")
def code_printed(world):
    relay, left, right = world.pair()
    code = left.ctl("invite", "--name", "right").out.strip()
    left.kill9()
    right.ctl("accept", "--name", "left", code)
    left.start()
    right.ctl("send", "left", "hello")
    equal(left.ctl("recv", "right", "--wait=10m").bytes, b"hello", "what arrives")


@test("killed when send had returned, with the peer there")
def send_returned(world):
    _, left, right = world.pair()
    view = left.invite(name="right")
    right.call("accept", code=view["code"], name="left")
    left.until_state("right", "established")
    for message in OURS:
        left.ctl("send", "right", data=message)
        left.kill9()
        left.start()
    equal(right.take("left", 3), OURS, "what arrives")
    equal(right.show("left")["received"], 3, "messages received")


@test("killed when send had returned, with the peer not there yet")
def send_returned_early(world):
    _, left, right = world.pair()
    view = left.invite(name="right")
    for message in OURS:
        left.ctl("send", "right", data=message)
    left.restart_killed()
    right.call("accept", code=view["code"], name="left")
    equal(right.take("left", 3), OURS, "what arrives")


@test("killed between a message's arrival and its acknowledgement by the client")
def unacknowledged(world):
    _, left, right = world.pair()
    view = left.invite(name="right")
    right.call("accept", code=view["code"], name="left")
    for message in OURS:
        left.call("send", session="right", data=message)
    right.until("left", lambda view: view["unread"] == 3)
    for number, message in enumerate(OURS):
        for _ in range(2):
            equal(right.call("recv", session="left")["data"], message, "the message before its acknowledgement")
            right.restart_killed()
        right.call("ack", session="left", number=number)
        right.restart_killed()
    view = right.show("left")
    equal((view["received"], view["unread"]), (3, 0), "received and unread")
    left.until("right", lambda view: view["stored"] == 3)


@test("wormctl recv that could not write its output acknowledges nothing")
def unwritten(world):
    _, left, right = world.pair()
    view = left.invite(name="right")
    right.call("accept", code=view["code"], name="left")
    left.call("send", session="right", data=b"x" * 100_000)
    right.until("left", lambda view: view["unread"] == 1)
    with open("/dev/full", "wb") as full:
        equal(right.spawn_ctl("recv", "left", stdout=full).wait(), 1, "exit status with a full disk")
    equal(right.ctl("recv", "left").bytes, b"x" * 100_000, "the message, still there")


@test("the stock Go client gets its text from a daemon that is killed at its pake, its version and the text")
def go_receives(world):
    relay = world.relay()
    middle = world.middle(relay)
    daemon = world.daemon("a", middle)
    view = daemon.invite(appid=TEXT_APPID)
    daemon.call("send", session=view["id"], data=b'{"offer": {"message": "through all of it"}}')
    traps = [middle.trap(RELAY, type="message", phase="pake", ours=False)]
    receiver = receive_text(world, "go", relay, view["code"])
    following = [(CLIENT, "version"), (CLIENT, "0"), (RELAY, "0")]
    while traps:
        traps.pop().wait()
        daemon.kill9()
        middle.cut()
        if following:
            who, phase = following.pop(0)
            ours = {"ours": True} if who == RELAY else {}
            traps.append(middle.trap(who, type="add" if who == CLIENT else "message", phase=phase, **ours))
        daemon.start()
    equal(receiver.wait(), 0, "exit status of the Go client")
    contains(receiver.out().decode(), "through all of it", "what it prints")
    contains(daemon.take(view["id"], 1)[0].decode(), "message_ack", "its answer")


@test("both killed again and again in the middle of a conversation")
def storm(world):
    dice = random.Random(20260101)
    _, left, right = world.pair()
    view = left.invite(name="peer")
    right.call("accept", code=view["code"], name="peer")
    sent = {left: [], right: []}
    for step in range(24):
        daemon = dice.choice((left, right))
        message = b"%s %d" % (daemon.name.encode(), step)
        daemon.call("send", session="peer", data=message)
        sent[daemon].append(message)
        if dice.random() < 0.4:
            dice.choice((left, right)).restart_killed()
    equal(right.take("peer", len(sent[left]), 40), sent[left], "what the right one received")
    equal(left.take("peer", len(sent[right]), 40), sent[right], "what the left one received")
    for daemon in (left, right):
        daemon.call("close", session="peer")
        daemon.restart_killed()
    for daemon in (left, right):
        equal(daemon.until_state("peer", "closed")["result"], "happy", "result")


if __name__ == "__main__":
    main(150)

#!/usr/bin/python3
"""Lasting sessions with several relays: one of them dies for ever, or they are changed, and nothing is lost."""

import socket

from harness import equal, main, test, true
from harness.waiting import wait_until


def named(world, name, relays):
    """A configuration file that names relays, so that the user knows them, whoever else does."""
    path = world.path(name + ".conf")
    with open(path, "w") as file:
        for relay in relays:
            file.write('[relay "%s"]\n' % getattr(relay, "url", relay))
    return "--config", path


def meet(world, relays, *, known=None, schedule="realtime"):
    """Two daemons with a session at these relays, of which only the first one's invites with all."""
    left = world.daemon("left", relays[0])
    right = world.daemon("right", relays[0], *named(world, "right", relays if known is None else known))
    more = [word for relay in relays for word in ("--relay", getattr(relay, "url", relay))]
    invited = left.ctl("invite", "--schedule", schedule, "--name", "right", *more)
    equal(invited.status, 0, invited.err)
    right.call("accept", code=invited.out.strip(), schedule=schedule, name="left")
    for daemon, other in ((left, "right"), (right, "left")):
        view = daemon.until_state(other, "established")
        true(view["lasting"], "it lasts")
        equal(view["routes"], " ".join(getattr(relay, "url", relay) for relay in relays), "its relays")
    return left, right


def said(left, right, text):
    """It goes from each to the other."""
    for sender, receiver in ((left, right), (right, left)):
        sender.call("send", session=receiver.name, data=text)
        sender.call("poll", session=receiver.name)
    for sender, receiver in ((left, right), (right, left)):
        equal(receiver.take(sender.name, 1, seconds=90), [text], "what %s sent" % sender.name)


def delivered(left, right):
    for sender, receiver in ((left, right), (right, left)):
        sender.until(receiver.name, lambda view: view["delivered"] == view["sent"], 90, "all is delivered")


def dies_first(world, relays):
    left, right = meet(world, relays)
    said(left, right, b"by the first")
    delivered(left, right)
    left.call("send", session="right", data=b"on its way")
    relays[0].kill9()
    equal(right.take("left", 1, seconds=90), [b"on its way"], "what was on its way")
    said(left, right, b"by another")
    delivered(left, right)
    for daemon in (left, right):
        daemon.restart_killed()
    said(left, right, b"after a crash")
    left.call("close", session="right")
    right.until("left", lambda view: view["closed_by_peer"], 90, "it is told of the end")


@test("the first of two relays dies for ever: all comes by the second, and so does the goodbye")
def first_dies(world):
    dies_first(world, [world.relay(), world.relay()])


@test("a relay of ours dies, and a stock one is left")
def ours_dies(world):
    dies_first(world, [world.relayd(), world.relay(), world.relayd()])


def moves(world, dead):
    first, second, third = world.relay(), world.relayd(), world.relayd()
    left, right = meet(world, [first, second], known=[first, second, third])
    said(left, right, b"before")
    if dead:
        first.kill9()
    moved = left.ctl("move", "right", "--relay", third.url, "--relay", second.url)
    equal(moved.status, 0, moved.err)
    for daemon, other in ((left, "right"), (right, "left")):
        view = daemon.until(other, lambda view: view["relay"] == third.url, 90, "it has moved")
        equal(view["routes"], third.url + " " + second.url, "its relays")
    said(left, right, b"while it moves")
    if not dead:
        for daemon, other in ((left, "right"), (right, "left")):
            daemon.until(other, lambda view: view["leaving"] is None, 90, "the old one is closed")
        first.kill9()
    said(left, right, b"afterwards")
    delivered(left, right)


@test("move: the peer goes along, and the old relay is no longer needed")
def move(world):
    moves(world, False)


@test("move with the old relay dead: the other one carries the news")
def move_from_dead(world):
    moves(world, True)


@test("move --all-from: whatever has the old relay gets the new one; what is not lasting is refused")
def move_all(world):
    old, new = world.relayd(), world.relayd()
    left, right = meet(world, [old], known=[new])
    left.call("invite", name="nobody-yet")
    moved = left.ctl("move", "--all-from", old.url, "--relay", new.url, status=1)
    true( "only a lasting session" in moved.err, "not yet: %r" % moved.err)
    for daemon, other in ((left, "right"), (right, "left")):
        daemon.until(other, lambda view: view["routes"] == new.url and view["leaving"] is None, 90, "it has moved")
    old.kill9()
    said(left, right, b"by the new one")


@test("a relay at a loopback address that only the peer names is never connected to, and the session goes on")
def loopback(world):
    relay = world.relayd()
    with socket.create_server(("127.0.0.1", 0)) as trap:
        url = "ws://127.0.0.1:%d/v1" % trap.getsockname()[1]
        named_host = "ws://localhost:%d/v1" % trap.getsockname()[1]
        right = world.daemon("right", relay)
        left = world.daemon("left", relay)
        code = left.invite(name="right", more_relays=url, schedule="realtime")["code"]
        right.call("accept", code=code, name="left", schedule="realtime")
        right.until("left", lambda view: url in view["routes"], 20, "it knows the relay")
        right.until_state("left", "established")
        left.stop()
        right.call("send", session="left", data=b"x")
        right.call("poll", session="left")
        right.until("left", lambda view: view["stored"] == 1, 20, "it is left at the one relay")
        relay.kill9()
        right.call("poll", session="left")
        view = right.until("left", lambda view: view["last_error"] is not None, 90, "no relay can be reached")
        true("public" in view["last_error"] or "connect" in view["last_error"], view["last_error"])
        trap.settimeout(0)
        try:
            trap.accept()
        except BlockingIOError:
            return
        raise AssertionError("it was connected to; %s" % named_host)


main()

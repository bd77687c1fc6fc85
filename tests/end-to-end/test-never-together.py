#!/usr/bin/python3
"""Two daemons of which only one runs at any time complete their introduction, exchange three messages each way, and end:
the relay's mailbox is all that they share.
"""

from contextlib import contextmanager

from harness import equal, main, test

LEFT = [b"left %d" % number for number in range(3)]
RIGHT = [b"right %d" % number for number in range(3)]


@contextmanager
def awake(daemon, end):
    daemon.start()
    yield daemon
    end(daemon)


def has_said_goodbye(view):
    """The relay has all that its peer needs in order to end; a stock relay may forget it, so it stays until the peer has come."""
    return view["state"] == "closed" or view["state"] == "closing" and view["connection"] == "held"


def introduce(world, end, once=False):
    """The whole story, in which a daemon's turn to sleep comes with end(daemon)."""
    statement = [] if once else ["wormholed-receipt-0"]
    relay = world.relay()
    left = world.daemon("left", relay, start=False)
    right = world.daemon("right", relay, start=False)

    with awake(left, end):
        view = left.invite(name="right", once=once)
        for message in LEFT:
            left.call("send", session="right", data=message)
        relay.until_stored("pake")
    with awake(right, end):
        right.call("accept", code=view["code"], name="left")
        for message in RIGHT:
            right.call("send", session="left", data=message)
        relay.until_stored("pake", "pake", "version")
        equal(right.show("left")["state"], "keyed", "state of who has only seen a pake")
    with awake(left, end):
        relay.until_stored("pake", "pake", "version", "version", *statement, "0", "1", "2")
        left.until("right", lambda view: view["state"] == "established" and view["stored"] == 3)
    with awake(right, end):
        equal(right.take("left", 3), LEFT, "what the right one received")
        right.until("left", lambda view: view["stored"] == 3)
        right.call("close", session="left")
        right.until("left", has_said_goodbye)
    with awake(left, end):
        equal(left.take("right", 3), RIGHT, "what the left one received")
        if once:
            left.call("close", session="right")
        view = left.until_state("right", "closed")
        equal((view["result"], view["closed_by_peer"]), ("happy", not once), "result on the left")
    with awake(right, end):
        view = right.until_state("left", "closed")
        equal((view["result"], view["closed_by_peer"]), ("happy", not once and relay.stock), "result on the right")
        equal(view["heals"], 0, "heals")
    equal(relay.mailboxes(), [], "mailboxes left at the relay")


@test("daemons that are never online together, and end politely")
def polite(world):
    introduce(world, lambda daemon: daemon.stop())


@test("daemons that are never online together, and are killed each time")
def killed(world):
    introduce(world, lambda daemon: daemon.kill9())


@test("daemons that are never online together, for one exchange")
def once(world):
    introduce(world, lambda daemon: daemon.stop(), once=True)


if __name__ == "__main__":
    main(60)

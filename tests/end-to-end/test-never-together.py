#!/usr/bin/python3
"""Two daemons of which only one runs at any time complete their introduction and exchange three messages each way:
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


def introduce(world, end):
    """The whole story, in which a daemon's turn to sleep comes with end(daemon)."""
    relay = world.relay()
    left = world.daemon("left", relay, start=False)
    right = world.daemon("right", relay, start=False)

    with awake(left, end):
        view = left.invite(name="right")
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
        relay.until_stored("pake", "pake", "version", "version", "0", "1", "2")
        left.until("right", lambda view: view["state"] == "established" and view["stored"] == 3)
    with awake(right, end):
        equal(right.take("left", 3), LEFT, "what the right one received")
        right.until("left", lambda view: view["stored"] == 3)
        right.call("close", session="left")
        right.until_state("left", "closed")
    with awake(left, end):
        equal(left.take("right", 3), RIGHT, "what the left one received")
        left.call("close", session="right")
        equal(left.until_state("right", "closed")["result"], "happy", "result on the left")
    with awake(right, end):
        equal(right.show("left")["result"], "happy", "result on the right")
        equal(right.show("left")["heals"], 0, "heals")
    equal(relay.mailboxes(), [], "mailboxes left at the relay")


@test("daemons that are never online together, and end politely")
def polite(world):
    introduce(world, lambda daemon: daemon.stop())


@test("daemons that are never online together, and are killed each time")
def killed(world):
    introduce(world, lambda daemon: daemon.kill9())


if __name__ == "__main__":
    main(60)

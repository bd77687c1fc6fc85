#!/usr/bin/python3
"""Copies of a store whose lasting session has moved on since: they are shown nothing that is not so, and the pair is left in
peace.
"""

import os
import shutil

from harness import equal, main, test, true
from harness.meter import Acquaintance, visit

WORN = 20 << 10  # bytes that make an epoch old once they are delivered


def move_on(pair, epochs):
    """The pair says something in each of so many epochs."""
    since = pair.here.call("show", session=pair.ours)["epoch"]
    while (view := pair.look_here())["epoch"] < since + epochs:
        if view["delivered"] == view["sent"]:
            pair.send(os.urandom(WORN))
        read_all(pair)
    for _ in range(2):
        read_all(pair)
        pair.look_here()


def read_all(pair):
    view = pair.look_there()
    if view["unread"]:
        pair.there.call("ack", session=pair.theirs, number=view["received"] - 1)


@test("a copy from before the last epochs gets no false receipt, and takes nothing from the pair, which goes on")
def from_before(world):
    relay = world.relayd()
    with Acquaintance(world, relay) as pair:
        move_on(pair, 1)
        original = pair.daemons[0]
        original.stop()
        copy = world.daemon("copy", relay, start=False)
        shutil.copytree(original.state, copy.state)
        pair.restart_here()
        then = pair.here.call("show", session=pair.ours)
        move_on(pair, 2)
        original.stop()
        copy.start()
        with copy.rpc() as rpc:
            rpc.call("send", session=pair.ours, data=b"of the copy")
            for _ in range(3):
                read_all(pair)
                view = visit(rpc, pair.ours)
            equal((view["sent"], view["delivered"]), (then["sent"] + 1, then["delivered"]), "what the copy is shown")
        copy.stop()
        pair.restart_here()
        pair.send(b"of the original")
        for _ in range(3):
            pair.look_here()
            view = pair.look_there()
        equal(view["unread"], 1, "how many messages came")
        message = pair.there.call("recv", session=pair.theirs)
        equal(message["data"], b"of the original", "what came")
        views = [pair.look_here(), view]
        equal([view["state"] for view in views], ["established"] * 2, "the states")
        true(not any(view["copied"] for view in views), "neither is a copy")


main()

#!/usr/bin/python3
"""On our relay a lasting session's idle visit costs little, whatever waits in its mailboxes, and after any amount of
traffic.
"""

import os

from harness import equal, main, test, true
from harness.meter import Acquaintance

ENOUGH = 2048  # bytes of an idle visit, both directions, everything included
LONG = 64 << 10


def assert_idle_is_cheap(pair, when):
    cost = pair.idle_visit()
    true(cost <= ENOUGH, "an idle visit %s costs %d bytes" % (when, cost))


@test("an idle visit is cheap, whatever waits for the peer, in the newest place and in an old one")
def idle(world):
    with Acquaintance(world, world.relayd()) as pair:
        assert_idle_is_cheap(pair, "at the beginning")
        for _ in range(2):
            for _ in range(16):
                pair.send(os.urandom(LONG))
            pair.here.until(pair.ours, lambda view: view["stored"] == view["sent"])
            pair.look_here()
            assert_idle_is_cheap(pair, "behind a megabyte")
            # The peer takes it, and moves; so does this end, or it is first: then the old place is alive.
            for look in (pair.look_there, pair.look_here):
                look()
                pair.look_here()
                assert_idle_is_cheap(pair, "after that")
        for _ in range(3):
            pair.look_there()
            view = pair.look_here()
        equal((view["delivered"], view["sent"]), (32, 32), "what is delivered")
        true(view["epoch"] > 0, "the session moved")


main()

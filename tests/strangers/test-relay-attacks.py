#!/usr/bin/python3
"""Attacks on wormhole-relayd by those who have only its address, one a test, each bounded: a small one for `make check`,
and one as large as the limits admit for `make attack`. While they last, others go on, and the relay keeps its promises.
"""

import time

from attack import Measure, at_rest, bind, command, scale, strike  # pylint: disable=wrong-import-order
from harness import main, test


def address(number):
    return "127.0.2.%d" % (number + 1)


@test("freeze it: many open a mailbox, send 32 adds at once and hang up")
def freeze(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0")
    rest = at_rest(relay)
    adds = b"".join(command("add", phase=str(number), body="00") for number in range(32))
    with Measure(relay, "they freeze it") as under:
        for number in range(scale(150, 2244)):
            said = bind("s%d" % number) + command("open", mailbox="m%d" % number) + adds
            strike(relay.port, said, address(number % 12)).close()
        time.sleep(scale(0.3, 2))
    under.ping_at_most(100 + 2 * max(rest.pings) * 1000)


if __name__ == "__main__":
    main(60)

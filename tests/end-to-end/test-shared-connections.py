#!/usr/bin/python3
"""Many sessions over one connection: where the relay offers it, and nowhere else."""

import time

from harness import equal, main, test, true, wait_until
from harness.middle import CLIENT
from harness.relay import Relay
from harness.rpc import Rpc

COUNT = 150
SECONDS = 60
LARGE = 16 << 20


def connections(rpc):
    """How many the daemon has to its relay."""
    return rpc.call("status")["relays"][0]["connections"]


def invite_all(rpc, count=COUNT):
    numbers = [rpc.request("invite") for _ in range(count)]
    return [rpc.answer(number, SECONDS)["id"] for number in numbers]


def views(rpc):
    return rpc.call("list", limit=1000)["sessions"]


def held(rpc):
    return rpc.call("status")["held"]


def until_held(rpc, count):
    wait_until(lambda: held(rpc) >= count, SECONDS, "%d sessions are held" % count)


def meet(left, right):
    """Two sessions that have met and are held."""
    one = left.invite()["id"]
    code = left.until(one, lambda view: view["code"])["code"]
    other = right.call("accept", code=code)["id"]
    for daemon, session in ((left, one), (right, other)):
        daemon.until_state(session, "established")
    return one, other


@test("%d sessions are held, and woken again after the relay's restart, over one connection each time" % COUNT)
def one_connection(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    with Rpc(daemon.socket) as rpc:
        sessions = invite_all(rpc)
        until_held(rpc, COUNT)
        equal(connections(rpc), 1, "connections")
        equal(relay.metric("channels"), COUNT, "sessions that share it")
        relay.restart()
        wait_until(lambda: held(rpc) == 0 or relay.metric("listening") < COUNT, SECONDS, "it is noticed")
        wait_until(lambda: relay.metric("listening") == COUNT, SECONDS, "all are back")
        true(relay.metric("connections_total") <= 8, "%d connections were made" % relay.metric("connections_total"))
        true(all(view["failures"] <= 2 for view in views(rpc)), "each session counts few failures")
        for session in sessions:
            rpc.call("close", session=session)
        wait_until(lambda: all(view["state"] == "closed" for view in views(rpc)), SECONDS, "all are closed")
        equal(relay.metric("mailboxes"), 0, "mailboxes left behind")


@test("a stock relay, a relay of ours that offers nothing, and a user who refuses never see a channel")
def never_elsewhere(world):
    for relay, arguments in ((Relay(world), ()), (world.relayd("--max-channels", "0"), ()),
                             (world.relayd(), ("--share-connections", "no"))):
        middle = world.middle(relay)
        left = world.daemon(world.unique("left"), middle, *arguments)
        right = world.daemon(world.unique("right"), relay, *arguments)
        for _ in range(3):
            meet(left, right)
        with Rpc(left.socket) as rpc:
            equal(connections(rpc), 3, "connections of three sessions")
        said = [message for who, message in middle.seen if who == CLIENT]
        true(len(said) > 10 and not any("channel" in message for message in said), "no command names a channel")


@test("a relay that no longer offers it, and one that does again, are taken as they are")
def offers_change(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    with Rpc(daemon.socket) as rpc:
        invite_all(rpc, 4)
        until_held(rpc, 4)
        for arguments, expected in ((["--max-channels", "0"], 4), ([], 1)):
            relay.arguments = arguments
            relay.restart()
            wait_until(lambda: relay.metric("listening") == 4, SECONDS, "all are back")
            true(relay.metric("connections") <= max(expected, 2), "%d connections" % relay.metric("connections"))


@test("16 MiB of one session go over a connection of their own, and the others go on meanwhile")
def large_message(world):
    relay = world.relayd()
    left, right = world.daemon("left", relay), world.daemon("right", relay)
    busy, quiet = meet(left, right), meet(left, right)
    with Rpc(left.socket) as here, Rpc(right.socket) as there:
        before = here.call("show", session=quiet[0])["last_visit"]
        here.call("send", session=busy[0], data=b"x" * LARGE)
        worst, number = 0, 0
        while there.call("show", session=busy[1])["unread"] == 0:
            started = time.monotonic()
            here.call("send", session=quiet[0], data=b"ping")
            number += 1
            there.until(quiet[1], lambda view: view["received"] == number)
            worst = max(worst, time.monotonic() - started)
        print("# %d small messages meanwhile, the slowest took %.0f ms" % (number, worst * 1000))
        true(number > 1, "small messages went by")
        equal(len(there.call("recv", session=busy[1])["data"]), LARGE, "bytes of the large one")
        equal(here.call("show", session=quiet[0])["last_visit"], before, "the quiet session was never sent away")


main(120)

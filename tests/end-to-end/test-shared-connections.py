#!/usr/bin/python3
"""Many sessions over one connection: where the relay offers it, and nowhere else."""

from harness import equal, main, test, true, wait_until
from harness.middle import CLIENT, RELAY
from harness.relay import Relay
from harness.rpc import Rpc

COUNT = 80  # more than a relay queues of a client that does not share
SECONDS = 60
LARGE = 2 << 20  # more than a daemon or a relay leaves unsent on any connection


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
        for _ in range(2):
            meet(left, right)
        with Rpc(left.socket) as rpc:
            equal(connections(rpc), 2, "connections of two sessions")
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


@test("a large message goes over connections of its own, and those of another session go on meanwhile")
def large_message(world):
    relay = world.relayd()
    near, far = world.middle(relay), world.middle(relay)
    left, right = world.daemon("left", near), world.daemon("right", far)
    busy, quiet = meet(left, right), meet(left, right)
    with Rpc(left.socket) as here, Rpc(right.socket) as there:
        def last_visits():
            return [rpc.call("show", session=session)["last_visit"] for rpc, session in ((here, quiet[0]), (there, quiet[1]))]

        def goes_alone(middle, trap, kind):
            """While the connection that carries the large message stands still just before its end."""
            trap.wait(SECONDS)
            carried = [message for _, message in middle.seen if message["type"] == kind and len(message["body"]) > LARGE]
            true(carried and all("channel" not in message for message in carried), "it has no channel")
            here.call("send", session=quiet[0], data=b"ping")
            there.until(quiet[1], lambda view: view["received"] == here.call("show", session=quiet[0])["sent"])
            equal(there.call("show", session=busy[1])["unread"], 0, "large messages that have arrived")

        before = last_visits()
        added = near.trap(CLIENT, type="add", phase="0")
        here.call("send", session=busy[0], data=b"x" * LARGE)
        goes_alone(near, added, "add")
        told = far.trap(RELAY, type="message", phase="0")
        added.let_go()
        goes_alone(far, told, "message")
        told.let_go()
        there.until(busy[1], lambda view: view["unread"] == 1)
        equal(len(there.call("recv", session=busy[1])["data"]), LARGE, "bytes of the large one")
        equal(last_visits(), before, "last visits of the quiet session, which was never sent away")


main(120)

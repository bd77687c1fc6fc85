#!/usr/bin/python3
"""Where the stock relay bites and wormhole-relayd does not. With WORMHOLED_TEST_RELAY=stock in the environment the same
tests show the bites.
"""

import statistics
import time

from harness import contains, equal, main, test, true, wait_until
from harness.client import Client, meet, phases
from harness.websocket import Closed


def knock(relay, nameplate, mailbox):
    """A third side at every door."""
    with Client(relay) as third:
        equal(third.refused("claim", nameplate=nameplate), "crowded", "a third side's claim")
    with Client(relay) as third:
        equal(third.refused("open", mailbox=mailbox), "crowded", "a third side's open")
    with Client(relay) as third:
        third.say("close", mailbox=mailbox, mood="errory")
        third.hear()


@test("a third side is refused, and the rightful two never notice")
def crowded(world):
    relay = world.relayd()
    left, right = Client(relay), Client(relay)
    nameplate = left.allocate()
    mailbox = left.claim(nameplate)
    right.claim(nameplate)
    left.open(mailbox)
    left.add("pake", "01")
    for _ in range(3):
        knock(relay, nameplate, mailbox)
    left.close_socket()
    with Client(relay, side=left.side) as again:
        equal(again.claim(nameplate), mailbox, "claimed again")
        equal(phases(again.open(mailbox)), [(left.side, "pake", "01")], "opened again")
        right.open(mailbox)
        right.add("pake", "02")
        equal(again.expect("message")["body"], "02", "what the other one says")
        knock(relay, nameplate, mailbox)
        for client in (again, right):
            client.release()
            client.close(mood="happy")
    equal(relay.mailboxes(), [], "mailboxes")


@test("a mailbox may be closed before its nameplate is released")
def close_first(world):
    relay = world.relayd()
    left, right = Client(relay), Client(relay)
    nameplate = left.allocate()
    mailbox = left.claim(nameplate)
    right.claim(nameplate)
    for client in (left, right):
        client.open(mailbox)
    left.close(mood="happy")
    right.close(mood="happy")
    for client in (left, right):
        client.release()
    equal(left.list(), [], "nameplates")
    equal(relay.mailboxes(), [], "mailboxes")


@test("an invitation that is withdrawn by close leaves no nameplate that leads nowhere")
def withdrawn(world):
    relay = world.relayd()
    with Client(relay) as left, Client(relay) as other:
        mailbox = left.claim("4")
        left.open(mailbox)
        left.close(mood="lonely")
        equal(other.list(), [], "nameplates")
        true(other.claim("4") != mailbox, "who claims it now gets a mailbox that is his")


@test("the end of one mailbox is not that of another, of the same side or the same name")
def same_side(world):
    relay = world.relayd()
    side = "a-side-for-all"
    one, two = Client(relay, side=side), Client(relay, side=side)
    other = Client(relay, side=side, appid="another")
    for client, mailbox in ((one, "m1"), (two, "m2"), (other, "m1")):
        client.open(mailbox)
        client.add("pake", "aa")
    one.close(mood="happy")
    equal(phases(Client(relay, side=side).open("m2")), [(side, "pake", "aa")], "another mailbox of the side")
    equal(phases(Client(relay, side=side, appid="another").open("m1")), [(side, "pake", "aa")], "its namesake")
    two.add("version", "bb")
    other.add("version", "bb")


@test("an add to a mailbox that has gone is refused, not stored where nobody will look")
def orphans(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    with Client(relay, side=left.side) as elsewhere:
        elsewhere.close(mailbox=mailbox, mood="happy")
    right.close(mood="happy")
    contains(left.refused("add", phase="0", body="00"), "closed", "the late add")
    relay.until_stored()
    equal(relay.mailboxes(), [], "mailboxes")


@test("a connection that was bound long before others came and went hears what is said now")
def stale_view(world):
    relay = world.relayd(expiration=2, check=0.2)
    with Client(relay) as passing:
        passing.claim("4")
    relay.restart(expiration=2, check=0.2)
    early = Client(relay)
    wait_until(lambda: not early.list(), 10, "the mailbox of the one who passed by is forgotten")
    with Client(relay) as late:
        late.open("m")
        early.open("m")
        late.add("pake", "aa")
        equal(early.expect("message", 5)["body"], "aa", "what the early one hears")


@test("who is away for longer than 11 minutes is not forgotten: the retention is 30 days, and told")
def retention(world):
    relay = world.relayd()
    with Client(relay) as client:
        equal(client.welcome["relayd"]["retention"], 30 * 24 * 3600, "seconds")


@test("a mailbox is forgotten when the retention is over, and not while it is visited; its nameplate goes with it")
def expiry(world):
    relay = world.relayd(expiration=2, check=0.2)
    held = Client(relay)
    held_mailbox = held.claim("1")
    held.open(held_mailbox)
    held.add("pake", "aa")
    with Client(relay) as leaving:
        left_mailbox = leaving.claim("2")
        leaving.open(left_mailbox)
        leaving.add("pake", "bb")
    visitor = Client(relay).side
    with Client(relay, side=visitor) as visiting:
        visiting.claim("3")
    end = time.monotonic() + 4
    while time.monotonic() < end:
        with Client(relay, side=visitor) as visiting:
            visiting.claim("3")
    with Client(relay) as looking:
        wait_until(lambda: looking.list() == ["1", "3"], 10, "only what was visited is left")
    with Client(relay, side=held.side) as again:
        equal(phases(again.open(held_mailbox)), [(held.side, "pake", "aa")], "the held one's messages")
    with Client(relay) as other:
        equal(other.open(left_mailbox), [], "the forgotten one's messages")
    held.add("0", "cc")


@test("what was promised survives a restart: nameplates, claims, messages, what was released and closed")
def restart(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    left.add("pake", "aa")
    right.expect("message")
    left.close(mood="happy")
    waiting = Client(relay)
    behind = waiting.claim("42")
    released = Client(relay)
    released.claim("43")
    Client(relay).claim("43")
    released.release()
    for end in (relay.restart, relay.restart_killed):
        end()
        with Client(relay, side=waiting.side) as again:
            equal(again.list(), ["42", "43"], "nameplates")
            equal(again.claim("42"), behind, "the mailbox behind a nameplate that waits")
        with Client(relay, side=released.side) as again:
            equal(again.refused("claim", nameplate="43"), "reclaimed", "what was released")
        with Client(relay, side=right.side) as again:
            equal(phases(again.open(mailbox)), [(left.side, "pake", "aa")], "messages")
    with Client(relay, side=right.side) as again:
        again.close(mailbox=mailbox)
    relay.until_stored()


@test("two messages in a row do not wait for the listener's kernel (TCP_NODELAY)")
def no_delay(world):
    relay = world.relayd()
    left, right, _ = meet(relay)
    times = []
    for number in range(0, 42, 2):
        started = time.perf_counter()
        for phase in (number, number + 1):
            left.add(str(phase))
        equal([right.expect("message")["phase"] for _ in range(2)], [str(number), str(number + 1)], "phases")
        times.append(time.perf_counter() - started)
    true(statistics.median(times) < 0.03, "median of two deliveries: %.1f ms" % (1000 * statistics.median(times)))


@test("a body that is no hex is refused: it would kill who hears it")
def no_hex(world):
    relay = world.relayd()
    left, right, _ = meet(relay)
    for body in ("zz", "abc", "0x11", " 00"):
        contains(left.refused("add", phase="pake", body=body), "hex", "body %r" % body)
    equal(right.fence(), [], "what the other one heard")


@test("a connection is not dropped for an assertion: wrong types are answered")
def wrong_types(world):
    relay = world.relayd()
    with Client(relay) as client:
        try:
            client.refused("claim", nameplate=5)
            client.refused("open", mailbox=5)
            client.fence()
        except Closed:
            raise AssertionError("the relay dropped the connection") from None


if __name__ == "__main__":
    main(25)

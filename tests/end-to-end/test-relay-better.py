#!/usr/bin/python3
"""Where the stock relay bites and wormhole-relayd does not: each promise is tested with ours, which keeps it, and with
the stock relay, with which the same test fails, in the way that is said beside the promise.
"""

import importlib.util
import re
import socket
import time

from harness import Skip, contains, equal, main, test, true, wait_until
from harness.client import Client, meet, phases
from harness.clock import Clock
from harness.middle import RELAY
from harness.relay import Relay
from harness.websocket import Closed

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
DELAYED = 0.04  # seconds that Linux holds an acknowledgement back at least
ROUNDS = 30
FORGETFUL = {"expiration": 15, "check": 0.2}  # options of a relay; a busy machine must be able to visit it more often


def bites(world, function, pattern):
    """The promise is broken, in that way."""
    if not importlib.util.find_spec("wormhole_mailbox_server"):
        raise Skip("the stock relay is not installed")
    try:
        function(world, lambda **options: Relay(world, **options))
    except (AssertionError, ConnectionError, TimeoutError, Closed) as error:
        how = "%s: %s" % (type(error).__name__, error)
        true(re.search(pattern, how), "it bites in another way: " + how)
    else:
        raise AssertionError("the stock relay keeps the promise")


def promise(description, stock):
    """A test with both; it is called with what starts a relay. `stock` is how it fails with the stock relay."""
    def register(function):
        test(description)(lambda world: function(world, world.relayd))
        test("(where the stock relay bites) " + description)(lambda world: bites(world, function, stock))
        return function
    return register


# ---- three is a crowd ----

def knock(relay, nameplate, mailbox):
    """A third side at every door."""
    with Client(relay) as third:
        equal(third.refused("claim", nameplate=nameplate), "crowded", "a third side's claim")
    with Client(relay) as third:
        equal(third.refused("open", mailbox=mailbox), "crowded", "a third side's open")
    with Client(relay) as third:
        third.say("close", mailbox=mailbox, mood="errory")
        third.hear()


@promise("a third side is refused, and the rightful two never notice", stock="'crowded'.*'error' instead of 'claimed'")
def crowded(world, start):
    relay = start()
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


# ---- the end of a mailbox ----

@promise("a mailbox may be closed before its nameplate is released", stock="Closed")
def close_first(world, start):
    relay = start()
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


@promise("an invitation that is withdrawn by close leaves no nameplate that leads nowhere", stock="Closed")
def withdrawn(world, start):
    relay = start()
    with Client(relay) as left, Client(relay) as other:
        mailbox = left.claim("4")
        left.open(mailbox)
        left.close(mood="lonely")
        equal(other.list(), [], "nameplates")
        true(other.claim("4") != mailbox, "who claims it now gets a mailbox that is his")


@promise("the end of one mailbox is not that of another, of the same side or the same name", stock="Closed")
def same_side(world, start):
    relay = start()
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


@promise("an add to a mailbox that has gone is refused, not stored where nobody will look", stock="the late add: .*pong")
def orphans(world, start):
    relay = start()
    left, right, mailbox = meet(relay)
    with Client(relay, side=left.side) as elsewhere:
        elsewhere.close(mailbox=mailbox, mood="happy")
    right.close(mood="happy")
    left.say("add", phase="0", body="00")
    left.say("ping", ping=1)
    answer = left.hear()
    contains(answer.get("error", repr(answer)), "closed", "the late add")
    relay.until_stored()
    equal(relay.mailboxes(), [], "mailboxes")


# ---- answers that get lost ----

def allocated(middle):
    return [message["nameplate"] for who, message in middle.seen if message["type"] == "allocated"]


@promise("who does not hear which nameplate it was given is given it again, and it goes when all is over",
         stock="nameplates given: 2 instead of 1")
def lost_answer(world, start):
    relay = start()
    middle = world.middle(relay)
    daemon = world.daemon("a", middle)
    trap = middle.trap(RELAY, type="allocated")
    session = daemon.call("invite", appid="example.org/lost")["id"]
    trap.wait()
    middle.cut()
    code = daemon.until(session, lambda view: view["code"], seconds=60, what="there is a code")["code"]
    equal(len(allocated(middle)), 2, "answers")
    equal(len(set(allocated(middle))), 1, "nameplates given")
    equal(code.partition("-")[0], allocated(middle)[0], "the code's nameplate")
    daemon.call("close", session=session)
    daemon.until_state(session, "closed")
    equal(relay.mailboxes(), [], "mailboxes")


@promise("it is given again after a restart, and a new one when it was used", stock="nameplate after restart")
def given_again(world, start):
    relay = start()
    with Client(relay) as lost:
        nameplate = lost.allocate()
    for end in (relay.restart, relay.restart_killed):
        end()
        with Client(relay, side=lost.side) as again:
            equal(again.allocate(), nameplate, "nameplate after %s" % end.__name__)
            equal(again.list(), [nameplate], "nameplates")
    with Client(relay) as other:
        other.claim(nameplate)
    with Client(relay, side=lost.side) as again:
        true(again.allocate() != nameplate, "a nameplate that another side has claimed is given again")
        again.release(nameplate=nameplate)


# ---- time ----

def sleep(relay, clock, seconds, end=None):
    """Nobody is there for so long, nor is the relay. When it starts, it looks for what is too old."""
    (end or relay.stop)()
    clock.advance(seconds)
    relay.start()


def nameplates(relay):
    with Client(relay) as looking:
        return looking.list()


@promise("who is away for weeks finds all as it was, and is forgotten after 30 days", stock="after 12 minutes: no '4'")
def away(world, start):
    clock = Clock(world)
    relay = start(clock=clock)
    with Client(relay) as older:
        older.claim("9")
    clock.advance(2 * DAY)
    with Client(relay) as left:
        mailbox = left.claim("4")
        left.open(mailbox)
        left.add("pake", "aa")
    sleep(relay, clock, 12 * MINUTE)
    contains(nameplates(relay), "4", "nameplates after 12 minutes")
    sleep(relay, clock, 29 * DAY)
    wait_until(lambda: nameplates(relay) == ["4"], 20, "what is 31 days old is forgotten, what is 29 days old is not")
    with Client(relay, side=left.side) as again:
        equal(again.claim("4"), mailbox, "the mailbox behind it")
        equal(phases(again.open(mailbox)), [(left.side, "pake", "aa")], "what it holds")


def used(client, nameplate):
    """Its mailbox, which has a message: a nameplate without one lives no longer than at a stock relay."""
    mailbox = client.claim(nameplate)
    client.open(mailbox)
    client.add("pake", "aa")
    return mailbox


@promise("every visit begins the 30 days anew", stock="after 20 days: \\[\\]")
def visited(world, start):
    clock = Clock(world)
    relay = start(clock=clock)
    claiming, opening, _ = clients = [Client(relay) for _ in range(3)]
    mailboxes = [used(client, nameplate) for client, nameplate in zip(clients, "123")]
    for days in (20, 40, 60):
        sleep(relay, clock, 20 * DAY)
        equal(nameplates(relay)[:2], ["1", "2"], "nameplates after %d days" % days)
        with Client(relay, side=claiming.side) as again:
            again.claim("1")
        with Client(relay, side=opening.side) as again:
            again.open(mailboxes[1])
    wait_until(lambda: nameplates(relay) == ["1", "2"], 20, "what nobody visits is forgotten")


@promise("what was promised survives a restart, however long the relay was off and however it ended",
         stock="nameplates: \\[\\] instead of")
def restart(world, start):
    clock = Clock(world)
    relay = start(clock=clock)
    left, right, mailbox = meet(relay)
    left.add("pake", "aa")
    right.expect("message")
    left.close(mood="happy")
    waiting = Client(relay)
    behind = used(waiting, "42")
    released = Client(relay)
    released.claim("43")
    Client(relay).claim("43")
    released.release()
    for end in (relay.stop, relay.kill9):
        sleep(relay, clock, HOUR, end)
        with Client(relay, side=waiting.side) as again:
            equal(again.list(), ["42", "43"], "nameplates")
            equal(again.claim("42"), behind, "the mailbox behind a nameplate that waits")
        with Client(relay, side=released.side) as again:
            equal(again.refused("claim", nameplate="43"), "reclaimed", "what was released")
        with Client(relay, side=right.side) as again:
            equal(phases(again.open(mailbox)), [(left.side, "pake", "aa")], "messages")
    with Client(relay, side=right.side) as again:
        again.close(mailbox=mailbox)
    relay.until_stored("pake")


def forgetful(world, start):
    """A relay, and a client that was bound before it forgot the last mailbox of the client's application."""
    clock = Clock(world)
    relay = start(clock=clock, **FORGETFUL)
    with Client(relay) as passing:
        passing.claim("9")
    relay.restart(**FORGETFUL)
    early = Client(relay)
    early.fence()
    clock.advance(HOUR)
    wait_until(lambda: not early.list(), 20, "the mailbox of the one who passed by is forgotten")
    return relay, early


@promise("a connection that was bound long before others came and went hears what is said now", stock="hears: \\[\\]")
def stale_view(world, start):
    relay, early = forgetful(world, start)
    with Client(relay) as late:
        late.open("m")
        early.open("m")
        late.add("pake", "aa")
        equal(phases(early.fence()), [(late.side, "pake", "aa")], "what the early one hears")


@promise("a mailbox is kept while somebody listens to it or visits it, and then goes with its nameplate",
         stock="kept: \\['3'\\]")
def expiry(world, start):
    relay, held = forgetful(world, start)
    mailbox = held.claim("1")
    held.open(mailbox)
    held.add("pake", "aa")
    with Client(relay) as leaving:
        left_mailbox = leaving.claim("2")
        leaving.open(left_mailbox)
        leaving.add("pake", "bb")
    visitor = Client(relay).side

    def visit():
        with Client(relay, side=visitor) as visiting:
            visiting.claim("3")
            return visiting.list()

    wait_until(lambda: "2" not in visit(), 20, "what was left is forgotten")
    equal(visit(), ["1", "3"], "what is kept")
    with Client(relay, side=held.side) as again:
        equal(phases(again.open(mailbox)), [(held.side, "pake", "aa")], "the held one's messages")
    with Client(relay) as other:
        equal(other.open(left_mailbox), [], "the forgotten one's messages")
    held.add("0", "cc")


@promise("two messages in a row do not wait for the listener's kernel (TCP_NODELAY)", stock="the fastest")
def no_delay(world, start):
    relay = start()
    left, right, _ = meet(relay)
    times = []
    for number in range(ROUNDS):
        # Each time anew, or the kernel finds that this connection does better without delays.
        right.websocket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        started = time.perf_counter()
        for half in "ab":
            left.add("%d%s" % (number, half))
        equal([right.expect("message")["phase"][-1] for _ in range(2)], ["a", "b"], "phases")
        times.append(time.perf_counter() - started)
    true(min(times) < DELAYED * 3 / 4, "the fastest of %d pairs took %.1f ms" % (ROUNDS, 1000 * min(times)))


# ---- what is wrong ----

@promise("a body that is no hex is refused: it would kill who hears it", stock="'message' instead of 'error'")
def no_hex(world, start):
    relay = start()
    left, right, _ = meet(relay)
    for body in ("zz", "abc", "0x11", " 00"):
        contains(left.refused("add", phase="pake", body=body), "hex", "body %r" % body)
    equal(right.fence(), [], "what the other one heard")


@promise("a connection is not dropped for an assertion: wrong types are answered", stock="Closed")
def wrong_types(world, start):
    relay = start()
    with Client(relay) as client:
        client.refused("claim", nameplate=5)
        client.refused("open", mailbox=5)
        client.fence()


if __name__ == "__main__":
    main(180)

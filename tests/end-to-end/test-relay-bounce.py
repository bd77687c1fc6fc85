#!/usr/bin/python3
"""A relay that is away, comes back, or has forgotten everything meanwhile. Sessions go on or heal, `wormctl show` says
what happened, and what the relay has to say reaches the user.
"""

import os
import socket

from harness import contains, equal, main, test, true, wait_until
from harness.scripted import APPID, ScriptedPeer
from harness.stock import LibraryPeer

# It is about how stock relays forget, whatever relay other tests have.
os.environ.pop("WORMHOLED_TEST_RELAY", None)


def established(left, right):
    """A session between the two, called "peer" by both."""
    view = left.invite(name="peer")
    right.call("accept", code=view["code"], name="peer")
    for daemon in (left, right):
        daemon.until_state("peer", "established")


def exchange(left, right, label):
    for sender, receiver in ((left, right), (right, left)):
        message = b"%s from %s" % (label, sender.name.encode())
        sender.call("send", session="peer", data=message)
        equal(receiver.take("peer", 1, 40), [message], "what %s received" % receiver.name)


def visit(*daemons):
    """Now, whatever the back-off says: a test need not be patient."""
    for daemon in daemons:
        daemon.call("poll", session="peer")


def until_settled(daemon):
    """A connection is held only after the relay has stored all that was to be said."""
    daemon.until("peer", lambda view: view["connection"] == "held", what="the connection is held")


def visit_until(daemon, state):
    """Makes visits until that state is reached; a lost mailbox is looked for in two places."""
    for _ in range(8):
        view = daemon.show("peer")
        if view["state"] == state:
            return
        daemon.call("poll", session="peer")
        daemon.until("peer", lambda now: now["state"] == state or now["last_visit"] != view["last_visit"],
                     what="the visit is over")
    daemon.until_state("peer", state)


def until_lost(*daemons):
    for daemon in daemons:
        daemon.until("peer", lambda view: view["relay_down"] or view["failures"] or view["connection"] == "none",
                     what="the loss of the relay is noticed")


@test("a short absence of the relay changes nothing")
def short_bounce(world):
    relay, left, right = world.pair()
    established(left, right)
    exchange(left, right, b"before")
    relay.stop()
    until_lost(left, right)
    left.call("send", session="peer", data=b"while it was away")
    relay.start()
    visit(left, right)
    equal(right.take("peer", 1, 40), [b"while it was away"], "what was sent without a relay")
    exchange(left, right, b"after")
    equal([left.show("peer")["heals"], right.show("peer")["heals"]], [0, 0], "heals")


@test("the daemon comes back to a returned relay by itself")
def by_itself(world):
    relay, left, right = world.pair()
    established(left, right)
    relay.restart()
    exchange(left, right, b"unaided")


@test("an invitation that the relay forgot gets a new mailbox, and the same code works")
def heal_waiting(world):
    relay, left, right = world.pair()
    view = left.invite(name="peer")
    left.call("send", session="peer", data=b"still here")
    until_settled(left)
    before = relay.mailboxes()
    relay.restart_forgetful()
    visit(left)
    healed = left.until("peer", lambda view: view["heals"] > 0, what="it is healed")
    equal(healed["code"], view["code"], "the code")
    true(relay.mailboxes() != before, "the relay has another mailbox")
    right.call("accept", code=view["code"], name="peer")
    equal(right.take("peer", 1), [b"still here"], "what arrives")
    exchange(left, right, b"after")


@test("a conversation that the relay forgot is healed from what both remember")
def heal_established(world):
    relay, left, right = world.pair()
    established(left, right)
    exchange(left, right, b"before")
    right.stop()
    left.call("send", session="peer", data=b"into the mailbox")
    left.until("peer", lambda view: view["stored"] == 2, what="the relay stored it")
    relay.restart_forgetful()
    visit(left)
    left.until("peer", lambda view: view["heals"] > 0, what="it is healed")
    right.start()
    equal(right.take("peer", 1), [b"into the mailbox"], "what the relay had forgotten")
    exchange(left, right, b"after")


@test("a session that was forgotten between the peer's pake and ours is healed")
def heal_keyed(world):
    """The right one has seen the left one's pake, but not the other way round: one looks for the other where they were,
    the other behind the nameplate."""
    relay, left, right = world.pair()
    view = left.invite(name="peer")
    until_settled(left)
    left.stop()
    right.call("accept", code=view["code"], name="peer")
    right.until_state("peer", "keyed")
    until_settled(right)
    right.stop()
    relay.restart_forgetful()
    left.start()
    left.until("peer", lambda view: view["heals"] > 0, what="the inviting one is healed")
    right.start()
    visit_until(right, "established")
    left.until_state("peer", "established")
    exchange(left, right, b"after")


@test("a relay that forgets between all visits of one who polls: who holds a connection meets him all the same")
def forgetful(world):
    relay, left, right = world.pair(expiration=0.1, check=0.05)
    view = left.invite(name="peer", schedule="0:0.5")
    left.until("peer", lambda view: view["heals"] >= 2, what="the relay forgot it twice")
    right.call("accept", code=view["code"], name="peer", schedule="0:0")
    for daemon in (left, right):
        daemon.until("peer", lambda view: view["state"] == "established", 40, "%s is established" % daemon.name)
    exchange(left, right, b"at last")


@test("show says what happened")
def show_says(world):
    relay, left, right = world.pair()
    established(left, right)
    healthy = left.ctl("show", "peer").out
    relay.stop()
    left.until("peer", lambda view: view["last_error"], what="there is a last error")
    true(left.ctl("show", "peer").out != healthy, "show tells of the missing relay")
    wait_until(lambda: left.show("peer")["last_error"] in left.ctl("show", "peer").out, 20, "show tells the reason")
    relay.start(expiration=-3600)
    visit(left)
    view = left.until("peer", lambda view: view["heals"] > 0, what="it is healed")
    equal(view["heals"], 1, "heals")
    contains(left.ctl("show", "peer").out.lower(), "heal", "what show says then")
    equal(left.ctl("--json", "show", "peer").json()["heals"], 1, "heals in JSON")


@test("a held connection keeps a mailbox alive on a relay that forgets all others")
def held(world):
    relay, left, right = world.pair()
    established(left, right)
    before = relay.mailboxes()
    equal(len(before), 1, "mailboxes")
    until_settled(left)
    wait_for_checks(relay)
    equal(relay.mailboxes(), before, "the mailbox")
    exchange(left, right, b"after")


def wait_for_checks(relay):
    """Until the relay has forgotten a mailbox that was made now, and so every other one that nobody listens to."""
    peer = ScriptedPeer(relay, "99-never-used")
    peer.wait(lambda peer: "claimed" in peer.answers, "it has a mailbox")
    peer.die()

    def only_one_is_left():
        relay.forget_idle()
        return len(relay.mailboxes()) == 1
    wait_until(only_one_is_left, 20, "the relay forgot a mailbox")


@test("the relay is not there at first: commands succeed or go on waiting, and all is carried out later")
def away_at_first(world):
    relay = world.relay()
    relay.stop()
    left, right = world.daemon("left", relay), world.daemon("right", relay)
    inviting = left.spawn_ctl("invite", "--name", "peer")
    left.until_sessions(1)
    right.ctl("accept", "--name", "peer", "44-said-before")
    right.ctl("send", "peer", "from the dark")
    right.ctl("accept", "--name", "closed", "45-said-before")
    right.ctl("close", "closed")
    left.until("peer", lambda view: view["relay_down"] and view["last_error"], what="the relay is known to be down")
    contains(left.ctl("status").out.lower(), "down", "status")
    true(inviting.running(), "invite goes on waiting")
    other = left.ctl("invite", "--name", "agreed", "--code", "44-said-before")
    equal(other.out, "44-said-before\n", "a code that was agreed on needs no relay")
    relay.start()
    left.call("poll", session="peer")
    inviting.wait_text(r"(?m)^\d+(-\w+)+$")
    equal(inviting.wait(), 0, "exit status of invite")
    right.call("poll", session="peer")
    left.call("poll", session="agreed")
    equal(left.take("agreed", 1), [b"from the dark"], "what was sent in the dark")
    right.until_state("closed", "closed")


@test("Ctrl-C of a waiting invite leaves the session in the daemon's care")
def interrupted(world):
    relay = world.relay()
    relay.stop()
    daemon = world.daemon("a", relay)
    inviting = daemon.spawn_ctl("invite", "--name", "peer")
    daemon.until_sessions(1)
    daemon.until("peer", lambda view: view["relay_down"], what="the relay is known to be down")
    inviting.kill(2)
    true(inviting.wait() != 0, "an interrupted invite has not done what was asked")
    relay.start()
    daemon.call("poll", session="peer")
    equal(daemon.ctl("wait", "peer", "--for", "code", "--timeout", "10m").status, 0, "waiting for its code")
    true(daemon.show("peer")["code"], "there is a code")


@test("on a terminal, invite says that the relay is out of reach")
def says_so(world):
    relay = world.relay()
    relay.stop()
    daemon = world.daemon("a", relay)
    master, slave = os.openpty()
    inviting = daemon.spawn_ctl("invite", "--name", "peer", stderr=slave)
    os.close(slave)
    with os.fdopen(master, "rb", buffering=0) as terminal:
        said = terminal.read(4096).decode()
        while "relay" not in said:
            said += terminal.read(4096).decode()
        equal(inviting.out(), b"", "standard output, which is for the code alone")
        inviting.kill(2)
        inviting.wait()


@test("the relay's message of the day and its error reach the user")
def welcome(world):
    relay = world.relay(motd="maintenance on Sunday")
    daemon = world.daemon("a", relay)
    daemon.invite(name="peer")
    contains(daemon.ctl("show", "peer").out, "maintenance on Sunday", "show")
    contains(daemon.ctl("status").out, "maintenance on Sunday", "status")
    relay.restart(error="this relay has moved to the moon")
    daemon.call("poll", session="peer")
    daemon.until("peer", lambda view: view["relay_error"], what="the relay's error is known")
    contains(daemon.ctl("show", "peer").out, "this relay has moved to the moon", "show")
    contains(daemon.ctl("--json", "status").out, "this relay has moved to the moon", "status")
    relay.restart()
    daemon.call("poll", session="peer")
    daemon.until("peer", lambda view: not view["relay_error"] and not view["relay_down"], 40,
                 "the relay serves again")


@test("a relay that accepts connections but never speaks does not stop other sessions")
def mute(world):
    relay = world.relay()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        daemon = world.daemon("a", relay)
        daemon.call("invite", name="mute", relay="ws://127.0.0.1:%d/v1" % silent.getsockname()[1])
        true(daemon.invite(name="peer")["code"], "another session has its code")


@test("the stock library recovers together with us from a forgetful relay")
def library(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    view = daemon.invite(name="peer", appid=APPID)
    peer = LibraryPeer(world, relay, APPID, view["code"])
    peer.first("verifier")
    daemon.until_state("peer", "established")
    relay.restart_forgetful()
    daemon.call("send", session="peer", data=b"after the flood")
    visit(daemon)
    equal(peer.messages(1), [b"after the flood"], "what the stock client received")
    peer.send(b"me too")
    equal(daemon.take("peer", 1), [b"me too"], "what we received")


if __name__ == "__main__":
    main(150)

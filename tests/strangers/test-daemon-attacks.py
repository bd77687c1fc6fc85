#!/usr/bin/python3
"""Attacks on a wormholed that waits, by those who know the nameplate of its code and nothing more: a small one for `make
check`, and a full one for `make attack`. What each visit costs has a limit, visits become rarer, and the session says
why.
"""

# pylint: disable=wrong-import-position,wrong-import-order
from attack import scale
from harness import contains, equal, main, test, true, wait_until
from harness.client import Client

APPID = "wormholed/introduction"
MINUTE = 60000
WARNING = "in its mailbox were ignored"


def waiting(world):
    """A relay, a daemon, and a session that waits with its code and is not connected."""
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    view = daemon.invite(name="mine", schedule="0:3600")
    view = daemon.until("mine", lambda view: view["connection"] == "none" and view["last_visit"], what="it has visited")
    return relay, daemon, view


def fill(relay, code, count, phase, body):
    """A stranger's messages, more and more of them at once."""
    with Client(relay, appid=APPID) as stranger:
        mailbox = stranger.claim(code.split("-")[0])
        stranger.open(mailbox)
        for first in range(0, count, 100):
            for number in range(first, min(first + 100, count)):
                stranger.say("add", phase=phase % number, body=body)
            stranger.fence()


def visits(daemon, count):
    """Makes it visit so often, as `poll` does; what each cost of CPU, and the views after them."""
    views, before = [], daemon.process.cpu_seconds()
    for _ in range(count):
        last = daemon.show("mine")["failures"], daemon.show("mine")["last_visit"]
        daemon.call("poll", session="mine")
        views.append(daemon.until("mine", lambda view: view["connection"] == "none" and  # pylint: disable=cell-var-from-loop
                                  (view["failures"], view["last_visit"]) != last, 30, "it has visited again"))
    print("# %.3f s of CPU a visit" % ((daemon.process.cpu_seconds() - before) / count), flush=True)
    return views


def is_rarer(views):
    for view in views:
        equal(view["state"], "waiting", "its state")
        true(view["unexpected"] > 0, "it says that something is wrong")
    ahead = [view["next_visit"] - (view["last_visit"] or 0) for view in views]
    true(ahead[-1] > 3 * MINUTE, "visits become rarer: %r" % ahead)


@test("odd phases: one warning a visit, with a count, and visits become rarer")
def odd(world):
    relay, daemon, view = waiting(world)
    count = scale(300, 9900)
    fill(relay, view["code"], count, "\x07%d", "00")
    views = visits(daemon, 4)
    is_rarer(views)
    if count < 9000:
        equal(views[-1]["unexpected"], count, "all were counted")
    equal(daemon.process.err().count(WARNING), 4, "warnings")
    true(len(daemon.process.err()) < 100000, "the log stays short")
    said = daemon.ctl("show", "mine").out
    contains(said, "leaves messages, but does not exchange keys", "what show says")
    contains(daemon.ctl("list").out, "strange messages", "what list says")


@test("a mailbox full of small messages: no more than 1 MiB of it is looked at")
def full(world):
    relay, daemon, view = waiting(world)
    fill(relay, view["code"], scale(200, 2000), "%d", "ab" * 8000)
    views = visits(daemon, 4)
    is_rarer(views)
    contains(views[-1]["last_error"], "has filled the mailbox", "its last error")
    true(views[-1]["unexpected"] < 100, "it looked at %d messages" % views[-1]["unexpected"])


@test("one large message: it is not fetched")
def large(world):
    relay, daemon, view = waiting(world)
    fill(relay, view["code"], 1, "%d", "ab" * scale(1 << 20, 16 << 20))
    views = visits(daemon, 4)
    is_rarer(views)
    contains(views[-1]["last_error"], "has filled the mailbox", "its last error")


@test("who comes with the code, though late, and has said much, is heard")
def honest(world):
    relay, daemon, view = waiting(world)
    friend = world.daemon("b", relay)
    friend.call("accept", code=view["code"], name="yours")
    friend.call("send", session="yours", data=b"x" * (3 << 20))
    friend.call("send", session="yours", data=b"y" * 100000)
    daemon.call("poll", session="mine")
    friend.until("yours", lambda view: view["state"] == "established")
    wait_until(lambda: friend.show("yours")["stored"] == 2, 20, "it is stored")
    daemon.call("poll", session="mine")
    daemon.until("mine", lambda view: view["unread"] == 2, what="both have come")
    equal(daemon.show("mine")["unexpected"], 0, "nothing was unexpected")


main()

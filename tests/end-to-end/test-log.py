#!/usr/bin/python3
"""wormctl log: the story of a session, as somebody reads it who is asked why something did not arrive. A restart and a kill
-9 keep it, an export carries it along, and nothing in it is secret."""

import re

from harness import contains, equal, lacks, main, test, true, wait_until

LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (.*)$")
MESSAGE = b"the eagle lands at midnight"


def events(daemon, session):
    return [event["event"] for event in daemon.call("log", session=session)["events"]]


def sentences(daemon, session, *options):
    """What wormctl says, without the times."""
    return [LINE.match(line).group(1) for line in daemon.ctl("log", session, *options).out.splitlines()]


def in_order(found, *expected):
    """All of these are found, in this order; others may be between."""
    rest = iter(found)
    for one in expected:
        true(any(one in other for other in rest), "%r comes, in this order, in %r" % (one, found))


def until_told(daemon, session, *expected):
    """Waits until the log has these events. (What brings them may be told before it is stored.)"""
    wait_until(lambda: set(expected) <= set(events(daemon, session)), 20, "%s is told of %r" % (session, expected))


def meet(desk, laptop, code):
    laptop.call("accept", name="desk", code=code)
    for daemon, session in ((laptop, "desk"), (desk, "laptop")):
        daemon.until_state(session, "established")


@test("an introduction across an outage of the relay, a message, its receipt, the end; a kill -9 keeps it all")
def story(world):
    relay, desk, laptop = world.pair()
    desk.ctl("invite", "--name", "laptop")
    code = desk.until("laptop", lambda view: view["code"] and view["nameplate"] == "claimed" and view["last_visit"])["code"]
    relay.kill9()
    desk.until("laptop", lambda view: view["failures"] > 1)
    desk.restart_killed()
    in_order(events(desk, "laptop"), "invited", "code", "claimed", "alone", "trouble")
    relay.start()
    desk.call("poll", session="laptop")
    until_told(desk, "laptop", "back")
    desk.ctl("send", "laptop", data=MESSAGE)
    meet(desk, laptop, code)
    equal(laptop.take("desk", 1), [MESSAGE], "what comes")
    until_told(desk, "laptop", "read")
    told = sentences(desk, "laptop")
    in_order(told, "an invitation was begun", "the code exists, and can be told to the peer; its nameplate: " + code.split("-")[0],
             "the relay opened the mailbox", "visits to the relay failed", "the relay was reached again",
             "somebody used the code", "the peer has proved")
    for sentence in ("message 0 was queued", "the relay holds message 0", "message 0 has come to the peer's daemon",
                     "the peer has read message 0"):
        contains(told, sentence, "what the sender's log tells")
    in_order(sentences(laptop, "desk"), "a code was accepted", "somebody used the code", "the peer has proved",
             "message 0 has come from the peer", "message 0 was read here")
    trouble = next(event for event in desk.call("log", session="laptop")["events"] if event["event"] == "trouble")
    true(trouble["times"] > 1 and trouble["last"] > trouble["first"], "how long it lasted: %r" % trouble)
    contains(trouble["text"], "refused", "why")
    desk.ctl("close", "laptop")
    desk.until_state("laptop", "closed")
    before = desk.ctl("log", "laptop").out
    contains(before, "it ends (happy): closed by the user", "the end")
    desk.restart_killed()
    equal(desk.ctl("log", "laptop").out, before, "the log after a kill -9")
    for secret in code.split("-")[1:] + [MESSAGE.decode()]:
        lacks(before, secret, "the log")
    desk.ctl("forget", "laptop")
    contains(desk.ctl("log", "laptop", status=1).err, "no session", "what is left of it")


@test("a wrong code: both sides are told that and why it ended")
def wrong_code(world):
    _, desk, laptop = world.pair()
    nameplate = desk.invite(name="laptop")["code"].split("-")[0]
    laptop.call("accept", name="desk", code=nameplate + "-entirely-wrong")
    for daemon, session in ((desk, "laptop"), (laptop, "desk")):
        daemon.until_state(session, "closed")
        in_order(sentences(daemon, session), "somebody used the code", "it ends (scary): a message did not decrypt",
                 "nothing more happens to it")
        lacks(daemon.ctl("log", session, "--json").out, "entirely", "the log")


@test("a session that does not try, since others have found the relay down, is told why, too")
def postponed(world):
    desk = world.daemon("desk", "ws://127.0.0.1:9/v1")
    desk.call("invite", name="first")
    desk.until("first", lambda view: view["failures"] > 1)
    desk.call("invite", name="second", code="4-crossover-clockwork")

    def waited():
        """It was not visited more often than it has tried in vain."""
        failures = desk.show("second")["failures"]
        return any(event["event"] == "trouble" and event["times"] > failures
                   for event in desk.call("log", session="second")["events"])

    wait_until(waited, 20, "that it waits is told")
    contains(" ".join(sentences(desk, "second")), "refused", "why")


@test("verifiers: one log tells that they agree, the other that they differ")
def verifiers(world):
    _, desk, laptop = world.pair()
    code = desk.invite(name="laptop", verify=True)["code"]
    laptop.call("accept", name="desk", code=code, verify=True)
    for daemon, session in ((desk, "laptop"), (laptop, "desk")):
        daemon.until_state(session, "established")
    desk.ctl("verify", "laptop", "--yes")
    contains(events(desk, "laptop"), "verified", "the log")
    laptop.ctl("verify", "desk", "--no", status=None)
    contains(sentences(laptop, "desk"), "it ends (errory): the user reported that the verifiers differ", "the log")


@test("an exported session brings along what happened before")
def moves(world):
    _, desk, laptop = world.pair()
    desk.invite(name="laptop")
    text = desk.call("export", session="laptop")["export"]
    laptop.call("import", export=text)
    in_order(events(laptop, "laptop"), "invited", "code", "exported", "imported")
    equal(events(desk, "laptop"), events(laptop, "laptop")[:-1], "what is told where it came from")


@test("-n, --json and -o; a session that is not there")
def forms(world):
    desk = world.daemon("desk", world.relay())
    desk.invite(name="laptop")
    until_told(desk, "laptop", "claimed", "alone")
    all_of_them = desk.call("log", session="laptop")["events"]
    equal(desk.call("log", session="laptop", limit=2)["events"], all_of_them[-2:], "the newest two")
    equal(sentences(desk, "laptop", "-n", "1"), [all_of_them[-1]["sentence"]], "the newest")
    equal(desk.ctl("log", "laptop", "--newest", "1", "-o", "event,times").out, "alone\t%d\n" % all_of_them[-1]["times"], "fields")
    equal(desk.ctl("log", "laptop", "--json", "-n", "1").json(), all_of_them[-1], "an entry as JSON")
    contains(desk.ctl("log", "nobody", status=None).err, "nobody", "what is said of a session that is not there")


if __name__ == "__main__":
    main()

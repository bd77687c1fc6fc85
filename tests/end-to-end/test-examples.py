#!/usr/bin/python3
"""The programs of examples/, which is how users of libwormclient begin: each against live daemons and a live relay."""

import itertools
import os
import re
import shlex
import signal
import subprocess

from harness import Skip, contains, equal, failure, lacks, main, test, true
from harness.processes import program, put_programs, put_script
from harness.rpc import RpcError
from harness.stock import LibraryPeer
from harness.waiting import wait_until

APPID = "example.org/exchange"
CODE = r"(?m)^(\d+-\S+)$"
WORDS = r"(?m)^((?:[a-z]+ ){31}[a-z]+)$"
QUESTION = r"\(yes/no\)"
SECONDS = 60


def example(world, daemon, name, *arguments, **options):
    """One of the examples, started, for that daemon."""
    environment = dict(daemon.environment(), WORMHOLED_SOCKET=daemon.socket)
    return world.spawn(name, program("examples/" + name) + list(arguments), environment=environment, **options)


def lines(process):
    return process.out().decode().splitlines()


def code_of(process):
    return process.wait_text(CODE, SECONDS).group(1)


def until_ended(*daemons):
    """All sessions of these daemons have ended well."""
    for daemon in daemons:
        for session in daemon.call("list")["sessions"]:
            equal(daemon.until_state(session["id"], "closed")["result"], "happy", "result of " + daemon.name)


@test("initiator and receiver: each gets the other's data, through two daemons")
def blocking(world):
    _, here, there = pair(world)
    initiator = example(world, here, "initiator", "from the first")
    receiver = example(world, there, "receiver", code_of(initiator), "from the second")
    for process in (initiator, receiver):
        equal(process.wait(SECONDS), 0, "exit status of " + process.name)
    equal(lines(initiator)[1:], ["from the second"], "what the initiator prints below the code")
    equal(lines(receiver), ["from the first"], "what the receiver prints")
    until_ended(here, there)


@test("receiver and receiver: a code that people agreed on, whoever comes first")
def agreed(world):
    _, here, there = pair(world)
    receivers = [example(world, daemon, "receiver", "913-166532", "from " + daemon.name) for daemon in (here, there)]
    for process in receivers:
        equal(process.wait(SECONDS), 0, "exit status of " + process.name)
    equal([lines(process) for process in receivers], [["from b"], ["from a"]], "what they print")
    until_ended(here, there)


@test("patient waits for two sessions through a daemon that is killed, and stopped for a while")
def patient(world):
    _, here, there = pair(world)
    first, second = (here.invite(name=name) for name in ("first", "second"))
    waiting = example(world, here, "patient", "first", "second")
    wait_until(lambda: "waiting" in waiting.err(), SECONDS, "it is connected")
    here.restart_killed()
    wait_until(lambda: "the daemon is back" in waiting.err(), SECONDS, "it has met the daemon again")
    here.stop()
    # What happens now, its new connection finds.
    there.call("accept", code=second["code"])
    here.start()
    equal(waiting.wait(SECONDS), 0, "exit status of patient")
    equal(lines(waiting), ["second"], "what it prints")
    equal(waiting.err().count("the daemon is back"), 2, "how often it came back")
    equal(here.show(first["id"])["state"], "waiting", "the other session")


@test("what the initiator gave arrives when it was killed after its code")
def killed(world):
    _, here, there = pair(world)
    initiator = example(world, here, "initiator", "from the dead")
    code = code_of(initiator)
    initiator.kill9()
    receiver = example(world, there, "receiver", code, "to the dead")
    session = here.call("list")["sessions"][0]["id"]
    equal(here.take(session, 1, SECONDS), [b"to the dead"], "what comes back")
    equal(receiver.wait(SECONDS), 0, "exit status of the receiver")
    equal(lines(receiver), ["from the dead"], "what the receiver prints")


@test("initiator and a stock Python client with the same appid")
def stock(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    initiator = example(world, daemon, "initiator", "from ours")
    peer = LibraryPeer(world, relay, APPID, code_of(initiator))
    equal(peer.messages(1), [b"from ours"], "what the stock client gets")
    peer.send(b"from stock")
    equal(initiator.wait(SECONDS), 0, "exit status of the initiator")
    equal(lines(initiator)[1:], ["from stock"], "what the initiator prints")
    equal(peer.close(), "happy", "how it ends for the stock client")


@test("receiver and a stock Python client with the same appid")
def stock_first(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    peer = LibraryPeer(world, relay, APPID)
    receiver = example(world, daemon, "receiver", peer.first("code"), "from ours")
    equal(peer.messages(1), [b"from ours"], "what the stock client gets")
    peer.send(b"from stock")
    equal(receiver.wait(SECONDS), 0, "exit status of the receiver")
    equal(lines(receiver), ["from stock"], "what the receiver prints")


@test("a wrong code: both are told, and nothing is given out")
def wrong_code(world):
    _, here, there = pair(world)
    initiator = example(world, here, "initiator", "a secret")
    nameplate = code_of(initiator).partition("-")[0]
    receiver = example(world, there, "receiver", nameplate + "-wrong-words", "another")
    for process in (initiator, receiver):
        equal(process.wait(SECONDS), 1, "exit status of " + process.name)
        contains(process.err(), "(scary)", "what %s says" % process.name)
    # Or its session had ended before it gave its data.
    if "the session failed" in receiver.err():
        contains(receiver.err(), "ask for a new code", "the advice")
    equal(lines(receiver), [], "what the receiver prints")


@test("a session that ends without a peer: whoever waits is told, and why")
def told(world):
    daemon = world.daemon("a", world.relayd())
    initiator = example(world, daemon, "initiator", "for nobody")
    code_of(initiator)
    daemon.call("close", session=daemon.call("list")["sessions"][0]["id"])
    equal(initiator.wait(SECONDS), 1, "exit status")
    contains(initiator.err(), "(lonely)", "what it says")


@test("a session whose time runs out: whoever waits is told that nobody came")
def out_of_time(world):
    with open(world.path("config"), "w", encoding="utf-8") as file:
        file.write('[appid "%s"]\ntimeout = 1s\n' % APPID)
    daemon = world.daemon("a", world.relayd(), "--config", world.path("config"))
    initiator = example(world, daemon, "initiator", "for nobody")
    equal(initiator.wait(SECONDS), 1, "exit status")
    contains(initiator.err(), "(lonely): nobody joined before the deadline", "what it says")


@test("mistakes are told in one line: no daemon, a malformed code")
def mistakes(world):
    daemon = world.daemon("a", world.relayd())
    refused = example(world, daemon, "receiver", "no-code", "data")
    equal(refused.wait(SECONDS), 1, "exit status with a malformed code")
    daemon.stop()
    alone = example(world, daemon, "initiator", "data")
    equal(alone.wait(SECONDS), 1, "exit status without a daemon")
    for process in (refused, alone):
        equal(len(process.err().splitlines()), 1, "lines of %r" % process.err())


@test("symmetric: two ends in one process, by events, through two daemons; one daemon does not meet itself")
def symmetric(world):
    _, here, there = pair(world)
    both = example(world, here, "symmetric", here.socket, there.socket)
    equal(both.wait(SECONDS), 0, "exit status")
    said = sorted(lines(both))
    true(re.fullmatch(r"left got the code \d+-\S+", said[0]), "the code: %r" % said)
    equal(said[1:], ["left got the data from the right", "right got the data from the left"], "what they get")
    until_ended(here, there)
    equal([len(daemon.call("list")["sessions"]) for daemon in (here, there)], [1, 1], "sessions of the daemons")
    alone = example(world, here, "symmetric", here.socket, here.socket)
    equal(alone.wait(SECONDS), 1, "exit status with one daemon")
    contains(alone.err(), "run a second daemon", "the advice")


def sleeps_in(process):
    """The function of the kernel in which it sleeps, "0" if it does not."""
    with open("/proc/%d/wchan" % process.pid) as file:
        return file.read()


def stopped(process):
    with open("/proc/%d/stat" % process.pid) as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


@test("symmetric never waits but in its event loop, not even when the daemon does not answer")
def never_waits(world):
    _, here, there = pair(world)
    here.process.kill(signal.SIGSTOP)
    wait_until(lambda: stopped(here.process), SECONDS, "the daemon is stopped")
    if sleeps_in(here.process) == "0":
        here.process.kill(signal.SIGCONT)
        raise Skip("this kernel does not say where a process sleeps")
    both = example(world, here, "symmetric", here.socket, there.socket)
    wait_until(lambda: re.search("epoll|ep_poll", sleeps_in(both)), SECONDS, "it sleeps in epoll_wait()")
    here.process.kill(signal.SIGCONT)
    equal(both.wait(SECONDS), 0, "exit status")


@test("verify: the words agree, and no data flows before both said yes")
def verify(world):
    here, there, first, second = verifying(world)
    equal(first.wait_text(WORDS).group(1), second.wait_text(WORDS).group(1), "the words")
    first.write(b"yes\n")
    here.until(session_of(here), lambda view: view["verification"] == "done")
    there.until(session_of(there), lambda view: view["unread"] == 1)
    refused = failure(RpcError, lambda: there.call("recv", session=session_of(there)), "receiving what is held back")
    equal(refused.code, "unverified", "the refusal")
    equal(here.show(session_of(here))["received"], 0, "messages that left without a yes")
    second.write(b"yes\n")
    for process in (first, second):
        equal(process.wait(SECONDS), 0, "exit status of " + process.name)
    contains(first.out(), b"from the second", "what the first prints")
    contains(second.out(), b"from the first", "what the second prints")
    until_ended(here, there)


@test("verify: after no, both are told, and nothing was given out")
def verify_not(world):
    here, there, first, second = verifying(world)
    first.write(b"no\n")
    equal(first.wait(SECONDS), 1, "exit status of who said no")
    contains(first.err(), "(errory)", "what it says")
    second.write(b"yes\n")
    there.call("close", session=session_of(there))
    equal(second.wait(SECONDS), 1, "exit status of the other")
    for process, data in ((first, b"from the second"), (second, b"from the first")):
        lacks(process.out(), data, "what %s prints" % process.name)


def pair(world):
    relay = world.relayd()
    return relay, world.daemon("a", relay), world.daemon("b", relay)


def session_of(daemon):
    return daemon.call("list")["sessions"][0]["id"]


def verifying(world):
    """Two that ask for a comparison; nobody has answered yet."""
    _, here, there = pair(world)
    first = example(world, here, "verify", "from the first", stdin=subprocess.PIPE)
    second = example(world, there, "verify", "from the second", code_of(first), stdin=subprocess.PIPE)
    for process in (first, second):
        process.wait_text(QUESTION, SECONDS)
    return here, there, first, second


@test("notify.sh shows what arrives, and after a pause what arrived meanwhile, once")
def notify(world):
    _, desk, laptop = world.pair()
    tools = world.path("tools")
    put_programs(tools, "wormctl")
    shown = world.path("shown")
    put_script(os.path.join(tools, "notify-send"), 'echo "$*" >>%s' % shlex.quote(shown))
    environment = dict(desk.environment(), WORMHOLED_SOCKET=desk.socket, PATH=tools + ":" + os.environ["PATH"])
    script = os.path.join(os.environ["abs_top_srcdir"], "examples", "notify.sh")

    def screen():
        try:
            with open(shown, encoding="utf-8") as file:
                return file.read().replace("--app-name=wormholed -- ", "").splitlines()
        except FileNotFoundError:
            return []

    old = desk.call("invite", name="old")["id"]
    watch = world.spawn("notify", ["sh", script], environment=environment)
    seen = os.path.join(desk.home, ".local", "state", "wormhole-notify", "seen")
    names = itertools.count()

    def watches():
        desk.call("rename", session=old, name="old %d" % next(names))
        return os.path.exists(seen)

    wait_until(watches, SECONDS, "it watches")
    code = desk.ctl("invite", "--name", "laptop").out.strip()
    laptop.ctl("accept", "--name", "desk", code)
    laptop.ctl("wait", "desk", "--for", "established")
    wait_until(lambda: "laptop is connected" in screen(), SECONDS, "the introduction is shown")
    laptop.ctl("send", "desk", "hello")
    wait_until(lambda: "laptop: 1 unread" in screen(), SECONDS, "the message is shown")
    watch.kill()
    watch.wait(SECONDS)
    laptop.ctl("send", "desk", "are you there?")
    desk.until("laptop", lambda view: view["unread"] == 2)
    world.spawn("notify", ["sh", script], environment=environment)
    wait_until(lambda: "laptop: 2 unread" in screen(), SECONDS, "what came meanwhile is shown")
    true(not [line for line in screen() if "old" in line], "nothing of what was there before: %s" % screen())


main(300)

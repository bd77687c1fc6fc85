#!/usr/bin/python3
"""wormctl as people and scripts use it: what it prints, on which stream, and its exit status."""

import json
import os
import re
import subprocess
import time

from harness import contains, equal, lacks, main, test, true
from harness.processes import program
from harness.relay import Relay
from harness.scripted import APPID, ScriptedPeer
from harness.waiting import patience

DONE, FAILED, USAGE, NOTHING, SESSION, NO_DAEMON = range(6)
EVERY_BYTE = bytes(range(256))


def meet(world):
    """Two daemons that know each other as "desk" and "laptop"."""
    _, desk, laptop = world.pair()
    code = desk.ctl("invite", "--name", "laptop").out.strip()
    laptop.ctl("accept", "--name", "desk", code)
    for daemon, name in ((desk, "laptop"), (laptop, "desk")):
        daemon.ctl("wait", name, "--for", "established", "--timeout", "10m")
    return desk, laptop


@test("the main job, as the README has it")
def main_job(world):
    _, desk, laptop = world.pair()
    invited = desk.ctl("invite", "--name", "laptop")
    true(re.fullmatch(r"\d+(-[a-z]+){3}\n", invited.out), "the code alone on standard output: %r" % invited)
    equal(invited.err, "", "standard error, which is no terminal")
    laptop.ctl("accept", "--name", "desk", invited.out.strip())
    desk.ctl("send", "laptop", "hello")
    equal(laptop.ctl("recv", "desk", "--wait").bytes, b"hello", "what arrives")
    laptop.ctl("send", "desk", "back")
    equal(desk.ctl("recv", "laptop", "--wait").bytes, b"back", "what arrives")
    listed = desk.ctl("list").out
    contains(listed, "laptop", "list")
    contains(listed, "lasting", "list")
    desk.ctl("close", "laptop")
    laptop.ctl("close", "desk")
    desk.ctl("wait", "laptop", "--for", "closed", "--timeout", "10m")
    contains(desk.ctl("list").out, "happy", "list at the end")


@test("messages are binary safe: every byte value, nothing, a megabyte, with and without a newline at the end")
def binary(world):
    desk, laptop = meet(world)
    messages = [EVERY_BYTE, b"", EVERY_BYTE * 4096, b"no newline", b"newline\n", b"\n", b"\xff\xfe\x00", b"-", b"--help"]
    for message in messages:
        desk.ctl("send", "laptop", data=message)
    for message in messages:
        equal(laptop.ctl("recv", "desk", "--wait=10m").bytes, message, "what arrives")
    desk.ctl("send", "laptop", "--", "--not-an-option")
    equal(laptop.ctl("recv", "desk", "--wait=10m").bytes, b"--not-an-option", "a text like an option")
    desk.ctl("send", "laptop", "")
    equal(laptop.ctl("recv", "desk", "--wait=10m").bytes, b"", "an empty text")


@test("send at once from a pipe that is written slowly")
def from_pipe(world):
    desk, laptop = meet(world)
    reader, writer = os.pipe()
    sender = desk.spawn_ctl("send", "laptop", stdin=reader)
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        for part in (b"one ", b"two ", b"three"):
            pipe.write(part)
    equal(sender.wait(), DONE, "exit status")
    equal(laptop.ctl("recv", "desk", "--wait=10m").bytes, b"one two three", "what arrives")


@test("recv: nothing there, --peek, --all, --wait")
def receiving(world):
    desk, laptop = meet(world)
    equal(laptop.ctl("recv", "desk", status=NOTHING).bytes, b"", "without a message")
    started = time.monotonic()
    laptop.ctl("recv", "desk", "--wait=1s", status=NOTHING)
    true(time.monotonic() - started >= 0.9, "--wait=1s waits for a second")
    waiting = laptop.spawn_ctl("recv", "desk", "--wait")
    for number in range(5):
        desk.ctl("send", "laptop", "m%d" % number)
    equal(waiting.wait(), DONE, "exit status of the waiting one")
    equal(waiting.out(), b"m0", "what the waiting one prints")
    laptop.until("desk", lambda view: view["unread"] == 4, what="the others came")
    for _ in range(2):
        equal(laptop.ctl("recv", "desk", "--peek").bytes, b"m1", "--peek, which leaves the message there")
    equal(laptop.ctl("recv", "desk").bytes, b"m1", "the next message")
    peeked = laptop.ctl("recv", "desk", "--peek", "--all").bytes
    equal(laptop.show("desk")["unread"], 3, "unread after --peek --all")
    everything = laptop.ctl("recv", "desk", "--all").bytes
    equal(peeked, everything, "--peek --all")
    positions = [everything.find(b"m%d" % number) for number in (2, 3, 4)]
    true(-1 not in positions and positions == sorted(positions), "--all, in order: %r" % everything)
    equal(laptop.show("desk")["unread"], 0, "unread after --all")
    laptop.ctl("recv", "desk", "--all", status=NOTHING)


@test("recv --all -0: a NUL after each message; one that has a NUL in it stays")
def terminated(world):
    desk, laptop = meet(world)
    for message in (b"one\ntwo", b"", b"three\n", b"a\0b", b"last"):
        desk.ctl("send", "laptop", data=message)
    laptop.until("desk", lambda view: view["unread"] == 5, what="all came")
    result = laptop.ctl("recv", "desk", "--all", "-0", status=FAILED)
    equal(result.bytes, b"one\ntwo\0\0three\n\0", "up to the one with a NUL")
    contains(result.err, "receive it without -0", "what to do")
    equal(laptop.ctl("recv", "desk").bytes, b"a\0b", "it is still there")
    equal(laptop.ctl("recv", "desk", "--null").bytes, b"last\0", "another one")
    desk.ctl("send", "laptop", "full")
    laptop.until("desk", lambda view: view["unread"] == 1, what="one more")
    with open("/dev/full", "wb") as full:
        equal(laptop.spawn_ctl("recv", "desk", "-0", stdout=full).wait(), FAILED, "what cannot be written")
    equal(laptop.show("desk")["unread"], 1, "is still there")


@test("recv --json tells numbers and data")
def receiving_json(world):
    desk, laptop = meet(world)
    desk.ctl("send", "laptop", "text")
    row = laptop.ctl("--json", "recv", "desk", "--wait=10m").json()
    equal(row["number"], 0, "number")
    desk.ctl("send", "laptop", data=EVERY_BYTE)
    raw = laptop.ctl("--json", "recv", "desk", "--wait=10m").json()
    true(raw != row, "binary data in JSON: %r" % raw)


@test("wait, for each condition")
def waiting(world):
    _, desk, laptop = world.pair()
    desk.call("invite", name="laptop")
    desk.ctl("wait", "laptop", "--for", "code", "--timeout", "10m")
    desk.ctl("wait", "laptop", "--for", "keyed", "--timeout", "1s", status=NOTHING)
    waits = {condition: desk.spawn_ctl("wait", "laptop", "--for", condition)
             for condition in ("keyed", "established", "message", "closed")}
    desk.ctl("send", "laptop", "hello")
    laptop.ctl("accept", "--name", "desk", desk.show("laptop")["code"])
    equal(waits["keyed"].wait(), DONE, "keyed")
    equal(waits["established"].wait(), DONE, "established")
    desk.ctl("wait", "laptop", "--for", "sent", "--timeout", "10m")
    equal(desk.show("laptop")["stored"], 1, "messages stored when waiting for sent is over")
    true(waits["message"].running(), "nothing was received yet")
    laptop.ctl("send", "desk", "hi")
    equal(waits["message"].wait(), DONE, "message")
    true(waits["closed"].running(), "it is not closed yet")
    desk.ctl("close", "laptop")
    equal(waits["closed"].wait(), DONE, "closed")
    desk.ctl("wait", "laptop", "--for", "doomsday", status=USAGE)
    desk.ctl("wait", "laptop", status=USAGE)
    desk.ctl("wait", "laptop", "--for", "code", "--timeout", "soon", status=USAGE)


@test("a session that failed: exit status 4")
def failed_session(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    code = daemon.ctl("invite", "--name", "peer", "--appid", APPID).out.strip()
    waits = [daemon.spawn_ctl("wait", "peer", "--for", "established"), daemon.spawn_ctl("recv", "peer", "--wait")]
    ScriptedPeer(relay, code + "-wrong", appid=APPID).wait(lambda peer: peer.key, "the wrong peer has a key")
    for process in waits:
        equal(process.wait(), SESSION, "exit status of " + process.name)
        contains(process.err(), "scary", "what it says")
    daemon.ctl("wait", "peer", "--for", "closed", "--timeout", "10m", status=None)
    contains(daemon.ctl("show", "peer").out, "scary", "show")
    daemon.ctl("send", "peer", "too late", status=FAILED)
    daemon.ctl("invite", "--name", "short", "--code", "5-nobody", "--timeout", "1s")
    daemon.ctl("wait", "short", "--for", "established", "--timeout", "10m", status=SESSION)
    equal(daemon.show("short")["result"], "lonely", "result when the time is over")


@test("a session is found by name, id, and the start of an id")
def names(world):
    daemon = world.daemon("a", world.relay())
    ids = [daemon.call("invite", code="%d-x" % number)["id"] for number in range(20)]
    daemon.ctl("invite", "--name", "laptop", "--code", "77-x")
    equal(daemon.ctl("--json", "show", "laptop").json()["code"], "77-x", "by name")
    equal(daemon.ctl("--json", "show", ids[0]).json()["id"], ids[0], "by id")
    equal(daemon.ctl("--json", "show", ids[0][:14]).json()["id"], ids[0], "by the start of an id")
    first = next(name[0] for name in sorted(ids) if sum(other[0] == name[0] for other in ids) > 1)
    contains(daemon.ctl("show", first, status=FAILED).err, "more than one", "an ambiguous start")
    daemon.ctl("show", "nobody", status=FAILED)
    taken = daemon.ctl("invite", "--name", "laptop", "--code", "78-x", status=FAILED)
    contains(taken.err, "another session has this petname", "a name that is taken")
    equal(daemon.call("status")["sessions"], 21, "sessions after a refused name")
    contains(daemon.ctl("list", "--names").out, "laptop", "list --names")


@test("options of invite and accept")
def options(world):
    relay = world.relay()
    daemon = world.daemon("a", "ws://127.0.0.1:1/v1")
    invited = daemon.ctl("invite", "--name", "n", "--appid", APPID, "--relay", relay.url, "--words", "4",
                         "--schedule", "0:0,600:60", "--timeout", "2h")
    equal(len(invited.out.split("-")), 5, "parts of a code of 4 words")
    view = daemon.ctl("--json", "show", "n").json()
    equal((view["appid"], view["relay"], view["schedule"]), (APPID, relay.url, "0:0,600:60"), "what was asked for")
    equal(view["deadline"] - view["created"], 2 * 3600 * 1000, "timeout")
    other = world.daemon("b", "ws://127.0.0.1:1/v1")
    other.ctl("accept", invited.out.strip(), "--relay", relay.url, "--name", "m", "--schedule", "realtime",
              "--appid", APPID)
    other.ctl("wait", "m", "--for", "established", "--timeout", "10m")
    piped = daemon.ctl("accept", "--name", "piped", "-", data=b"81-from-stdin\n")
    equal((piped.status, daemon.show("piped")["code"]), (0, "81-from-stdin"), "a code from standard input")


@test("mistakes on the command line: exit status 2, and a word about it")
def usage(world):
    daemon = world.daemon("a", world.relay())
    for arguments in ([], ["no-such-command"], ["invite", "--no-such-option"], ["invite", "extra"], ["accept"],
                      ["accept", "5-x", "extra"], ["send"], ["recv"], ["show"], ["show", "a", "b"], ["text"],
                      ["invite", "--words", "0"], ["invite", "--words", "many"], ["invite", "--schedule", "sometimes"],
                      ["invite", "--timeout", "x"], ["invite", "--relay", "http://x/"], ["invite", "--code", "x"],
                      ["accept", "no nameplate"], ["accept", "words-only"], ["invite", "--name", ""]):
        result = daemon.ctl(*arguments, status=USAGE)
        true(result.err, "something is said about %r" % (arguments,))
        equal(result.out, "", "standard output of %r" % (arguments,))
    equal(daemon.call("status")["sessions"], 0, "sessions after all these mistakes")


@test("help and version need no daemon")
def help_texts(world):
    daemon = world.daemon("a", "ws://127.0.0.1:1/v1", start=False)
    general = daemon.ctl("--help").out
    for command in ("invite", "accept", "list", "show", "send", "recv", "wait", "close", "forget", "poll", "status"):
        contains(general, command, "general help")
        contains(daemon.ctl(command, "--help").out, "usage: wormctl " + command, "help of " + command)
    contains(daemon.ctl("text", "send", "--help").out, "usage", "help of text send")
    true(re.search(r"\d+\.\d+", daemon.ctl("--version").out), "version")


@test("no daemon: exit status 5, and how to start it")
def no_daemon(world):
    daemon = world.daemon("a", world.relay(), start=False)
    for arguments in (["list"], ["invite"], ["send", "x", "y"], ["recv", "x", "--wait"], ["status"]):
        result = daemon.ctl(*arguments, status=NO_DAEMON)
        contains(result.err, "wormholed", "the hint of %r" % (arguments,))
    daemon.start()
    waiting_one = daemon.spawn_ctl("invite", "--relay", "ws://127.0.0.1:1/v1", "--name", "n")
    waiting_one.wait_text("still waiting", stream="err")
    daemon.kill9()
    os.stat(daemon.socket)
    daemon.ctl("list", status=NO_DAEMON)
    daemon.start()
    daemon.ctl("close", "n")
    equal(waiting_one.wait(), SESSION, "exit status: it went on waiting when the daemon came back, until the session ended")


@test("the socket is found through WORMHOLED_SOCKET and XDG_RUNTIME_DIR too")
def socket_lookup(world):
    daemon = world.daemon("a", world.relay())
    command = program("wormctl") + ["list"]
    environment = daemon.environment()
    for extra in ({"WORMHOLED_SOCKET": daemon.socket}, {"XDG_RUNTIME_DIR": world.path("runtime")}):
        os.makedirs(world.path("runtime", "wormholed"), exist_ok=True)
        link = world.path("runtime", "wormholed", "socket")
        if not os.path.lexists(link):
            os.symlink(daemon.socket, link)
        completed = subprocess.run(command, env=dict(environment, **extra), check=False, timeout=patience(20),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal((completed.returncode, completed.stderr), (0, b""), "wormctl with %r" % extra)


@test("--json on everything that reports")
def json_everywhere(world):
    desk, _ = meet(world)
    desk.ctl("invite", "--name", "other", "--code", "90-x")
    listed = desk.ctl("--json", "list").out.splitlines()
    equal(sorted(json.loads(line)["name"] for line in listed), ["laptop", "other"], "names in list, a line each")
    desk.ctl("forget", "--force", "other")
    equal(desk.ctl("show", "laptop", "--json").json()["state"], "established", "state in show")
    equal(desk.ctl("status", "--json").json()["sessions"], 1, "sessions in status")
    equal(desk.ctl("--json", "wait", "laptop", "--for", "established").json()["name"], "laptop", "wait")
    equal(desk.ctl("--json", "poll", "laptop").json()["name"], "laptop", "poll")
    equal(desk.ctl("--json", "send", "laptop", "x").json()["number"], 0, "send")
    equal(desk.ctl("--json", "invite", "--code", "91-x", "--name", "new").json()["code"], "91-x", "invite")
    equal(desk.ctl("--json", "close", "new").json()["result"], "lonely", "close")
    lacks(desk.ctl("--json", "list").out.rstrip("\n"), "\x1b", "list, in colour")


@test("the fields of -o are the keys of a view, and all of them can be had")
def fields(world):
    daemon = world.daemon("a", world.relay())
    keys = list(daemon.call("invite", name="new", code="91-x"))
    refused = daemon.ctl("list", "-o", "nonsense", status=USAGE).err.splitlines()[0]
    equal(sorted(refused.rpartition(": ")[2].split(", ")), sorted(keys), "the fields that are offered")
    equal(daemon.ctl("list", "-o", ",".join(keys)).out.count("\t"), len(keys) - 1, "tabs between all of them")


@test("close, forget and forget --force")
def endings(world):
    desk, laptop = meet(world)
    desk.ctl("send", "laptop", "last words")
    contains(desk.ctl("forget", "laptop", status=FAILED).err, "force", "forget of a living session")
    desk.ctl("close", "laptop")
    desk.ctl("close", "laptop")
    desk.ctl("send", "laptop", "too late", status=FAILED)
    desk.ctl("wait", "laptop", "--for", "closed", "--timeout", "10m")
    desk.ctl("forget", "laptop")
    desk.ctl("show", "laptop", status=FAILED)
    equal(laptop.ctl("recv", "desk", "--wait=10m").bytes, b"last words", "what was sent before the end")
    laptop.ctl("forget", "--force", "desk")
    equal(laptop.call("list")["sessions"], [], "sessions")


@test("what a peer or relay says cannot paint the terminal")
def hostile_text(world):
    relay = Relay(world, motd="\x1b[31mred\x1b[0m \x07 alert")  # ours would refuse to say that
    daemon = world.daemon("a", relay)
    daemon.ctl("invite", "--name", "peer")
    for arguments in (["show", "peer"], ["status"], ["list"]):
        lacks(daemon.ctl(*arguments).out, "\x1b", "output of %r" % arguments)


if __name__ == "__main__":
    main(90)

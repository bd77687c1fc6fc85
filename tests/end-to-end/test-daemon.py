#!/usr/bin/python3
"""The daemon as a service: how it starts, ends, and refuses to start."""

import os
import signal
import stat
import time

from harness import contains, equal, main, test, true, wait_until
from harness.waiting import patience

# How the store keeps its format: the name, and a number of 8 bytes, big-endian (kv/meta.c).
FORMAT = b"format"
# The exit status of a daemon that is not needed (daemon/daemon.h).
ALREADY_RUNNING = 3


@test("SIGTERM ends the daemon within a second, and leaves no socket; who was waiting goes on after the next start")
def sigterm(world):
    _, desk, laptop = world.pair()
    laptop.call("accept", name="desk", code=desk.invite(name="laptop")["code"])
    desk.until_state("laptop", "established")
    waiting_one = desk.spawn_ctl("recv", "laptop", "--wait")
    desk.process.wait_text("hello from wormctl(.|\n)*a client waits for a session", stream="err")
    started = time.monotonic()
    desk.process.kill(signal.SIGTERM)
    equal(desk.process.wait(), 0, "exit status")
    true(time.monotonic() - started < patience(1), "the end took %.1f s" % (time.monotonic() - started))
    true(not os.path.lexists(desk.socket), "no socket is left")
    desk.start()
    equal(desk.show("laptop")["state"], "established", "state after the next start")
    laptop.ctl("send", "desk", "at last")
    equal((waiting_one.wait(), waiting_one.out()), (0, b"at last"), "exit status of who was waiting, and what it printed")


@test("a second daemon on the same state directory is refused, and one on the same socket too")
def second(world):
    relay = world.relay()
    first = world.daemon("first", relay)
    other = world.daemon("other", relay, start=False)
    other.state = first.state
    equal(other.launch().wait(), ALREADY_RUNNING, "exit status of the second one")
    contains(other.process.err(), first.state, "what it says")
    thief = world.daemon("thief", relay, start=False)
    thief.socket = first.socket
    equal(thief.launch().wait(), ALREADY_RUNNING, "exit status of the one that wants the socket")
    contains(thief.process.err(), first.socket, "what it says")
    equal(first.call("status")["pid"], first.process.pid, "who answers")


@test("of several that are started at the same time one runs, and the others say that one does")
def together(world):
    daemon = world.daemon("a", world.relay(), start=False)
    command = [word for word in daemon.command() if word != "--foreground"]
    starts = [world.spawn("start", command, environment=daemon.environment()) for _ in range(6)]
    statuses = sorted(start.wait(60) for start in starts)
    pid = daemon.call("status")["pid"]
    world.finally_call(lambda: os.kill(pid, signal.SIGKILL) if os.path.exists(daemon.socket) else None)
    equal(statuses, [0] + 5 * [ALREADY_RUNNING], "exit statuses")
    for start in starts:
        true(start.popen.returncode == 0 or "another" in start.err(), "what it says: %r" % start.err())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.lexists(daemon.socket), 20, "it has ended")


@test("a socket that somebody removed is back after SIGHUP, and who was connected still is")
def socket_removed(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as rpc:
        os.unlink(daemon.socket)
        daemon.process.kill(signal.SIGHUP)
        wait_until(lambda: os.path.lexists(daemon.socket), 20, "the socket is back")
        equal(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o600, "mode")
        equal(daemon.call("status")["pid"], rpc.call("status")["pid"], "who answers")


@test("without --foreground the daemon goes into the background once it can be reached")
def background(world):
    daemon = world.daemon("a", world.relay(), start=False)
    command = [word for word in daemon.command() if word != "--foreground"]
    equal(world.spawn("parent", command, environment=daemon.environment()).wait(), 0, "exit status of the parent")
    pid = daemon.call("status")["pid"]
    world.finally_call(lambda: os.kill(pid, signal.SIGKILL) if os.path.exists(daemon.socket) else None)
    daemon.ctl("invite", "--name", "n")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.lexists(daemon.socket), 10, "it has ended")


def damage(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make_newer(path):
    """Counts the format up, wherever a page of the store holds it."""
    content = read(path)
    now, then = (FORMAT + number.to_bytes(8, "big") for number in (2, 3))
    true(now in content, "the store has format 2")
    with open(path, "wb") as file:
        file.write(content.replace(now, then))


def largest_file(directory):
    return max((os.path.join(directory, name) for name in os.listdir(directory)), key=os.path.getsize)


@test("a damaged store is reported and kept as it is")
def damaged(world):
    daemon = world.daemon("a", world.relay())
    daemon.ctl("invite", "--name", "n")
    daemon.stop()
    store = largest_file(daemon.state)
    damage(store, 0, b"this is no store at all " * 400)
    before = read(store)
    equal(daemon.launch().wait(), 1, "exit status")
    contains(daemon.process.err(), daemon.state, "what it says")
    equal(read(store), before, "the store")


@test("a store of a newer format is refused and kept as it is")
def newer(world):
    daemon = world.daemon("a", world.relay())
    daemon.ctl("invite", "--name", "n")
    daemon.stop()
    store = largest_file(daemon.state)
    make_newer(store)
    before = read(store)
    equal(daemon.launch().wait(), 1, "exit status")
    contains(daemon.process.err(), "newer", "what it says")
    equal(read(store), before, "the store")


@test("the state directory is private, and made with its parents")
def state_directory(world):
    daemon = world.daemon("a", world.relay(), start=False)
    daemon.state = os.path.join(daemon.home, "deep", "er", "state")
    daemon.start()
    equal(stat.S_IMODE(os.stat(daemon.state).st_mode), 0o700, "mode")


@test("settings come from a file, the environment and the command line, in this order")
def settings(world):
    relay = world.relay()
    daemon = world.daemon("a", relay, start=False)
    config = world.path("wormholed.conf")
    with open(config, "w") as file:
        file.write("# a comment\n\nrelay = ws://from.file:1/v1\nlog-level = debug\n")
    daemon.arguments = ["--config", config]
    daemon.start()
    equal(daemon.call("status")["default_relay"], relay.url, "relay of the command line")
    daemon.stop()
    bare = [word for word in daemon.command() if word not in ("--relay", relay.url)]
    for extra, expected in (({}, "ws://from.file:1/v1"), ({"WORMHOLED_RELAY": "ws://from.env:1/v1"}, "ws://from.env:1/v1")):
        daemon.process = world.spawn("daemon-a", bare, environment=dict(daemon.environment(), **extra))
        wait_until(daemon.answers, 20, "it answers")
        equal(daemon.call("status")["default_relay"], expected, "relay with %r" % extra)
        daemon.stop()
    with open(config, "a") as file:
        file.write("nonsense = 5\n")
    equal(daemon.launch().wait(), 1, "exit status with an unknown setting")
    contains(daemon.process.err(), "nonsense", "what it says")


if __name__ == "__main__":
    main(60)

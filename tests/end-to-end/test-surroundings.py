#!/usr/bin/python3
"""What may happen around a wormholed: a clock that is set back, no file descriptors, a file system that is read-only, a
state directory or a socket that somebody deletes. (A full disk and a full store: test-full.py.)
"""

import os
import resource
import shutil
import signal
import socket
import subprocess

from harness import Skip, contains, equal, failure, main, test, true
from harness.clock import Clock
from harness.rpc import RpcError
from harness.waiting import wait_until

DAY = 24 * 3600
YEAR = 365 * DAY
OFTEN = "0:1"  # a schedule of visits, between which there is no connection


class SetBack:
    """A daemon with a clock of its own, and a session that sleeps until its next visit."""

    def __init__(self, world):
        self.clock = Clock(world)
        self.relay = world.relay()
        self.daemon = world.daemon("a", self.relay, start=False)
        self.daemon.extra = self.clock.environment()
        self.daemon.start()
        self.code = self.daemon.invite(name="peer", schedule=OFTEN)["code"]
        self.daemon.until("peer", lambda view: view["last_visit"] and view["connection"] == "none", what="it was visited")

    def meet(self, world):
        other = world.daemon("b", self.relay)
        other.call("accept", code=self.code, name="peer", schedule=OFTEN)
        other.call("send", session="peer", data=b"now")
        equal(self.daemon.take("peer", 1, 60), [b"now"], "what came")


@test("a clock that is set back by a year: nobody sleeps that long")
def set_back(world):
    scene = SetBack(world)
    scene.clock.advance(-YEAR)
    scene.meet(world)


@test("a clock that is set back by a year while the daemon is not there: nobody sleeps that long")
def set_back_meanwhile(world):
    scene = SetBack(world)
    scene.daemon.stop()
    scene.clock.advance(-YEAR)
    scene.daemon.start()
    scene.meet(world)


def sleeper_and_friend(world, clock):
    """A daemon with a clock of its own, and one that has met it and wants an end after two weeks of silence; both on a relay
    that remembers."""
    relay = world.relayd()
    sleeper, friend = world.daemon("a", relay, start=False), world.daemon("b", relay)
    sleeper.extra = clock.environment()
    sleeper.start()
    code = sleeper.invite(name="peer", schedule=OFTEN)["code"]
    friend.call("accept", code=code, name="peer", schedule=OFTEN, expire=14 * DAY * 1000)
    for daemon in (sleeper, friend):
        daemon.until("peer", lambda view: view["state"] == "established", what="they have met")
    return sleeper, friend


@test("a daemon that was off past the deadline looks before it ends a session")
def off_past_the_deadline(world):
    clock = Clock(world)
    sleeper, friend = sleeper_and_friend(world, clock)
    sleeper.stop()
    friend.call("send", session="peer", data=b"are you there?")
    friend.until("peer", lambda view: view["stored"] == 1, what="it is at the relay")
    clock.advance(20 * DAY)
    sleeper.start()
    equal(sleeper.take("peer", 1, 60), [b"are you there?"], "what came")
    equal(sleeper.show("peer")["state"], "established", "state")
    sleeper.stop()
    clock.advance(20 * DAY)
    friend.stop()
    sleeper.start()
    ended = sleeper.until("peer", lambda view: view["result"], what="nothing more came")
    contains(ended["reason"], "before the deadline", "why it has ended")


@test("a clock that leaps ahead past all deadlines, and comes back, ends nothing")
def leaping_clock(world):
    clock = Clock(world)
    sleeper, friend = sleeper_and_friend(world, clock)
    sleeper.call("invite", name="exported", code="7-away")
    sleeper.call("export", session="exported")
    before = sleeper.show("peer")["last_visit"]
    clock.leap(YEAR)
    sleeper.call("poll", session="peer")
    sleeper.until("peer", lambda view: view["last_visit"] > before + YEAR, what="it has looked")
    clock.leap(-YEAR)
    sleeper.call("poll", session="peer")
    friend.call("send", session="peer", data=b"nothing happened")
    equal(sleeper.take("peer", 1, 60), [b"nothing happened"], "what came")
    equal(sleeper.show("peer")["state"], "established", "state")
    equal(sleeper.show("exported")["state"], "exported", "state of the exported one")


def knock(daemon):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    client.connect(daemon.socket)
    return client


@test("without file descriptors the daemon waits, does not spin, and goes on when there are some")
def descriptors(world):
    few = 40
    relay = world.relay()
    left = world.daemon("left", relay, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
    right = world.daemon("right", relay)
    code = left.invite(name="peer")["code"]
    crowd = [knock(left) for _ in range(few + 20)]
    right.call("accept", code=code, name="peer")
    right.call("send", session="peer", data=b"late")
    for client in crowd:
        client.close()
    equal(left.take("peer", 1, 60), [b"late"], "what came")


@test("a state directory on a read-only file system: the daemon says so, and does not start")
def read_only(world):
    disk = world.path("disk")
    os.mkdir(disk)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", disk], check=False, stderr=subprocess.DEVNULL)
    if mounted.returncode != 0:
        raise Skip("only root can mount a file system, and only where mounting is allowed")
    world.finally_call(lambda: subprocess.run(["umount", "--lazy", disk], check=False))
    daemon = world.daemon("a", world.relay(), start=False)
    daemon.state = os.path.join(disk, "state")
    equal(daemon.launch().wait(), 1, "exit status")
    contains(daemon.process.err(), daemon.state, "what it says")
    contains(daemon.process.err(), "Read-only file system", "what it says")


@test("a state directory that is deleted under the daemon: nothing is promised any more")
def deleted(world):
    daemon = world.daemon("a", world.relay())
    daemon.invite(name="peer")
    shutil.rmtree(daemon.state)
    for method, params in (("send", {"session": "peer", "data": b"x"}), ("invite", {"name": "other"})):
        error = failure(RpcError, lambda: daemon.call(method, **params), method)
        equal(error.code, "store-failed", "the error of %s" % method)
    equal(daemon.show("peer")["sent"], 0, "messages that were taken")
    daemon.stop()
    daemon.start()
    equal(daemon.call("status")["sessions"], 0, "sessions in the new store")


@test("a socket that is deleted comes back, at SIGHUP at once")
def no_socket(world):
    daemon = world.daemon("a", world.relay())
    os.unlink(daemon.socket)
    daemon.process.kill(signal.SIGHUP)
    wait_until(daemon.answers, 60, "it answers again")
    true(os.path.exists(daemon.socket), "there is a socket")


if __name__ == "__main__":
    main(240)

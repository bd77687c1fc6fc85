#!/usr/bin/python3
"""Real daemons and relays crash at each point that is named in the sources (base/fault.h), at its first hit, its second
and so on, until an introduction completes without a crash. Whatever was promised before a crash holds after it: codes that
were told, messages that were taken, each of which comes once, and what was acknowledged.
"""

import itertools
import os
import re
from concurrent.futures import ThreadPoolExecutor

from harness import World, equal, main, test, true
from harness.crashes import Scene
from harness.introduction import End
from harness.relay import Relay
from harness.relayd import Relayd
from harness.stock import LibraryPeer
from harness.tap import diagnose

SOURCES = os.environ.get("abs_top_srcdir", ".")
DAEMONS, RELAYS = ("daemon", "kv", "state"), ("kv", "relay")
POINT = re.compile(r'FAULT_POINT\("([^"]+)"\)')
JOBS = 4
APPID = "example.org/crashes"
HITS_MAX = 500  # an introduction that passes a point more often never ends


def points(rooms):
    """All that are named in those rooms' sources."""
    found = set()
    for room in rooms:
        for name in os.listdir(os.path.join(SOURCES, room)):
            if name.endswith(".c"):
                with open(os.path.join(SOURCES, room, name), encoding="utf-8") as file:
                    found.update(POINT.findall(file.read()))
    return sorted(found)


class StockIntroduction:
    """With the stock Python library at the other end."""

    def __init__(self, world, relay, ask, name):
        self.world, self.relay, self.name = world, relay, name
        self.ends = (End(ask, name, b"ours", {"appid": APPID}),)
        self.peer = None
        self.over = False

    def __str__(self):
        return "%s: %r, %r" % (self.name, self.ends[0].show(), self.peer and self.peer.events())

    def advance(self):
        end = self.ends[0]
        view = end.show()
        if view is None:
            end.begin("invite")
        elif not self.peer:
            return self.meet(end.code)
        else:
            return end.go_on(view) if view["state"] != "closed" else self.finish()
        return True

    def meet(self, code):
        if code:
            self.peer = LibraryPeer(self.world, self.relay, APPID, code)
            self.peer.send(b"theirs")
        return bool(code)

    def finish(self):
        equal(self.peer.messages(1), [b"ours"], "what the stock library got")
        equal(self.peer.close(), "happy", "its mood")
        self.over = True
        return True

    def check_end(self):
        equal(self.ends[0].got, {0: b"theirs"}, "what came from the stock library")
        equal(self.peer.all("message"), [b"ours".hex()], "what the stock library got in all")


class StockScene(Scene):
    def introduction(self):
        return StockIntroduction(self.world, self.relay, self.left.call, "n%d" % next(self.numbers))


def crash_at(scene, point):
    """At each hit; how many there were."""
    for hit in itertools.count(1):
        crashes, left = scene.crashes, scene.left_behind()
        scene.begin(WORMHOLED_FAULT="%s:%d" % (point, hit))
        scene.play(scene.introduction())
        more = scene.left_behind() - left
        spared = 1 if scene.relay.stock else 0  # a nameplate that nobody was told
        true(more <= spared, "%s:%d leaves %d mailboxes at the relay" % (point, hit, more))
        scene.end()
        if scene.crashes == crashes:
            return hit - 1
        true(hit < HITS_MAX, "%s is passed again and again" % point)


def job(make, point):
    """In a thread, and a world, of its own."""
    with World() as world:
        try:
            return point, crash_at(make(world), point)
        except BaseException:
            diagnose("%s\n%s" % (point, world.logs()))
            raise


def crash_at_all(make, names):
    with ThreadPoolExecutor(JOBS) as pool:
        hits = dict(pool.map(lambda name: job(make, name), names))
    print("# " + ", ".join("%s %d" % entry for entry in hits.items()))
    equal([name for name, count in hits.items() if count == 0], [], "points that nothing came by")


def crash_left(start):
    def make(own):
        relay = start(own)
        victim = own.daemon("left", relay, start=False)
        return Scene(own, relay, victim, own.daemon("right", relay), victim)
    crash_at_all(make, points(DAEMONS))


@test("the one who invites crashes; stock relay")
def left(world):
    crash_left(Relay)


@test("the one who invites crashes; wormhole-relayd")
def left_at_ours(world):
    crash_left(Relayd)


@test("the one who accepts crashes; wormhole-relayd")
def right(world):
    def make(own):
        relay = Relayd(own)
        victim = own.daemon("right", relay, start=False)
        return Scene(own, relay, own.daemon("left", relay), victim, victim)
    crash_at_all(make, points(DAEMONS))


@test("wormhole-relayd crashes")
def relay(world):
    def make(own):
        victim = Relayd(own)
        scene = Scene(own, victim, own.daemon("left", victim), own.daemon("right", victim), victim)
        victim.kill9()
        return scene
    crash_at_all(make, points(RELAYS))


@test("a daemon crashes whose peer is the stock library; stock relay")
def stock(world):
    def make(own):
        relay = Relay(own)
        victim = own.daemon("left", relay, start=False)
        return StockScene(own, relay, victim, None, victim)
    crash_at_all(make, ["turn.effect.before", "visit.sent"])


if __name__ == "__main__":
    main(400)

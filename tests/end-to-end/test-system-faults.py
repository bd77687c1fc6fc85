#!/usr/bin/python3
"""Every allocation and every call to the system of a daemon or relay fails once, in turn, from its start to the end of a tour
through all that it can do: the program says what has failed and does not start, or it goes on, within its normal back-off,
and all that was promised holds. And every call that writes kills it, so that it dies between any two of a commit's steps, too.

By default each place in the program that such a call comes from is one failure of each kind, at the first call; a place is the chain
of the program's own functions on the way to the call (tests/faults/place.h). So nothing that the program does is left out,
and what it does a thousand times is not tried a thousand times. WORMHOLED_TEST_STRIDE in the environment makes every so many-th
call fail instead, wherever it comes from: 1 tries all of them, which takes half an hour. In a build with sanitizers, what failed must
not have cost memory either; with WORMHOLED_TEST_FAULTS=memory that is what is looked at: each place fails in one of the ways, and
nobody is killed, for a program that is killed shows no leak.
"""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

from harness import Skip, World, equal, main, test, true
from harness.crashes import Stuck
from harness.relayd import Relayd
from harness.shim import ANYWHERE, KILL, DeathScene, FaultScene, check_possible, counted, environment
from harness.tap import diagnose

JOBS = 32  # which wait for a back-off most of the time
ONLY_MEMORY = os.environ.get("WORMHOLED_TEST_FAULTS") == "memory"
STRIDE = int(os.environ.get("WORMHOLED_TEST_STRIDE", "0"))
HAPPEN = 0.5  # of the failures that are planned: no two tours make quite the same calls
# What each may say. No write(): it is libevent's signal handler that calls it, and LMDB once. read(): libevent's pipe for signals.
ERRORS = {
    "memory": (errno.ENOMEM,),
    "mmap": (errno.ENOMEM,),
    "open": (errno.EMFILE, errno.EACCES, errno.EINTR),
    "openat": (errno.EMFILE, errno.ENOSPC),
    "mkdir": (errno.EACCES, errno.ENOSPC),
    "mkdirat": (errno.EACCES, errno.ENOSPC),
    "renameat": (errno.EIO,),
    "ftruncate": (errno.ENOSPC, errno.EIO),
    "fallocate": (errno.ENOSPC, errno.EIO),
    "writev": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "pwrite": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "fsync": (errno.EIO,),
    "fdatasync": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "socket": (errno.EMFILE, errno.ENOBUFS),
    "bind": (errno.EADDRINUSE, errno.EACCES),
    "listen": (errno.EADDRINUSE,),
    "connect": (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EINTR),
    "accept4": (errno.EMFILE, errno.ECONNABORTED, errno.EINTR),
    "sendto": (errno.ECONNRESET, errno.EINTR, errno.ENOBUFS),
    "sendmsg": (errno.ECONNRESET, errno.EINTR, errno.ENOBUFS),
    "readv": (errno.ECONNRESET, errno.EINTR),
    "read": (errno.EINTR,),
    "pread": (errno.EIO, errno.EINTR),
    "epoll_create1": (errno.EMFILE, errno.ENOMEM),
    "epoll_ctl": (errno.ENOMEM, errno.ENOSPC),
    "eventfd": (errno.EMFILE,),
    "pipe2": (errno.EMFILE,),
    "flock": (errno.ENOLCK, errno.EINTR),
}
DEADLY = ("mkdirat", "renameat", "ftruncate", "writev", "pwrite", "fsync", "fdatasync", "sendto")


def faulty_daemon(world):
    relay = Relayd(world)
    victim = world.daemon("victim", relay, start=False)
    return FaultScene(world, relay, victim, world.daemon("peer", relay), victim)


def faulty_relay(world):
    victim = Relayd(world)
    scene = FaultScene(world, victim, world.daemon("guest", victim), world.daemon("peer", victim), victim)
    victim.kill9()
    return scene


def dying_daemon(world):
    relay = Relayd(world)
    victim = world.daemon("left", relay, start=False)
    return DeathScene(world, relay, victim, world.daemon("right", relay), victim)


def dying_relay(world):
    victim = Relayd(world)
    scene = DeathScene(world, victim, world.daemon("left", victim), world.daemon("right", victim), victim)
    victim.kill9()
    return scene


def each_place(calls):
    """What is to fail, and how: (name, place, number, errno)."""
    return [(name, place, 1, error) for name, errors in ERRORS.items() for index, place in enumerate(calls.get(name, ()))
            for error in (errors[index % len(errors)::len(errors)] if ONLY_MEMORY else errors)]


def numbers(calls, name):
    return range(1, sum(calls.get(name, {}).values()) + 1, STRIDE or 1)


def each_call(calls):
    return [(name, ANYWHERE, number, errors[number % len(errors)]) for name, errors in ERRORS.items()
            for number in numbers(calls, name)]


def deaths(calls):
    return [(name, ANYWHERE, number, KILL) for name in DEADLY for number in numbers(calls, name)]


def attempt(scene, plan):
    try:
        scene.begin(**environment(*plan))
        scene.play(scene.introduction())
        scene.end()
    except BaseException as error:
        diagnose("%r: %s\n%s" % (plan, error, scene.victim.process.log()))
        raise


def in_one_world(make, todo, slow):
    """Takes plans from `todo`, until one takes too long: that one goes to `slow`. How many happened, and how many made an end."""
    with World() as world:
        scene = make(world)
        while todo:
            plan = todo.pop()
            try:
                attempt(scene, plan)
            except Stuck:
                slow.append(plan)
                break
        return scene.struck, scene.crashes


def go_through(make, todo, slow):
    counts = []
    while todo:
        counts.append(in_one_world(make, todo, slow))
    return [sum(count) for count in zip(*counts)]


def fail_all(make, choose):
    check_possible()
    with World() as world:
        todo = choose(counted(make(world)))
    true(len(todo) > 50, "there are calls that can fail: %d" % len(todo))
    slow, twice = [], []
    with ThreadPoolExecutor(JOBS) as pool:
        done = list(pool.map(lambda number: go_through(make, todo[number::JOBS], slow), range(JOBS)))
    struck, ends = map(sum, zip(*done))
    print("# %d of %d failures happened, and %d made an end" % (struck, len(todo), ends))
    true(struck > HAPPEN * len(todo), "what was planned happens")
    go_through(make, slow, twice)  # alone: this machine may have been busy
    equal(twice, [], "what takes too long, again")


def plans(calls):
    return each_call(calls) if STRIDE else each_place(calls)


@test("wormholed: whatever fails, once, it says so and ends at its start, or goes on and keeps its promises")
def daemon(world):
    fail_all(faulty_daemon, plans)


@test("wormhole-relayd: whatever fails, once, it says so and ends at its start, or goes on and keeps its promises")
def relay(world):
    # libevent collects them for it, and tells nobody if one fails.
    fail_all(faulty_relay, lambda calls: [plan for plan in plans(calls) if plan[0] != "epoll_ctl"])


def die(make):
    if ONLY_MEMORY:
        raise Skip("only what failures cost in memory is looked at here")
    fail_all(make, deaths)


@test("wormholed dies at any call that writes, and keeps its promises")
def daemon_dies(world):
    die(dying_daemon)


@test("wormhole-relayd dies at any call that writes, and keeps its promises")
def relay_dies(world):
    die(dying_relay)


if __name__ == "__main__":
    main(7200 if STRIDE else 600)

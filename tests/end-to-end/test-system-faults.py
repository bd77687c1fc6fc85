#!/usr/bin/python3
"""Every allocation and every call to the system of a daemon or relay fails once, in turn, from its start to the end of an
introduction: the program says what has failed and does not start, or it goes on, and all that was promised holds. And every
call that writes kills it, so that it dies between any two of a commit's steps, too.

WORMHOLED_TEST_STRIDE in the environment says that only every so many-th call is to fail; 1 takes minutes.
"""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

from harness import World, main, test, true
from harness.crashes import Scene
from harness.processes import program
from harness.relayd import Relayd
from harness.shim import KILL, FaultScene, check_possible, counted, environment
from harness.tap import diagnose

JOBS = 6
STRIDE = int(os.environ.get("WORMHOLED_TEST_STRIDE", "0"))
# What each may say, in turn, and which share of the calls is tried unless the environment wants another one: of those that
# come by the hundreds, not all. No write(): it is libevent's signal handler that calls it, and LMDB once.
ERRORS = {
    "memory": ((errno.ENOMEM,), 41),
    "mmap": ((errno.ENOMEM,), 1),
    "open": ((errno.EMFILE, errno.EACCES, errno.EINTR), 1),
    "openat": ((errno.EMFILE, errno.ENOSPC), 1),
    "mkdir": ((errno.EACCES, errno.ENOSPC), 1),
    "mkdirat": ((errno.EACCES, errno.ENOSPC), 1),
    "renameat": ((errno.EIO,), 1),
    "ftruncate": ((errno.ENOSPC, errno.EIO), 1),
    "fallocate": ((errno.ENOSPC, errno.EIO), 1),
    "writev": ((errno.EIO, errno.ENOSPC, errno.EINTR), 2),
    "pwrite": ((errno.EIO, errno.ENOSPC, errno.EINTR), 2),
    "fsync": ((errno.EIO,), 1),
    "fdatasync": ((errno.EIO, errno.ENOSPC, errno.EINTR), 2),
    "socket": ((errno.EMFILE, errno.ENOBUFS), 1),
    "bind": ((errno.EADDRINUSE, errno.EACCES), 1),
    "listen": ((errno.EADDRINUSE,), 1),
    "connect": ((errno.ECONNREFUSED, errno.ENETUNREACH, errno.EINTR), 1),
    "accept4": ((errno.EMFILE, errno.ECONNABORTED, errno.EINTR), 2),
    "sendto": ((errno.ECONNRESET, errno.EINTR, errno.ENOBUFS), 2),
    "sendmsg": ((errno.ECONNRESET, errno.EINTR, errno.ENOBUFS), 2),
}
DEADLY = ("mkdirat", "renameat", "ftruncate", "writev", "pwrite", "fsync", "fdatasync", "sendto")


def daemon_scene(kind, world):
    relay = Relayd(world)
    victim = world.daemon("left", relay, start=False)
    return kind(world, relay, victim, world.daemon("right", relay), victim)


def relay_scene(kind, world):
    victim = Relayd(world)
    scene = kind(world, victim, world.daemon("left", victim), world.daemon("right", victim), victim)
    victim.kill9()
    return scene


def plans(calls):
    """Each call that is to fail, and how: (name, number, errno)."""
    for name, (errors, stride) in ERRORS.items():
        for number in range(1, calls.get(name, 0) + 1, STRIDE or stride):
            yield name, number, errors[number % len(errors)]


def deaths(calls):
    for name in DEADLY:
        for number in range(1, calls.get(name, 0) + 1):
            yield name, number, KILL


def go_through(make, kind, some):
    """One after the other, in a world of their own; how many made the victim end, and how many a restart necessary."""
    with World() as world:
        scene = make(kind, world)
        for plan in some:
            try:
                scene.begin(**environment(*plan))
                scene.play(scene.introduction())
                scene.end()
            except BaseException as error:
                diagnose("%r: %s\n%s" % (plan, error, scene.victim.process.log()))
                raise
        return scene.crashes, getattr(scene, "restarts", 0)


def fail_all(make, binary, kind, choose):
    check_possible(program(binary)[-1])
    with World() as world:
        calls = counted(make(FaultScene, world))
    todo = list(choose(calls))
    true(len(todo) > 50, "there are calls that can fail: %d" % len(todo))
    with ThreadPoolExecutor(JOBS) as pool:
        done = list(pool.map(lambda number: go_through(make, kind, todo[number::JOBS]), range(JOBS)))
    ends, restarts = map(sum, zip(*done))
    print("# %d failures: %d made an end, %d a restart necessary" % (len(todo), ends, restarts))


@test("wormholed: whatever fails, once, it says so and ends at its start, or goes on and keeps its promises")
def daemon(world):
    fail_all(daemon_scene, "wormholed", FaultScene, plans)


@test("wormhole-relayd: whatever fails, once, it says so and ends at its start, or goes on and keeps its promises")
def relay(world):
    fail_all(relay_scene, "wormhole-relayd", FaultScene, plans)


@test("wormholed dies at any call that writes, and keeps its promises")
def daemon_dies(world):
    fail_all(daemon_scene, "wormholed", Scene, deaths)


@test("wormhole-relayd dies at any call that writes, and keeps its promises")
def relay_dies(world):
    fail_all(relay_scene, "wormhole-relayd", Scene, deaths)


if __name__ == "__main__":
    main(600)

"""One call to the system, or for memory, that fails once: see tests/faults/shim.c."""

import errno
import os
import re

from .checks import true
from .crashes import Scene, Stuck
from .processes import BUILD_DIRECTORY
from .rpc import Closed, RpcError
from .tap import Skip

LIBRARY = os.path.join(BUILD_DIRECTORY, "tests/faults/.libs/shim.so")
CALLS = re.compile(r"^shim: (\w+) was called (\d+) times$", re.MULTILINE)
KILL = 0  # in the place of an errno
# What a daemon may answer when something has failed for which it is not to blame.
EXCUSES = ("store-full", "store-failed", "busy")
STUCK_SECONDS = 12  # until the victim is given a restart, to go on


def environment(name, number, error):
    return {"LD_PRELOAD": LIBRARY, "WORMHOLED_SHIM": "%s:%d:%d" % (name, number, error)}


def check_possible(program):
    if not os.path.exists(LIBRARY):
        raise Skip("shim.so was not built; make check builds it")
    with open(program, "rb") as file:
        if b"__asan_init" in file.read():
            raise Skip("a sanitizer has its own malloc")


class FaultScene(Scene):
    """The victim may say what has failed and end, with a status that tells, or excuse itself and go on."""

    restarts = 0

    def check_death(self):
        process = self.victim.process
        status = process.wait()
        said = [line for line in process.err().splitlines() if not line.startswith("shim: ")]
        true(status > 0, "exit status of the victim: %d" % status)
        true(said, "the victim says why it does not start")

    def advance(self, introduction):
        try:
            if self.victim.running():
                return introduction.advance()
        except RpcError as error:
            true(error.code in EXCUSES, "the error %s" % error)
            return False
        except (OSError, Closed):
            if self.victim.running():
                return False
        raise AssertionError("the victim ended in the middle of its work: %d" % self.victim.process.wait())

    def play(self, introduction, seconds=STUCK_SECONDS):
        try:
            super().play(introduction, seconds)
        except Stuck:
            self.restarts += 1
            self.victim.stop()
            self.victim.start()
            super().play(introduction)

    def end(self):
        self.victim.stop()


def counted(scene):
    """How often each function is called from the start to the end of one introduction: {name: calls}."""
    scene.begin(**environment("none", 0, errno.EIO))
    scene.play(scene.introduction())
    scene.end()
    return {name: int(calls) for name, calls in CALLS.findall(scene.victim.process.err())}

"""One call to the system, or for memory, that fails once: see tests/faults/shim.c."""

import errno
import os
import re

from .checks import equal, true
from .crashes import Scene
from .processes import BUILD_DIRECTORY, preloading
from .rpc import Closed, RpcError
from .tap import Skip
from .tour import Tour

LIBRARY = os.path.join(BUILD_DIRECTORY, "tests/faults/.libs/shim.so")
CALLS = re.compile(r"^shim: (\w+) was called (\d+) times from (\w+)$", re.MULTILINE)
# What must not go unsaid: that something could not be kept.
LOST = re.compile(r"^shim: (mkdirat|renameat|pwrite|fdatasync) fails with (?!%d )" % errno.EINTR, re.MULTILINE)
SAID = re.compile(r" (error|warning): ")
ANYWHERE = "0"  # in the place of a place
KILL = 0  # in the place of an errno
# What a daemon may answer when something has failed for which it is not to blame. (`unverified`: it was not yet the turn.)
EXCUSES = ("store-full", "store-failed", "busy", "unreachable", "unverified")
# Back-off takes some seconds. Whoever needs longer has lost something, and waits for its time-out: the shortest is that of
# the WebSocket's handshake, 15 s.
SECONDS = 12


def environment(name, place, number, error):
    return preloading(LIBRARY, WORMHOLED_SHIM="%s:%s:%d:%d" % (name, place, number, error))


def check_possible():
    if not os.path.exists(LIBRARY):
        raise Skip("shim.so was not built; make check builds it")


class FaultScene(Scene):
    """A daemon that does all of it, its peer, and their relay. The victim may say what has failed and end, with a status that
    tells, or excuse itself and go on.
    """

    def __init__(self, world, relay, daemon, peer, victim):
        super().__init__(world, relay, daemon, peer, victim)
        self.struck = 0  # calls that failed
        self.rpc = None  # the connection to the daemon, while it lasts

    def note(self):
        """Whether the call failed; it must neither be hidden nor cost memory."""
        told = self.victim.process.err()
        self.struck += "\nshim: " in "\n" + told
        true(SAID.search(told) or not LOST.search(told), "what could not be written is told")
        equal(self.victim.process.findings(), [], "what a sanitizer found")

    def introduction(self):
        self.hang_up()
        return Tour(next(self.numbers), self.ask, self.right.call)

    def ask(self, method, /, **params):
        self.rpc = self.rpc or self.left.rpc()
        try:
            return self.rpc.call(method, **params)
        except (OSError, Closed):
            self.hang_up()
            raise

    def hang_up(self):
        if self.rpc:
            self.rpc.close()
        self.rpc = None

    def check_death(self):
        process = self.victim.process
        status = process.wait()
        self.note()
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

    def play(self, introduction, seconds=SECONDS):
        super().play(introduction, seconds)

    def end(self):
        self.victim.stop()
        self.note()


class DeathScene(Scene):
    """The victim is killed in the middle of something."""

    @property
    def struck(self):
        return self.crashes


def counted(scene):
    """What is called from the start to the end of one introduction: {name: {place: calls}}."""
    scene.begin(**environment("none", ANYWHERE, 0, errno.EIO))
    scene.play(scene.introduction())
    scene.end()
    calls = {}
    for name, number, place in CALLS.findall(scene.victim.process.err()):
        calls.setdefault(name, {})[place] = int(number)
    return calls

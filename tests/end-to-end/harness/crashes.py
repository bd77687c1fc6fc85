"""Introductions in which one program, the victim, is to crash, is started again, and all goes on."""

import itertools
import select
import signal
import time

from .checks import equal, true
from .daemon import Daemon
from .introduction import Introduction
from .rpc import Closed, RpcError
from .waiting import patience

SECONDS = 90  # that an introduction may take, with the crash and what waits for its time then
POLL_SECONDS, POLL_SECONDS_MAX = 0.005, 0.08  # how often is looked: ever more seldom, while nothing happens


def environment_of(program):
    return program.extra if isinstance(program, Daemon) else program.environment


def with_more(program, environment):
    """Starts it with that, for this time only; it may have ended again."""
    environment_of(program).update(environment)
    try:
        program.start()
    except AssertionError:
        true(not program.running(), "%s neither starts nor ends" % program.process.name)
    finally:
        for name in environment:
            del environment_of(program)[name]


class Stuck(AssertionError):
    pass


class Scene:
    """Two daemons at one relay; `victim` is one of the three."""

    def __init__(self, world, relay, left, right, victim):
        self.world, self.relay, self.left, self.right, self.victim = world, relay, left, right, victim
        self.crashes = 0
        self.numbers = itertools.count(1)

    def introduction(self):
        return Introduction("n%d" % next(self.numbers), self.left.call, self.right.call)

    def begin(self, **environment):
        """The victim starts with nothing stored, and something more in its environment; it may crash at that already."""
        kind = "state" if isinstance(self.victim, Daemon) else "store"
        setattr(self.victim, kind, self.world.path(self.world.unique(kind)))
        with_more(self.victim, environment)
        if not self.victim.running():
            self.revive()

    def check_death(self):
        """Nothing else than what was planned ended the victim."""
        equal(self.victim.process.wait(), -signal.SIGKILL, "exit status of the victim")

    def revive(self):
        self.check_death()
        self.crashes += 1
        self.victim.start()

    def hurry(self, introduction):
        """Nobody waits for the time at which he would look again whether the relay is back."""
        for end in introduction.ends:
            if end.created:
                try:
                    end.ask("poll", session=end.name)
                except RpcError as error:
                    equal(error.code, "closed", "the error of poll")

    def advance(self, introduction):
        """True if something was done; the victim's crash is something."""
        try:
            if self.victim.running():
                return introduction.advance()
        except (OSError, Closed):
            pass
        self.revive()
        self.hurry(introduction)
        return True

    def play(self, introduction, seconds=SECONDS):
        end = time.monotonic() + patience(seconds)
        pause = POLL_SECONDS
        while not introduction.over:
            if self.advance(introduction):
                pause = POLL_SECONDS
            else:
                select.select([], [], [], pause)
                pause = min(2 * pause, POLL_SECONDS_MAX)
            if time.monotonic() > end:
                raise Stuck("an introduction does not complete: %s" % introduction)
        introduction.check_end()

    def left_behind(self):
        """How many mailboxes the relay has."""
        return len(self.relay.mailboxes()) if self.relay.process.running() else 0

    def end(self):
        """The victim is told to end; it may crash at that still."""
        self.victim.process.kill(signal.SIGTERM)
        status = self.victim.process.wait()
        true(status in (0, -signal.SIGKILL), "exit status of the victim at its end: %d" % status)
        self.crashes += status != 0

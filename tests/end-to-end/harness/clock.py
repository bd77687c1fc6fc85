"""Clocks for daemons and relays that a test puts forward, or back: weeks pass at once. See clock.c."""

import os
import struct

from .processes import BUILD_DIRECTORY, preloading
from .tap import Skip

LIBRARY = os.path.join(BUILD_DIRECTORY, "tests/end-to-end/.libs/clock.so")


class Clock:
    def __init__(self, world):
        if not os.path.exists(LIBRARY):
            raise Skip("clock.so was not built; make check builds it")
        self.path = world.path(world.unique("clock"))
        self.ahead = self.asleep = self.awake = 0
        self.write()

    def write(self):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("qqq", self.ahead, self.asleep, self.awake))

    def advance(self, seconds):
        """So much time passes, as while a machine is suspended. If it is negative, the wall clock is set back."""
        self.asleep += max(seconds, 0)
        self.leap(seconds)

    def wait(self, seconds):
        """So much time passes for the process while it runs. One that sleeps notices when something wakes it."""
        self.awake += seconds
        self.advance(seconds)

    def leap(self, seconds):
        """The wall clock leaps; no time passes."""
        self.ahead += seconds
        self.write()

    def environment(self):
        """What a process has to have to go by this clock."""
        return preloading(LIBRARY, WORMHOLED_TEST_CLOCK=self.path)

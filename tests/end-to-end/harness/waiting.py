"""The one place where tests poll."""

import os
import select
import time

POLL_SECONDS = 0.01


# Deadlines only end tests that hang. They name what a calm machine needs, several times over; on a machine with other
# work, which may be ten times slower, no test may fail for it.
STRETCH = 10


def patience(seconds):
    """A deadline, for a busy machine. Never for time that is meant to pass."""
    return seconds * STRETCH * float(os.environ.get("WORMHOLED_TEST_PATIENCE", "1"))


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(), which is asked again and again."""
    end = time.monotonic() + patience(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %g s in vain until %s" % (patience(seconds), what))
        select.select([], [], [], POLL_SECONDS)

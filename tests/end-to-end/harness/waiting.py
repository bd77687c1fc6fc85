"""The one place where tests poll."""

import os
import select
import time

POLL_SECONDS = 0.01


def patience(seconds):
    """Deadlines are for tests that hang; on a slow machine, or under valgrind, they may be stretched."""
    return seconds * float(os.environ.get("WORMHOLED_TEST_PATIENCE", "1"))


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

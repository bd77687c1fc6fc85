"""Two clients that behave, while others do not."""

import time

from .checks import equal
from .client import meet
from .websocket import Closed

HOLD_UP = 5  # seconds that nobody who behaves should ever wait


class Bystanders:
    """They can tell whether the relay still serves them, and how long they had to wait for it at most."""

    def __init__(self, relay, **options):
        self.left, self.right, self.mailbox = meet(relay, **options)
        self.said = 0
        self.slowest = 0

    def go_on(self, what, size=4):
        """A message of so many bytes from one to the other."""
        body = "%0*x" % (2 * size, self.said)
        started = time.perf_counter()
        try:
            self.left.say("add", phase=str(self.said), body=body)
            for client in (self.left, self.right):
                equal(client.expect("message", HOLD_UP)["body"], body, "what the bystanders hear after " + what)
        except (TimeoutError, Closed) as error:
            raise AssertionError("bystanders after %s: %r" % (what, error)) from None
        self.slowest = max(self.slowest, time.perf_counter() - started)
        self.said += 1

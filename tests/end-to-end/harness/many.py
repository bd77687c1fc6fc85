"""Many introductions of two daemons at the same time, each going on as soon as it can."""

import select
import time

from .waiting import patience


class Many:
    def __init__(self, left, right):
        self.rpcs = [daemon.rpc() for daemon in (left, right)]
        self.asks = [rpc.call for rpc in self.rpcs]
        self.since = [rpc.call("subscribe")["change"] for rpc in self.rpcs]
        self.running = {}  # name: introduction
        self.names = {}  # of the sessions, by side and id

    def add(self, introduction):
        self.running[introduction.name] = introduction
        self.go_on(introduction)

    def go_on(self, introduction):
        while introduction.advance():
            pass
        if introduction.over:
            introduction.check_end()
            del self.running[introduction.name]

    def changed(self, side):
        """The names of the sessions that have changed on that side since the last time."""
        rpc = self.rpcs[side]
        rpc.notifications.clear()
        rows = rpc.call("changes", since=self.since[side], limit=1000)["changes"]
        self.since[side] = rows[-1]["change"] if rows else self.since[side]
        return {self.name(side, row["session"]) for row in rows}

    def name(self, side, session):
        if (side, session) not in self.names:
            self.names[side, session] = self.asks[side]("show", session=session)["name"]
        return self.names[side, session]

    def run(self, seconds):
        """Until all are over."""
        end = time.monotonic() + patience(seconds)
        while self.running:
            for name in self.changed(0) | self.changed(1):
                if name in self.running:
                    self.go_on(self.running[name])
            if time.monotonic() > end:
                raise AssertionError("%d introductions do not complete: %s" % (len(self.running), self.describe()))
            if self.running and not any(rpc.notifications for rpc in self.rpcs):
                select.select([rpc.socket for rpc in self.rpcs], [], [], 1)

    def describe(self):
        return "\n".join(str(introduction) for introduction in list(self.running.values())[:5])

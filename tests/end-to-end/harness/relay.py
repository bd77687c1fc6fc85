"""The stock relay as a child process that can be stopped and come back."""

import os
import signal
import sqlite3
import sys

from .ports import hold
from .waiting import wait_until

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stock-relay.py")
# What it imports, as far as that does not make a reactor yet.
MODULES = ("sqlite3", "autobahn.twisted.websocket", "twisted.application.service", "twisted.internet.epollreactor",
           "twisted.internet.task", "twisted.web.server", "twisted.web.static", "wormhole_mailbox_server.database",
           "wormhole_mailbox_server.increase_rlimits", "wormhole_mailbox_server.server")


class Relay:
    stock = True

    def __init__(self, world, durable=False, clock=None, **options):
        """A durable one survives a power cut too, which takes time that tests do not have, and is a process of its own from
        the beginning, as those are that are measured. `clock`: see clock.py."""
        self.world = world
        self.durable = durable
        self.port = hold(world)
        self.database = world.path(world.unique("relay") + ".sqlite")
        self.clock = clock
        self.process = None
        self.start(**options)

    def launch(self, expiration=None, check=None, motd=None, error=None, port=None):
        """Starts the process without waiting for it to listen."""
        command = [PROGRAM, "--db", self.database, "--port", str(port or self.port)]
        if not self.durable:
            command.append("--no-fsync")
        for name, value in (("expiration", expiration), ("check", check), ("motd", motd), ("error", error)):
            if value is not None:
                command += ["--" + name, str(value)]
        if self.durable or self.clock is not None:
            environment = dict(os.environ, **(self.clock.environment() if self.clock else {}))
            self.process = self.world.spawn("relay", [sys.executable] + command, environment=environment)
        else:
            self.process = self.world.spawn("relay", command, modules=MODULES)

    def start(self, **options):
        """Starts it (again, at the same address and with what it stored)."""
        self.launch(**options)
        self.url = self.process.wait_text(r"ws://127\.0\.0\.1:[0-9]+/v1").group()
        self.port = int(self.url.split(":")[2].split("/")[0])

    def kill9(self):
        self.process.kill9()

    def restart_killed(self):
        self.kill9()
        self.start()

    def stop(self):
        self.process.kill(signal.SIGTERM)
        self.process.wait()

    def restart(self, **options):
        self.stop()
        self.start(**options)

    def restart_forgetful(self):
        """Comes back after so long that it forgets every mailbox: all are too old for it."""
        self.restart(expiration=-3600)

    def forget_idle(self):
        """An hour passes for it, at its next check, which it is asked for: it forgets what has no listener now."""
        self.process.kill(signal.SIGUSR1)

    def query(self, sql, *values):
        """Rows of its database, as it is now."""
        connection = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True, timeout=60)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def phases(self):
        """The (side, phase) of all stored messages, oldest first."""
        return self.query("SELECT side, phase FROM messages ORDER BY server_rx")

    def until_stored(self, *phases):
        """Waits until it holds exactly those phases, of whichever side and mailbox."""
        wait_until(lambda: sorted(phase for _, phase in self.phases()) == sorted(phases), 20,
                   "the relay holds %r" % (phases,))

    def mailboxes(self):
        return self.query("SELECT id FROM mailboxes")

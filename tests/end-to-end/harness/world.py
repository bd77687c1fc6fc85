"""A test's own world: a temporary directory, and whatever it starts."""

import os
import shutil
import tempfile

from .daemon import Daemon
from .middle import Middle
from .processes import Process
from .relay import Relay
from .relayd import Relayd


def chosen_relay():
    """`ours` runs a test with wormhole-relayd that was written for the stock relay; `stock` the other way round, which
    shows where the stock relay bites.
    """
    return os.environ.get("WORMHOLED_TEST_RELAY")


class World:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="wormholed-")
        self.processes = []
        self.closers = []
        self.daemons = []
        self.relayds = []
        self.serial = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        failures = []
        for close in reversed(self.closers):
            try:
                close()
            except Exception as error:
                failures.append(error)
        for process in self.processes:
            process.kill_all()
            if process.popen.stdin:
                process.popen.stdin.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        if failures and exception[0] is None:
            raise failures[0]

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def unique(self, name):
        self.serial += 1
        return "%s-%d" % (name, self.serial)

    def spawn(self, name, command, **options):
        """Starts a process that ends with the test at the latest."""
        process = Process(self.directory, self.unique(name), command, **options)
        self.processes.append(process)
        return process

    def finally_call(self, close):
        self.closers.append(close)

    def relay(self, **options):
        """A stock relay that listens, unless the environment wants another one."""
        return self.relayd(**options) if chosen_relay() == "ours" else Relay(self, **options)

    def relayd(self, *arguments, **options):
        """A relay of ours that listens, unless the environment wants another one."""
        if chosen_relay() == "stock":
            return Relay(self, **options)
        relayd = Relayd(self, *arguments, **options)
        self.relayds.append(relayd)
        return relayd

    def middle(self, relay):
        """A man in the middle before the relay; see middle.py."""
        middle = Middle(relay.port)
        self.finally_call(middle.close)
        return middle

    def daemon(self, name, relay, *arguments, start=True, **options):
        """A wormholed with a state directory of its own, answering already unless start is False."""
        daemon = Daemon(self, name, getattr(relay, "url", relay), arguments, **options)
        self.daemons.append(daemon)
        if start:
            daemon.start()
        return daemon

    def pair(self, *arguments, **relay_options):
        """A relay and two daemons."""
        relay = self.relay(**relay_options)
        return relay, self.daemon("a", relay, *arguments), self.daemon("b", relay, *arguments)

    def stop(self):
        """The end of a test that went well: daemons and relays end as they should, and no sanitizer complained."""
        for program in self.daemons + self.relayds:
            if program.running():
                program.stop()
        findings = [(process.name, line) for process in self.processes for line in process.findings()]
        if findings:
            raise AssertionError("sanitizer: %r" % findings[:5])

    def logs(self):
        return "\n".join(process.log() for process in self.processes)

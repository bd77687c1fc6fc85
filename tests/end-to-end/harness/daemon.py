"""A wormholed under test: its own state, socket and relay; killed and started again at will."""

import os
import signal

from . import wormctl
from .checks import equal
from .processes import environment, program
from .rpc import Closed, Rpc
from .waiting import wait_until

STOP_SECONDS = 10
# What the environment of a test must not decide.
FOREIGN = ("WORMHOLED_", "XDG_", "NOTIFY_SOCKET", "JOURNAL_STREAM", "LISTEN_")


class Daemon:
    def __init__(self, world, name, relay_url, arguments=(), **options):
        self.world = world
        self.name = name
        self.home = world.path(name)
        self.state = os.path.join(self.home, "state")
        self.socket = os.path.join(self.home, "run", "socket")
        self.relay_url = relay_url
        self.arguments = list(arguments)
        self.options = options  # for subprocess.Popen
        self.extra = {}  # of the environment
        self.program = program("wormholed")
        self.process = None
        os.mkdir(self.home, 0o700)

    def environment(self):
        everything = environment(HOME=self.home, LC_ALL="C.UTF-8")
        return {**{key: value for key, value in everything.items() if not key.startswith(FOREIGN)}, **self.extra}

    def command(self):
        return self.program + [
            "--foreground", "--state", self.state, "--socket", self.socket, "--relay", self.relay_url,
            "--log-level", "debug"] + self.arguments

    # ---- its life ----

    def launch(self):
        """Starts the process without waiting for it to answer."""
        self.process = self.world.spawn("daemon-" + self.name, self.command(), environment=self.environment(),
                                        **self.options)
        return self.process

    def start(self):
        self.launch()
        wait_until(self.answers, 20, "%s answers" % self.name)

    def answers(self):
        if not self.running():
            raise AssertionError("%s ended at its start, exit status %d: %s" %
                                 (self.name, self.process.popen.returncode, self.process.err()[-500:]))
        try:
            self.rpc().close()
        except (OSError, Closed):
            return False
        return True

    def running(self):
        return self.process is not None and self.process.running()

    def kill9(self):
        self.process.kill9()

    def restart_killed(self):
        self.kill9()
        self.start()

    def stop(self):
        """Ends it politely; it must end with status 0."""
        self.process.kill(signal.SIGTERM)
        equal(self.process.wait(STOP_SECONDS), 0, "exit status of %s after SIGTERM" % self.name)

    # ---- talking to it ----

    def rpc(self, **options):
        return Rpc(self.socket, **options)

    def call(self, method, /, **params):
        """One request over a connection of its own."""
        with self.rpc() as rpc:
            return rpc.call(method, **params)

    def show(self, session):
        return self.call("show", session=session)

    def until(self, session, condition, seconds=20, what="it changes"):
        """Waits until condition(view) of the session holds; the view."""
        with self.rpc() as rpc:
            return rpc.until(session, condition, seconds, what)

    def until_state(self, session, *states):
        return self.until(session, lambda view: view["state"] in states, what="%s is %s" % (session, "/".join(states)))

    def until_sessions(self, count):
        """Waits until its store holds so many."""
        wait_until(lambda: self.call("status")["sessions"] == count, 20, "%s has %d sessions" % (self.name, count))

    def invite(self, **options):
        """A session with its code: the view."""
        session = self.call("invite", **options)["id"]
        return self.until(session, lambda view: view["code"], what="there is a code")

    def take(self, session, count, seconds=20):
        """Receives and acknowledges so many messages, in order."""
        with self.rpc() as rpc:
            rpc.until(session, lambda view: view["unread"] >= count, seconds, "%d messages came" % count)
            return [take_one(rpc, session) for _ in range(count)]

    # ---- wormctl ----

    def ctl(self, *arguments, **options):
        """Runs wormctl for this daemon; see wormctl.run()."""
        return wormctl.run(self.socket, arguments, self.environment(), **options)

    def spawn_ctl(self, *arguments, **options):
        """Starts wormctl and leaves it running."""
        return self.world.spawn("wormctl-" + self.name, wormctl.command(self.socket, arguments),
                                environment=self.environment(), **options)


def take_one(rpc, session):
    message = rpc.call("recv", session=session)
    rpc.call("ack", session=session, number=message["number"])
    return message["data"]

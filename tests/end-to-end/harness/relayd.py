"""Our relay, wormhole-relayd, as a child process; with the same interface as the stock one of relay.py."""

import os
import re
import shutil
import signal
import urllib.error
import urllib.request

from .checks import equal
from .daemon import FOREIGN
from .ports import hold
from .processes import environment, program
from .waiting import patience, wait_until

STOP_SECONDS = 10
LISTENING = r"listening on (wss?)://127\.0\.0\.1:([0-9]+)/v1"
WATCHED = r"http://127\.0\.0\.1:([0-9]+)"
SAMPLE = re.compile(r"^([a-z_]+)(\{[^}]*\})? ([0-9.e+-]+)$", re.MULTILINE)


class Relayd:
    stock = False

    def __init__(self, world, *arguments, start=True, popen=None, clock=None, **options):
        """`popen` is for subprocess.Popen; `clock`: see clock.py."""
        self.world = world
        self.port = hold(world)
        self.store = world.path(world.unique("relayd"))
        self.arguments = list(arguments)
        self.popen = popen or {}
        self.environment = {key: value for key, value in environment(HOME=world.directory, LC_ALL="C.UTF-8").items()
                            if not key.startswith(FOREIGN + ("WORMHOLE_RELAYD_",))}
        self.environment.update(clock.environment() if clock else {})
        self.prefix = []  # of the command line
        self.process = None
        if start:
            self.start(**options)

    # ---- its life ----

    def command(self, motd=None, expiration=None, check=None, port=None):
        """The options that the stock relay has too; how often it checks is its own business."""
        del check
        command = self.prefix + program("wormhole-relayd") + [
            "--listen", "127.0.0.1:%d" % (port or self.port), "--store", self.store, "--log-level", "debug",
            "--metrics-listen", "127.0.0.1:0"]
        if expiration is not None:
            command += ["--retention", duration(expiration)]
        if motd is not None:
            command += ["--motd", motd]
        return command + self.arguments

    def launch(self, **options):
        """Starts the process without waiting for it to listen."""
        self.process = self.world.spawn("relayd", self.command(**options), environment=self.environment, **self.popen)
        return self.process

    def start(self, **options):
        """Starts it (again, at the same address and with what it stored)."""
        self.launch(**options)
        scheme, port = self.process.wait_text(LISTENING).groups()
        self.port = int(port)
        self.url = "%s://127.0.0.1:%d/v1" % (scheme, self.port)

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
        equal(self.process.wait(STOP_SECONDS), 0, "exit status of the relay after SIGTERM")

    def restart(self, **options):
        self.stop()
        self.start(**options)

    def forget_everything(self):
        """What the passing of a month does to one that is away."""
        shutil.rmtree(self.store)

    def restart_forgetful(self):
        self.stop()
        self.forget_everything()
        self.start()

    # ---- watching it ----

    def get(self, path):
        """(status, body) of a page for those who watch it."""
        port = int(self.process.wait_text(WATCHED).group(1))
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=patience(10)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        """{name or name{labels}: value}"""
        return {name + labels: float(value) for name, labels, value in SAMPLE.findall(self.get("/metrics")[1])}

    def metric(self, name):
        return self.metrics()["relayd_" + name]

    def until_metric(self, name, value):
        wait_until(lambda: self.metric(name) == value, 20, "the relay's %s is %g" % (name, value))

    def until_stored(self, *phases):
        """Waits until it holds so many messages; which ones, nobody but their mailbox is told."""
        self.until_metric("messages", len(phases))

    def mailboxes(self):
        """As many as there are; their names, nobody is told."""
        return ["mailbox"] * int(self.metric("mailboxes"))

    def memory(self):
        """RssAnon in bytes; always 0 under a sanitizer or valgrind, who keep what was freed."""
        *before, binary = program("wormhole-relayd")
        with open(binary, "rb") as file:
            if b"__asan_init" in file.read() or before:
                return 0
        with open("/proc/%d/status" % self.process.pid) as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))

    def cpu_seconds(self):
        return self.process.cpu_seconds()

    def log(self):
        return self.process.err()

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))


def duration(seconds):
    """As its options have it: whole seconds at the least."""
    return "%ds" % max(1, round(seconds))



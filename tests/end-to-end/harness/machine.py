"""A machine that systemd has booted, made of name spaces: for system units as they are."""

import os
import subprocess
from contextlib import contextmanager

from .network import inside
from .tap import Skip
from .waiting import patience, wait_until

SYSTEMD = "/lib/systemd/systemd"
BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot-machine.sh")


# What could not be had here, and why. A place does not change while a program runs.
unavailable = {}


class Unavailable(Exception):
    pass


@contextmanager
def tried_once(what):
    """Turns Unavailable into a skip, and every later try into the same one."""
    if what in unavailable:
        raise Skip(unavailable[what])
    try:
        yield
    except Unavailable as reason:
        unavailable[what] = "%s: %s" % (what, reason)
        raise Skip(unavailable[what]) from None


def until_up(process, is_up):
    """Waits until a service manager that was started is up. One that hangs is of no use, however patient one is."""
    def up_or_over():
        if not process.running():
            raise Unavailable(process.err().strip() or "it has ended")
        return is_up()
    try:
        wait_until(up_or_over, 6, "it is up")
    except AssertionError as error:
        raise Unavailable("%s %s" % (error, process.err().strip())) from None


class Machine:
    """With the files of a directory in its /run/machine, where it looks for units."""

    def __init__(self, world, directory):
        if os.geteuid() != 0 or not os.path.exists(SYSTEMD):
            raise Skip("a machine needs root and systemd")
        with tried_once("no machine can be booted here"):
            self.process = world.spawn("machine", ["sh", BOOT, directory])
            world.finally_call(self.end)
            until_up(self.process, self.boots)
        self.network = os.open("/proc/%d/ns/net" % self.first_process(), os.O_RDONLY | os.O_CLOEXEC)

    # ---- its life ----

    def first_process(self):
        """Its process 1, as it is numbered here; None before there is one."""
        try:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as file:
                return int(file.read().split()[0])
        except (OSError, IndexError):
            return None

    def boots(self):
        return self.first_process() and self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def end(self):
        self.process.kill9()
        group = self.process.out().decode().strip()
        if group:
            wait_until(lambda: remove(group), 20, "nobody is left in %s" % group)

    # ---- what is done in it ----

    def run(self, *command):
        """Runs a command to its end."""
        return subprocess.run(["nsenter", "--all", "--target", str(self.first_process()), "--"] + list(command),
                              capture_output=True, text=True, timeout=patience(60), check=False)

    def systemctl(self, *words):
        """What it prints; it must succeed."""
        result = self.run("systemctl", *words)
        if result.returncode != 0:
            units = self.run("systemctl", "status", "--all").stdout
            raise AssertionError("systemctl %s: %s\n%s" % (" ".join(words), result.stderr, units))
        return result.stdout.strip()

    def property(self, unit, name):
        return self.systemctl("show", "--value", "--property", name, unit)

    def visit(self):
        """Sockets that are made in this context are the machine's."""
        return inside(self.network)


def remove(group):
    """Removes the directories of a control group; False if it has processes still."""
    try:
        for directory, _, _ in os.walk(group, topdown=False):
            os.rmdir(directory)
    except OSError:
        return False
    return True

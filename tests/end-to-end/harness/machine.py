"""A machine that systemd has booted, made of name spaces: for system units as they are."""

import os
import subprocess

from .network import inside
from .tap import Skip
from .waiting import patience, wait_until

SYSTEMD = "/lib/systemd/systemd"
BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot-machine.sh")


class Machine:
    """With the files of a directory in its /run/machine, where it looks for units."""

    def __init__(self, world, directory):
        if os.geteuid() != 0 or not os.path.exists(SYSTEMD):
            raise Skip("a machine needs root and systemd")
        self.process = world.spawn("machine", ["sh", BOOT, directory])
        world.finally_call(self.end)
        try:
            wait_until(self.boots, 20, "the machine has booted")
        except AssertionError as error:
            raise Skip("no machine can be booted here: %s %s" % (error, self.process.err().strip())) from None
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
        if not self.process.running():
            raise AssertionError("it has ended.")
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

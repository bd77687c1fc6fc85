"""The service manager of an ordinary user, with the units of wormholed as they are installed."""

import json
import os
import shutil
import subprocess

from .checks import equal
from .machine import SYSTEMD, remove, tried_once, until_up
from .processes import BUILD_DIRECTORY, program
from .tap import Skip
from .waiting import patience, wait_until

START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start-user-manager.sh")
SOURCE_DIRECTORY = os.environ.get("abs_top_srcdir", os.getcwd())
USER = "65534"  # nobody: who has no privileges anywhere
HOME = "/run/home"
RUNTIME = "/run/user/" + USER
ENVIRONMENT = {"HOME": HOME, "XDG_RUNTIME_DIR": RUNTIME, "LD_LIBRARY_PATH": HOME + "/bin", "LC_ALL": "C.UTF-8",
               "PATH": HOME + "/bin:/usr/bin:/bin"}
SERVICE, SOCKET = "wormholed.service", "wormholed.socket"
WATCHDOG_SECONDS = 4  # a machine that is busy must not look like a daemon that hangs
# Nobody waits for a minute here, and the program is not where it will be installed.
CHANGES = """[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=
ExecStart={home}/bin/wormholed --foreground
ExecReload=
ExecReload={home}/bin/wormholed --check-config
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec={watchdog}
RestartSec=100ms
""".format(home=HOME, watchdog=WATCHDOG_SECONDS)


def own_binaries():
    daemon, client = program("wormholed"), program("wormctl")
    with open(daemon[-1], "rb") as file:
        if len(daemon + client) > 2 or b"__asan_init" in file.read():
            raise Skip("a sanitizer or valgrind does what the unit forbids")
    library = os.path.join(BUILD_DIRECTORY, "libclient/.libs")
    return daemon + client + [os.path.join(library, name) for name in os.listdir(library) if ".so" in name]


def furnish(home, drop_ins):
    """What the user has: the programs, the units, what differs from them for the tests' sake, and more {name: text}."""
    units = os.path.join(home, ".local/share/systemd/user")
    os.makedirs(os.path.join(units, SERVICE + ".d"))
    os.mkdir(os.path.join(home, "bin"))
    for path in own_binaries():
        shutil.copy(path, os.path.join(home, "bin"))
    shutil.copy(os.path.join(BUILD_DIRECTORY, "dist/systemd", SERVICE), units)
    shutil.copy(os.path.join(SOURCE_DIRECTORY, "dist/systemd", SOCKET), units)
    for name, text in {"test.conf": CHANGES, **drop_ins}.items():
        with open(os.path.join(units, SERVICE + ".d", name), "w") as file:
            file.write(text)


class UserManager:
    def __init__(self, world, drop_ins=None):
        if os.geteuid() != 0 or not os.path.exists(SYSTEMD):
            raise Skip("a user's service manager needs systemd, and root to make its name spaces")
        home = world.path("home")
        furnish(home, drop_ins or {})
        with tried_once("no user's manager can be had here"):
            self.process = world.spawn("manager", ["sh", START, home, USER])
            world.finally_call(self.end)
            until_up(self.process, self.runs)

    # ---- its life ----

    def first_process(self):
        """The first one of its name spaces, as it is numbered here; None before there is one."""
        try:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as file:
                return int(file.read().split()[0])
        except (OSError, IndexError):
            return None

    def runs(self):
        first = self.first_process()
        return (first and os.path.exists("/proc/%d/root%s/systemd/private" % (first, RUNTIME)) and
                self.run("systemctl", "--user", "is-system-running").stdout.strip() in (b"running", b"degraded"))

    def end(self):
        self.process.kill9()
        group = self.process.out().decode().strip()
        if group:
            wait_until(lambda: remove(group), 20, "nobody is left in %s" % group)

    # ---- what is done in it ----

    def place(self, *names):
        """A path of its name spaces, as it is seen from here."""
        return os.path.join("/proc/%d/root" % self.first_process(), os.path.join(*names).lstrip("/"))

    def run(self, *command, data=None):
        """Runs a command of the user's to its end."""
        words = ["%s=%s" % pair for pair in ENVIRONMENT.items()]
        return subprocess.run(["nsenter", "--all", "--target", str(self.first_process()), "--", "setpriv", "--reuid", USER,
                               "--regid", USER, "--clear-groups", "env", "-i"] + words + list(command),
                              input=data or b"", capture_output=True, timeout=patience(60), check=False)

    def systemctl(self, *words):
        """What it prints; it must succeed."""
        result = self.run("systemctl", "--user", *words)
        if result.returncode != 0:
            units = self.run("systemctl", "--user", "status", "--all").stdout.decode()
            raise AssertionError("systemctl %s: %s\n%s" % (" ".join(words), result.stderr.decode(), units))
        return result.stdout.decode().strip()

    def property(self, name, unit=SERVICE):
        return self.systemctl("show", "--value", "--property", name, unit)

    def until(self, name, value):
        """Waits until a property of the service has that value."""
        wait_until(lambda: self.property(name) == value, 60, "%s is %s" % (name, value))

    def ctl(self, *arguments, data=None):
        """What wormctl prints; it must succeed."""
        result = self.run("wormctl", *arguments, data=data)
        equal(result.returncode, 0, "wormctl %s: %r" % (" ".join(arguments), result.stderr))
        return result.stdout

    def show(self, session):
        return json.loads(self.ctl("show", session, "--json"))

    def configure(self, text):
        """Writes the daemon's configuration file."""
        self.run("mkdir", "-p", HOME + "/.config/wormholed")
        self.run("tee", HOME + "/.config/wormholed/wormholed.conf", data=text.encode())

    def status_of_process(self):
        """What the kernel says of the daemon's process: {name: words}."""
        text = self.run("cat", "/proc/%s/status" % self.property("MainPID")).stdout.decode()
        return {line.split(":")[0]: line.split()[1:] for line in text.splitlines()}

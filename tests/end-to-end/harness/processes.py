"""Child processes whose output goes to files, and none of which outlives its test."""

import os
import re
import shlex
import signal
import subprocess

from .fork import Fork
from .waiting import patience, wait_until

# How sanitizers, and valgrind -q, begin what they have to say.
FINDING = re.compile(r"^==\d+==|runtime error:")
BUILD_DIRECTORY = os.environ.get("abs_top_builddir", os.getcwd())
SHARED_LIBRARIES = os.path.join(BUILD_DIRECTORY, "libclient/.libs")


def program(name):
    """The command line of one of our programs: what $WORMCTL or $WORMHOLED says (to put `valgrind -q` before it, say), or
    where it was built.
    """
    override = os.environ.get(name.upper().replace("-", "_"))
    if override:
        return shlex.split(override)
    built = os.path.join(BUILD_DIRECTORY, name)
    with open(built, "rb") as file:
        # Where the program uses our shared library, libtool puts a slow script in its place.
        if file.read(2) == b"#!":
            built = os.path.join(os.path.dirname(built), ".libs", os.path.basename(built))
    return [built]


def put_programs(directory, *names):
    """Scripts that run these of our programs, in a directory that is made for a PATH."""
    os.makedirs(directory, exist_ok=True)
    for name in names:
        put_script(os.path.join(directory, name), 'exec %s "$@"' % shlex.join(program(name)))


def put_script(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n%s\n" % text)
    os.chmod(path, 0o755)


def environment(**more):
    """That of this process, and the way to our shared library."""
    return dict(os.environ, LD_LIBRARY_PATH=SHARED_LIBRARIES, **more)


def preloading(library, **more):
    """What a process has to have in its environment to load a shared object before all others. The name of a directory
    may have a blank, where LD_PRELOAD would end. A sanitizer wants to be asked first.
    """
    directory, name = os.path.split(library)
    return dict(LD_PRELOAD=name, LD_LIBRARY_PATH=directory + ":" + SHARED_LIBRARIES,
                ASAN_OPTIONS="verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""), **more)


class Process:
    """A running child. `name` is also that of its files in `directory`."""

    def __init__(self, directory, name, command, environment=None, stdin=subprocess.DEVNULL, modules=None, **options):
        """With `modules`, the command is a program in Python with its arguments; see fork.py."""
        self.name = name
        self.command = command
        self.out_path = os.path.join(directory, name + ".out")
        self.err_path = os.path.join(directory, name + ".err")
        with open(self.out_path, "wb") as out, open(self.err_path, "ab") as err:
            if modules is not None:
                self.popen = Fork(command[0], command[1:], modules, out, err)
            else:  # setpriv: when the test itself is killed, its children must not stay
                self.popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--"] + command, stdin=stdin,
                                              stdout=options.pop("stdout", out), stderr=options.pop("stderr", err),
                                              env=environment, start_new_session=True, **options)
        self.pid = self.popen.pid

    def out(self):
        with open(self.out_path, "rb") as file:
            return file.read()

    def err(self):
        with open(self.err_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def running(self):
        return self.popen.poll() is None

    def cpu_seconds(self):
        """What it has used of a processor, in its own code and in the kernel."""
        with open("/proc/%d/stat" % self.pid, encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self, number=signal.SIGKILL):
        if self.running():
            self.popen.send_signal(number)

    def kill9(self):
        self.kill(signal.SIGKILL)
        self.popen.wait()

    def kill_all(self):
        """With what it has started, as a shell has."""
        if self.running():
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:  # a fork that has not got so far
                self.kill()
        self.popen.wait()

    def wait(self, seconds=20):
        """Waits for its end; its exit status, negative if a signal ended it."""
        try:
            return self.popen.wait(patience(seconds))
        except subprocess.TimeoutExpired:
            raise AssertionError("%s did not end within %g s" % (self.name, patience(seconds))) from None

    def wait_text(self, pattern, seconds=20, stream="out"):
        """Waits until its output matches the regular expression; the match."""
        path = self.out_path if stream == "out" else self.err_path

        def search():
            ended = not self.running()  # asked first: it may say its last words and end meanwhile
            with open(path, "rb") as file:
                match = re.search(pattern, file.read().decode("utf-8", "replace"))
            if not match and ended:
                raise AssertionError("%s ended (%s) without saying /%s/" % (self.name, self.popen.returncode, pattern))
            return match

        return wait_until(search, seconds, "%s says /%s/" % (self.name, pattern))

    def write(self, data):
        """To its standard input, which must be a pipe."""
        self.popen.stdin.write(data)
        self.popen.stdin.flush()

    def findings(self):
        """What a sanitizer or valgrind had to say."""
        return [line for line in self.err().splitlines() if FINDING.search(line)]

    def log(self):
        """Its output for a person."""
        state = "running" if self.running() else "exit status %d" % self.popen.returncode
        out = self.out().decode("utf-8", "replace")
        tail = "\n".join(self.err().splitlines()[-200:])
        return "--- %s (%s): %s\n%s\n%s" % (self.name, state, shlex.join(self.command), out[-2000:], tail)

#!/usr/bin/python3
"""The sandbox that both daemons enter once they have started: what the kernel says of it, what goes on inside, and what is
closed. What a process in it can do, call by call, tests/unit/test-sandbox.c tries.
"""

import ctypes
import fcntl
import os
import re
import shutil
import signal
import ssl
import subprocess

from harness import Skip, contains, equal, lacks, main, test, true, wait_until
from harness.processes import BUILD_DIRECTORY, program
from harness.tls import Authority, Terminator
from harness.waiting import patience


def kernel_says(process):
    """Of this process: {name: value}."""
    with open("/proc/%d/status" % process) as file:
        return dict(re.findall(r"(?m)^(\w+):\s*(.*)$", file.read()))


LANDLOCK_CREATE_RULESET, VERSION = 444, 1  # system call, flag


def needs_sandbox():
    """Skips where the kernel has no Landlock, or what was built does not enter a sandbox by itself. What it is then called, and
    what the kernel says under Seccomp: a build without libseccomp (--without-seccomp) has Landlock only.
    """
    with open(os.path.join(BUILD_DIRECTORY, "config.h")) as file:
        config = file.read()
    if "define SANDBOX_DEFAULT true" not in config:
        raise Skip("this build does without a sandbox")
    if len(program("wormholed") + program("wormhole-relayd")) > 2:
        raise Skip("valgrind knows nothing of it")
    if ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, VERSION) < 1:
        raise Skip("the kernel has no Landlock")
    filters = "define HAVE_LIBSECCOMP 1" in config
    return ("seccomp, Landlock", "2") if filters else ("Landlock", kernel_says(os.getpid())["Seccomp"])


def settings_of(daemon, text):
    """Puts a new file in the place of the old one, as editors do, and has it read."""
    place = os.path.join(daemon.home, ".config/wormholed/wormholed.conf")
    with open(place + ".new", "w") as file:
        file.write(text)
    os.rename(place + ".new", place)
    before = daemon.process.err().count("reloaded")
    daemon.process.kill(signal.SIGHUP)
    wait_until(lambda: daemon.process.err().count("reloaded") > before, 20, "it has read its settings")


def threads_of(process):
    """What the kernel says of each of its threads."""
    place = "/proc/%d/task" % process.pid
    found = []
    for number in os.listdir(place):
        with open(os.path.join(place, number, "status")) as file:
            found.append(dict(re.findall(r"(?m)^(\w+):\s*(.*)$", file.read())))
    return found


def put(world, directory, path):
    """A copy in a directory of its own."""
    os.makedirs(world.path(directory), exist_ok=True)
    return shutil.copy(path, world.path(directory))


@test("wormholed: status, doctor and the kernel say that it is in force, and an introduction works inside")
def daemon_inside(world):
    name, seccomp = needs_sandbox()
    relay = world.relayd()
    left, right = world.daemon("left", relay), world.daemon("right", relay)
    sandbox = left.call("status")["sandbox"]
    true(sandbox.startswith(name), "status: %s" % sandbox)
    status = kernel_says(left.process.pid)
    equal((status["Seccomp"], status["NoNewPrivs"]), (seccomp, "1"), "Seccomp and NoNewPrivs")
    contains(left.ctl("status").out, sandbox, "wormctl status")
    contains(left.ctl("doctor", status=None).out, sandbox, "wormctl doctor")
    right.ctl("accept", "--name", "peer", left.ctl("invite", "--name", "peer").out.strip())
    left.ctl("send", "peer", data=b"x" * 300_000)
    equal(right.ctl("recv", "peer", "--wait=10m").bytes, b"x" * 300_000, "what arrives")
    equal({status["Seccomp"] for status in threads_of(left.process)}, {seccomp}, "Seccomp of all threads")
    lacks(left.process.err(), "threads that were begun before", "the log")


@test("wormholed: settings, and certificates beside those of the start, are read again; what is elsewhere is refused, and why is said")
def daemon_reads(world):
    needs_sandbox()
    authority = Authority(world)
    relay = Terminator(world, world.relayd(), authority.issue("localhost"))
    known, elsewhere = (put(world, directory, authority.cafile) for directory in ("known", "elsewhere"))
    daemon = world.daemon("a", relay.url("localhost"), "--cafile", known)
    own = '[relay "%s"]\ncafile = %%s\n' % relay.url("localhost")
    settings_of(daemon, own % shutil.copy(known, known + ".new"))
    equal(daemon.call("status")["config_error"], None, "what is wrong")
    settings_of(daemon, own % elsewhere)
    contains(daemon.process.err(), "the sandbox was closed before %s came" % elsewhere, "the log")
    contains(daemon.ctl("doctor", status=None).out, "the sandbox was closed", "doctor")
    daemon.invite(name="peer")  # over TLS, with the settings of before
    daemon.stop()
    daemon.start()
    equal(daemon.call("status")["config_error"], None, "what is wrong after a new start")
    settings_of(daemon, own % elsewhere + "[appid \"x\"]\nwords = 4\n")
    equal(daemon.call("status")["config_error"], None, "what is wrong after another reload")


@test("wormholed: settings in the home directory itself are read; not what comes in their place, nor what lies beside them")
def daemon_at_home(world):
    needs_sandbox()
    daemon = world.daemon("a", world.relayd(), start=False)
    config = os.path.join(daemon.home, "own.conf")

    def configure(text, name=config):
        with open(name, "w") as file:
            file.write(text)

    def reread(said):
        before = daemon.process.err().count(said)
        daemon.process.kill(signal.SIGHUP)
        wait_until(lambda: daemon.process.err().count(said) > before, 20, said)
        return daemon.call("status")["config_error"]

    configure("keep = 1d\n")
    configure("", os.path.join(daemon.home, "private.pem"))
    daemon.arguments += ["--config", config]
    daemon.start()
    configure("keep = 2d\n")
    equal(reread("settings reloaded"), None, "what is wrong")
    configure("cafile = %s\n" % os.path.join(daemon.home, "private.pem"))
    contains(reread("private.pem came"), "the sandbox was closed before", "what lies beside it")
    configure("keep = 3d\n", config + ".new")
    os.rename(config + ".new", config)
    contains(reread("own.conf came"), "the sandbox was closed before %s came" % config, "what was put in its place")


@test("wormholed: its socket, and the directory around it, are made again")
def daemon_listens(world):
    daemon = world.daemon("a", world.relayd(), start=False)
    daemon.socket = world.path("runtime/wormholed/socket")
    daemon.start()
    shutil.rmtree(os.path.dirname(daemon.socket))
    daemon.process.kill(signal.SIGHUP)
    daemon.process.wait_text("created again", stream="err")
    daemon.ctl("list")
    daemon.stop()
    true(not os.path.lexists(daemon.socket), "it takes its socket away at the end")


def is_free(lock):
    """Nobody holds the lock of a store."""
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@test("wormholed in the background is in it, too; with sandbox = no it is not, and says so")
def background(world):
    name, seccomp = needs_sandbox()
    daemon = world.daemon("a", world.relayd(), start=False)
    words = [word for word in daemon.command() if word != "--foreground"]

    def run(*more):
        subprocess.run(words + list(more), env=daemon.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=patience(60), check=True)
        status = daemon.call("status")
        world.finally_call(lambda: os.path.lexists(daemon.socket) and os.kill(status["pid"], signal.SIGKILL))
        kernel = kernel_says(status["pid"])["Seccomp"]
        doctor = daemon.ctl("doctor", status=None).out
        os.kill(status["pid"], signal.SIGTERM)
        wait_until(lambda: is_free(os.path.join(daemon.state, "lock")), 20, "it has ended")
        return status["sandbox"], kernel, doctor

    sandbox, kernel, doctor = run("--sandbox", "no")
    equal((sandbox, kernel), ("off", kernel_says(os.getpid())["Seccomp"]), "without")
    contains(doctor, "told to run without", "doctor")
    sandbox, kernel, doctor = run()
    true(sandbox.startswith(name), "status: %s" % sandbox)
    equal(kernel, seccomp, "Seccomp")
    lacks(doctor, "told to run without", "doctor")


@test("wormhole-relayd: /metrics and the kernel say that it is in force; a certificate that is renewed is read, one elsewhere is refused")
def relay_inside(world):
    name, seccomp = needs_sandbox()
    authority = Authority(world)
    place, elsewhere = (put(world, directory, authority.issue("127.0.0.1")) for directory in ("known", "elsewhere"))
    os.mkdir(world.path("etc"))
    config = world.path("etc/relay.conf")

    def configure(certificate):
        with open(config + ".new", "w") as file:
            file.write("tls-cert = %s\n" % certificate)
        os.rename(config + ".new", config)

    configure(place)
    relay = world.relayd("--config", config)
    metrics = relay.metrics()
    equal(metrics['relayd_sandbox{part="seccomp"}'], int("seccomp" in name), "seccomp in /metrics")
    true(metrics['relayd_sandbox{part="landlock"}'] >= 1, "Landlock in /metrics")
    equal(kernel_says(relay.process.pid)["NoNewPrivs"], "1", "NoNewPrivs")
    shown = ssl.get_server_certificate(("127.0.0.1", relay.port))

    def reread(said):
        before = relay.log().count(said)
        relay.process.kill(signal.SIGHUP)
        wait_until(lambda: relay.log().count(said) > before, 20, said)
        return ssl.get_server_certificate(("127.0.0.1", relay.port))

    shutil.copy(authority.issue("127.0.0.1"), place + ".new")
    os.rename(place + ".new", place)
    renewed = reread("settings reloaded")
    true(renewed != shown, "there is another certificate")
    configure(elsewhere)
    equal(reread("the sandbox was closed before %s came" % elsewhere), renewed, "the certificate")
    equal(kernel_says(relay.process.pid)["Seccomp"], seccomp, "Seccomp")


if __name__ == "__main__":
    main(120)

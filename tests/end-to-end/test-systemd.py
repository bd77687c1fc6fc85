#!/usr/bin/python3
"""wormholed as a service of a user's own service manager, with the units as they are installed."""

import json
import os
import re
import shutil
import stat
import subprocess

from harness import Skip, contains, equal, main, test, true, wait_until
from harness.processes import BUILD_DIRECTORY
from harness.user_manager import HOME, RUNTIME, SERVICE, SOCKET, SOURCE_DIRECTORY, WATCHDOG_SECONDS, UserManager
from harness.waiting import patience

PLACE = RUNTIME + "/wormholed/socket"


def enabled(world):
    """All that a user does, after a relay of his own; and that relay."""
    relay = world.relay()
    manager = UserManager(world)
    manager.configure("relay = %s\n" % relay.url)
    manager.systemctl("enable", "--now", SOCKET)
    return relay, manager


def default_relay(manager):
    return json.loads(manager.ctl("status", "--json"))["default_relay"]


def source(path):
    with open(os.path.join(SOURCE_DIRECTORY, path)) as file:
        return file.read()


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@test("enable --now wormholed.socket is all: the first wormctl starts the daemon, confined, and it says how it fares")
def activation(world):
    _, manager = enabled(world)
    equal(manager.property("ActiveState"), "inactive", "state before anybody came")
    equal((mode(manager.place(PLACE)), mode(os.path.dirname(manager.place(PLACE)))), (0o600, 0o700), "modes")
    true(manager.ctl("invite", "--name", "peer").strip(), "there is a code")
    equal(manager.property("ActiveState"), "active", "state when somebody has come")
    manager.until("StatusText", "1 session, 0 due")
    manager.ctl("invite", "--name", "other")
    manager.until("StatusText", "2 sessions, 0 due")
    status = manager.status_of_process()
    equal((status["NoNewPrivs"], status["Seccomp"]), (["1"], ["2"]), "NoNewPrivs and Seccomp")
    equal(status["Uid"][0], "65534", "whose process it is")
    contains(json.loads(manager.ctl("status", "--json"))["sandbox"], "seccomp", "its own sandbox, which the unit lets through")


@test("after kill -9 it is back, and a session and a message are still there")
def kill(world):
    relay, manager = enabled(world)
    friend = world.daemon("friend", relay)
    friend.ctl("accept", "--name", "peer", manager.ctl("invite", "--name", "peer").decode().strip())
    friend.call("send", session="peer", data=b"before the end")
    wait_until(lambda: manager.show("peer")["unread"] == 1, 60, "the message has come")
    before = manager.property("MainPID")
    manager.systemctl("kill", "--signal=KILL", SERVICE)
    equal(manager.ctl("recv", "peer"), b"before the end", "what was there")
    true(manager.property("MainPID") not in (before, "0"), "there is another process")
    friend.call("send", session="peer", data=b"after it")
    equal(manager.ctl("recv", "peer", "--wait"), b"after it", "what comes afterwards")


@test("a daemon that hangs is killed by the watchdog, and started again")
def watchdog(world):
    _, manager = enabled(world)
    code = manager.ctl("invite", "--name", "peer").decode().strip()
    before = manager.property("MainPID")
    manager.systemctl("kill", "--signal=STOP", SERVICE)
    manager.until("NRestarts", "1")
    equal(manager.show("peer")["code"], code, "the code afterwards")
    true(manager.property("MainPID") not in (before, "0"), "there is another process")


@test("a daemon with nothing to do feeds the watchdog")
def idle(world):
    _, manager = enabled(world)
    manager.ctl("status")
    before, first = manager.property("MainPID"), int(manager.property("WatchdogTimestampMonotonic"))

    def fed_for_long():
        equal(manager.property("MainPID"), before, "the process")
        return int(manager.property("WatchdogTimestampMonotonic")) - first > 1.5 * WATCHDOG_SECONDS * 1_000_000

    wait_until(fed_for_long, 60, "it has fed the watchdog for some time")
    equal(manager.property("NRestarts"), "0", "restarts")


@test("stop ends it, the socket stays the manager's, and the next wormctl starts it again")
def stop(world):
    _, manager = enabled(world)
    manager.ctl("invite", "--name", "peer")
    manager.systemctl("stop", SERVICE)
    equal((manager.property("ActiveState"), manager.property("Result")), ("inactive", "success"), "state")
    true(os.path.exists(manager.place(PLACE)), "the socket is still there")
    true(manager.show("peer")["code"], "the session is still there")
    manager.systemctl("stop", SOCKET, SERVICE)
    true(not os.path.exists(manager.place(PLACE)), "the socket goes with its unit")


@test("the service alone makes its own socket, and takes it away again")
def alone(world):
    manager = UserManager(world)
    manager.systemctl("start", SERVICE)
    manager.ctl("status")
    equal(mode(manager.place(PLACE)), 0o600, "mode")
    manager.systemctl("stop", SERVICE)
    true(not os.path.lexists(manager.place(PLACE)), "no socket is left")


@test("reload reads the settings anew; with a mistake in them they stay, and nobody is dropped")
def reload(world):
    relay, manager = enabled(world)
    equal(default_relay(manager), relay.url, "default relay")
    before = manager.property("MainPID")
    manager.configure("relay = ws://another.example/v1\n")
    manager.systemctl("reload", SERVICE)
    wait_until(lambda: default_relay(manager) == "ws://another.example/v1", 20, "the new relay is the default")
    manager.configure("relay = nonsense\n")
    true(manager.run("systemctl", "--user", "reload", SERVICE).returncode != 0, "a reload of what is wrong fails")
    manager.until("ActiveState", "active")
    equal(default_relay(manager), "ws://another.example/v1", "default relay after a mistake")
    equal(manager.property("MainPID"), before, "the process")
    manager.systemctl("stop", SERVICE)
    result = manager.run("wormholed", "--check-config")
    equal(result.returncode, 1, "exit status of --check-config")
    contains(result.stderr, b"wormholed.conf:1: invalid value 'nonsense' for relay", "what it says")


HARDENING = "examples/wormholed-hardening.conf"
# The programs are in the home directory here.
PROGRAMS = "[Service]\nBindReadOnlyPaths=%s/bin\n" % HOME


@test("wormholed-hardening.conf: an introduction works in it, and what it hides and forbids is hidden and forbidden")
def hardened(world):
    relay = world.relay()
    manager = UserManager(world, {"hardening.conf": source(HARDENING), "programs.conf": PROGRAMS})
    if manager.run("unshare", "--user", "true").returncode != 0:
        raise Skip("users may have no name spaces here")
    for command in re.findall(r"^#     (install -d .*)$", source(HARDENING), re.MULTILINE):
        equal(manager.run("sh", "-c", command).returncode, 0, command)
    manager.configure("relay = %s\n" % relay.url)
    manager.run("touch", HOME + "/private", "/tmp/private")
    manager.systemctl("start", SOCKET, SERVICE)
    friend = world.daemon("friend", relay)
    friend.ctl("accept", "--name", "peer", manager.ctl("invite", "--name", "peer").decode().strip())
    friend.call("send", session="peer", data=b"through all that")
    equal(manager.ctl("recv", "peer", "--wait"), b"through all that", "what comes")
    manager.configure("relay = ws://another.example/v1\n")
    manager.systemctl("reload", SERVICE)
    wait_until(lambda: default_relay(manager) == "ws://another.example/v1", 20, "the new relay is the default")
    contains(json.loads(manager.ctl("status", "--json"))["sandbox"], "Landlock", "its own sandbox")
    with open(manager.place("/proc", manager.property("MainPID"), "mountinfo")) as file:
        mounts = {line.split()[4]: set(line.split()[5].split(",")) for line in file}
    inside = manager.place("/proc", manager.property("MainPID"), "root")
    equal(sorted(os.listdir(inside + HOME)), [".config", ".local", "bin"], "what there is of the home directory")
    equal(os.listdir(inside + "/tmp"), [], "what there is of /tmp")
    true("ro" in mounts["/"] and "ro" in mounts[HOME], "nothing else can be written: %r" % mounts)
    for place in (HOME + "/.local/state/wormholed", RUNTIME, "/tmp", "/var/tmp", "/dev/shm"):
        true("noexec" in mounts[place], "nothing in %s can be run" % place)
    equal(manager.status_of_process()["CapBnd"], ["0000000000000000"], "CapBnd")
    manager.systemctl("restart", SERVICE)
    equal(manager.show("peer")["received"], 1, "what a restart leaves")


@test("the scores of systemd-analyze, with the drop-in and without, are those that NEWS tells")
def scores(world):
    version = shutil.which("systemd-analyze") and subprocess.run(
        ["systemd-analyze", "--version"], capture_output=True, check=True, timeout=patience(60)).stdout.decode()
    if not version or not version.startswith("systemd 252 "):
        raise Skip("each version of systemd judges by other measures")
    told = {"wormholed": "6.2", "hardened": "1.7", "wormhole-relayd": "1.2"}
    units = {name: source(os.path.join(BUILD_DIRECTORY, "dist/systemd", name + ".service"))
             for name in ("wormholed", "wormhole-relayd")}
    units["hardened"] = units["wormholed"] + source(HARDENING)
    news = source("NEWS.md")
    for name, text in units.items():
        path = world.path(name + ".service")
        with open(path, "w") as file:
            file.write(re.sub(r"(?m)^ExecStart=.*", "ExecStart=/bin/true", text))
        result = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", path],
                                capture_output=True, check=False, timeout=patience(60))
        contains(result.stdout.decode(), "%s.service: %s " % (name, told[name]), "the score of %s" % name)
        contains(news, told[name], "NEWS")


if __name__ == "__main__":
    main(180)

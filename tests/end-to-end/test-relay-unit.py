#!/usr/bin/python3
"""The system unit of wormhole-relayd, as it is installed, on a machine that systemd has booted."""

import os
import shutil
from types import SimpleNamespace

from harness import Skip, contains, equal, main, test, true, wait_until
from harness.client import Client
from harness.machine import Machine
from harness.processes import BUILD_DIRECTORY, program

SERVICE, SOCKET = "wormhole-relayd.service", "wormhole-relayd.socket"
SOURCE_DIRECTORY = os.environ.get("abs_top_srcdir", os.getcwd())
DOOR = SimpleNamespace(port=4000)
# The program is not installed there, and nobody waits for a minute.
CONFIG = "/run/machine/wormhole-relayd.conf"
CHANGES = """[Service]
ExecStart=
ExecStart=/run/machine/wormhole-relayd --config %s
WatchdogSec=3
RestartSec=100ms
""" % CONFIG


def furnish(directory):
    """What the machine needs: the units, the program and its configuration, all as they come."""
    binary = program("wormhole-relayd")
    with open(binary[-1], "rb") as file:
        if len(binary) > 1 or b"__asan_init" in file.read():
            raise Skip("a sanitizer or valgrind does what the unit forbids")
    os.makedirs(os.path.join(directory, SERVICE + ".d"))
    for path in (binary[0], os.path.join(BUILD_DIRECTORY, "dist/systemd", SERVICE),
                 os.path.join(SOURCE_DIRECTORY, "dist/systemd", SOCKET),
                 os.path.join(SOURCE_DIRECTORY, "dist/wormhole-relayd.conf")):
        shutil.copy(path, directory)
    with open(os.path.join(directory, SERVICE + ".d", "test.conf"), "w") as file:
        file.write(CHANGES)


def boot(world):
    directory = world.path("machine")
    furnish(directory)
    return Machine(world, directory)


def visitor(machine, **options):
    with machine.visit():
        return Client(DOOR, **options)


def status_of(machine):
    """What the kernel says of the relay's process: {name: words}."""
    process = machine.property(SERVICE, "MainPID")
    text = machine.run("cat", "/proc/%s/status" % process).stdout
    return {line.split(":")[0]: line.split()[1:] for line in text.splitlines()}


@test("it starts as the unit has it: ready when it says so, without privileges, with a store of its own")
def start(world):
    machine = boot(world)
    machine.systemctl("start", SERVICE)
    equal(machine.property(SERVICE, "ActiveState"), "active", "state")
    status = status_of(machine)
    true(int(status["Uid"][0]) >= 61184, "a dynamic user: %r" % status["Uid"])
    for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        equal(int(status[name][0], 16), 0, name)
    equal((status["NoNewPrivs"], status["Seccomp"]), (["1"], ["2"]), "NoNewPrivs and Seccomp")
    with visitor(machine) as client:
        client.claim("4")
    mounts = [line.split() for line in machine.run("cat", "/proc/%s/mountinfo" % machine.property(SERVICE, "MainPID")).stdout.splitlines()]
    for place in ("/var/lib/private/wormhole-relayd", "/tmp", "/var/tmp", "/dev/shm"):
        true(any(mount[4] == place and "noexec" in mount[5].split(",") for mount in mounts), "nothing in %s can be run" % place)
    contains(machine.run("ls", "/var/lib/private/wormhole-relayd").stdout, "data.mdb", "the store's directory")
    machine.systemctl("stop", SERVICE)
    equal(machine.property(SERVICE, "Result"), "success", "result")
    machine.systemctl("start", SERVICE)
    with visitor(machine) as client:
        equal(client.list(), ["4"], "nameplates after a stop and a start")


def restarted(machine, before):
    """There is another process than that one, for a reason that is none of ours."""
    equal(machine.property(SERVICE, "NRestarts"), "1", "restarts")
    true(machine.property(SERVICE, "MainPID") not in (before, "0"), "there is another process")


@test("the socket unit: who comes first starts it, and who comes while it is started again is served")
def activation(world):
    machine = boot(world)
    machine.systemctl("start", SOCKET)
    equal(machine.property(SERVICE, "ActiveState"), "inactive", "state before anybody came")
    with visitor(machine) as client:
        client.claim("4")
    equal(machine.property(SERVICE, "ActiveState"), "active", "state when somebody has come")
    before = machine.property(SERVICE, "MainPID")
    machine.systemctl("kill", "--signal=KILL", SERVICE)
    with visitor(machine) as client:
        equal(client.list(), ["4"], "nameplates after kill -9")
    restarted(machine, before)


@test("a relay that hangs is killed by the watchdog and started again, and has forgotten nothing")
def watchdog(world):
    machine = boot(world)
    machine.systemctl("start", SERVICE)
    with visitor(machine) as client:
        client.claim("4")
    before = machine.property(SERVICE, "MainPID")
    machine.systemctl("kill", "--signal=STOP", SERVICE)
    wait_until(lambda: machine.property(SERVICE, "NRestarts") == "1", 60, "it is started again")
    wait_until(lambda: machine.property(SERVICE, "ActiveState") == "active", 60, "it runs again")
    with visitor(machine) as client:
        equal(client.list(), ["4"], "nameplates after it hung")
    restarted(machine, before)


@test("systemctl reload reads the settings anew, and nobody is dropped")
def reload(world):
    machine = boot(world)
    machine.systemctl("start", SERVICE)
    before = machine.property(SERVICE, "MainPID")
    with visitor(machine) as client:
        machine.run("sh", "-c", "echo motd = hello >>" + CONFIG)
        machine.systemctl("reload", SERVICE)
        wait_until(lambda: motd(machine) == "hello", 20, "the new motd is told")
        client.fence()
    equal(machine.property(SERVICE, "MainPID"), before, "the process")


def motd(machine):
    with visitor(machine) as client:
        return client.welcome.get("motd")


if __name__ == "__main__":
    main(180)

#!/usr/bin/python3
"""wormholed as a service of a user's own service manager, with the units as they are installed."""

import json
import os
import stat

from harness import contains, equal, main, test, true, wait_until
from harness.user_manager import RUNTIME, SERVICE, SOCKET, WATCHDOG_SECONDS, UserManager

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


if __name__ == "__main__":
    main(180)

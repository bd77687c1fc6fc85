#!/usr/bin/python3
"""Codes, message texts, keys and petnames' peers never appear in the daemon's log, not even at the level "debug", nor in
its command line or environment; and files and socket are closed to others.
"""

import os
import stat

from harness import equal, lacks, main, test, true
from harness.scripted import APPID, ScriptedPeer

MESSAGE = b"the eagle lands at midnight"
ANSWER = b"bring the umbrella"
WRONG = "81-entirely-wrong-guess"


def talk(world):
    """A life of a session with everything that could be said too much; (daemon, secrets)."""
    relay = world.relay(motd="hello")
    daemon = world.daemon("a", relay)
    code = daemon.ctl("invite", "--name", "peer", "--appid", APPID).out.strip()
    daemon.ctl("send", "peer", data=MESSAGE)
    peer = ScriptedPeer(relay, code)
    peer.send(ANSWER)
    mailbox = relay.mailboxes()[0][0]
    equal(daemon.ctl("recv", "peer", "--wait").bytes, ANSWER, "what was received")
    peer.wait_messages(1)
    daemon.ctl("accept", "--name", "scared", "--appid", APPID, WRONG)
    relay.restart()
    daemon.restart_killed()
    daemon.ctl("invite", "--code", "no-nameplate-" + code, status=2)
    daemon.ctl("close", "peer")
    daemon.until("peer", lambda view: view["result"] == "happy")
    return daemon, {
        "code": code, "password": code.split("-", 1)[1], "other code": WRONG, "message": MESSAGE.decode(),
        "message in hex": MESSAGE.hex(), "answer": ANSWER.decode(), "key": peer.key.hex(), "verifier": peer.verifier,
        "mailbox": mailbox,
    }


def read(path):
    """What anybody can read there."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except PermissionError:  # the daemon's environment is for root only: it is not dumpable
        return ""


@test("no secret in the daemon's log at debug level, its command line or its environment")
def log(world):
    daemon, secrets = talk(world)
    places = {"log of " + process.name: process.err() + process.out().decode()
              for process in world.processes if process.name.startswith("daemon")}
    true(all(len(text) > 100 for text in places.values()), "the daemon logs at debug level")
    for name in ("cmdline", "environ"):
        places[name] = read("/proc/%d/%s" % (daemon.process.pid, name))
    for place, text in places.items():
        for kind, secret in secrets.items():
            lacks(text.lower(), secret.lower(), "%s in %s" % (kind, place))


@test("secrets are gone from the store's view when a session has ended")
def ended(world):
    daemon, secrets = talk(world)
    view = daemon.until_state("peer", "closed")
    equal(view["code"], None, "the code of an ended session")
    lacks(daemon.ctl("--json", "list").out, secrets["code"], "list")


@test("state and socket are closed to others")
def modes(world):
    umask = os.umask(0)
    world.finally_call(lambda: os.umask(umask))
    relay = world.relay()
    daemon = world.daemon("a", relay)
    daemon.invite()
    for path in (daemon.state, os.path.dirname(daemon.socket)):
        equal(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(0o700), "mode of " + path)
    equal(oct(stat.S_IMODE(os.stat(daemon.socket).st_mode)), oct(0o600), "mode of the socket")
    for name in os.listdir(daemon.state):
        mode = stat.S_IMODE(os.stat(os.path.join(daemon.state, name)).st_mode)
        equal(oct(mode), oct(0o600), "mode of " + name)


if __name__ == "__main__":
    main(60)

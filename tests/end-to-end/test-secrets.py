#!/usr/bin/python3
"""Codes, message texts, keys, exported sessions, a proxy's password and petnames' peers never appear in the daemon's log,
not even at the level "debug", nor in its command line or environment; memory and store forget what was forgotten; and
files and socket are closed to others.
"""

import os
import re
import stat

from harness import contains, equal, lacks, main, test, true
from harness.scripted import APPID, ScriptedPeer
from harness.tap import Skip

MESSAGE = b"the eagle lands at midnight"
ANSWER = b"bring the umbrella"
WRONG = "81-entirely-wrong-guess"
MOVING = "77-moves-far-away"
PROXY_PASSWORD = "correct-horse"
DEAD = "ws://127.0.0.1:9/v1"
CONFIG = "[relay \"%s\"]\nproxy = socks5h://me:%s@127.0.0.1:9\n" % (DEAD, PROXY_PASSWORD)
# systemd gives a service that logs to the journal the name of its stderr.
FOR_JOURNAL = ["sh", "-c", 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"', "sh"]
KEY_BYTES = 32


def begin(world, relay, program):
    """A daemon with the password in its file, started by the command line `program`."""
    config = world.path("config")
    with open(config, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(CONFIG)
    daemon = world.daemon("a", relay, "--config", config, start=False)
    daemon.program = program + daemon.program
    daemon.start()
    return daemon


def talk(world, program=(), killed=True):
    """A life of a session with everything that could be said too much, which the daemon's process may have to survive;
    (daemon, secrets).
    """
    relay = world.relay(motd="hello")
    daemon = begin(world, relay, list(program))
    code = daemon.ctl("invite", "--name", "peer", "--appid", APPID).out.strip()
    daemon.ctl("send", "peer", data=MESSAGE)
    peer = ScriptedPeer(relay, code)
    peer.send(ANSWER)
    equal(daemon.ctl("recv", "peer", "--wait").bytes, ANSWER, "what was received")
    peer.wait_messages(1)
    derived = daemon.call("derive_key", session="peer", purpose="a test", length=KEY_BYTES)["key"]
    daemon.ctl("accept", "--name", "scared", "--appid", APPID, WRONG)
    daemon.ctl("invite", "--name", "mover", "--appid", APPID, "--code", MOVING)
    exported = daemon.ctl("export", "mover").out.strip()
    daemon.call("invite", name="proxied", relay=DEAD)
    daemon.until("proxied", lambda view: view["last_error"])
    if killed:
        relay.restart()
        daemon.restart_killed()
    daemon.ctl("invite", "--code", "no-nameplate-" + code, status=2)
    daemon.ctl("close", "peer")
    daemon.until("peer", lambda view: view["result"] == "happy")
    return daemon, {
        "code": code, "password": code.split("-", 1)[1], "other code": WRONG, "message": MESSAGE.decode(),
        "message in hex": MESSAGE.hex(), "answer": ANSWER.decode(), "key": peer.key.hex(), "verifier": peer.verifier,
        "derived key": derived.hex(), "mailbox": peer.mailbox, "moving code": MOVING,
        "exported record": re.search('"record": "([^"]*)"', exported).group(1),
        "proxy's password": PROXY_PASSWORD,
    }


def read(path):
    """What anybody can read there."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except PermissionError:  # the daemon's environment is for root only: it is not dumpable
        return ""


def tells_nothing(world, program=()):
    """The log of the daemon's two lives."""
    daemon, secrets = talk(world, program)
    places = {"log of " + process.name: process.err() + process.out().decode()
              for process in world.processes if process.name.startswith("daemon")}
    true(all(len(text) > 100 for text in places.values()), "the daemon logs at debug level")
    logged = "".join(places.values())
    for name in ("cmdline", "environ"):
        places[name] = read("/proc/%d/%s" % (daemon.process.pid, name))
    for session in ("peer", "scared", "proxied"):
        places["wormctl log " + session] = daemon.ctl("log", session, "--json").out
        contains(places["wormctl log " + session], "sentence", "what happened")
    for place, text in places.items():
        for kind, secret in secrets.items():
            lacks(text.lower(), secret.lower(), "%s in %s" % (kind, place))
    return logged


@test("no secret in the daemon's log at debug level, its command line or its environment")
def log(world):
    tells_nothing(world)


@test("nor in what it tells the journal")
def journal(world):
    contains(tells_nothing(world, FOR_JOURNAL), "<7>", "the journal's form")


@test("secrets are gone from the store's view when a session has ended")
def ended(world):
    daemon, secrets = talk(world)
    view = daemon.until_state("peer", "closed")
    equal(view["code"], None, "the code of an ended session")
    lacks(daemon.ctl("--json", "list").out, secrets["code"], "list")


# ---- what was forgotten ----

def writable_memory(pid):
    """What the process can read and write, piece by piece."""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            first, end = (int(address, 16) for address in span.split("-"))
            memory.seek(first)
            yield memory.read(end - first)


def files(directory):
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as file:
            yield name, file.read()


def found(daemon, secrets):
    """[(kind of secret, where)], in the daemon's memory and in all files of its state."""
    places = [("memory", piece) for piece in writable_memory(daemon.process.pid)] + list(files(daemon.state))
    return [(kind, name) for name, piece in places for kind, secret in secrets.items()
            if any(form in piece for form in (secret, secret.hex().encode(), secret.hex().upper().encode()))]


# What a session knows only as long as it lives.
OF_PEER = ("code", "password", "message", "answer", "key", "verifier", "derived key")


def as_bytes(secrets):
    """As memory would have them. A proxy's password stays known, and a mailbox is none of ours."""
    raw = {kind: bytes.fromhex(secrets[kind]) for kind in ("key", "verifier", "derived key")}
    return {**raw, **{kind: secrets[kind].encode() for kind in (
        "code", "password", "other code", "message", "answer", "moving code", "exported record")}}


def knows_its_memory(daemon):
    """Other allocators keep what is free."""
    exe = "/proc/%d/exe" % daemon.process.pid
    try:
        with open(exe, "rb") as file:
            if b"__asan_init" in file.read() or "wormholed" not in os.readlink(exe):
                raise Skip("not glibc's own memory")
        next(writable_memory(daemon.process.pid))
    except PermissionError:
        raise Skip("only root reads the memory of a daemon that forbids it") from None


def forget_everything(daemon):
    for session in daemon.call("list")["sessions"]:
        daemon.call("forget", session=session["id"], force=True)
    daemon.until_sessions(0)


@test("what was forgotten is in no memory and in no file")
def forgotten(world):
    daemon, texts = talk(world, killed=False)
    knows_its_memory(daemon)
    forget_everything(daemon)
    equal(found(daemon, as_bytes(texts)), [], "what is left")


@test("nor are the secrets of a session that has ended, although its result is still shown")
def over(world):
    daemon, texts = talk(world, killed=False)
    knows_its_memory(daemon)
    secrets = as_bytes(texts)
    equal(daemon.until_state("peer", "closed")["result"], "happy", "the result")
    equal(found(daemon, {kind: secrets[kind] for kind in OF_PEER}), [], "what is left")


@test("a living session's secrets are found in memory, where the tests above look, and in no file")
def living(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    knows_its_memory(daemon)
    code = daemon.ctl("invite", "--name", "peer", "--appid", APPID).out.strip().encode()
    daemon.ctl("send", "peer", data=MESSAGE)
    daemon.until("peer", lambda view: view["connection"] == "held")
    left = found(daemon, {"code": code, "message": MESSAGE})
    contains(left, ("code", "memory"), "what is found")
    equal([where for _, where in left if where != "memory"], [], "files that hold a secret")


def keep(daemon):
    """What a thief copies, or a backup."""
    with open(os.path.join(daemon.state, "data.mdb"), "rb") as file:
        return file.read()


def put_back(daemon, data):
    with open(os.path.join(daemon.state, "data.mdb"), "wb") as file:
        file.write(data)


@test("nobody can read what was forgotten from a copy of the store's file that he has kept")
def kept_copy(world):
    daemon = world.daemon("a", world.relay())
    daemon.ctl("invite", "--name", "gone")
    code = daemon.ctl("invite", "--name", "stays").out.strip()
    daemon.stop()
    data = keep(daemon)
    daemon.start()
    daemon.ctl("forget", "--force", "gone")
    daemon.stop()
    put_back(daemon, data)
    daemon.start()
    equal(daemon.call("show", session="stays")["code"], code, "the code of the one that stays")
    contains(daemon.ctl("show", "gone", status=1).err, "damaged", "what is said of the other")


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
    main(240)

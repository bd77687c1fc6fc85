#!/usr/bin/python3
"""While a session lives, its code, its keys and its verifier stand in memory that is locked and left out of core dumps,
and nowhere else in the daemon's process. Where nothing may be locked, all works the same.
"""

import contextlib
import os

from harness import Skip, equal, main, memory, test, true
from harness.scripted import APPID, ScriptedPeer
from harness.waiting import wait_until

HELD = "0:0"  # a schedule: the connection stays
DEEP, SHALLOW = 65536, 4096  # bytes of a stack: what is done after a wiping, to fall asleep, is not deep
PROXY_PASSWORD = "correct-horse"
DEAD = "ws://127.0.0.1:9/v1"
CONFIG = "[relay \"%s\"]\nproxy = socks5h://me:%s@127.0.0.1:9\n" % (DEAD, PROXY_PASSWORD)


def places(daemon, secrets):
    """[(kind of secret, mapping)]"""
    return [(kind, mapping) for mapping, content in memory.writable(daemon.process.pid)
            for kind, secret in secrets.items() if secret in content]


def check_possible(daemon):
    """Sanitizers keep what is free, and valgrind is not the daemon."""
    try:
        with open("/proc/%d/exe" % daemon.process.pid, "rb") as file:
            if b"__asan_init" in file.read() or "wormholed" not in os.readlink(file.name):
                raise Skip("not the daemon's own memory")
        memory.mappings(daemon.process.pid)
    except PermissionError:
        raise Skip("only root reads the memory of a daemon that forbids it") from None


# ---- a living session ----

def memlock(limits):
    """How to begin a command line for a process that may lock so many bytes. The limit does not bind root, unless it lacks
    the right to lock what it likes.
    """
    root = ["setpriv", "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock"] if os.geteuid() == 0 else []
    return ["prlimit", "--memlock=" + limits] + root


def start(world, relay, program=(), arguments=()):
    daemon = world.daemon("a", relay, *arguments, start=False)
    daemon.program = list(program) + daemon.program
    daemon.start()
    check_possible(daemon)
    return daemon


def meet(relay, daemon):
    """An established session, held, after everything that its secrets are needed for; all of them."""
    code = daemon.invite(name="peer", appid=APPID, schedule=HELD)["code"]
    daemon.ctl("show", "peer")
    peer = ScriptedPeer(relay, code)
    peer.send(b"hello")
    daemon.ctl("send", "peer", data=b"good morning")
    equal(daemon.take("peer", 1), [b"hello"], "what was received")
    equal(peer.wait_messages(1), [b"good morning"], "what the peer received")
    daemon.call("derive_key", session="peer", purpose="a test", length=32)
    view = daemon.until("peer", lambda view: view["stored"] == 1 and view["connection"] == "held")
    equal(view["verifier"], peer.verifier, "verifier")
    return {"code": code.encode(), "words of the code": code.split("-", 1)[1].encode(), "key": peer.key,
            "verifier": bytes.fromhex(peer.verifier), "verifier in hex": peer.verifier.encode(),
            "verifier in words": view["verifier_words"].encode()}


def store_keys(daemon):
    """What the store seals its rows with: the first of the keys behind the first page of a file."""
    with open(os.path.join(daemon.state, "keys"), "rb") as file:
        content = file.read()
    keys = [content[at:at + 32] for at in range(4096, 4096 + 4 * 32, 32)]
    true(all(any(key) for key in keys), "there are keys")
    return {"key %d of the store" % number: key for number, key in enumerate(keys)}


def protected(daemon, secrets):
    """The mappings that these secrets are in, when all has been done that had to be; each is left out of core dumps."""
    found = []

    def settled():
        found[:] = places(daemon, secrets)
        return all("dd" in mapping.flags for _, mapping in found)
    with contextlib.suppress(AssertionError):  # there is more to say
        wait_until(settled, 10, "it is nowhere else")
    equal(["%s in %s" % place for place in found if "dd" not in place[1].flags], [], "secrets in other memory")
    return found


def is_locked(found):
    equal([str(mapping) for _, mapping in found if "lo" not in mapping.flags], [], "mappings that are not locked")


LONG_LIVED = ["code", "key", "verifier", "words of the code"]


@test("a living session's secrets are in memory that is locked and not dumped, and in no other")
def living(world):
    relay = world.relay()
    daemon = start(world, relay)
    found = protected(daemon, {**meet(relay, daemon), **store_keys(daemon)})
    equal(sorted({kind for kind, _ in found}), LONG_LIVED, "secrets that are in memory")
    is_locked(found)


def waiting(world, relay, program=()):
    """A daemon that holds a session which nobody has joined, and that session's secrets."""
    daemon = start(world, relay, program)
    code = "77-given-by-hand"
    daemon.ctl("invite", "--name", "peer", "--code", code, "--schedule", HELD)
    daemon.until("peer", lambda view: view["connection"] == "held")
    return daemon, {"code": code.encode()}


@test("so is a code that was given by hand, and waits for its peer")
def given(world):
    found = protected(*waiting(world, world.relay()))
    true(found, "the code is in memory")
    is_locked(found)


@test("what calls leave on the stack is wiped before the daemon sleeps")
def stack(world):
    relay = world.relay()
    daemon = start(world, relay)
    meet(relay, daemon)

    def wiped():
        below = memory.below_stack(daemon.process.pid)
        return below and not any(below[-DEEP:-SHALLOW])
    wait_until(wiped, 20, "the stack is wiped")


@test("where nothing may be locked the daemon works all the same, and nothing is dumped")
def unlockable(world):
    relay = world.relay()
    daemon = start(world, relay, memlock("0:0"))
    found = protected(daemon, meet(relay, daemon))
    equal(sorted({kind for kind, _ in found}), LONG_LIVED, "secrets that are in memory")
    equal([str(mapping) for _, mapping in found if "lo" in mapping.flags], [], "mappings that are locked, despite the limit")


@test("the daemon may lock as much as its hard limit allows")
def soft_limit(world):
    is_locked(protected(*waiting(world, world.relay(), memlock("0:1048576"))))


@test("a proxy's password in the configuration file is in such memory, too")
def proxy(world):
    config = world.path("config")
    with open(config, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(CONFIG)
    daemon = start(world, world.relay(), arguments=["--config", config])
    daemon.call("invite", name="proxied", relay=DEAD)
    daemon.until("proxied", lambda view: view["last_error"])
    found = protected(daemon, {"password": PROXY_PASSWORD.encode()})
    true(found, "the password is in memory")
    is_locked(found)


if __name__ == "__main__":
    main(120)

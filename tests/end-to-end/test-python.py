#!/usr/bin/python3
"""python/: the client for Python, made from the daemon's own table, with live daemons."""

import asyncio
import doctest
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
import threading

from harness import contains, equal, failure, main, test, true

PYTHON = os.path.join(os.environ["abs_top_srcdir"], "python")
sys.path.insert(0, PYTHON)
sys.dont_write_bytecode = True

import wormclient  # noqa: E402  (it is where the path above says)
from wormclient import AsyncClient, Client  # noqa: E402

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 60
MODULES = ("aio", "client", "conditions", "errors", "methods", "wire")


def generator():
    path = os.path.join(PYTHON, "generate")
    loader = importlib.machinery.SourceFileLoader("generate", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("generate", loader))
    loader.exec_module(module)
    return module


def raises(kind, function, what):
    return failure(kind, function, what)


@test("methods.py says what the daemon says; python/generate makes it")
def generated(world):
    daemon = world.daemon("a", world.relayd())
    with Client(daemon.socket) as client:
        api = client.api()
        with open(os.path.join(PYTHON, "wormclient", "methods.py"), encoding="utf-8") as file:
            equal(file.read() == generator().generate(api), True, "methods.py is what python/generate makes of the table")
        names = {method["name"] for method in api["methods"]}
        for kind in (Client, AsyncClient):
            own = {name for name in dir(kind) if name in kind.__dict__}
            equal(own & names - {"call"}, set(), "methods that %s hides by functions of its own" % kind.__name__)
        known = set(wormclient.errors.CLASSES)
        listed = set(api["errors"]) | {error for method in api["methods"] for error in method["errors"]}
        equal(known - listed, set(), "errors that the daemon does not have")


@test("what stands in its documentation is true")
def doctests(world):
    total = 0
    for name in MODULES:
        failures, count = doctest.testmod(importlib.import_module("wormclient." + name))
        equal(failures, 0, "failures in " + name)
        total += count
    true(total >= 8, "examples: %d" % total)


@test("the tutorial works as it stands there")
def tutorial(world):
    with open(os.path.join(PYTHON, "README.md"), encoding="utf-8") as page:
        blocks = BLOCK.findall(page.read())
    true(len(blocks) >= 7, "blocks of the tutorial")
    program = world.path("tutorial.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write("\n".join(blocks))
    _, left, right = world.pair()
    process = world.spawn("tutorial", [sys.executable, "-B", program, left.socket, right.socket],
                          environment=dict(os.environ, PYTHONPATH=PYTHON))
    equal(process.wait(SECONDS), 0, "exit status: " + process.err())
    for line in ("Alice says: Hello Bob!", "Bob says: Hello Alice!", "nothing new", "no session has this petname or id",
                 "Bob says: Yes, after: Lunch?", "the session has ended (happy)"):
        contains(process.out().decode(), line, "what it prints")


@test("errors are of the classes of wormclient.h")
def errors(world):
    daemon = world.daemon("a", world.relayd())
    with Client(daemon.socket) as client:
        client.invite(name="one", code="4-two-words")
        for kind, code, function in (
                (wormclient.NotFound, "not-found", lambda: client.show("x")),
                (wormclient.NameTaken, "name-taken", lambda: client.invite(name="one")),
                (wormclient.BadCode, "bad-code", lambda: client.accept("no nameplate")),
                (wormclient.NotKeyed, "not-keyed", lambda: client.verify("one", True)),
                (wormclient.NotClosed, "not-closed", lambda: client.forget("one")),
                (wormclient.TooLarge, "too-large", lambda: client.send("one", bytes((16 << 20) + 1))),
                (wormclient.Refused, "bad-params", lambda: client.invite(words=0)),
                (wormclient.Refused, "unknown-method", lambda: client.call("fly"))):
            error = raises(kind, function, code)
            equal((type(error), error.code), (kind, code), "its class and code")
            true(str(error), "there is a sentence")
        raises(ValueError, lambda: client.wait("one", "establised"), "a condition that does not exist")
        client.close("one")
        error = raises(wormclient.Lonely, lambda: client.wait("one", "established", timeout=SECONDS), "a wait in vain")
        equal(error.code, "lonely", "its result")
        client.wait("one", lambda view: view["state"] == "closed", timeout=SECONDS)
        client.forget("one")
        raises(wormclient.NotFound, lambda: client.wait("one", "established", timeout=SECONDS), "one that is forgotten")
    raises(wormclient.NoDaemon, lambda: Client(world.path("nobody")), "no daemon")
    raises(wormclient.Lost, client.status, "a call after the end")


def meet(left, right):
    left.invite(name="r")
    right.accept(left.wait("r", "code", timeout=SECONDS)["code"], name="l")


@test("every byte comes as it was sent; what was not dealt with comes again")
def messages(world):
    _, left, right = world.pair()
    with Client(left.socket) as ours, Client(right.socket) as theirs:
        meet(ours, theirs)
        every = bytes(range(256))
        for data in (b"", every, os.urandom(1 << 20)):
            ours.send("r", data)

        def fail():
            with theirs.message("l", timeout=SECONDS) as data:
                raise KeyError(data)

        equal(raises(KeyError, fail, "a block that fails").args[0], b"", "the first message")
        for data in (b"", every):
            with theirs.message("l", timeout=SECONDS, hold=True) as got:
                equal(got, data, "message")
        ours.wait("r", "delivered", timeout=SECONDS)
        equal(ours.show("r")["read"], 2, "messages read")
        for change in ours.watch("r", timeout=SECONDS):
            equal(change["session"], ours.show("r")["id"], "the session that changed")
            break


@test("waiting goes on when the daemon restarts, if that was asked for; other calls are told")
def restarts(world):
    _, left, right = world.pair()
    with Client(left.socket, reconnect=True) as ours, Client(right.socket) as theirs:
        meet(ours, theirs)
        ours.wait("r", "established", timeout=SECONDS)
        got = []
        waiter = threading.Thread(target=lambda: got.append(ours.wait("r", "message", timeout=SECONDS * 4)))
        waiter.start()
        left.kill9()
        left.start()
        theirs.send("l", b"after the restart")
        waiter.join()
        equal(ours.recv("r")["data"], b"after the restart", "what came")
        left.kill9()
        raises(wormclient.Lost, ours.status, "a call while the daemon is away")
        waiter = threading.Thread(target=lambda: got.append(ours.wait("r", "established", timeout=SECONDS * 4)))
        waiter.start()  # while nobody is there
        left.start()
        waiter.join()
        equal((len(got), ours.status()["sessions"]), (2, 1), "waits that came to their end, sessions of the next call")
        right.kill9()
        raises(wormclient.Lost, lambda: theirs.wait("l", "message"), "a wait of one that does not want to come back")


@test("asyncio: many waits on one connection, through a restart; a time that runs out; the end of the connection")
def asynchronous(world):
    _, left, right = world.pair()
    many = 20

    async def introduce(ours, theirs, number):
        await ours.invite(name="r%d" % number, code="%d-many-at-once" % (100 + number))
        await theirs.accept("%d-many-at-once" % (100 + number), name="l%d" % number)
        await theirs.send("l%d" % number, b"%d" % number)
        async with ours.message("r%d" % number, timeout=SECONDS * 4) as data:
            equal(data, b"%d" % number, "message %d" % number)

    async def play():
        async with AsyncClient(left.socket, reconnect=True) as ours, AsyncClient(right.socket) as theirs:
            await asyncio.gather(*(introduce(ours, theirs, number) for number in range(many)))
            waits = [asyncio.create_task(ours.wait("r%d" % number, "message", timeout=SECONDS * 4)) for number in range(many)]
            left.restart_killed()
            for number in range(many):
                await theirs.send("l%d" % number, b"again")
            equal([view["name"] for view in await asyncio.gather(*waits)], ["r%d" % number for number in range(many)], "sessions")
            try:
                await ours.wait("r0", "closed", timeout=0.01)
                raise AssertionError("it has not ended")
            except wormclient.Timeout:
                pass
            waiting = asyncio.create_task(theirs.wait("l0", "closed"))
            right.kill9()
            for ended in (waiting, theirs.status()):
                try:
                    await ended
                    raise AssertionError("the daemon has gone")
                except wormclient.Lost:
                    pass

    asyncio.run(play())


if __name__ == "__main__":
    main(600)

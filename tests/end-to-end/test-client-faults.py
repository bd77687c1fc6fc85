#!/usr/bin/python3
"""Every allocation of wormctl and libwormclient, and every call that they make to the system, fails once: the command does what it
should, or it says what went wrong, with the exit status for that; nothing is lost or done twice; and the same command works
afterwards. As in test-system-faults.py, each place that such a call comes from is one failure of each kind.
"""

import errno
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from harness import World, equal, main, test, true, wormctl
from harness.processes import program
from harness.shim import ANYWHERE, CALLS, check_possible, environment
from harness.tap import diagnose

DONE, FAILED, NO_DAEMON = 0, 1, 5
CODES = 1000  # agreed codes begin with greater numbers, which the relay gives nobody
# How a line begins that says what went wrong; with --json.
SAYING = {False: "wormctl: ", True: '{"error":'}
ERRORS = {
    "memory": (errno.ENOMEM,),
    "open": (errno.EMFILE, errno.EACCES),
    "socket": (errno.EMFILE,),
    "connect": (errno.ECONNREFUSED, errno.EACCES, errno.EINTR),
    "send": (errno.EPIPE, errno.EINTR, errno.EAGAIN),
    "recv": (errno.ECONNRESET, errno.EINTR, errno.EAGAIN),
    "read": (errno.EIO, errno.EINTR),
    "poll": (errno.ENOMEM, errno.EINTR),
    "ppoll": (errno.ENOMEM, errno.EINTR),
    "pipe2": (errno.EMFILE,),
}


class Scene:
    """Two daemons who know each other as `peer`."""

    def __init__(self, world):
        self.relay, self.desk, self.laptop = world.pair()
        self.number = 0
        # Nothing moves by itself while commands look: the connection is held, as long as they take.
        view = self.desk.invite(name="peer", schedule="0:0")
        self.laptop.call("accept", code=view["code"], name="peer", schedule="0:0")
        for daemon in (self.desk, self.laptop):
            daemon.until("peer", lambda view: (view["state"], view["connection"], view["nameplate"]) ==
                         ("established", "held", "released"), what="it is established, and all is said")

    def run(self, arguments, plan=None, data=None, status=DONE):
        """A command of the desk's."""
        more = environment(*plan) if plan else {}
        return wormctl.run(self.desk.socket, arguments, {**self.desk.environment(), **more}, data=data, status=status)

    def find(self, name):
        """The view of the session with exactly that name, or None."""
        return next((view for view in self.desk.call("list", limit=1000)["sessions"] if view["name"] == name), None)


class Case:
    """A command; `before` and `after` it, what must be so."""

    arguments = ()
    data = None
    errors = {}  # of calls that other commands do not make

    def __init__(self, scene):
        self.scene = scene
        scene.number += 1
        self.name = "s%d" % scene.number
        # Of its own: behind the nameplate of one that was forgotten by force stands what that one left there.
        self.code = "%d-guitarist-revenge" % (CODES + scene.number)

    def before(self):
        pass

    def after(self, result):
        """`result` may be a failure."""

    def words(self):
        return [self.name if word == "NAME" else word for word in self.arguments]

    def run(self, plan):
        self.before()
        result = self.scene.run(self.words(), plan, self.data, status=None)
        self.check(result)
        self.after(result)
        return result

    def check(self, result):
        told = [line for line in result.err.splitlines() if not line.startswith("shim: ")]
        true(result.status in (DONE, FAILED, NO_DAEMON), "exit status: %r" % result)
        true(result.status == DONE or told and told[-1].startswith(SAYING["--json" in result.arguments]), "it says what went wrong: %r" % result)


def shape(text):
    """The words, without what differs from one moment to the next."""
    return re.sub("[0-9]+", "N", re.sub(r"just now|[0-9]+ \w+ ago", "THEN", text)).split()


class Look(Case):
    """Either the whole of it, or an error."""

    def after(self, result):
        again = self.scene.run(self.words())
        if result.status == DONE:
            equal(shape(result.out), shape(again.out), "what it shows")


class List(Look):
    arguments = ("list",)


class Show(Look):
    arguments = ("show", "peer")


class ShowJson(Look):
    arguments = ("show", "peer", "--json")


class Log(Look):
    arguments = ("log", "peer")


class Status(Look):
    arguments = ("status",)


class Verifier(Look):
    arguments = ("verify", "peer")


class Key(Look):
    arguments = ("derive-key", "peer", "test")


class Invite(Case):
    arguments = ("invite", "--name", "NAME")

    def after(self, result):
        if not self.scene.find(self.name):
            true(result.status != DONE, "there is a session")
            result = self.scene.run(self.words())
        code = self.scene.desk.until(self.name, lambda view: view["code"], what="there is a code")["code"]
        if result.status == DONE:
            equal(result.out, code + "\n", "the code that is printed")
        self.scene.desk.call("forget", session=self.name, force=True)


class Accept(Case):
    arguments = ("accept", "--name", "NAME", "7-guitarist-revenge")

    def after(self, result):
        if not self.scene.find(self.name):
            true(result.status != DONE, "there is a session")
            self.scene.run(self.words())
        self.scene.desk.call("forget", session=self.name, force=True)


class Send(Case):
    arguments = ("send", "peer")
    data = b"from a pipe" * 3000

    def before(self):
        self.sent = self.scene.desk.show("peer")["sent"]

    def after(self, result):
        sent = self.scene.desk.show("peer")["sent"] - self.sent
        true(sent == 1 or result.status != DONE and sent == 0, "messages sent: %d, %r" % (sent, result))
        self.scene.run(self.words(), data=self.data)
        equal(self.scene.laptop.take("peer", sent + 1, 60), [self.data] * (sent + 1), "what comes")


class Receive(Case):
    arguments = ("recv", "peer")

    def before(self):
        self.scene.laptop.call("send", session="peer", data=self.name.encode() * 3000)
        self.scene.desk.until("peer", lambda view: view["unread"], seconds=60, what="a message came")

    def after(self, result):
        whole = self.name.encode() * 3000
        true(result.bytes == whole or result.status != DONE, "what is received: %r" % result)
        if self.scene.desk.show("peer")["unread"]:
            true(result.status != DONE, "a message that was printed is acknowledged")
            equal(self.scene.run(self.words()).bytes, whole, "what is received the second time")
        else:
            equal(result.bytes, whole, "what was acknowledged had been printed")


class Close(Case):
    arguments = ("close", "NAME")

    def before(self):
        self.scene.desk.call("invite", name=self.name, code=self.code)

    def after(self, result):
        true(result.status != DONE or self.scene.desk.show(self.name)["state"] in ("closing", "closed"), "it closes")
        self.scene.run(self.words())
        self.scene.desk.call("forget", session=self.name, force=True)


class Rename(Case):
    arguments = ("rename", "NAME", "other")

    def before(self):
        self.scene.desk.call("invite", name=self.name, code=self.code)

    def after(self, result):
        if self.scene.find(self.name):
            true(result.status != DONE, "it has another name")
            self.scene.run(self.words())
        true(self.scene.find("other"), "it has the other name")
        self.scene.desk.call("forget", session="other", force=True)


class Move(Case):
    """Out, and in again."""

    arguments = ("export", "NAME")

    def before(self):
        self.scene.desk.call("invite", name=self.name, code=self.code)

    def after(self, result):
        if self.scene.find(self.name):
            true(result.status != DONE, "who was exported has gone")
            result = self.scene.run(self.words())
        self.scene.desk.call("import", export=result.out.strip())
        self.scene.desk.call("forget", session=self.name, force=True)


class BackUp(Case):
    """The whole of it, or none."""

    errors = {"write": (errno.ENOSPC, errno.EINTR), "fsync": (errno.EIO,), "mmap": (errno.ENOMEM,)}

    def __init__(self, scene):
        super().__init__(scene)
        self.path = os.path.join(scene.desk.home, self.name)
        self.arguments = ("backup", "--plain", self.path)

    def after(self, result):
        left = [name for name in os.listdir(self.scene.desk.home) if name.startswith(self.name)]
        # When only the directory's own durability is in doubt, the file is there.
        true(left in ([], [self.name]) and (left or result.status != DONE), "what there is: %r, %r" % (left, result))
        if left:
            place = self.path + "-restored"
            subprocess.run(program("wormholed") + ["--restore", self.path, "--state", place], check=True,
                           stdout=subprocess.DEVNULL, env=self.scene.desk.environment())
            shutil.rmtree(place)
            os.remove(self.path)
        if result.status != DONE:
            self.scene.run(self.words())
            os.remove(self.path)


def plans(case):
    case.before()
    calls = case.scene.run(case.words(), ("none", ANYWHERE, 0, errno.EIO), case.data)
    case.after(calls)
    return [(name, place, 1, error) for name, _, place in CALLS.findall(calls.err)
            for error in {**ERRORS, **case.errors}.get(name, ())]


def go_through(kind):
    """How often it failed."""
    with World() as world:
        scene = Scene(world)
        todo = plans(kind(scene))
        true(len(todo) > 10, "there are calls that can fail: %d" % len(todo))
        failed = 0
        for plan in todo:
            try:
                failed += kind(scene).run(plan).status != DONE
            except BaseException:
                diagnose("%s, %r" % (kind.__name__, plan))
                raise
        world.stop()
    return "%s %d of %d" % (kind.__name__, failed, len(todo))


KINDS = (List, Show, ShowJson, Log, Status, Verifier, Key, Invite, Accept, Send, Receive, Close, Rename, Move, BackUp)


@test("wormctl: whatever fails, once, it says so, and the same command works then")
def commands(world):
    check_possible()
    with ThreadPoolExecutor(4) as pool:
        print("# commands that failed: " + ", ".join(pool.map(go_through, KINDS)))


if __name__ == "__main__":
    main(180)

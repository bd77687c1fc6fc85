#!/usr/bin/python3
"""Backups: made while the daemon works, put back into another directory, where the sessions go on; what is damaged, cut
short, or interrupted leaves everything as it was.
"""

import errno
import os
import resource
import shutil
import shlex
import signal
import socket
import subprocess
import termios
import threading

import msgpack

from harness import Skip, contains, equal, lacks, main, test, true
from harness import wormctl
from harness.processes import program
from harness.rpc import RpcError
from harness.shim import ANYWHERE, CALLS, check_possible, environment
from harness.terminal import Terminal
from harness.waiting import wait_until

DONE, FAILED, USAGE = range(3)
INTERRUPTED = 130
SECONDS = 60
PASSPHRASE = "tell no Peter of it"
PIECE = 256 * 1024


def meet(world, *arguments):
    """Two daemons that know each other as "peer"."""
    relay, left, right = world.pair(*arguments)
    view = left.invite(name="peer")
    right.call("accept", code=view["code"], name="peer")
    for daemon in (left, right):
        daemon.until_state("peer", "established")
    return relay, left, right


def keep(left, right, *sizes):
    """Messages of so many bytes, which stay in the store: the peer does not come for them."""
    right.kill9()
    for size in sizes:
        left.call("send", session="peer", data=os.urandom(size))


def secret(world, text=PASSPHRASE):
    path = world.path(world.unique("secret"))
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="utf-8") as file:
        file.write(text + "\n")
    return path


def back_up(world, daemon, name="backup", text=PASSPHRASE):
    path = world.path(name)
    result = daemon.ctl("backup", "--passphrase-file", secret(world, text), path, seconds=SECONDS)
    equal((result.out, result.err), ("", ""), "what it says")
    return path


def restorer(world, daemon, path, *arguments, **options):
    return world.spawn("restore-" + daemon.name, program("wormholed") + [
        "--restore", path, "--state", daemon.state, *arguments], environment=daemon.environment(), **options)


def restore(world, daemon, path, status=DONE, text=PASSPHRASE):
    process = restorer(world, daemon, path, "--passphrase-file", secret(world, text))
    equal(process.wait(SECONDS), status, "exit status: %s" % process.err())
    return process


def another(world, relay, name="again"):
    """Where a backup can be put: a daemon that has not run yet."""
    return world.daemon(name, relay, start=False)


def remains(daemon):
    """What is beside its state, and in it."""
    return sorted(name for name in os.listdir(daemon.home) if name != "run"), sorted(
        os.listdir(daemon.state) if os.path.isdir(daemon.state) else [])


def content(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def numbered(number):
    """So short that as many as anybody can send meanwhile are too few for the two to renew their session: where they have
    gone then a copy of before cannot follow.
    """
    return b"message %d" % number


class HalfWay:
    """A program between two pipes that stops in the middle, because nobody reads or writes further."""

    def __init__(self, world, name):
        self.path = world.path(name)
        os.mkfifo(self.path, 0o600)

    def open(self, flags):
        return os.open(self.path, flags)


# ---- going on ----

class Chatter:
    """One who sends and sends, until told to stop."""

    def __init__(self, daemon):
        self.daemon, self.sent, self.over = daemon, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.daemon.rpc() as rpc:
            while not self.over.is_set():
                rpc.call("send", session="peer", data=numbered(self.sent))
                self.sent += 1

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.sent


@test("a backup that is made while messages flow: what is restored goes on with a peer who was quiet, and misses nothing")
def goes_on(world):
    relay, left, right = meet(world)
    view = left.invite(name="quiet")
    right.call("accept", code=view["code"], name="quiet")
    left.until_state("quiet", "established")
    left.call("send", session="quiet", data=b"before")
    equal(right.take("quiet", 1), [b"before"], "what the peer got")
    left.until("quiet", lambda view: view["read"] == 1, what="it was read")
    chatter = Chatter(right)
    world.finally_call(chatter.stop)
    left.until("peer", lambda view: view["received"] > 3, what="messages come")
    path = back_up(world, left)
    had = chatter.sent
    wait_until(lambda: chatter.sent > had + 3, 20, "more messages follow")
    sent = chatter.stop()
    left.until("peer", lambda view: view["received"] == sent, what="all came")
    left.kill9()
    right.call("send", session="quiet", data=b"meanwhile")
    again = another(world, relay)
    again.state += "/"  # as completion leaves it
    process = restore(world, again, path)
    again.state = again.state.rstrip("/")
    equal(process.out().decode().replace("/\n", "\n"), "2 sessions restored in %s\n" % again.state, "what it says")
    equal(process.err(), "", "errors")
    equal(remains(again), (["state"], ["data.mdb", "keys", "lock", "lock.mdb"]), "what is there")
    again.start()
    equal(again.take("quiet", 1), [b"meanwhile"], "what the restored session got")
    again.call("send", session="quiet", data=b"after")
    equal(right.take("quiet", 1), [b"after"], "what the peer got")
    equal(again.show("quiet")["copied"], False, "there is no other one")
    # Of the one in which receipts have left since, it is a copy; what it was told it has all the same.
    equal(again.take("peer", sent), [numbered(number) for number in range(sent)], "what the copy got, in all")


@test("a copy of what went on elsewhere sends nothing more, and says so; it goes on receiving")
def copied(world):
    relay, left, right = meet(world)
    path = back_up(world, left)
    left.call("send", session="peer", data=b"sent after the backup")
    equal(right.take("peer", 1), [b"sent after the backup"], "what the peer got")
    right.call("send", session="peer", data=b"answer")
    left.until("peer", lambda view: view["received"] == 1, what="the answer came")
    left.kill9()
    again = another(world, relay)
    restore(world, again, path)
    again.start()
    again.until("peer", lambda view: view["copied"], what="it is noticed")
    equal(again.take("peer", 1), [b"answer"], "what the copy got")
    try:
        again.call("send", session="peer", data=b"a second one with that number")
    except RpcError as error:
        equal(error.code, "closed", "the refusal")
    else:
        raise AssertionError("it was taken")
    equal(right.show("peer")["received"], 1, "what the peer got in all")


# ---- how it is written ----

@test("a backup is a file for its owner only, in which nothing can be read; an old one is replaced, nothing else is")
def written(world):
    _, left, _ = meet(world)
    left.call("invite", name="conspicuous-petname", code="7-conspicuous-code")
    put(world.path("backup"), b"wormholed-backup of another day")
    os.chmod(world.path("backup"), 0o644)
    path = back_up(world, left)
    equal(os.stat(path).st_mode & 0o777, 0o600, "who may read it")
    data = content(path)
    for text in (b"conspicuous", PASSPHRASE.encode()):
        lacks(data, text, "the backup")
    true(back_up(world, left) == path and content(path) != data, "a new one takes its place")
    put(world.path("other"), b"a letter")
    for place, said in (("other", "exists, is no backup, and is not overwritten"), ("", "exists, is no backup"),
                        ("nowhere/backup", "No such file or directory")):
        result = left.ctl("backup", "--plain", world.path(place), status=FAILED)
        contains(result.err, said, "what it says")
    equal(content(world.path("other")), b"a letter", "the letter")
    left.ctl("backup", "--plain", world.path("plain"))
    equal(os.stat(world.path("plain")).st_mode & 0o777, 0o600, "who may read it")
    contains(content(world.path("plain"))[:16], b"wormholed-backup", "its beginning")
    equal([name for name in os.listdir(world.directory) if name.startswith(("plain.", "backup.", "other."))], [],
          "what is left behind")


@test("through a pipe; but not to a terminal, nor without a passphrase unless that is said")
def piped(world):
    relay, left, _ = meet(world)
    data = left.ctl("backup", "--plain", "-").bytes
    again = another(world, relay)
    source = world.path("source")
    put(source, data)
    with open(source, "rb") as file:
        process = restorer(world, again, "-", stdin=file)
        equal(process.wait(SECONDS), DONE, process.err())
    again.start()
    equal(again.show("peer")["state"], "established", "the session")
    result = left.ctl("backup", world.path("backup"), status=USAGE)
    contains(result.err, "there is no terminal to ask for the passphrase", "what it says")
    contains(left.ctl("backup", "--plain", "--passphrase-file", source, "-", status=USAGE).err, "not both", "what it says")
    with open(world.path("open"), "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        process = left.spawn_ctl("backup", "--plain", "-", stdout=file)
        equal(process.wait(SECONDS), USAGE, process.err())
    equal(os.path.getsize(world.path("open")), 0, "nothing of the secret")
    terminal = Terminal(wormctl.command(left.socket, ["backup", "-"]), left.environment())
    world.finally_call(terminal.close)
    terminal.expect("nothing to be shown on a terminal")
    equal(terminal.wait(), USAGE, "exit status")


@test("a passphrase is asked for at the terminal, twice; what is typed is not shown, and Ctrl-C leaves the terminal as it was")
def asked(world):
    relay, left, _ = meet(world)
    path = world.path("backup")

    def ask(command):
        terminal = Terminal(command, left.environment())
        world.finally_call(terminal.close)
        terminal.expect("Passphrase")
        return terminal

    def ask_backup():
        return ask(wormctl.command(left.socket, ["backup", path]))

    def over(terminal, status, said):
        terminal.expect(said)
        equal(terminal.wait(), status, "exit status")
        lacks(terminal.raw, "Peter", "what is shown")
        true(terminal.is_as_before(), "the terminal is as it was")

    terminal = ask_backup()
    terminal.type(PASSPHRASE + "\r")
    terminal.expect("The same again: ")
    terminal.type(PASSPHRASE + "!\r")
    over(terminal, FAILED, "the two passphrases differ")
    terminal = ask_backup()
    terminal.type("\r")
    over(terminal, FAILED, "the passphrase is empty")
    terminal = ask_backup()
    terminal.type("Peter\x03")
    over(terminal, INTERRUPTED, "interrupted; nothing was done")
    true(not os.path.exists(path), "there is no backup")
    terminal = ask_backup()
    terminal.type(PASSPHRASE + "\r")
    terminal.expect("The same again: ")
    terminal.type(PASSPHRASE + "\r")
    over(terminal, DONE, "wormholed --restore " + path)
    again = another(world, relay)
    command = program("wormholed") + ["--restore", path, "--state", again.state]
    terminal = ask(command)
    terminal.type("Peter knows it\r")
    over(terminal, FAILED, "the passphrase is wrong")
    terminal = ask(command)
    terminal.type("\x03")
    over(terminal, FAILED, "interrupted; nothing was done")
    equal(remains(again), ([], []), "what is there")
    terminal = ask(command)
    terminal.type(PASSPHRASE + "\r")
    over(terminal, DONE, "1 session restored")


def silent(terminal):
    """It shows nothing of what is typed."""
    return not termios.tcgetattr(terminal.slave)[3] & termios.ECHO


@test("a signal at the question, of either program: the terminal is as it was, and nothing was done")
def signalled_at_question(world):
    relay, left, _ = meet(world)
    path, locked = world.path("backup"), back_up(world, left, "locked")
    again = another(world, relay)
    back, put_back = wormctl.command(left.socket, ["backup", path]), program("wormholed") + ["--restore", locked, "--state", again.state]
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
        for command, status in ((back, INTERRUPTED if number == signal.SIGINT else -number), (put_back, FAILED)):
            terminal = Terminal(command, left.environment())
            world.finally_call(terminal.close)
            terminal.expect("Passphrase")
            true(silent(terminal), "it is silent")
            terminal.popen.send_signal(number)
            equal(terminal.wait(), status, "exit status")
            true(terminal.is_as_before(), "the terminal is as it was")
            equal("interrupted; nothing was done" in terminal.raw, status > 0, "what it says")
    equal((os.path.exists(path), remains(again)), (False, ([], [])), "what is there")


@test("Ctrl-Z at the question stops the program, with the terminal as it was; in the foreground again, it asks anew")
def stopped_at_question(world):
    _, left, _ = meet(world)
    path = world.path("backup")
    command = shlex.join(wormctl.command(left.socket, ["backup", path]))
    terminal = Terminal(["bash", "-c", "set -m; %s; read -r line; echo \"[$line]\"; fg" % command], left.environment())
    world.finally_call(terminal.close)
    terminal.expect("Passphrase")
    terminal.type("half of it\x1a")
    terminal.expect("Stopped")
    true(terminal.is_as_before(), "the terminal is as it was")
    terminal.type("seen\r")
    terminal.expect(r"\[seen\]")
    for prompt in ("Passphrase", "The same again: "):
        terminal.expect(prompt)
        true(silent(terminal), "it is silent")
        terminal.type(PASSPHRASE + "\r")
    terminal.expect("wormholed --restore")
    equal(terminal.wait(), DONE, "exit status")
    lacks(terminal.raw, "half", "what is shown")
    true(terminal.is_as_before(), "the terminal is as it was")


@test("who waits for a passphrase, or for a backup, that comes through a pipe ends by a signal")
def signalled_at_pipe(world):
    relay, left, _ = meet(world)
    again = another(world, relay)
    locked, pipe = back_up(world, left, "locked"), HalfWay(world, "pipe").path
    for arguments in ((locked, "--passphrase-file", pipe), (pipe,)):
        for begun in (False, True):  # nobody has opened it for writing; somebody has, and says nothing
            process = restorer(world, again, *arguments)
            if begun:
                writer = os.open(pipe, os.O_WRONLY)
            else:
                wait_until(lambda: "signalfd" in str([os.readlink("/proc/%d/fd/%s" % (process.pid, fd)) for fd in os.listdir(
                    "/proc/%d/fd" % process.pid)]), 20, "it listens to signals")
            process.kill(signal.SIGTERM)
            equal(process.wait(SECONDS), FAILED, process.err())
            contains(process.err(), "interrupted; nothing was ", "what it says")
            if begun:
                os.close(writer)
            equal(remains(again), ([], []), "what is there")


# ---- what is refused ----

@test("what is damaged, cut short, foreign, newer or locked by another passphrase is refused, and nothing is left")
def refused(world):
    relay, left, right = meet(world)
    keep(left, right, 300_000)
    locked, path = back_up(world, left, "locked"), world.path("plain")
    left.ctl("backup", "--plain", path)
    data = content(path)
    again = another(world, relay)
    broken = world.path("broken")

    def check(changed, said, **options):
        put(broken, changed)
        contains(restore(world, again, broken, FAILED, **options).err(), broken + " " + said, "what it says")
        equal(remains(again), ([], []), "what is there")

    check(content(locked), "cannot be opened: the passphrase is wrong", text="tell no Paul of it")
    odd = content(back_up(world, left, "odd", "s\x04\x03ecret"))  # all of a line counts, whatever is in it
    check(odd, "cannot be opened: the passphrase is wrong", text="s")
    for length in (len(data) - 1, len(data) - 66_000, 90, 30):
        check(data[:length], "is damaged or incomplete")
    for place in (20, 60, 200, 150_000, len(data) - 1):
        check(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:], "is damaged or incomplete")
    check(data + b"\0", "is damaged or incomplete")
    check(data[:16] + b"\2" + data[17:], "was made by a newer wormholed; use that one")
    check(b"", "is not a backup of wormholed")
    check(b"PK" + data, "is not a backup of wormholed")
    contains(restore(world, again, world.path("none"), FAILED).err(), "cannot read", "what it says")
    restore(world, again, path)
    again.start()
    equal(again.show("peer")["sent"], 1, "it was nothing but that")


@test("nothing is overwritten: neither a store, nor anything else, whether a daemon runs there or not")
def not_overwritten(world):
    _, left, right = meet(world)
    path = back_up(world, left)
    before = content(os.path.join(right.state, "keys"))
    contains(restore(world, right, path, FAILED).err(), right.state + " is not empty", "what it says")
    equal(content(os.path.join(right.state, "keys")), before, "the keys")
    right.call("send", session="peer", data=b"still there")
    equal(left.take("peer", 1), [b"still there"], "what the peer got")
    process = world.spawn("alone", program("wormholed") + ["--passphrase-file", path], environment=left.environment())
    equal(process.wait(SECONDS), USAGE, "exit status")
    contains(process.err(), "--passphrase-file goes with --restore", "what it says")
    os.chmod(secret(world), 0o644)
    loose = secret(world)
    os.chmod(loose, 0o644)
    contains(left.ctl("backup", "--passphrase-file", loose, world.path("x"), status=FAILED).err,
             "holds secrets, and other users can read it", "what it says")


# ---- interruptions ----

@test("kill -9, and Ctrl-C, in the middle of restoring: nothing is in the place, and the next one succeeds")
def killed_restoring(world):
    relay, left, right = meet(world)
    keep(left, right, *4 * [1 << 20])
    left.ctl("backup", "--plain", world.path("backup"))
    data = content(world.path("backup"))
    again = another(world, relay)
    working = again.state + ".restoring"
    for number, expected in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, FAILED), (signal.SIGTERM, FAILED)):
        pipe = HalfWay(world, "pipe-%d" % number)
        process = restorer(world, again, pipe.path)
        writer = pipe.open(os.O_WRONLY)
        half = data[:len(data) // 2]
        while half:
            half = half[os.write(writer, half):]
        wait_until(lambda: os.path.exists(os.path.join(working, "keys")), 20, "it is at work")
        process.kill(number)
        equal(process.wait(SECONDS), expected, "exit status")
        os.close(writer)
        true(not os.path.exists(again.state), "nothing is in its place")
        equal(os.path.exists(working), number == signal.SIGKILL, "what is beside it")
    restore(world, again, world.path("backup"))
    equal(remains(again)[0], ["state"], "what is there")
    again.start()
    equal(again.show("peer")["sent"], 4, "messages sent")


@test("kill -9, Ctrl-C and a client that stops in the middle of a backup: the daemon goes on, and so does the next one")
def killed_backing_up(world):
    _, left, right = meet(world)
    keep(left, right, *8 * [1 << 20])
    path = world.path("backup")
    put(path, b"wormholed-backup of another day")
    for gone, number in enumerate((signal.SIGKILL, signal.SIGTERM), 1):
        pipe = HalfWay(world, "pipe-%d" % number)
        with subprocess.Popen(["cat", pipe.path], stdout=subprocess.PIPE) as reader:
            with open(pipe.path, "wb") as writer:
                process = left.spawn_ctl("backup", "--plain", "-", stdout=writer)
            reader.stdout.read(100_000)
            with left.rpc() as rpc:  # the pipes are full, and it waits
                try:
                    rpc.call("backup")
                except RpcError as error:
                    equal(error.code, "busy", "the refusal")
                else:
                    raise AssertionError("a second backup begins")
            left.call("send", session="peer", data=b"goes on")
            process.kill(number)
            process.wait(SECONDS)
            reader.stdout.close()
        wait_until(lambda: left.process.err().count("its client has left") == gone, 20, "the daemon notices")
    back_up(world, left)
    right.start()
    equal(right.until("peer", lambda view: view["received"] == 10, what="all came")["received"], 10, "messages")


class Stuck:
    """A daemon that gives a client the first piece of a backup, and then says nothing more."""

    def __init__(self, world):
        self.path = world.path(world.unique("stuck"))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.asked = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        world.finally_call(self.close)

    def serve(self):
        connection, _ = self.listener.accept()
        unpacker = msgpack.Unpacker(raw=False)
        with connection:
            while data := connection.recv(65536):
                unpacker.feed(data)
                for _, number, method, params in unpacker:
                    if method == "hello":
                        answer = {"api": 1, "version": "0", "pid": os.getpid()}
                    elif params[0]["position"] == 0:
                        answer = {"data": bytes(PIECE), "next": PIECE}
                    else:
                        self.asked.set()
                        continue
                    connection.sendall(msgpack.packb([1, number, None, answer]))

    def close(self):
        self.listener.close()
        self.thread.join()


@test("a signal in the middle of writing removes what there is of the file; the old one stays")
def signalled(world):
    path = world.path("backup")
    old = b"wormholed-backup of another day"
    put(path, old)
    for number, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGHUP, 128 + signal.SIGHUP)):
        daemon = Stuck(world)
        process = world.spawn("wormctl", wormctl.command(daemon.path, ["backup", "--plain", path]))
        true(daemon.asked.wait(SECONDS), "it asks for the second piece: %s" % process.err())
        part, = [name for name in os.listdir(world.directory) if name.startswith("backup.")]
        equal(os.stat(world.path(part)).st_mode & 0o777, 0o600, "who may read it")
        process.kill(number)
        equal(process.wait(SECONDS), status, "exit status")
        equal(number == signal.SIGINT, "interrupted: no backup was made" in process.err(), "what it says")
        equal([name for name in os.listdir(world.directory) if name.startswith("backup.")], [], "what is left behind")
        equal(content(path), old, "the old one")
    daemon = Stuck(world)
    process = world.spawn("wormctl", wormctl.command(daemon.path, ["backup", "--plain", path]))
    true(daemon.asked.wait(SECONDS), "it asks for the second piece")
    process.kill9()
    equal(content(path), old, "the old one, after kill -9")


@test("a full disk, a file that may not grow, /dev/full: the backup fails with the reason, and the old one stays")
def no_room(world):
    relay, left, right = meet(world)
    keep(left, right, *3 * [1 << 20])
    path = back_up(world, left)
    old = content(path)
    process = left.spawn_ctl("backup", "--plain", path, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    equal(process.wait(SECONDS), FAILED, process.err())
    contains(process.err(), "cannot write the backup to %s: File too large" % path, "what it says")
    equal(content(path) == old, True, "the old one is there")
    equal([name for name in os.listdir(world.directory) if name.startswith("backup.")], [], "what is left behind")
    with open("/dev/full", "wb") as full:
        process = left.spawn_ctl("backup", "--plain", "-", stdout=full)
        equal(process.wait(SECONDS), FAILED, process.err())
        contains(process.err(), "cannot write the backup to standard output: No space left on device", "what it says")
    again = another(world, relay)
    process = restorer(world, again, path, "--passphrase-file", secret(world), preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    equal(process.wait(SECONDS), FAILED, process.err())
    contains(process.err(), "the store or its disk is full", "what it says")
    equal(remains(again), ([], []), "what is there")


# What may fail, of the calls that restoring makes to the system.
ERRORS = {
    "memory": (errno.ENOMEM,), "mmap": (errno.ENOMEM,), "open": (errno.EMFILE, errno.EACCES), "openat": (errno.EMFILE,),
    "mkdir": (errno.ENOSPC,), "mkdirat": (errno.ENOSPC,), "write": (errno.ENOSPC, errno.EINTR), "pwrite": (errno.EIO, errno.EINTR),
    "writev": (errno.EIO,), "fsync": (errno.EIO,), "fdatasync": (errno.EIO,), "read": (errno.EIO, errno.EINTR),
    "pread": (errno.EIO, errno.EINTR), "fallocate": (errno.ENOSPC,), "ftruncate": (errno.ENOSPC,), "flock": (errno.ENOLCK,),
    "renameat": (errno.EIO,),
}


@test("whatever fails while a backup is restored, once: it is all there, or there is an error, and nothing is left")
def faults(world):
    check_possible()
    relay, left, _ = meet(world)
    left.call("send", session="peer", data=b"a message")
    path = world.path("backup")
    left.ctl("backup", "--plain", path)
    again = another(world, relay)

    def run(*plan):
        completed = subprocess.run(program("wormholed") + ["--restore", path, "--state", again.state], check=False,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**again.environment(), **environment(*plan)})
        beside, inside = remains(again)
        said = [line for line in completed.stderr.splitlines() if not line.startswith("shim: ")]
        whole = beside == ["state"] and inside == ["data.mdb", "keys", "lock", "lock.mdb"]
        what = "%r: status %d, %r, %r" % (plan, completed.returncode, said[-3:], (beside, inside))
        true(completed.returncode == DONE and whole or completed.returncode in (FAILED, USAGE) and beside == [] and said, what)
        shutil.rmtree(again.state, ignore_errors=True)
        return completed

    calls = CALLS.findall(run("none", ANYWHERE, 0, errno.EIO).stderr)
    plans = [(name, place, 1, error) for name, _, place in calls for error in ERRORS.get(name, ())]
    true(len(plans) > 30, "there are calls that can fail: %d" % len(plans))
    failed = sum(run(*plan).returncode != DONE for plan in plans)
    print("# failed: %d of %d" % (failed, len(plans)))
    true(failed > 10, "some had to fail: %d" % failed)


@test("a small disk that is full")
def small_disk(world):
    relay, left, right = meet(world)
    keep(left, right, *6 * [1 << 20])
    disk = world.path("disk")
    os.mkdir(disk)
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "none", disk], check=False,
                                          stderr=subprocess.DEVNULL).returncode:
        raise Skip("only root can mount a small disk, and only where mounting is allowed")
    world.finally_call(lambda: subprocess.run(["umount", "--lazy", disk], check=False))
    path = back_up(world, left)
    result = left.ctl("backup", "--plain", os.path.join(disk, "backup"), status=FAILED)
    contains(result.err, "No space left on device", "what it says")
    equal(os.listdir(disk), [], "what is on the disk")
    again = another(world, relay)
    again.state = os.path.join(disk, "state")
    contains(restore(world, again, path, FAILED).err(), "the store or its disk is full", "what it says")
    equal(os.listdir(disk), [], "what is on the disk")
    again.state = disk
    contains(restore(world, again, path, FAILED).err(), "mount point", "what it says")


if __name__ == "__main__":
    main(120)

#!/usr/bin/python3
"""Who must not be heard, and what must not hurt: other users, garbage, half messages, giants, and clients that do not
read. The clients that behave never notice.
"""

import os
import pwd
import select
import shutil
import socket
import struct

import msgpack

from harness import Skip, equal, failure, lacks, main, test, true, wait_until
from harness.rpc import Closed, Rpc, RpcError
from harness.waiting import patience

FRAME_MAX = 17 << 20
# Array and map headers of MessagePack that promise more than anybody sends.
NESTED = b"\x94\x00\x01\xa4list" + b"\x91" * 64


def hello():
    return msgpack.packb([0, 1, "hello", [{"api": 1, "client": "test"}]])


def as_nobody(function):
    """Runs the function in a child with another uid; its exit status: 0 if the function returned true."""
    nobody = pwd.getpwnam("nobody")
    child = os.fork()
    if child == 0:
        status = 2
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            status = 0 if function() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def connects(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except PermissionError:
            return False
    return True


def is_served(path):
    """Whether the daemon answers a hello with a result."""
    try:
        with Rpc(path) as rpc:
            return "pid" in rpc.greeting
    except (OSError, Closed, RpcError):
        return False


def open_directories(daemon):
    """Makes the way to the socket free for everybody, against all advice."""
    os.chmod(daemon.world.directory, 0o755)
    os.chmod(daemon.home, 0o755)


@test("another user cannot reach the socket, and is not served even where the way is open")
def other_uid(world):
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    daemon = world.daemon("a", world.relay())
    open_directories(daemon)
    equal(as_nobody(lambda: connects(daemon.socket)), 1, "connecting through a directory of mode 0700")
    os.chmod(os.path.dirname(daemon.socket), 0o755)
    equal(as_nobody(lambda: connects(daemon.socket)), 1, "connecting to a socket of mode 0600")
    os.chmod(daemon.socket, 0o666)
    equal(as_nobody(lambda: is_served(daemon.socket)), 1, "being served through a socket of mode 0666")
    true(is_served(daemon.socket), "the daemon serves its own user")


@test("wormctl tells nothing to another user who listens in the daemon's place")
def other_listener(world):
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    daemon = world.daemon("a", world.relay())
    daemon.stop()
    nobody = pwd.getpwnam("nobody")
    for uid, told in (0, True), (nobody.pw_uid, False):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(daemon.socket)
            os.seteuid(uid)
            listener.listen()  # whose process that is, the kernel notes here
            os.seteuid(0)
            client = daemon.spawn_ctl("accept", "4-secret-code")
            listener.settimeout(patience(20))
            taken, _ = listener.accept()
            with taken:
                taken.settimeout(patience(20))
                equal(taken.recv(1000) != b"", told, "something was said to uid %d" % uid)
            true(client.wait() != 0, "it failed")
            if not told:
                true("another user" in client.err(), "it says why: " + client.err())
        os.unlink(daemon.socket)


@test("root is served by another user's daemon")
def root_is_served(world):
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    nobody = pwd.getpwnam("nobody")
    daemon = world.daemon("a", world.relay(), start=False, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
    os.chmod(world.directory, 0o755)
    os.chown(daemon.home, nobody.pw_uid, nobody.pw_gid)
    # The build may lie where nobody else can go.
    daemon.program[-1] = shutil.copy(daemon.program[-1], daemon.home)
    daemon.start()
    true(is_served(daemon.socket), "root is served")


def ends(client):
    """Reads until the daemon closes; all that it said."""
    client.settimeout(patience(20))
    said = b""
    while True:
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return said
        said += data


def raw(daemon):
    client = socket.socket(socket.AF_UNIX)
    client.connect(daemon.socket)
    return client


def offend(daemon, data):
    """Sends what nobody should; the objects in the daemon's answer before it hangs up."""
    with raw(daemon) as client:
        try:
            client.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        unpacker = msgpack.Unpacker(raw=False)
        unpacker.feed(ends(client))
        return list(unpacker)


OFFENCES = [
    ("text", b"GET / HTTP/1.1\r\n\r\n"),
    ("a byte that MessagePack never uses", b"\xc1"),
    ("a map", msgpack.packb({"method": "list"})),
    ("a number", msgpack.packb(7)),
    ("an empty array", msgpack.packb([])),
    ("a response", msgpack.packb([1, 1, None, {}])),
    ("an unknown kind", msgpack.packb([9, 1, "list", [{}]])),
    ("a request without params", msgpack.packb([0, 7, "list"])),
    ("a method that is a number", msgpack.packb([0, 7, 5, [{}]])),
    ("an id that is a string", msgpack.packb([0, "seven", "list", [{}]])),
    ("an id that is negative", msgpack.packb([0, -1, "list", [{}]])),
    ("an id beyond 32 bits", msgpack.packb([0, 1 << 32, "list", [{}]])),
    ("params that are no array", msgpack.packb([0, 7, "list", {"session": "x"}])),
    ("nesting without end", NESTED),
    ("a string of 4 GB", b"\x94\x00\x07\xdb\xff\xff\xff\xff"),
    ("an array of 4 billion", b"\xdd\xff\xff\xff\xff"),
    ("a map of 4 billion", b"\x94\x00\x07\xa4list\x91\xdf\xff\xff\xff\xff"),
    ("data over the limit", b"\x94\x00\x07\xa4send\x91\x81\xa4data\xc6" + struct.pack(">I", FRAME_MAX) + bytes(FRAME_MAX)),
]


@test("garbage and giants get an error and the end of their connection; others go on")
def garbage(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as bystander:
        for description, data in OFFENCES:
            for before in (b"", hello()):
                answers = offend(daemon, before + data)
                true(answers, "%s gets an answer" % description)
                kind, _, error, result = answers[-1]
                equal((kind, result), (1, None), "answer to %s" % description)
                true(error["code"] and error["message"], "%s gets an error: %r" % (description, error))
            equal(bystander.call("list")["next"], None, "a bystander's request after %s" % description)


@test("a message may come in pieces of one byte")
def pieces(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as rpc:
        for byte in msgpack.packb([0, 1000, "status", [{"ignored": list(range(20))}]]):
            rpc.send_raw(bytes([byte]))
        equal(rpc.answer(1000)["sessions"], 0, "sessions in the answer")


@test("half a message, and nothing more, keeps nobody waiting")
def half(world):
    daemon = world.daemon("a", world.relay())
    whole = msgpack.packb([0, 2, "send", [{"session": "x", "data": bytes(1 << 20)}]])
    halves = [raw(daemon) for _ in range(20)]
    for client in halves:
        client.sendall(hello() + whole[:len(whole) // 2])
    equal(daemon.call("list")["sessions"], [], "another client's answer")
    for client in halves:
        client.close()
    equal(daemon.call("list")["sessions"], [], "another client's answer, when they have gone")


def memory(daemon):
    """RssAnon in bytes; always 0 under a sanitizer or valgrind, who keep what was freed."""
    if is_examined(daemon):
        return 0
    with open("/proc/%d/status" % daemon.process.pid) as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["RssAnon"].split()[0]) * 1024


def is_examined(daemon):
    program = shutil.which(daemon.command()[0])
    with open(program, "rb") as file:
        return "valgrind" in program or b"__asan_init" in file.read()


@test("a client that asks and never reads is bounded, and hurts nobody")
def never_reads(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as rpc:
        for number in range(100):
            rpc.call("invite", name="n%d" % number, code="%d-%s" % (1000 + number, "x" * 100))
        before = memory(daemon)
        with raw(daemon) as slow:
            slow.setblocking(False)
            slow.send(hello())
            asked = flood(slow, msgpack.packb([0, 5, "list", [{"limit": 1000}]]), rpc)
            grown = memory(daemon) - before
            true(grown < 64 << 20, "memory grew by %d bytes for %d unread answers" % (grown, asked))
        equal(len(rpc.call("list")["sessions"]), 100, "sessions, as others see them")


def flood(slow, request, bystander):
    """Asks until the daemon takes no more or hangs up, while a bystander is served; how often it asked."""
    asked = 0
    while asked < 5000:
        try:
            slow.send(request * 50)
            asked += 50
        except BlockingIOError:
            bystander.call("status")
            if not select.select([], [slow], [], 0.5)[1]:
                break
        except (BrokenPipeError, ConnectionResetError):
            break
    return asked


@test("a subscriber that does not read misses nothing that matters and costs no memory")
def slow_subscriber(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as slow, daemon.rpc() as rpc:
        slow.call("subscribe")
        session = rpc.call("invite", code="7-slow")["id"]
        before = memory(daemon)
        for number in range(3000):
            rpc.request("poll", session=session)
            if number % 100 == 99:
                rpc.call("send", session=session, data=b"x")
        newest = rpc.call("show", session=session)["change"]
        grown = memory(daemon) - before
        true(grown < 16 << 20, "memory grew by %d bytes" % grown)

        def heard():
            change = slow.notification()[1]["change"]
            return change >= newest
        wait_until(heard, 20, "the newest change is heard of")


@test("clients beyond the limit are told so; those that are served stay so; room is reused")
def crowd(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc() as first:
        crowd_of = []
        refused = None
        while refused is None and len(crowd_of) < 2000:
            try:
                crowd_of.append(Rpc(daemon.socket))
            except RpcError as error:
                refused = error.code
            except (Closed, BrokenPipeError, ConnectionResetError):
                refused = "closed"
        equal(refused, "busy", "what client %d is told" % (len(crowd_of) + 1))
        equal(first.call("list")["sessions"], [], "the first client's answer")
        for client in crowd_of:
            client.close()
        wait_until(lambda: is_served(daemon.socket), 20, "there is room again")


@test("requests before hello are refused, and so are unknown methods")
def manners(world):
    daemon = world.daemon("a", world.relay())
    with daemon.rpc(hello=False) as rpc:
        error = failure(RpcError, lambda: rpc.call("list"), "list before hello")
        equal(error.code, "hello-first", "the error")
    with daemon.rpc() as rpc:
        error = failure(RpcError, lambda: rpc.call("make-coffee"), "an unknown method")
        equal(error.code, "unknown-method", "the error")
        lacks(rpc.call("list"), "error", "the answer after it")


if __name__ == "__main__":
    main(120)

#!/usr/bin/python3
"""A full disk and a full store: the command fails with a clear error, the daemon lives, nothing that was reported done
is lost, and all goes on when there is room again.
"""

import os
import resource
import shutil
import subprocess

from harness import Skip, contains, equal, main, test, true, wait_until
from harness.rpc import RpcError

CHUNK = 60_000
MANY = 400  # chunks: more than any of the small disks here holds


def meet(left, right):
    view = left.invite(name="peer")
    right.call("accept", code=view["code"], name="peer")
    left.until_state("peer", "established")


def message(number):
    return b"%08d" % number + bytes(CHUNK)


def fill(daemon):
    """Sends until the daemon refuses; how many it took, and the refusal."""
    with daemon.rpc() as rpc:
        for number in range(MANY):
            try:
                rpc.call("send", session="peer", data=message(number))
            except RpcError as error:
                return number, error
    raise AssertionError("the daemon took %d bytes: this store does not get full" % (MANY * CHUNK))


def check_full(daemon):
    """The daemon's and wormctl's behaviour when there is no room; how many messages were taken."""
    taken, error = fill(daemon)
    equal(error.code, "store-full", "the error")
    true(taken > 0, "some messages were taken before")
    contains(daemon.process.err(), "error: store: nothing can be stored, so visits pause: ", "the log")
    refused = daemon.ctl("send", "peer", data=message(taken), status=1)
    true("full" in refused.err or "space" in refused.err, "wormctl says why: %r" % refused)
    status = daemon.call("status")
    equal(status["sessions"], 1, "sessions, as status still says")
    equal(status["store_health"], "full", "the store's health")
    equal(daemon.show("peer")["sent"], taken, "messages that are reported as sent")
    return taken


def check_all_there(daemon, other, taken):
    """All that was reported as done arrives, and one more."""
    daemon.call("send", session="peer", data=b"room again")
    received = other.take("peer", taken + 1, 40)
    equal([data[:8] for data in received[:-1]], [message(number)[:8] for number in range(taken)], "messages")
    equal(received[-1], b"room again", "the message after there was room again")
    equal(daemon.call("status")["store_health"], "ok", "the store's health")


def mount_small(world, *what):
    directory = world.path("disk")
    os.mkdir(directory)
    mounted = subprocess.run(["mount", *what, directory], check=False, stderr=subprocess.DEVNULL)
    if os.getuid() != 0 or mounted.returncode != 0:
        raise Skip("only root can mount a small disk, and only where mounting is allowed")
    world.finally_call(lambda: subprocess.run(["umount", "--lazy", directory], check=False))
    return directory


def fill_disk(world, relay, disk):
    """Two who have met, the first of whom has filled the disk; and how many messages were taken."""
    left = world.daemon("left", relay, start=False)
    left.state = os.path.join(disk, "state")
    left.start()
    right = world.daemon("right", relay)
    meet(left, right)
    return left, right, check_full(left)


@test("a full disk")
def full_disk(world):
    relay = world.relay()
    disk = mount_small(world, "-t", "tmpfs", "-o", "size=3m", "none")
    left, right, taken = fill_disk(world, relay, disk)
    left.restart_killed()
    equal(left.show("peer")["sent"], taken, "messages after a kill and a start on the full disk")
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    check_all_there(left, right, taken)


def make_ext4(world, size):
    """A file with a file system of so many bytes in it."""
    image = world.path("image")
    maker = shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
    if not maker:
        raise Skip("no mkfs.ext4")
    with open(image, "wb") as file:
        file.truncate(size)
    subprocess.run([maker, "-q", image], check=True)
    return image


@test("a full disk of the usual kind, until somebody removes another file from it")
def full_ext4(world):
    relay = world.relay()
    disk = mount_small(world, "-o", "loop", make_ext4(world, 16 << 20))
    other = os.path.join(disk, "other")
    with open(other, "wb") as file:
        file.write(bytes(8 << 20))
    left, right, taken = fill_disk(world, relay, disk)
    os.remove(other)
    wait_until(lambda: left.call("status")["store_health"] == "ok", 30, "the daemon notices that there is room")
    wait_until(lambda: "the store can be written again" in left.process.err(), 30, "the log says so")
    check_all_there(left, right, taken)


def limit_files():
    """As a full disk, for those who cannot mount one: writes beyond 6 MB fail with EFBIG."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, resource.RLIM_INFINITY))


@test("a file that may not grow")
def file_limit(world):
    relay = world.relay()
    left = world.daemon("left", relay, preexec_fn=limit_files)
    right = world.daemon("right", relay)
    meet(left, right)
    taken = check_full(left)
    left.kill9()
    left.options.clear()
    left.start()
    check_all_there(left, right, taken)


@test("a store at its --max-store-size")
def store_limit(world):
    relay = world.relay()
    left = world.daemon("left", relay, "--max-store-size", "2M")
    right = world.daemon("right", relay)
    meet(left, right)
    taken = check_full(left)
    left.stop()
    left.arguments[1] = "64M"
    left.start()
    check_all_there(left, right, taken)


@test("a full store is emptied by closing and forgetting, without a restart")
def make_room(world):
    relay = world.relay()
    left = world.daemon("left", relay, "--max-store-size", "2M")
    right = world.daemon("right", relay)
    meet(left, right)
    check_full(left)
    left.call("forget", session="peer", force=True)
    view = left.invite(name="next")
    right.call("accept", code=view["code"], name="next")
    left.call("send", session="next", data=message(7))
    equal(right.take("next", 1), [message(7)], "what arrives")


@test("a receiver that is full takes nothing, and gets all once there is room")
def full_receiver(world):
    relay = world.relay()
    left = world.daemon("left", relay)
    right = world.daemon("right", relay, "--max-store-size", "2M")
    meet(left, right)
    count = 60
    for number in range(count):
        left.call("send", session="peer", data=message(number))
    left.until("peer", lambda view: view["stored"] == count, what="the relay stored all")
    received = []
    with right.rpc() as rpc:
        while len(received) < count:
            rpc.until("peer", lambda view: view["unread"] > 0, 40, "more arrives")
            row = rpc.call("recv", session="peer")
            rpc.call("ack", session="peer", number=row["number"])
            received.append(row["data"][:8])
            rpc.call("poll", session="peer")
    equal(received, [message(number)[:8] for number in range(count)], "messages")


if __name__ == "__main__":
    main(120)

#!/usr/bin/python3
"""wormhole-relayd when the machine has no more to give: a full disk, a full store, a file that may not grow, no file
descriptors. Whoever asks for what is not there is told so; nothing that was promised is lost; when there is room again,
all goes on.
"""

import os
import resource
import select
import subprocess

from harness import Skip, contains, equal, main, test, true, wait_until
from harness.client import Client, meet, phases
from harness.websocket import Closed, connect

BODY = "00" * 30_000
MANY = 2000  # bodies: more than any of the small disks here holds


def fill(client):
    """Adds until the relay refuses; how many it took, and the refusal."""
    for number in range(MANY):
        client.say("add", phase=str(number), body=BODY)
        answer = client.hear()
        if answer["type"] == "error":
            return number, answer["error"]
    raise AssertionError("the relay took %d bytes: this store does not get full" % (MANY * len(BODY)))


def check_full(relay):
    """The relay's behaviour when there is no room; (the mailbox, its sides, how many messages were taken)."""
    left, right, mailbox = meet(relay)
    taken, error = fill(left)
    contains(error, "full", "what is told")
    true(taken > 0, "some messages were taken before")
    contains(relay.process.err(), "error: store: messages of clients could not be stored: ", "the log")
    for number in range(taken):
        equal(right.expect("message")["phase"], str(number), "what the other one heard")
    contains(right.refused_add("more", BODY), "full", "what the other one is told")
    with Client(relay, side=right.side) as again:
        equal(len(phases(again.open(mailbox))), taken, "messages, to one who comes back")
    equal(relay.get("/healthz")[0], 200, "health")
    return mailbox, (left, right), taken


def check_there(relay, mailbox, sides, taken):
    """All that was echoed is there, and more is taken."""
    with Client(relay, side=sides[0].side) as again:
        equal([phase for _, phase, _ in phases(again.open(mailbox))], [str(number) for number in range(taken)], "messages")
        again.add("room again", BODY)


def mount_small(world, size):
    directory = world.path("disk")
    os.mkdir(directory)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s" % size, "none", directory], check=False,
                             stderr=subprocess.DEVNULL)
    if os.getuid() != 0 or mounted.returncode != 0:
        raise Skip("only root can mount a small disk, and only where mounting is allowed")
    world.finally_call(lambda: subprocess.run(["umount", "--lazy", directory], check=False))
    return directory


@test("a full disk")
def full_disk(world):
    relay = world.relayd(start=False)
    disk = mount_small(world, "8m")
    relay.store = os.path.join(disk, "store")
    relay.start()
    mailbox, sides, taken = check_full(relay)
    relay.restart_killed()
    with Client(relay, side=sides[1].side) as again:
        equal(len(phases(again.open(mailbox))), taken, "messages after a kill and a start on the full disk")
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    check_there(relay, mailbox, sides, taken)


def limit_files():
    """As a full disk, for those who cannot mount one: writes beyond 6 MB fail with EFBIG."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, resource.RLIM_INFINITY))


@test("a file that may not grow")
def file_limit(world):
    relay = world.relayd(popen={"preexec_fn": limit_files})
    mailbox, sides, taken = check_full(relay)
    relay.kill9()
    relay.popen.clear()
    relay.start()
    check_there(relay, mailbox, sides, taken)


@test("a store at its --max-store-size is emptied by closing, without a restart")
def store_limit(world):
    relay = world.relayd("--max-store-size", "16M", "--max-mailbox-bytes", "1G")
    mailbox, sides, taken = check_full(relay)
    true(taken > 100, "messages taken: %d" % taken)
    with Client(relay) as newcomer:
        newcomer.say("allocate")
        newcomer.hear()
    for side in sides:
        side.close(mood="happy")
    wait_until(lambda: relay.metric("messages") == 0, 20, "the messages have gone")
    left, right, _ = meet(relay)
    for number in range(taken // 2):
        left.add(str(number), BODY)
        equal(right.expect("message")["phase"], str(number), "what the next ones say")


def fill_until_evicted(relay):
    """Mailboxes of one address, more and more, until the first have made way."""
    for number in range(1000):
        with Client(relay) as client:
            client.say("open", mailbox="filling%d" % number)
            for phase in range(3):
                client.say("add", phase=str(phase), body="00" * 50_000)
            try:
                client.fence()
            except Closed:
                pass  # its own has made way
        if relay.metric("evicted_total") > 0:
            return
    raise AssertionError("nothing has made way")


FILLED = ("--ration-loopback", "--stored-per-hour", "0", "--max-store-size", "16M")


@test("who listens to a mailbox that makes way is dropped, and begins anew; others are not")
def made_way(world):
    relay = world.relayd(*FILLED)
    other = Client(relay, source="127.0.0.3")
    other.open("other")
    waiting = Client(relay)
    waiting.open("waiting")
    waiting.add("0")
    fill_until_evicted(relay)
    waiting.until_gone()
    other.fence()
    with Client(relay, side=waiting.side) as again, Client(relay) as peer:
        equal(phases(again.open("waiting")), [], "what is left")
        again.add("0")
        equal(len(phases(peer.open("waiting"))), 1, "what the peer finds")


@test("a session whose mailbox made way begins anew, and its code is good")
def session_made_way(world):
    relay = world.relayd(*FILLED)
    left, right = world.daemon("left", relay), world.daemon("right", relay)
    code = left.invite(name="peer", schedule="realtime")["code"]
    relay.until_metric("messages", 1)
    fill_until_evicted(relay)
    right.call("accept", code=code, name="peer", schedule="realtime")
    for daemon in (left, right):
        daemon.until("peer", lambda view: view["state"] == "established", 60)


@test("without file descriptors those who are in go on, the others wait or are turned away, and nothing spins")
def descriptors(world):
    few = 80
    relay = world.relayd(popen={"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))})
    left, right, _ = meet(relay)
    crowd = []
    try:
        while len(crowd) < few:
            crowd.append(Client(relay, seconds=0.5))
    except (Closed, TimeoutError, OSError, AssertionError, KeyError):
        pass
    true(few // 2 < len(crowd) < few, "clients that came in: %d" % len(crowd))
    waiting = [open_later(relay) for _ in range(20)]
    before = relay.cpu_seconds()
    for number in range(20):
        left.add(str(number))
        right.expect("message", 5)
        select.select([], [], [], 0.05)
    spent = relay.cpu_seconds() - before
    true(spent < 0.5, "seconds of CPU within a second of waiting: %g" % spent)
    for client in crowd[:40]:
        client.close_socket()
    served = [pending for pending in waiting if is_served(pending)]
    # One is turned away each second, until there is room.
    true(len(served) >= len(waiting) // 2, "served at last: %d of %d who waited" % (len(served), len(waiting)))
    for pending in waiting:
        pending.close()
    Client(relay).fence()


def open_later(relay):
    """A connection that nobody has accepted yet, with its handshake sent."""
    pending = connect(relay.port, 20)
    pending.sendall(b"GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    return pending


def is_served(pending):
    """False if it was turned away."""
    try:
        answer = pending.recv(4096)
    except ConnectionResetError:
        return False
    if answer:
        contains(answer.decode("utf-8", "replace"), " 101 ", "what one who waited gets at last")
    return bool(answer)


if __name__ == "__main__":
    main(25)

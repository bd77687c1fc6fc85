#!/usr/bin/python3
"""Clients that are not there any more, or do not listen, and never say so: wormhole-relayd drops them in time. They
cost little meanwhile, and the others go on.
"""

import re
import signal
import socket
import struct
from types import SimpleNamespace

from harness import contains, equal, main, test, true, wait_until, websocket
from harness.bystanders import Bystanders
from harness.client import Client, meet, phases
from harness.clock import Clock
from harness.network import HERE, Network

# Seconds: --client-timeout, of which a third is for the answer to a ping. Bystanders must answer in that time even on a busy
# machine.
TIMEOUT = 15
SILENT = 5
MESSAGES = 40  # of half a megabyte
PING = b'{"type": "ping", "ping": 1}'


def impatient_relay(world, *arguments, **options):
    return world.relayd("--client-timeout", "%ds" % TIMEOUT, *arguments, **options)


def until_dropped(relay, bystanders, left, what):
    """The bystanders talk until the relay has only so many connections left."""
    wait_until(lambda: bystanders.go_on(what) or relay.metric("connections") == left, TIMEOUT + 10, "it is dropped: " + what)


def refusal(relay):
    """What a newcomer is told whom the relay does not serve."""
    with Client(relay, bind=False) as client:
        client.until_gone()
        return client.welcome["error"]


@test("a half-open peer, whose packets stop both ways without a word, is dropped in time, and its place is free again")
def half_open(world):
    network = Network()
    relay = impatient_relay(world, "--listen", HERE + ":0", "--max-connections", str(2 + SILENT + 1))
    port = int(relay.process.wait_text(r"ws://%s:([0-9]+)" % re.escape(HERE)).group(1))
    bystanders = Bystanders(relay)
    side = bystanders.right.side
    with network.elsewhere():
        gone = [Client(SimpleNamespace(port=port), side=side, host=HERE) for _ in range(SILENT)]
    for client in gone[1:]:  # the first one has nothing to hear
        client.open(bystanders.mailbox)
    gone[0].open("nobody else's")
    network.pull()
    bystanders.go_on("a pulled cable")
    with Client(relay, side=side) as again:
        equal(len(phases(again.open(bystanders.mailbox))), 1, "messages, when the side comes back over another cable")
        contains(refusal(relay), "limit of connections", "what a newcomer is told")
    until_dropped(relay, bystanders, 2, "a pulled cable")
    equal(len(re.findall("no longer answers", relay.log())), SILENT, "connections dropped for their silence")
    newcomers = [Client(relay) for _ in range(SILENT)]
    newcomers[-1].fence()


@test("a frozen daemon is dropped in time, and misses nothing when it goes on")
def frozen(world):
    relay = impatient_relay(world)
    bystanders = Bystanders(relay)
    left, right = world.daemon("left", relay), world.daemon("right", relay)
    right.call("accept", code=left.invite(name="right")["code"], name="left")
    for daemon, peer in ((left, "right"), (right, "left")):
        daemon.until_state(peer, "established")
    relay.until_metric("connections", 4)
    right.process.kill(signal.SIGSTOP)
    left.call("send", session="right", data=b"while it is frozen")
    until_dropped(relay, bystanders, 3, "a frozen daemon")
    left.call("send", session="right", data=b"when it is forgotten")
    right.process.kill(signal.SIGCONT)
    equal(right.take("left", 2), [b"while it is frozen", b"when it is forgotten"], "what it takes after all")


def slow_scene(world):
    """Its clock and relay, those who behave, and a client with little room that has their mailbox open."""
    clock = Clock(world)
    relay = impatient_relay(world, "--max-mailbox-bytes", "64M", clock=clock)
    bystanders = Bystanders(relay)
    slow = Client(relay, side=bystanders.right.side, receive_buffer=4096)
    slow.open(bystanders.mailbox)
    return clock, relay, bystanders, slow


@test("who stops reading while others add is dropped in time, costs little however much there is, and others go on")
def slow_reader(world):
    clock, relay, bystanders, slow = slow_scene(world)
    before = relay.memory()
    for _ in range(60):
        bystanders.go_on("much that is not read", size=250_000)
    true(relay.metric("backlog_bytes") < 4 << 20, "he is %d bytes behind" % relay.metric("backlog_bytes"))
    true(relay.memory() - before < 16 << 20, "memory grew by %d bytes" % (relay.memory() - before))
    clock.advance(-3600)  # that is no excuse
    until_dropped(relay, bystanders, 2, "a slow reader")
    equal(relay.metric('drops_total{cause="slow"}'), 1, "drops for slowness")
    equal(relay.metric("backlog_bytes"), 0, "bytes that others are behind")
    slow.close_socket()
    with Client(relay, side=bystanders.right.side) as again:
        equal(len(phases(again.open(bystanders.mailbox))), bystanders.said, "messages, when his side comes back and reads")


@test("who reads slowly is not dropped, however long it takes, until it reads no more")
def crawling_reader(world):
    clock, relay, bystanders, slow = slow_scene(world)
    for _ in range(30):
        bystanders.go_on("much to read", size=250_000)
    for _ in range(12):  # more than a minute: four times --client-timeout
        left = 200_000
        while left > 0:
            data = slow.websocket.socket.recv(65536)
            true(data, "it is not dropped")
            left -= len(data)
        clock.wait(6)
        bystanders.go_on("a slow reader")
    equal(relay.metric('drops_total{cause="slow"}'), 0, "drops for slowness")
    wait_until(lambda: clock.wait(6) or bystanders.go_on("a reader that stops") or relay.metric("connections") == 2,
               TIMEOUT, "it is dropped")
    equal(relay.metric('drops_total{cause="slow"}'), 1, "drops for slowness")
    slow.close_socket()


@test("a large mailbox costs little for each who opens it and does not read; who reads gets all of it, and what is new")
def replay_in_pieces(world):
    relay = world.relayd()
    filling = Client(relay)
    filling.open("m")
    body = "ab" * 250_000
    for number in range(MESSAGES):
        filling.add(str(number), body)
    before = relay.memory()
    crowd = [Client(relay, side=filling.side, receive_buffer=4096) for _ in range(8)]
    for client in crowd:
        client.say("open", mailbox="m")
    # Each is more than a megabyte behind, but not by all twenty.
    wait_until(lambda: relay.metric("backlog_bytes") > len(crowd) << 20, 60, "nobody reads")
    true(relay.metric("backlog_bytes") < len(crowd) << 21, "%d bytes wait" % relay.metric("backlog_bytes"))
    true(relay.memory() - before < len(crowd) * 4 << 20, "memory grew by %d bytes" % (relay.memory() - before))
    filling.add("new")
    for client in crowd[:2]:
        heard = phases(client.fence())
        equal([phase for _, phase, _ in heard], [str(number) for number in range(MESSAGES)] + ["new"], "phases")
        true(all(text == body for _, _, text in heard[:-1]), "bodies")
    for client in crowd + [filling]:
        client.close_socket()


@test("who lets more answers wait than a mailbox could hold is dropped at once, however patient the relay is")
def watermark(world):
    relay = world.relayd("--max-mailbox-bytes", "64K", "--max-mailbox-messages", "500", "--max-message", "4K")
    bystanders = Bystanders(relay)
    flooding = Client(relay, receive_buffer=4096)
    pings = websocket.encode(websocket.TEXT, PING) * 1000
    try:
        while True:
            flooding.websocket.socket.sendall(pings)
            bystanders.go_on("unread answers")
    except ConnectionError:
        pass
    relay.until_metric("connections", 2)
    equal(relay.metric('drops_total{cause="slow"}'), 1, "drops for slowness")
    bystanders.go_on("the flood")


@test("who asks, and does not read the answers, is not listened to; others go on, and he may read on later")
def unread_pongs(world):
    relay = world.relayd()
    bystanders = Bystanders(relay)
    before = relay.memory()
    flooding = Client(relay, receive_buffer=4096)
    flooding.websocket.socket.settimeout(5)
    pings = websocket.encode(websocket.TEXT, PING) * 1000
    asked = 0
    try:
        while True:
            flooding.websocket.socket.sendall(pings)
            bystanders.go_on("more pings")
            asked += 1000
    except TimeoutError:
        pass  # the relay reads no more of them
    grown = relay.memory() - before
    true(grown < 16 << 20, "memory grew by %d MiB for %d pings" % (grown >> 20, asked))
    bystanders.go_on("the flood")
    for _ in range(1000):
        equal(flooding.hear()["type"], "pong", "what the flooding one reads after all")


@test("peers that reset their connections keep nobody from anything, and their side may come back")
def reset(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    dead = [Client(relay, side=right.side) for _ in range(20)]
    for client in dead:
        client.open(mailbox)
    for number in range(50):
        left.add(str(number), "00" * 1000)
        right.expect("message")
    for client in dead:
        client.websocket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close_socket()
    left.add("50")
    right.expect("message")
    relay.until_metric("connections", 2)
    with Client(relay, side=right.side) as again:
        equal(len(again.open(mailbox)), 51, "messages in the replay")


if __name__ == "__main__":
    main(90)

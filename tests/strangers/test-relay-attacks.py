#!/usr/bin/python3
"""Attacks on wormhole-relayd by those who have only its address, one a test, each bounded: a small one for `make check`,
and one as large as the limits admit for `make attack`. While they last, others go on, and the relay keeps its promises.
"""

import json
import os
import time
from threading import Thread

# pylint: disable=wrong-import-order
from attack import HANDSHAKE, HONEST, Measure, add_large, at_rest, bind, command, frame, scale, strike
from harness import main, test, true
from harness.client import Client
from harness.waiting import patience
from harness.websocket import connect

MiB = 1 << 20
MEMORY_MAX = 256 * MiB


def address(number):
    return "127.0.2.%d" % (number + 1)


@test("freeze it: many open a mailbox, send 32 adds at once and hang up")
def freeze(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0")
    at_rest(relay)
    adds = b"".join(command("add", phase=str(number), body="00") for number in range(32))
    with Measure(relay, "they freeze it") as under:
        for number in range(scale(150, 2244)):
            said = bind("s%d" % number) + command("open", mailbox="m%d" % number) + adds
            strike(relay.port, said, address(number % 12)).close()
        under.lasts(scale(2, 10))
    under.ping_at_most(100)


def held_open(relay, numbers, said):
    """So many connections that have said this, or as much of it as was taken at once: a stranger waits for nobody."""
    held = []
    for number in numbers:
        client = connect(relay.port, patience(10), address(number % 12))
        client.setblocking(False)
        try:
            client.send(said(number))
            held.append(client)
        except OSError:
            client.close()  # that is how it should be
    return held


def let_go(connections):
    for connection in connections:
        connection.close()


@test("fill its memory: what is never finished, before bind")
def unbound(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0")
    at_rest(relay)
    count, size = 20, scale(2, 33) * MiB
    ends = {
        "a header": lambda _: HANDSHAKE[:-2] + b"X: " + b"x" * 16000,
        "a large message": lambda _: HANDSHAKE + frame(b'{"type": "bind", "appid": "' + b"x" * size, 34 * MiB),
        "many small frames": lambda _: HANDSHAKE + b"\x01\x84" + bytes(8) + (b"\x00\x84" + bytes(8)) * 200000,
        "a small message": lambda _: HANDSHAKE + frame(b"x" * 8000, 8192),
    }
    with Measure(relay, "they fill its memory") as under:
        for said in ends.values():
            held = held_open(relay, range(count), said)
            under.look()
            let_go(held)
    true(under.highest < 16 * MiB, "memory: %d MiB" % (under.highest / MiB))


@test("fill its memory: what is never finished, after bind")
def unfinished(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0")
    at_rest(relay)
    size = scale(9, 33) * MiB
    begun = frame(b'{"type": "add", "phase": "0", "body": "' + b"00" * (size // 2), scale(10, 34) * MiB)
    with Measure(relay, "they stop in the middle") as under:
        held = held_open(relay, range(scale(8, 60)),
                         lambda number: bind("s%d" % number) + command("open", mailbox="m%d" % number) + begun[:200000])
        threads = [Thread(target=send_all, args=(client, begun[200000:])) for client in held]
        for thread in threads:
            thread.start()
        with Client(relay, source=HONEST) as honest:  # whoever means it finds a place meanwhile
            honest.open("honest")
            started = time.monotonic()
            add_large(honest, "0", scale(2, 32) * MiB)
            print("# a large message among them took %.1f s" % (time.monotonic() - started), flush=True)
            under.look()
        let_go(held)
        for thread in threads:
            thread.join()
    true(under.highest < scale(100 * MiB, MEMORY_MAX), "memory: %d MiB" % (under.highest / MiB))
    true(relay.metric('drops_total{cause="input"}') > 0, "those who do not get on are counted")


def send_all(client, data):
    """As much as the relay takes within some seconds."""
    client.settimeout(scale(1, 30))
    try:
        client.sendall(data)
    except OSError:
        pass


@test("fill its memory: small commands, faster than the disk takes them")
def pipelined(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0", "--max-connections", "20000")
    at_rest(relay)
    with Measure(relay, "they pipeline") as under:
        said = b"".join(command("add", phase=str(number), body="00" * 2000) for number in range(60))
        held = held_open(relay, range(scale(100, 4000)),
                         lambda number: bind("s%d" % number) + command("open", mailbox="m%d" % number) + said)
        under.look()
        under.lasts(scale(1, 10))
        under.look()
        let_go(held)
    true(under.highest < scale(100 * MiB, MEMORY_MAX), "memory: %d MiB" % (under.highest / MiB))


@test("fill its memory: what it sends, and nobody reads")
def unread(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0")
    at_rest(relay)
    size = scale(2, 32) * MiB
    with Measure(relay, "they do not read") as under:
        with Client(relay, source=HONEST, side="a") as client:
            client.open("large")
            add_large(client, "0", size)
            held = held_open(relay, range(scale(20, 60)), lambda _: bind("a", client.appid) + command("open", mailbox="large"))
            under.lasts(scale(3, 20))
            add_large(client, "1", size)
            under.look()
            let_go(held)
    true(under.highest < MEMORY_MAX, "memory: %d MiB" % (under.highest / MiB))


@test("burn its CPU: large messages that are refused")
def large(world):
    relay = world.relayd("--ration-loopback", "--max-connections-per-address", "0")
    at_rest(relay)
    size = scale(8, 33) * MiB
    bodies = {
        "no command": b'{"type": "ping", "junk": "' + b"x" * size + b'"}',
        "an add to no mailbox": b'{"type": "add", "phase": "0", "body": "' + b"0" * size + b'"}',
        "no hex": b'{"type": "add", "phase": "0", "body": "' + b"x" * size + b'"}',
        "many values": b'{"type": "add", "phase": [' + b"1," * (size // 2) + b"1]}",
    }
    with Measure(relay, "they burn its CPU") as under:
        for what, text in bodies.items():
            with Client(relay, source=address(0)) as client:
                cpu = relay.cpu_seconds()
                client.websocket.socket.settimeout(patience(60))
                client.websocket.socket.sendall(frame(text))
                answer = client.expect("error", 60)
                true(len(json.dumps(answer)) < 2000, "the error quotes little: %d bytes" % len(json.dumps(answer)))
                print("# %s of %d MiB: %.2f s of CPU" % (what, size / MiB, relay.cpu_seconds() - cpu), flush=True)
        early = strike(relay.port, HANDSHAKE, address(1))
        cpu = relay.cpu_seconds()
        send_all(early, frame(bodies["no command"]))
        true(relay.cpu_seconds() - cpu < 0.1, "before bind, it costs nothing")
        early.close()
    under.ping_at_most(scale(150, 250))


@test("fill its disk: as many bytes as one address can send")
def disk(world):
    relay = world.relayd("--ration-loopback", "--stored-per-hour", scale("4M", "512M"))
    at_rest(relay)
    size = scale(100_000, 4_000_000)
    refused = 0
    with Measure(relay, "they fill its disk"):
        for mailbox in ("m1", "m2", "m3"):
            with Client(relay, source=address(0)) as client:
                client.say("open", mailbox=mailbox)
                for number in range(30):
                    client.websocket.socket.sendall(command("add", phase=str(number), body="00" * size))
                    refused += client.hear(60)["type"] == "error"
        with Client(relay, source=address(0)) as client:  # nor does it help to come back
            client.say("open", mailbox="another")
            client.say("add", phase="0", body="00" * size)
            true(any("hour" in said.get("error", "") for said in client.fence()), "what it is told")
    true(refused > 0, "nothing was refused")
    true(relay.metric("stored_refused_total") > 0, "it is counted")
    true(on_disk(relay) < scale(16, 800) * MiB, "on the disk: %d MiB" % (on_disk(relay) / MiB))


def on_disk(relay):
    return sum(entry.stat().st_size for entry in os.scandir(relay.store) if entry.is_file())


@test("fill its disk: from many addresses, up to the limit of the store")
def full(world):
    limit = scale(16, 128)
    relay = world.relayd("--ration-loopback", "--stored-per-hour", "0", "--max-store-size", "%dM" % limit)
    at_rest(relay)
    size = scale(50_000, 1_000_000)
    with Client(relay, source=HONEST, side="who-waits") as waiting:
        waiting.open("waiting")
        waiting.add("0")
    with Measure(relay, "they fill the store") as under:
        for number in range(4 * limit * MiB // (8 * 2 * size)):  # twice the limit
            with Client(relay, source=address(number % 4)) as client:
                client.say("open", mailbox="m%d" % number)
                for phase in range(4):
                    client.websocket.socket.sendall(command("add", phase=str(phase), body="00" * size))
                    client.hear(60)
        under.lasts(scale(1, 5))
    true(on_disk(relay) <= (limit + 4) * MiB, "on the disk: %d MiB" % (on_disk(relay) / MiB))
    true(relay.metric("evicted_total") > 0, "what made way is counted")
    with Client(relay, source=HONEST, side="who-comes") as late:
        true(len(late.open("waiting")) == 1, "who waits is still there")


@test("take all places: connections that say nothing")
def places(world):
    relay = world.relayd("--ration-loopback", "--max-connections", str(scale(100, 4000)), "--max-connections-per-address", "0")
    at_rest(relay)
    with Measure(relay, "they take all places") as under:
        held = held_open(relay, range(scale(300, 12000)), lambda number: HANDSHAKE if number % 2 else HANDSHAKE[:20])
        under.lasts(scale(2, 10))
        true(relay.metric("connections") <= scale(170, 4100), "connections: %d" % relay.metric("connections"))
        let_go(held)
    under.ping_at_most(scale(150, 250))
    true(relay.metric('drops_total{cause="unbound"}') > 0, "those who made way are counted")


@test("burn its CPU with lists of all nameplates")
def lists(world):
    relay = world.relayd("--max-connections-per-address", "0")
    count = scale(1500, 30000)
    for first in range(0, count, 500):
        clients = [Client(relay, source=address(number % 12), appid="crowded") for number in range(first, first + 500)]
        for number, client in enumerate(clients):
            client.say("claim", nameplate="9%d" % (first + number))
        for client in clients:
            client.expect("claimed", 60)
            client.close_socket()
    at_rest(relay)
    with Measure(relay, "they list") as under:
        cpu = relay.cpu_seconds()
        with Client(relay, source=address(0), appid="crowded") as client:
            for _ in range(60):
                client.say("list")
            for _ in range(60):
                true(len(client.expect("nameplates", 60)["nameplates"]) == count, "the whole list")
        each = (relay.cpu_seconds() - cpu) / 60
        under.lasts(2)
    print("# %.1f ms of CPU for a list of %d" % (each * 1000, count), flush=True)
    true(each < 0.02, "%.1f ms for a list" % (each * 1000))
    under.ping_at_most(100)


if __name__ == "__main__":
    main(scale(60, 600))

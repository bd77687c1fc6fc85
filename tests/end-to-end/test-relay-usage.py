#!/usr/bin/python3
"""The usage record of wormhole-relayd: a line for each mailbox whose life is over, which says how it went and not whose it
was.
"""

import json
import os
import signal

from harness import contains, equal, main, test, true, wait_until
from harness.client import Client, meet
from harness.stock import code_of, receive_text, send_text

KEYS = ["began", "waited", "lasted", "nameplate", "messages", "result"]


def records(path, count):
    """So many lines, which must come."""
    def lines():
        with open(path) as file:
            return file.read().splitlines()
    wait_until(lambda: len(lines()) >= count, 20, "there are %d lines in the record" % count)
    found = [json.loads(line) for line in lines()]
    equal(len(found), count, "lines")
    for record in found:
        equal(list(record), KEYS, "what a line tells")
    return found


def sides_close(relay, *moods):
    for client, mood in zip(meet(relay), moods):
        client.close(mood=mood)


@test("how real introductions ended: happy, scary, lonely; and errory, crowded; nobody is named")
def results(world):
    path = world.path("usage")
    relay = world.relayd("--usage-log", path)
    sender = send_text(world, "python", relay, "hello")
    receiver = receive_text(world, "python", relay, code_of(sender))
    equal((sender.wait(30), receiver.wait(30)), (0, 0), "exit statuses")
    happy, = records(path, 1)
    equal((happy["result"], happy["nameplate"], happy["began"] % 3600), ("happy", True, 0), "a happy one")
    true(happy["messages"] >= 6 and 0 <= happy["waited"] <= happy["lasted"], "what it says: %r" % happy)

    sender = send_text(world, "python", relay, "hello")
    number = code_of(sender).partition("-")[0]
    receiver = receive_text(world, "python", relay, number + "-wrong-words")
    sender.wait(30)
    receiver.wait(30)
    equal(records(path, 2)[1]["result"], "scary", "a wrong code")

    daemon = world.daemon("a", relay)
    daemon.invite(name="peer", schedule="realtime")
    daemon.ctl("close", "peer")
    lonely = records(path, 3)[2]
    equal((lonely["result"], lonely["waited"]), ("lonely", None), "nobody came")

    sides_close(relay, "happy", "errory")
    equal(records(path, 4)[3]["result"], "errory", "an error")
    left, right, mailbox = meet(relay, appid="example.org/secret")
    left.add("pake", "c0ffee")
    with Client(relay, appid="example.org/secret") as third:
        third.say("open", mailbox=mailbox)
        contains(third.expect("error")["error"], "crowded", "what the third is told")
    left.close(mood="happy")
    right.fence()
    right.close(mood="happy")
    crowded = records(path, 5)[4]
    equal((crowded["result"], crowded["messages"]), ("crowded", 1), "a third side")
    with open(path) as file:
        said = file.read()
    for secret in (mailbox, left.side, right.side, "secret", "c0ffee", "lothar", "127.0.0.1"):
        true(secret not in said, "%s is in the record" % secret)
    equal(os.stat(path).st_mode & 0o777, 0o600, "its mode")


@test("what expires is pruney; times may be exact; without --usage-log there is no record")
def pruney(world):
    path = world.path("usage")
    relay = world.relayd("--usage-log", path, "--blur-usage", "0", expiration=2)
    with Client(relay) as client:
        client.open("m")
        client.add("0")
    record, = records(path, 1)
    equal((record["result"], record["nameplate"], record["messages"]), ("pruney", False, 1), "what is said")
    true(record["lasted"] >= 2, "it lasted %d s" % record["lasted"])
    silent = world.relayd()
    sides_close(silent, "happy", "happy")
    equal(sorted(os.listdir(silent.store)), sorted(os.listdir(relay.store)), "files in the store")


@test("the record is renamed, and goes on after SIGHUP; one that cannot be written is refused")
def renamed(world):
    os.mkdir(world.path("log"))
    path = world.path("log/usage")
    relay = world.relayd("--usage-log", path)
    sides_close(relay, "happy", "happy")
    records(path, 1)
    os.rename(path, path + ".old")
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("settings reloaded", stream="err")
    sides_close(relay, "happy", "lonely")
    equal(records(path, 1)[0]["result"], "lonely", "in the new file")
    records(path + ".old", 1)
    refused = world.relayd("--usage-log", world.path("none/usage"), start=False)
    equal(refused.launch().wait(), 1, "exit status")
    contains(refused.process.err(), "cannot write the usage record %s: No such file" % world.path("none/usage"), "what is said")


if __name__ == "__main__":
    main(60)

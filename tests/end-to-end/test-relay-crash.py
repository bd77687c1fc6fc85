#!/usr/bin/python3
"""kill -9 of wormhole-relayd under load, again and again: every message that was echoed is there after the next start,
none is there twice, and what was told of nameplates holds.

WORMHOLED_TEST_KILLS in the environment says how many kills there are to be.
"""

import os
import random
import select
import threading
import time

from harness import equal, main, test, true
from harness.client import Client, phases
from harness.websocket import Closed

KILLS = int(os.environ.get("WORMHOLED_TEST_KILLS", "200"))
TALKERS = 4
LONGEST_LIFE = 0.06  # seconds that the relay is under load before a kill
RELEASED, CLAIMED = "released", "claimed"


class Talker(threading.Thread):
    """One side of one mailbox that adds as fast as it can until the connection breaks; it remembers what was echoed."""

    def __init__(self, relay, mailbox, side, first):
        super().__init__(daemon=True)
        self.relay, self.mailbox, self.side, self.number = relay, mailbox, side, first
        self.echoed = []
        self.sent = []
        self.nameplates = {}
        self.failure = None

    def run(self):
        try:
            self.talk()
        except (Closed, ConnectionError, TimeoutError):
            pass  # the kill
        except AssertionError as failure:
            # A connection that breaks in the handshake is the kill as well.
            self.failure = None if "no WebSocket" in str(failure) else failure

    def talk(self):
        with Client(self.relay, side=self.side) as client:
            nameplate = client.allocate()
            self.nameplates[nameplate] = CLAIMED
            client.open(self.mailbox)
            while True:
                for _ in range(8):
                    phase = "%s-%d" % (self.side, self.number)
                    self.number += 1
                    self.sent.append(phase)
                    client.say("add", phase=phase, body="00" * 100)
                for _ in range(8):
                    self.listen(client)
                if nameplate and self.number % 3 == 0:
                    self.nameplates[nameplate] = None  # released or not: nobody was told
                    client.say("release")
                    while self.listen(client) != "released":
                        pass
                    self.nameplates[nameplate] = RELEASED
                    nameplate = None

    def listen(self, client):
        message = client.hear()
        if message["type"] == "message" and message["side"] == self.side:
            self.echoed.append(message["phase"])
        return message["type"]


def round_of_load(relay, world_of, dice):
    """Everybody talks until the kill; what they know then."""
    talkers = []
    for mailbox, side in world_of:
        talkers.append(Talker(relay, mailbox, side, dice.randrange(1 << 60)))
        talkers[-1].start()
    select.select([], [], [], dice.random() * LONGEST_LIFE)
    relay.kill9()
    for talker in talkers:
        talker.join(20)
        if talker.failure:
            raise talker.failure
    return talkers


def check_messages(relay, known, sent):
    """What each mailbox holds, against what was echoed by it and said to it."""
    for (mailbox, side), echoed in known.items():
        with Client(relay, side=side) as client:
            held = [phase for whose, phase, _ in phases(client.open(mailbox)) if whose == side]
        equal(len(held), len(set(held)), "a message that is there twice in " + mailbox)
        missing = set(echoed) - set(held)
        equal(missing, set(), "echoed by %s, and not there" % mailbox)
        equal(set(held) - sent[mailbox, side], set(), "never sent to %s" % mailbox)
        equal([phase for phase in held if phase in set(echoed)], echoed, "their order")


@test("%d kills under load" % KILLS)
def kills(world):
    relay = world.relayd("--max-mailbox-messages", "1000000", "--log-level", "error")
    dice = random.Random(20260301)
    places = [("box-%d" % (number // 2), "side-%d" % number) for number in range(TALKERS)]
    known = {place: [] for place in places}
    sent = {place: set() for place in places}
    nameplates = {}
    started, echoes = time.monotonic(), 0
    for _ in range(KILLS):
        for place, talker in zip(places, round_of_load(relay, places, dice)):
            known[place] += talker.echoed
            sent[place].update(talker.sent)
            nameplates.update(talker.nameplates)
            echoes += len(talker.echoed)
        relay.start()
        with Client(relay) as client:
            listed = set(client.list())
        for nameplate, state in nameplates.items():
            true(state is None or (nameplate in listed) == (state == CLAIMED), "nameplate %s, %s" % (nameplate, state))
    check_messages(relay, known, sent)
    true(echoes > KILLS // 10, "the load was a load: %d echoes" % echoes)
    print("# %d kills, %d echoes, %.1f s" % (KILLS, echoes, time.monotonic() - started))


if __name__ == "__main__":
    main(25 + KILLS * 0.5)

"""A client of a relay that says exactly what a test has it say, and tells exactly what comes back."""

import json
import os

from . import websocket
from .checks import equal
from .waiting import patience

SECONDS = 10
APPID = "example.org/relay-test"


class Client:
    """One connection. Acks are kept apart, in `acks`; the welcome is taken in at once."""

    def __init__(self, relay, side=None, appid=APPID, bind=True, seconds=SECONDS, **options):
        self.side = side or os.urandom(5).hex()
        self.appid = appid
        self.acks = []
        self.websocket = websocket.WebSocket(relay.port, patience(seconds), **options)
        self.welcome = self.expect("welcome", seconds)["welcome"]
        if bind:
            self.bind()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close_socket()

    def close_socket(self):
        self.websocket.close()

    # ---- anything ----

    def say(self, kind, **message):
        self.websocket.send(json.dumps(dict(message, type=kind)))

    def say_text(self, text):
        self.websocket.send(text)

    def receive(self, seconds=SECONDS):
        """The next message, acks included."""
        return json.loads(self.websocket.receive(patience(seconds)))

    def hear(self, seconds=SECONDS):
        """The next message that is no ack."""
        while True:
            message = self.receive(seconds)
            if message["type"] != "ack":
                return message
            self.acks.append(message["id"])

    def expect(self, kind, seconds=SECONDS):
        message = self.hear(seconds)
        equal(message["type"], kind, "type of %r" % message)
        return message

    def ask(self, kind, answer, **message):
        self.say(kind, **message)
        return self.expect(answer)

    def refused(self, kind, **message):
        """The text of the error that must be the answer."""
        error = self.ask(kind, "error", **message)
        equal(error["orig"], dict(message, type=kind), "orig")
        return error["error"]

    def until_gone(self, seconds=SECONDS):
        """Reads until the relay closes the connection; what it said."""
        heard = []
        try:
            while True:
                heard.append(self.receive(seconds))
        except (websocket.Closed, UnicodeDecodeError):
            return heard

    # ---- the protocol ----

    def bind(self):
        self.say("bind", appid=self.appid, side=self.side, client_version=["test", "0"])
        return self

    def fence(self, number=7):
        """Everything that was said before has been heard, and what it brought is returned."""
        self.say("ping", ping=number)
        heard = []
        while True:
            message = self.hear()
            if message["type"] == "pong":
                equal(message["pong"], number, "the number in the pong")
                return heard
            heard.append(message)

    def allocate(self):
        return self.ask("allocate", "allocated")["nameplate"]

    def claim(self, nameplate):
        return self.ask("claim", "claimed", nameplate=nameplate)["mailbox"]

    def release(self, **nameplate):
        return self.ask("release", "released", **nameplate)

    def open(self, mailbox):
        """Opens; what was stored there already."""
        self.say("open", mailbox=mailbox)
        return self.fence()

    def add(self, phase, body="00", **more):
        """Adds, and waits for the echo."""
        self.say("add", phase=phase, body=body, **more)
        echo = self.expect("message")
        equal((echo["side"], echo["phase"], echo["body"]), (self.side, phase, body), "the echo")
        return echo

    def refused_add(self, phase, body):
        """The text of the error that must be the answer."""
        return self.ask("add", "error", phase=phase, body=body)["error"]

    def close(self, **how):
        return self.ask("close", "closed", **how)

    def list(self):
        return sorted(row["id"] for row in self.ask("list", "nameplates")["nameplates"])


def phases(messages):
    return [(message["side"], message["phase"], message["body"]) for message in messages if message["type"] == "message"]


def meet(relay, **options):
    """Two clients with one mailbox open, its nameplate released: (left, right, mailbox)."""
    left, right = Client(relay, **options), Client(relay, **options)
    nameplate = left.allocate()
    mailbox = left.claim(nameplate)
    equal(right.claim(nameplate), mailbox, "the mailbox that the other one is told")
    for client in (left, right):
        client.release()
        client.open(mailbox)
    return left, right, mailbox

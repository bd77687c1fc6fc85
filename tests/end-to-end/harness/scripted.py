"""A peer that speaks the raw protocol, as strict as the Go client: it opens its mailbox once, never reconnects, and
takes every repeated, unknown or misplaced phase of the other side for a violation.

The cryptography is that of the stock Python client.
"""

import json
import os
import threading

from spake2 import SPAKE2_Symmetric
from wormhole._key import CryptoError, decrypt_data, derive_key, derive_phase_key, encrypt_data

from . import websocket
from .waiting import patience

APPID = "example.org/end-to-end"


class ScriptedPeer:
    """Joins with a code at once and exchanges pake and version by itself; what came is in `messages`."""

    def __init__(self, relay, code, appid=APPID, versions=None):
        self.code, self.appid = code, appid
        self.versions = versions or {}
        self.side = os.urandom(5).hex()
        self.changed = threading.Condition()
        self.key = None
        self.verifier = None
        self.peer_versions = None
        self.messages = []
        self.violations = []
        self.expected = ["pake", "version", "0"]  # phases to come from the other side
        self.answers = []  # types of the relay's other messages
        self.sent = 0
        self.queue = []
        self.pake = SPAKE2_Symmetric(code.encode(), idSymmetric=appid.encode())
        self.websocket = websocket.WebSocket(relay.port, patience(10))
        self.say(type="bind", appid=appid, side=self.side, client_version=["scripted", "0"])
        self.say(type="claim", nameplate=code.split("-")[0])
        threading.Thread(target=self.listen, daemon=True).start()

    # ---- the protocol ----

    def say(self, **message):
        self.websocket.send(json.dumps(message))

    def add(self, phase, body):
        self.say(type="add", phase=phase, body=body.hex())

    def add_sealed(self, phase, plaintext):
        self.add(phase, encrypt_data(derive_phase_key(self.key, self.side, phase), plaintext))

    def listen(self):
        try:
            while True:
                message = json.loads(self.websocket.receive(patience(120)))
                with self.changed:
                    self.hear(message)
                    self.changed.notify_all()
        except (websocket.Closed, TimeoutError, OSError):
            with self.changed:
                self.answers.append("gone")
                self.changed.notify_all()

    def hear(self, message):
        kind = message["type"]
        if kind == "claimed":
            self.mailbox = message["mailbox"]
            self.say(type="open", mailbox=self.mailbox)
            self.add("pake", json.dumps({"pake_v1": self.pake.start().hex()}).encode())
        elif kind == "message" and message["side"] != self.side:
            self.hear_peer(message["side"], message["phase"], bytes.fromhex(message["body"]))
        elif kind == "error":
            self.violations.append("the relay said %r" % message)
        if kind not in ("ack", "message"):
            self.answers.append(kind)

    def hear_peer(self, side, phase, body):
        if phase != self.expected[0]:
            self.violations.append("%s where %s was due" % (phase, self.expected[0]))
            return
        self.expected.pop(0)
        if phase == "pake":
            self.agree(bytes.fromhex(json.loads(body)["pake_v1"]))
            return
        try:
            plaintext = decrypt_data(derive_phase_key(self.key, side, phase), body)
        except CryptoError:
            self.violations.append("%s does not decrypt" % phase)
            return
        if phase == "version":
            self.peer_versions = json.loads(plaintext)
        else:
            self.messages.append(plaintext)
            self.expected.append(str(int(phase) + 1))

    def agree(self, theirs):
        self.key = self.pake.finish(theirs)
        self.verifier = derive_key(self.key, b"wormhole:verifier").hex()
        self.say(type="release")
        self.add_sealed("version", json.dumps({"app_versions": self.versions}).encode())
        for plaintext in self.queue:
            self.add_next(plaintext)
        self.queue.clear()

    def add_next(self, plaintext):
        self.add_sealed(str(self.sent), plaintext)
        self.sent += 1

    # ---- for tests ----

    def send(self, plaintext):
        with self.changed:
            if self.key is None:
                self.queue.append(plaintext)
            else:
                self.add_next(plaintext)

    def wait(self, condition, what, seconds=20):
        """Until condition(self) holds, which is asked after each message of the relay."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), patience(seconds)):
                raise AssertionError("the scripted peer waited in vain until %s: messages %r, violations %r, relay %r" %
                                     (what, self.messages, self.violations, self.answers))

    def wait_messages(self, count, seconds=20):
        self.wait(lambda peer: len(peer.messages) >= count, "%d messages came" % count, seconds)
        return self.messages

    def leave(self, mood="happy"):
        """Closes the mailbox as a polite client does."""
        self.say(type="close", mood=mood)
        self.wait(lambda peer: "closed" in peer.answers or "gone" in peer.answers, "the mailbox is closed")
        self.websocket.close()

    def die(self):
        """Goes away without a word."""
        self.websocket.close()

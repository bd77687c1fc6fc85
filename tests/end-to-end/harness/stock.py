"""The stock clients as child processes: Python's and Go's command lines, and Python's library."""

import json
import os
import re
import subprocess
import sys

from .waiting import wait_until

LIBRARY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stock-peer.py")
LANGUAGES = {"python": "wormhole", "go": "wormhole-william"}
TEXT_APPID = "lothar.com/wormhole/text-or-file-xfer"


def start(world, language, relay, *arguments):
    environment = dict(os.environ, HOME=world.directory, LC_ALL="C.UTF-8")
    return world.spawn("%s-%s" % (language, arguments[0]), [LANGUAGES[language], "--relay-url", relay.url] +
                       list(arguments), environment=environment)


def send_text(world, language, relay, text, code=None):
    """`wormhole send --text`, started."""
    return start(world, language, relay, "send", "--text", text, *(["--code", code] if code else []))


def receive_text(world, language, relay, code):
    """`wormhole receive CODE`, started; prints the text."""
    return start(world, language, relay, "receive", *(["--only-text"] if language == "python" else []), code)


def code_of(process):
    """The code that a stock sender shows: Python on standard error, Go on standard output."""
    pattern = r"Wormhole code is: (\d+-\S+)"
    return wait_until(lambda: re.search(pattern, process.out().decode() + process.err()), 20,
                      "%s shows its code" % process.name).group(1)


class LibraryPeer:
    """A wormhole object of the stock Python library; see stock-peer.py for what it says."""

    def __init__(self, world, relay, appid, code=None):
        command = [sys.executable, LIBRARY, relay.url, appid] + ([code] if code else [])
        self.process = world.spawn("library", command, stdin=subprocess.PIPE)

    def events(self):
        lines = self.process.out().decode().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def all(self, key):
        return [event[key] for event in self.events() if key in event]

    def wait(self, key, count=1, seconds=20):
        """The values of the first `count` events with that key."""
        def come():
            if not self.process.running() and len(self.all(key)) < count:
                raise AssertionError("the stock library ended without a %s" % key)
            return len(self.all(key)) >= count
        wait_until(come, seconds, "the stock library says %d times %s" % (count, key))
        return self.all(key)[:count]

    def first(self, key, seconds=20):
        return self.wait(key, 1, seconds)[0]

    def messages(self, count):
        return [bytes.fromhex(text) for text in self.wait("message", count)]

    def send(self, plaintext):
        self.process.write(b"send %s\n" % plaintext.hex().encode())

    def derive_key(self, purpose):
        count = len(self.all("key"))
        self.process.write(b"derive %s\n" % purpose.encode())
        return bytes.fromhex(self.wait("key", count + 1)[-1])

    def close(self):
        """Closes the wormhole; what it ended with: "happy", or the name of an exception."""
        self.process.write(b"close\n")
        return self.first("closed")

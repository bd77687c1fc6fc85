#!/usr/bin/python3
"""One wormhole of the stock Python library, for tests: stock-peer.py RELAY APPID [CODE]

Without a code it allocates one. Each thing that happens is a line of JSON on standard output: {"code": …},
{"verifier": hex}, {"versions": …}, {"message": hex}, {"key": hex}, {"closed": mood, or the name of an exception}. Standard
input takes `send HEX`, `derive PURPOSE` and `close`.
"""

import json
import sys

from twisted.internet import reactor, stdio
from twisted.internet.defer import inlineCallbacks
from twisted.protocols.basic import LineOnlyReceiver

import wormhole

VERSIONS = {"stock": {"peer": True}}


def say(key, value):
    print(json.dumps({key: value}), flush=True)


class Commands(LineOnlyReceiver):
    delimiter = b"\n"
    MAX_LENGTH = 64 * 1024 * 1024

    def __init__(self, peer):
        self.peer = peer

    def lineReceived(self, line):
        command, _, argument = line.decode().partition(" ")
        if command == "send":
            self.peer.send_message(bytes.fromhex(argument))
        elif command == "derive":
            say("key", self.peer.derive_key(argument, 32).hex())
        elif command == "close":
            close(self.peer)


def end(value):
    say("closed", value)
    reactor.stop()


def close(peer):
    peer.close().addCallbacks(end, lambda failure: end(failure.type.__name__))


@inlineCallbacks
def follow(peer):
    """Says what comes until the wormhole ends."""
    try:
        say("code", (yield peer.get_code()))
        say("verifier", (yield peer.get_verifier()).hex())
        say("versions", (yield peer.get_versions()))
        while True:
            say("message", (yield peer.get_message()).hex())
    except wormhole.errors.WormholeClosed:
        pass  # close() was called, and reports
    except wormhole.errors.WormholeError:
        close(peer)


def main(relay, appid, code=None):
    peer = wormhole.create(appid, relay, reactor, versions=VERSIONS)
    if code is None:
        peer.allocate_code(2)
    else:
        peer.set_code(code)
    stdio.StandardIO(Commands(peer))
    follow(peer)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

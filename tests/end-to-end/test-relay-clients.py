#!/usr/bin/python3
"""The stock clients, Python and Go, with each other and with wormholed, through wormhole-relayd."""

import subprocess
import sys

from harness import contains, equal, main, test, true
from harness.client import Client
from harness.stock import TEXT_APPID, code_of, receive_text, send_text, start

TEXT = "Grüße, “wormhole” \\ 100 % \t\U0001f408"


def register(sender, receiver):
    @test("a text goes from the stock %s client to the stock %s client" % (sender, receiver))
    def body(world):
        relay = world.relayd()
        sending = send_text(world, sender, relay, TEXT)
        receiving = receive_text(world, receiver, relay, code_of(sending))
        equal((receiving.wait(), sending.wait()), (0, 0), "exit statuses")
        contains(receiving.out().decode(), TEXT, "what is printed")
        relay.until_metric("nameplates", 0)
        # The Go sender ends its process without waiting until its `close` has left: often it never does.
        if sender != "go":
            relay.until_metric("mailboxes", 0)


for pair in (("python", "python"), ("python", "go"), ("go", "python"), ("go", "go")):
    register(*pair)


@test("a small file that wormctl is offered by a stock client is refused cleanly")
def file_offer(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    path = world.path("small file.txt")
    with open(path, "w") as file:
        file.write("no text message\n")
    # (The Go client asks the Internet for a transit relay before it offers anything.)
    sending = start(world, "python", relay, "send", "--no-listen", path)
    received = daemon.ctl("text", "receive", code_of(sending), status=None)
    true(received.status != 0 and received.err, "we say no: %r" % received)
    true(sending.wait() != 0, "the sender is told")
    relay.until_metric("mailboxes", 0)


@test("the nameplate of a code is completed from the relay's list")
def completion(world):
    relay = world.relayd()
    sending = send_text(world, "python", relay, TEXT)
    nameplate, _, words = code_of(sending).partition("-")
    with Client(relay, appid=TEXT_APPID) as client:
        equal(client.list(), [nameplate], "what the relay lists")
    # A person at the stock client types a tab and the words.
    completer = subprocess.run([sys.executable, "-c", COMPLETER, relay.url, TEXT_APPID, words], check=False, timeout=300,
                               stdout=subprocess.PIPE)
    equal(completer.stdout.decode().split(), [nameplate + "-", "happy"], "what the stock library completes")


COMPLETER = """
import sys
import wormhole
from twisted.internet import reactor, task

relay, appid, words = sys.argv[1:]

@task.react
def main(reactor):
    from twisted.internet.defer import inlineCallbacks

    @inlineCallbacks
    def body():
        peer = wormhole.create(appid, relay, reactor)
        helper = peer.input_code()
        helper.refresh_nameplates()
        completions = set()
        while not completions:
            yield task.deferLater(reactor, 0.01, lambda: None)
            completions = helper.get_nameplate_completions("")
        print(*completions, flush=True)
        helper.choose_nameplate(completions.pop().rstrip("-"))
        helper.choose_words(words)
        yield peer.get_message()
        print((yield peer.close()), flush=True)
    return body()
"""


if __name__ == "__main__":
    main(30)

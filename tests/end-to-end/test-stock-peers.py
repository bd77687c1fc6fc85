#!/usr/bin/python3
"""With the stock Python and Go clients, through the stock relay: whoever chooses the code, texts arrive, verifiers agree,
and a wrong code ends in "scary" on both sides with nothing delivered.
"""

import json

from harness import contains, equal, lacks, main, test, true
from harness.scripted import APPID, ScriptedPeer
from harness.stock import LibraryPeer, code_of, receive_text, send_text

TEXT = "Grüße, “wormhole” \\ 100 % \t\U0001f408"


def text_to(world, language):
    """Our `text send`, their receive."""
    relay = world.relay()
    daemon = world.daemon("a", relay)
    sender = daemon.spawn_ctl("text", "send", TEXT)
    code = sender.wait_text(r"(\d+-\S+)").group(1)
    receiver = receive_text(world, language, relay, code)
    equal(receiver.wait(), 0, "their exit status")
    contains(receiver.out().decode(), TEXT, "what they print")
    equal(sender.wait(), 0, "our exit status")


def text_from(world, language, code=None):
    """Their send, our `text receive`."""
    relay = world.relay()
    daemon = world.daemon("a", relay)
    sender = send_text(world, language, relay, TEXT, code)
    received = daemon.ctl("text", "receive", code or code_of(sender))
    equal(received.out.rstrip("\n"), TEXT, "what we print")
    equal(sender.wait(), 0, "their exit status")


@test("a text goes to the stock Python client, with a code that we allocated")
def to_python(world):
    text_to(world, "python")


@test("a text goes to the stock Go client, with a code that we allocated")
def to_go(world):
    text_to(world, "go")


@test("a text comes from the stock Python client, with a code that it allocated")
def from_python(world):
    text_from(world, "python")


@test("a text comes from the stock Go client, with a code that it allocated")
def from_go(world):
    text_from(world, "go")


@test("a text comes from the stock Python client, with a code that people chose")
def from_python_chosen(world):
    text_from(world, "python", "913-166532")


@test("a text comes from the stock Go client, with a code that people chose")
def from_go_chosen(world):
    text_from(world, "go", "4711-Österreich-2")


@test("the code without a password, -0, goes both ways with the stock Python client, and says that it is no secret")
def zero_mode(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    python_sends = send_text(world, "python", relay, TEXT, "0-")
    received = daemon.ctl("text", "receive", "-0")
    equal(received.out.rstrip("\n"), TEXT, "what we print")
    contains(received.err, "no secret", "what is said of it")
    equal(python_sends.wait(), 0, "their exit status")
    sender = daemon.spawn_ctl("text", "send", "-0", TEXT)
    equal(sender.wait_text(r"(\d+-\S*)").group(1), "0-", "the code")
    receiver = receive_text(world, "python", relay, "0-")
    equal(receiver.wait(), 0, "their exit status")
    contains(receiver.out().decode(), TEXT, "what they print")
    equal(sender.wait(), 0, "our exit status")


@test("a text waits for a stock client that comes when daemon and relay were restarted, and the relay forgot it")
def to_latecomer(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    sender = daemon.spawn_ctl("text", "send", TEXT)
    code = sender.wait_text(r"(\d+-\S+)").group(1)
    daemon.kill9()
    relay.restart_forgetful()
    daemon.start()
    receiver = receive_text(world, "go", relay, code)
    equal(receiver.wait(), 0, "exit status")
    contains(receiver.out().decode(), TEXT, "what they print")
    equal(sender.wait(), 0, "exit status of the command, which went on waiting")


def converse(daemon, session, peer):
    """Three messages each way; then both close."""
    ours = [b"we-%d" % number for number in range(3)]
    theirs = [b"they-%d \x00\xff" % number for number in range(3)]
    for message in ours:
        daemon.call("send", session=session, data=message)
    for message in theirs:
        peer.send(message)
    equal(daemon.take(session, 3), theirs, "what we received")
    equal(peer.messages(3), ours, "what they received")


def compare(daemon, session, peer):
    view = daemon.until_state(session, "established")
    equal(view["verifier"], peer.first("verifier"), "verifier")
    view = daemon.until(session, lambda view: view["peer_versions"], what="the peer's versions are known")
    equal(json.loads(view["peer_versions"]), {"stock": {"peer": True}}, "their versions")
    equal(peer.first("versions"), {}, "our versions")


def finish(daemon, session, peer):
    daemon.call("close", session=session)
    equal(peer.close(), "happy", "their mood")
    equal(daemon.until_state(session, "closed")["result"], "happy", "our result")


@test("verifiers and messages agree with the stock library when we invite")
def library_joins(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    view = daemon.invite(appid=APPID)
    peer = LibraryPeer(world, relay, APPID, view["code"])
    compare(daemon, view["id"], peer)
    converse(daemon, view["id"], peer)
    finish(daemon, view["id"], peer)


@test("verifiers and messages agree with the stock library when we accept")
def library_invites(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    peer = LibraryPeer(world, relay, APPID)
    session = daemon.call("accept", code=peer.first("code"), appid=APPID)["id"]
    compare(daemon, session, peer)
    converse(daemon, session, peer)
    finish(daemon, session, peer)


@test("two daemons have one verifier, and exchange messages")
def two_daemons(world):
    _, left, right = world.pair()
    view = left.invite()
    session = view["id"]
    other = right.call("accept", code=view["code"])["id"]
    left.call("send", session=session, data=b"ping")
    right.call("send", session=other, data=b"pong")
    equal(right.take(other, 1), [b"ping"], "what was accepted")
    equal(left.take(session, 1), [b"pong"], "what was invited")
    verifiers = [left.show(session)["verifier"], right.show(other)["verifier"]]
    equal(verifiers[0], verifiers[1], "verifier")
    equal(len(verifiers[0]), 64, "digits of the verifier")


@test("a wrong code is scary on both sides, and delivers nothing: stock library")
def wrong_code_library(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    view = daemon.invite(appid=APPID)
    daemon.call("send", session=view["id"], data=b"not for strangers")
    peer = LibraryPeer(world, relay, APPID, view["code"] + "-wrong")
    equal(peer.first("closed"), "WrongPasswordError", "how it ends there")
    ended = daemon.until_state(view["id"], "closed")
    equal(ended["result"], "scary", "our result")
    true(ended["reason"], "a reason is given")
    equal(ended["received"], 0, "messages received")
    equal(peer.all("message"), [], "messages delivered")


@test("a wrong code is scary on both sides, and delivers nothing: two daemons")
def wrong_code_daemons(world):
    _, left, right = world.pair()
    view = left.invite()
    session = view["id"]
    left.call("send", session=session, data=b"secret")
    other = right.call("accept", code=view["code"] + "-wrong")["id"]
    for daemon, name in ((left, session), (right, other)):
        ended = daemon.until_state(name, "closed")
        equal(ended["result"], "scary", "result of %s" % daemon.name)
        equal(ended["received"], 0, "messages received by %s" % daemon.name)
    equal(left.ctl("wait", session, "--for", "message", status=4).out, "", "what wait prints")
    contains(left.ctl("send", session, "--", "more", status=1).err, "the session has ended (scary)", "what send says")


@test("the right code after a mistyped one does not wait in silence")
def right_code_too_late(world):
    _, left, right = world.pair()
    view = left.invite()
    right.call("accept", code=view["code"] + "-wrong", name="mistyped")
    right.until_state("mistyped", "closed")
    equal(left.until_state(view["id"], "closed")["result"], "scary", "how the invitation ends")
    right.call("accept", code=view["code"], name="late")
    waiting = right.spawn_ctl("wait", "late", "--for", "established")
    receiving = right.spawn_ctl("recv", "late", "--wait")
    for program in (waiting, receiving):
        program.wait_text("nobody is there with this code yet", stream="err")
    contains(right.ctl("show", "late").out, "nobody is there with this code yet", "what show prints")
    contains(right.ctl("list").out, "waiting, nobody there", "what list prints")
    left.invite(name="friend")
    left.until("friend", lambda view: view["connection"] == "held")
    true(not left.show("friend")["nobody_there"], "whoever invites waits for somebody to come")


@test("a wrong code typed at the stock programs is scary here")
def wrong_code_programs(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    for language in ("python", "go"):
        sender = daemon.spawn_ctl("text", "send", TEXT)
        code = sender.wait_text(r"(\d+-\S+)").group(1)
        receiver = receive_text(world, language, relay, code + "-wrong")
        true(receiver.wait() != 0, "%s takes the wrong code for an error" % language)
        lacks(receiver.out().decode(), TEXT, "what %s prints" % language)
        equal(sender.wait(), 4, "our exit status with %s" % language)


@test("the strict peer finds nothing out of order in what we say")
def strict_peer(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    view = daemon.invite(appid=APPID)
    ours = [b"%d" % number for number in range(12)]
    for message in ours[:6]:
        daemon.call("send", session=view["id"], data=message)
    peer = ScriptedPeer(relay, view["code"])
    peer.send(b"hello")
    equal(daemon.take(view["id"], 1), [b"hello"], "what we received")
    for message in ours[6:]:
        daemon.call("send", session=view["id"], data=message)
    equal(peer.wait_messages(12), ours, "what it received")
    daemon.call("close", session=view["id"])
    peer.leave()
    daemon.until_state(view["id"], "closed")
    equal(peer.violations, [], "violations")
    equal(relay.mailboxes(), [], "mailboxes left at the relay")


if __name__ == "__main__":
    main(90)

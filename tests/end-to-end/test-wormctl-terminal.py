#!/usr/bin/python3
"""wormctl with a person before it: a code typed with completion, and a code as a picture."""

import json
import os
import re
import shutil
import signal
import subprocess

from harness import Skip, contains, equal, lacks, main, test, true, wait_until
from harness import wormctl
from harness.middle import CLIENT
from harness.terminal import Terminal

DONE, USAGE = 0, 2
TAB = "\t"
INTERRUPT = "\x03"
PUBLIC_RELAY = "ws://relay.magic-wormhole.io:4000/v1"
TRANSFER = "lothar.com/wormhole/text-or-file-xfer"


def at_terminal(world, daemon, *arguments, **options):
    # libedit never frees the names of functions that it is given.
    with open(world.path("leaks"), "w", encoding="utf-8") as file:
        file.write("leak:wcsdup\n")
    environment = dict(daemon.environment(), LSAN_OPTIONS="print_suppressions=0:suppressions=" + world.path("leaks"))
    terminal = Terminal(wormctl.command(daemon.socket, arguments), environment, **options)
    world.finally_call(terminal.close)
    return terminal


def beginning(word, words):
    """The shortest beginning of a word that no other one has."""
    for length in range(1, len(word) + 1):
        if sum(other.startswith(word[:length]) for other in words) == 1:
            return word[:length]
    return word


def claims(middle):
    return [message for who, message in middle.seen if who == CLIENT and message.get("type") == "claim"]


@test("accept without a code asks for it; TAB completes the nameplate, then each word; nothing is claimed before the end")
def typed_code(world):
    relay = world.relayd()
    middle = world.middle(relay)
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", middle)
    code = desk.ctl("invite", "--words", "3", "--name", "laptop").out.strip()
    nameplate, *words = code.split("-")
    lists = desk.call("words")["words"]
    terminal = at_terminal(world, laptop, "accept", "--name", "desk")
    terminal.expect("Code: ")
    terminal.type(TAB)
    terminal.expect(re.escape(nameplate) + "-")
    for position, word in enumerate(words):
        start = beginning(word, lists[position % 2])
        terminal.type(start + TAB)
        if position == 1:
            terminal.expect("if it has a third word")
        if start != word:
            terminal.expect(re.escape(word[len(start):]))
        if position == 1:
            terminal.type("-")  # only codes of two words are known to end
    equal(claims(middle), [], "claims while the code was typed")
    terminal.type("\r")
    equal(terminal.wait(), DONE, "exit status")
    true(terminal.is_as_before(), "the terminal is as it was")
    laptop.ctl("wait", "desk", "--for", "established", "--timeout", "10m")
    equal(len(claims(middle)), 1, "claims at the end")


@test("TAB shows what there is to choose from, and says why there is nothing")
def choices(world):
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    for code in ("21-one", "22-two", "3-three"):
        desk.call("invite", code=code)
    wait_until(lambda: len(desk.call("nameplates")["nameplates"]) == 3, 30, "three nameplates are claimed")
    terminal = at_terminal(world, laptop, "accept")
    terminal.expect("Code: ")
    terminal.type(TAB)
    shown = terminal.expect(r"\n([0-9 ]+)\n").group(1)
    equal(sorted(shown.split()), ["21", "22", "3"], "the nameplates that are in use")
    terminal.type("2" + TAB)
    shown = terminal.expect(r"\n(21 +22|22 +21)\n").group(1)
    terminal.type("2-ad" + TAB)
    shown = terminal.expect(r"\n(ad[a-z ]+)\n").group(1)
    true(len(shown.split()) > 1 and all(word.startswith("ad") for word in shown.split()), "words: %r" % shown)
    relay.stop()
    terminal.type("\x15" + TAB)  # Ctrl-U empties the line
    terminal.expect("wormctl: cannot connect")
    terminal.type("\r")
    equal(terminal.wait(), USAGE, "exit status without a code")
    equal(laptop.call("list")["sessions"], [], "sessions")


@test("Ctrl-C and Ctrl-D at the prompt leave no session behind, and the terminal as it was")
def given_up(world):
    daemon = world.daemon("laptop", world.relayd())
    for key, status in ((INTERRUPT, -signal.SIGINT), ("\x04", USAGE)):
        terminal = at_terminal(world, daemon, "accept")
        terminal.expect("Code: ")
        terminal.type("4-adr" if key == INTERRUPT else "")
        terminal.type(key)
        equal(terminal.wait(), status, "exit status after %r" % key)
        true(terminal.is_as_before(), "the terminal is as it was after %r" % key)
    equal(daemon.call("list")["sessions"], [], "sessions")


@test("the prompt stands on standard error: what accept prints can be piped")
def piped(world):
    daemon = world.daemon("laptop", world.relayd())
    reader, writer = os.pipe()
    terminal = at_terminal(world, daemon, "accept", stdout=writer)
    os.close(writer)
    terminal.expect("Code: ")
    terminal.type("4-any-thing\r")
    equal(terminal.wait(), DONE, "exit status")
    with os.fdopen(reader) as pipe:
        equal(pipe.read(), daemon.call("list")["sessions"][0]["id"] + "\n", "standard output")


# ---- pictures ----

def pixels(picture):
    """The rows of modules of a picture; True is dark. `picture` is without colours: blocks are light."""
    rows = []
    for line in picture.splitlines():
        rows.append([char in " ▄" for char in line])
        rows.append([char in " ▀" for char in line])
    return rows


def seen_by_camera(world, picture):
    """What a program for cameras reads in the picture."""
    if not shutil.which("zbarimg"):
        raise Skip("no zbarimg")
    rows, scale = pixels(picture), 6
    path = world.path("picture.pgm")
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (scale * len(rows[0]), scale * len(rows)))
        for row in rows:
            file.write(b"".join((b"\x00" if dark else b"\xff") * scale for dark in row) * scale)
    return subprocess.run(["zbarimg", "--quiet", "--raw", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout.decode().strip()


@test("invite --qr draws a URI that a camera reads, on a terminal only unless it must; accept takes the URI")
def picture(world):
    _, desk, laptop = world.pair()
    other = world.relayd()
    quiet = desk.ctl("invite", "--qr")
    equal(len(quiet.out.splitlines()), 1, "lines when piped: %r" % quiet)
    code, drawing = desk.ctl("invite", "--qr=always", "--relay", other.url).out.split("\n", 1)
    uri = seen_by_camera(world, drawing)
    equal(uri, "wormholed:%s?appid=wormholed%%2Fintroduction&relay=ws%%3A%%2F%%2F127.0.0.1%%3A%d%%2Fv1" % (code, other.port),
          "the picture")
    laptop.ctl("accept", "--name", "desk", uri)
    laptop.ctl("wait", "desk", "--for", "established", "--timeout", "10m")
    terminal = at_terminal(world, desk, "invite", "--qr")
    terminal.expect("▄")
    equal(terminal.wait(), DONE, "exit status")


@test("text send --qr and text receive of its URI; a URI for nobody knows what is refused")
def text_picture(world):
    _, desk, laptop = world.pair()
    sender = desk.spawn_ctl("text", "send", "--qr=always", "to the camera")
    picture_text = sender.wait_text(r"(?s)(\d+-\S+)\n(.+█\n)")
    uri = seen_by_camera(world, picture_text.group(2))
    true(uri.startswith("wormhole-transfer:" + picture_text.group(1)), "the picture is of %r" % uri)
    equal(laptop.ctl("text", "receive", uri).out, "to the camera\n", "the text")
    equal(sender.wait(), DONE, "exit status of the sender")
    refused = laptop.ctl("accept", "wormhole-transfer:4-x?colour=blue", status=USAGE)
    contains(refused.err, "field", "what is said of an unknown field")
    refused = laptop.ctl("text", "receive", "wormhole-transfer:4-x?role=leader", status=USAGE)
    contains(refused.err, "text send --code", "what is said to the one who should send")
    refused = laptop.ctl("text", "send", "--code", "wormhole-transfer:4-x", "x", status=USAGE)
    contains(refused.err, "text receive", "what is said to the one who should receive")
    refused = laptop.ctl("text", "receive", "wormholed:4-x?appid=chat", status=USAGE)
    contains(refused.err, "application", "what is said of another application")
    lacks(laptop.ctl("list", "--json").out, "4-x", "sessions")


@test("codes and URIs as people write them; a URI that asks for a text gets it")
def as_they_come(world):
    relay, desk, laptop = world.pair()
    code = desk.ctl("invite", "--name", "laptop").out.strip()
    laptop.ctl("accept", "--name", "desk", "\u00a0%s \u200b\n" % code.upper().replace("-", " \u2013 "))
    laptop.ctl("wait", "desk", "--for", "established", "--timeout", "10m")
    uri = "\u200eWORMHOLE-transfer:7-My%%4Fwn?role=leader&rendezvous=%s \n" % relay.url.replace("/v1", "%2F")
    receiver = desk.spawn_ctl("text", "receive", "7-MyOwn")
    equal(laptop.ctl("text", "send", "--code", uri, "as you wish").out, "7-MyOwn\n", "the code")
    equal(receiver.wait(), DONE, "exit status of the receiver")
    contains(receiver.out().decode(), "as you wish", "the text")


@test("what a peer says does not drive the terminal, whatever prints it; in a pipe it arrives byte for byte")
def escapes(world):
    _, desk, laptop = world.pair()
    text = "first\n\tsecond \x1b]0;owned\x07 \u009b31m \u202e"
    code = desk.ctl("invite", "--name", "laptop", "--app-versions", '{"a":"\\u001b\\u007f"}').out.strip()
    laptop.ctl("accept", "--name", "desk", code)
    desk.ctl("send", "laptop", "--", text)
    laptop.ctl("wait", "desk", "--for", "message", "--timeout", "10m")
    for command in (("recv", "--peek", "desk"), ("recv", "--peek", "--json", "desk"), ("recv", "--peek", "-o", "text", "desk"),
                    ("show", "desk"), ("show", "--json", "desk")):
        terminal = at_terminal(world, laptop, *command)
        equal(terminal.wait(), DONE, "exit status of %r" % (command,))
        screen = terminal.shown
        for mark in "\x1b", "\x07", "\x7f", "\u009b", "\u202e":
            lacks(screen, mark, "what %r shows" % (command,))
    shown = at_terminal(world, laptop, "recv", "--peek", "desk")
    shown.expect(re.escape("second \\x1b]0;owned\\x07 \\x9b31m \\u202e"))
    equal(json.loads(laptop.ctl("recv", "--peek", "--json", "desk").out)["text"], text, "the text as JSON")
    equal(laptop.ctl("recv", "desk").out, text, "the text in a pipe")
    sender = desk.spawn_ctl("exchange", "--code", "55-x-y", "--data", text)
    terminal = at_terminal(world, laptop, "exchange", "55-x-y", "--data", "hi")
    equal(terminal.wait(), DONE, "exit status of exchange")
    lacks(terminal.shown, "\x1b", "what exchange shows")
    equal(sender.wait(), DONE, "exit status of the peer's exchange")


@test("--raw: what a peer says drives the terminal, as the user wishes")
def raw(world):
    _, desk, laptop = world.pair()
    text = "\x1b[1mowned \u00ad\u034f\U000e0041"
    code = desk.ctl("invite", "--name", "laptop").out.strip()
    laptop.ctl("accept", "--name", "desk", code)
    desk.ctl("send", "laptop", "--", text)
    laptop.ctl("wait", "desk", "--for", "message", "--timeout", "10m")
    shown = at_terminal(world, laptop, "recv", "--peek", "desk")
    shown.expect(re.escape("\\x1b[1mowned \\xad\\u034f\\U000e0041"))
    equal(shown.wait(), DONE, "exit status")
    shown = at_terminal(world, laptop, "recv", "--raw", "desk")
    shown.expect("\x1b?.*owned " + text[-3:])
    equal(shown.wait(), DONE, "exit status of recv --raw")
    sender = desk.spawn_ctl("exchange", "--code", "55-x-y", "--data", text)
    shown = at_terminal(world, laptop, "exchange", "--raw", "55-x-y", "--data", "hi")
    shown.expect("\x1b?.*owned " + text[-3:])
    equal(shown.wait(), DONE, "exit status of exchange --raw")
    equal(sender.wait(), DONE, "exit status of the peer's exchange")


main(240)

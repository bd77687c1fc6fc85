#!/usr/bin/python3
"""wormctl's commands for comparing, moving, watching and scripting: what they print, on which stream, and their exit
status.
"""

import base64
import contextlib
import errno
import hashlib
import hmac
import itertools
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading

from harness import contains, equal, lacks, main, test, true
from harness import wormctl
from harness.clock import Clock
from harness.processes import program
from harness.scripted import APPID, ScriptedPeer
from harness.stock import TEXT_APPID, code_of, receive_text, send_text, start
from harness.shim import ANYWHERE, check_possible, environment
from harness.terminal import Terminal
from harness.waiting import patience, wait_until

DONE, FAILED, USAGE, NOTHING, SESSION, NO_DAEMON = range(6)
INTERRUPTED = 130
PATIENCE = 60
EVERY_BYTE = bytes(range(256))
ID = r"[0-9a-f]{16}"


def meet(world, *options):
    """Two daemons that know each other as "desk" and "laptop"."""
    _, desk, laptop = world.pair()
    code = desk.ctl("invite", "--name", "laptop", *options).out.strip()
    laptop.ctl("accept", "--name", "desk", code, *options)
    for daemon, name in ((desk, "laptop"), (laptop, "desk")):
        daemon.ctl("wait", name, "--for", "established", "--timeout", "10m", seconds=PATIENCE + 10)
    return desk, laptop


def finish(process, status=DONE):
    equal(process.wait(PATIENCE), status, "exit status of %s: %s" % (process.name, process.err()))
    return process


def on_terminal(world, daemon, *arguments, **options):
    terminal = Terminal(wormctl.command(daemon.socket, arguments), daemon.environment(), **options)
    world.finally_call(terminal.close)
    return terminal


# ---- exchange ----

@test("exchange: data for data, to the byte; the code on standard error, and nothing else on standard output")
def exchange(world):
    _, desk, laptop = world.pair()
    inviter = desk.spawn_ctl("exchange", "--data", "from desk")
    code = inviter.wait_text(r"the code is (\S+)", PATIENCE, stream="err").group(1)
    accepter = laptop.ctl("exchange", "--data", "-", code, data=EVERY_BYTE, seconds=PATIENCE)
    equal(accepter.bytes, b"from desk", "what the accepter prints")
    equal(accepter.err, "", "what the accepter says")
    equal(finish(inviter).out(), EVERY_BYTE, "what the inviter prints")
    for daemon in (desk, laptop):
        session = daemon.call("list")["sessions"][0]["id"]
        equal(daemon.until_state(session, "closed")["result"], "happy", "result")
        equal(daemon.show(session)["unread"], 0, "unread")


@test("exchange: --code on both sides, code and data both from standard input, --json, -o, empty data")
def exchange_more(world):
    _, desk, laptop = world.pair()
    both = [desk.spawn_ctl("exchange", "--code", "913-166532", "--data", "a", "--json"),
            laptop.spawn_ctl("exchange", "--code", "913-166532", "--data", "", "-o", "number,text")]
    session, report = map(json.loads, finish(both[0]).out().splitlines())
    equal((session["code"], session["id"]), ("913-166532", report["session"]), "what one reports first")
    equal((report["number"], report["text"], report["data"]), (0, "", ""), "what one reports")
    equal(finish(both[1]).out(), b"0\ta\n", "what the other reports")
    inviter = desk.spawn_ctl("exchange", "--data", "x")
    code = inviter.wait_text(r"the code is (\S+)", PATIENCE, stream="err").group(1)
    piped = laptop.ctl("exchange", "-", "--data", "-", data=code.encode() + b"\nall\nthe rest", seconds=PATIENCE)
    equal(piped.bytes, b"x", "what comes for what was piped")
    equal(finish(inviter).out(), b"all\nthe rest", "what was piped behind the code")
    for arguments in (["exchange"], ["exchange", "5-x"], ["exchange", "5-x", "--code", "5-x", "--data", "d"]):
        desk.ctl(*arguments, status=USAGE)


@test("exchange: code and data are not left in the arguments of the process; an interrupt leaves the session")
def exchange_secrets(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    process = daemon.spawn_ctl("exchange", "--code", "5-hidden-code", "--data", "hidden-data", "--name", "peer")
    process.wait_text("the code is 5-hidden-code", PATIENCE, stream="err")
    with open("/proc/%d/cmdline" % process.pid, "rb") as file:
        lacks(file.read(), b"hidden", "the arguments")
    process.kill(signal.SIGINT)
    finish(process, INTERRUPTED)
    contains(process.err(), "wormctl recv --wait peer", "how to go on")
    equal(daemon.show("peer")["result"], None, "result")
    peer = ScriptedPeer(relay, "5-hidden-code", appid="wormholed/introduction")
    peer.send(b"theirs")
    equal(peer.wait_messages(1), [b"hidden-data"], "what the peer gets")
    equal(daemon.ctl("recv", "peer", "--wait=10m", seconds=PATIENCE + 10).bytes, b"theirs", "what it gave")


@test("exchange: what cannot be written is not lost")
def exchange_full(world):
    _, desk, laptop = world.pair()
    with open("/dev/full", "wb") as full:
        inviter = desk.spawn_ctl("exchange", "--data", "x", "--name", "laptop", "--code", "7-x", stdout=full)
    laptop.ctl("exchange", "7-x", "--data", "precious", seconds=PATIENCE)
    finish(inviter, FAILED)
    contains(inviter.err(), "wormctl recv laptop", "where it is")
    equal(desk.ctl("recv", "laptop").bytes, b"precious", "the data")


@test("recv, exchange, text receive: in a file, what they acknowledge is on the disk first; if it cannot be, it is not lost")
def not_on_disk(world):
    check_possible()
    _, desk, laptop = world.pair()
    broken = {**desk.environment(), **environment("fsync", ANYWHERE, 1, errno.EIO)}

    def fails(*arguments):
        with open(os.path.join(world.directory, "out"), "wb") as file:
            completed = subprocess.run(wormctl.command(desk.socket, arguments), stdout=file, stderr=subprocess.PIPE,
                                       env=broken, timeout=patience(60), check=False)
        equal(completed.returncode, FAILED, "exit status")
        contains(completed.stderr, b"cannot write to standard output", "why")

    inviter = laptop.spawn_ctl("exchange", "--data", "precious", "--code", "7-x")
    fails("exchange", "7-x", "--data", "x", "--name", "peer")
    equal(desk.ctl("recv", "peer").out, "precious", "what exchange kept")
    desk.call("close", session="peer")
    inviter.kill(signal.SIGINT)
    laptop.spawn_ctl("text", "send", "a text", "--code", "8-x")
    fails("text", "receive", "8-x", "--name", "texter")
    contains(desk.ctl("recv", "texter").out, "a text", "what text receive kept")
    for daemon in (desk, laptop):
        daemon.call("accept", code="9-x", name="friend")
    laptop.call("send", session="friend", data=b"a message")
    desk.until("friend", lambda view: view["unread"], PATIENCE)
    fails("recv", "friend")
    fails("recv", "friend", "--json")
    equal(desk.ctl("recv", "friend").out, "a message", "what recv kept")


# ---- codes that people agreed on ----

@test("--code on both sides, with invite and accept; one code is enough")
def agreed_code(world):
    _, desk, laptop = world.pair()
    equal(desk.ctl("invite", "--code", "913-166532", "--name", "peer").out, "913-166532\n", "invite")
    equal(laptop.ctl("accept", "--code", "913-166532", "--name", "peer").out, "", "accept")
    for daemon in (desk, laptop):
        daemon.ctl("wait", "peer", "--for", "established", "--timeout", "10m", seconds=PATIENCE + 10)
    for arguments in (["accept", "5-x", "--code", "5-x"], ["text", "receive", "5-x", "--code", "5-x"], ["accept"]):
        desk.ctl(*arguments, status=USAGE)
    equal(desk.call("status")["sessions"], 1, "sessions")


@test("options of a new session: --app-versions, --inbox-messages, --inbox-bytes; the peer sees our versions")
def options(world):
    desk, laptop = meet(world, "--app-versions", '{"chat": [1, 2]}', "--inbox-messages", "7", "--inbox-bytes", "64K")
    view = laptop.until("desk", lambda view: view["peer_versions"], PATIENCE)
    equal(json.loads(view["peer_versions"]), {"chat": [1, 2]}, "the peer's versions")
    equal(laptop.ctl("show", "desk", "--json").json()["peer_versions"], {"chat": [1, 2]}, "as JSON")
    equal(laptop.ctl("show", "desk", "-o", "peer_versions").out, '{"chat":[1,2]}\n', "as a field")
    equal((view["inbox_messages"], view["inbox_bytes"]), (7, 65536), "limits")
    shown = laptop.ctl("show", "desk").out
    contains(shown, "7 unread messages, 65536 bytes at most", "show")
    contains(shown, "chat", "show")
    for wrong in (["--app-versions", "[1]"], ["--app-versions", "{"], ["--inbox-messages", "0"],
                  ["--inbox-messages", "5000"], ["--inbox-bytes", "1G"], ["--inbox-bytes", "x"]):
        desk.ctl("invite", "--code", "5-x", *wrong, status=USAGE)


@test("sessions last: without a deadline, to the end that one side says; not with --once, nor with a peer that does not last")
def lasting(world):
    relay, desk, laptop = world.pair()
    other = world.daemon("c", relay, "--lasting", "no")

    def introduce(name, one, another, *options):
        code = one.ctl("invite", "--name", name, *options).out.strip()
        another.ctl("accept", "--name", name, code)
        for daemon in (one, another):
            daemon.ctl("wait", name, "--for", "established", "--timeout", "10m", seconds=PATIENCE + 10)

    introduce("lasts", desk, laptop, "--timeout", "1h")
    introduce("once", desk, laptop, "--once")
    introduce("cannot", desk, other)
    introduce("expires", desk, laptop, "--expire", "300d")
    fields = "name,lasting,expires,closed_by_peer,epoch"
    for name, line in (("lasts", "true\tfalse"), ("once", "false\tfalse"), ("cannot", "false\tfalse"), ("expires", "true\ttrue")):
        for daemon in (desk, other if name == "cannot" else laptop):
            equal(daemon.ctl("show", name, "-o", fields).out, "%s\t%s\tfalse\t0\n" % (name, line), "what lasts")
            equal(daemon.show(name)["deadline"] is None, name == "lasts", "no deadline: " + name)
    contains(desk.ctl("show", "lasts").out, "never: the session is lasting", "show")
    lacks(desk.ctl("show", "once").out, "never", "show of a session for one exchange")
    true(desk.show("lasts")["last_news"], "there was news")
    equal(desk.ctl("invite", "--code", "5-x", "-o", "last_news").out, "\n", "no news before the peer")
    desk.ctl("send", "lasts", "--", "the last word")
    desk.ctl("close", "lasts")
    laptop.ctl("wait", "lasts", "--for", "closed", "--timeout", "10m", seconds=PATIENCE + 10)
    equal(laptop.ctl("show", "lasts", "-o", "result,closed_by_peer,reason").out, "happy\ttrue\tclosed by the peer\n", "the end")
    equal(laptop.ctl("recv", "lasts").out.strip(), "the last word", "what was sent before")


@test("a peer that floods is paused, which list and show tell, until messages are acknowledged")
def paused(world):
    desk, laptop = meet(world, "--inbox-messages", "2")
    for number in range(4):
        desk.ctl("send", "laptop", "m%d" % number)
    laptop.until("desk", lambda view: view["paused"], PATIENCE, "it is paused")
    contains(laptop.ctl("show", "desk").out, "until some messages are acknowledged", "show")
    contains(laptop.ctl("list").out, "lasting, paused", "list")
    for number in range(4):
        equal(laptop.ctl("recv", "desk", "--wait=10m", seconds=PATIENCE + 10).out, "m%d" % number, "a message")


# ---- verification ----

def verifier_of(text):
    """The digits and the words that are shown."""
    digits = re.search(r"verifier +((?:[0-9a-f]{4} ?){8})\n +((?:[0-9a-f]{4} ?){8})\n", text)
    words = re.search(r"in words +((?:[A-Za-z]+ ?){4}\n(?: +(?:[A-Za-z]+ ?){4}\n){7})", text)
    return "".join(digits.groups()).replace(" ", ""), words.group(1).split()


@test("--verify: nothing flows until both said yes; recv names the command, recv --wait waits through")
def verification(world):
    desk, laptop = meet(world, "--verify")
    desk.ctl("send", "laptop", "secret")
    refused = laptop.ctl("recv", "desk", status=FAILED)
    contains(refused.err, "wormctl verify desk", "what recv says")
    waiting = laptop.spawn_ctl("recv", "desk", "--wait")
    waiting.wait_text("wormctl verify desk", PATIENCE, stream="err")
    verified = desk.spawn_ctl("wait", "laptop", "--for", "verified")
    for daemon, name in ((desk, "laptop"), (laptop, "desk")):
        contains(daemon.ctl("show", name).out, "messages are held back", "show")
        contains(daemon.ctl("list").out, "unverified", "list")
        shown = daemon.ctl("verify", name)
        digits, words = verifier_of(shown.out)
        equal(digits, daemon.show(name)["verifier"], "digits")
        equal(" ".join(words), daemon.show(name)["verifier_words"], "words")
        equal(verifier_of(daemon.ctl("show", name).out), (digits, words), "what show shows")
        equal(daemon.show(name)["verification"], "pending", "after looking only")
    true(verified.running() and waiting.running(), "nobody said yes yet")
    desk.ctl("verify", "laptop", "--yes")
    finish(verified)
    equal(laptop.ctl("verify", "desk", "--yes", "--json").json()["verification"], "done", "verify --json")
    laptop.ctl("verify", "desk", "--yes")
    equal(finish(waiting).out(), b"secret", "what comes in the end")
    desk.ctl("verify", "laptop", "--yes", "--no", status=USAGE)


@test("verify --no ends the session, and nothing of the peer's is given out")
def verification_fails(world):
    desk, laptop = meet(world, "--verify")
    desk.ctl("verify", "laptop", "--yes")
    desk.ctl("send", "laptop", "from the middle")
    laptop.until("desk", lambda view: view["received"] == 1, PATIENCE, "the message came")
    waits = [laptop.spawn_ctl("wait", "desk", "--for", "verified"), laptop.spawn_ctl("recv", "desk", "--wait")]
    waits[1].wait_text("wormctl verify desk", PATIENCE, stream="err")
    equal(laptop.ctl("verify", "desk", "--no", "-o", "result").out, "errory\n", "the result")
    for process in waits:
        equal(finish(process, SESSION).out(), b"", "what is printed")
    lacks(laptop.ctl("recv", "desk", status=None).out, "middle", "recv afterwards")
    laptop.ctl("verify", "desk", "--yes", status=FAILED)


@test("verify before anybody used the code, and of a session that is none")
def verification_early(world):
    daemon = world.daemon("a", world.relay())
    daemon.ctl("invite", "--name", "peer", "--code", "5-x")
    contains(daemon.ctl("verify", "peer", status=NOTHING).err, "wormctl wait peer", "what it says")
    daemon.ctl("verify", "peer", "--yes", status=NOTHING)
    daemon.ctl("verify", "nobody", status=FAILED)


@test("verify asks on a terminal: yes, no, and no answer")
def verification_asked(world):
    desk, laptop = meet(world, "--verify")
    silent = on_terminal(world, desk, "verify", "laptop")
    silent.expect(r"same verifier\? \[yes/no\]")
    silent.type("\x04")
    equal(silent.wait(PATIENCE), NOTHING, "exit status without an answer")
    equal(desk.show("laptop")["verification"], "pending", "without an answer")
    willing = on_terminal(world, desk, "verify", "laptop")
    willing.expect(r"same verifier\? \[yes/no\]")
    willing.type("y\r")
    willing.expect(r"same verifier\? \[yes/no\]")
    willing.type("yes\r")
    equal(willing.wait(PATIENCE), DONE, "exit status")
    equal(desk.show("laptop")["verification"], "done", "after yes")
    refusing = on_terminal(world, laptop, "verify", "desk")
    refusing.expect(r"same verifier\? \[yes/no\]")
    refusing.type("No\r")
    equal(refusing.wait(PATIENCE), DONE, "exit status")
    equal(laptop.show("desk")["result"], "errory", "after no")


# ---- texts ----

@test("text --verify: one at a terminal, the other waits for wormctl verify")
def text_verified(world):
    relay = world.relay()
    desk, laptop = world.daemon("a", relay), world.daemon("b", relay)
    sender = desk.spawn_ctl("text", "send", "--verify", "--name", "out", "the text")
    code = sender.wait_text(r"(\d+-\S+)", PATIENCE).group(1)
    receiver = on_terminal(world, laptop, "text", "receive", "--verify", code)
    receiver.expect("in words")
    receiver.expect(r"same verifier\? \[yes/no\]")
    sender.wait_text("wormctl verify out --yes", PATIENCE, stream="err")
    verifier_of(sender.err())
    receiver.type("yes\r")
    desk.ctl("verify", "out", "--yes")
    receiver.expect("the text")
    equal(receiver.wait(PATIENCE), DONE, "exit status of the receiver")
    finish(sender)


@test("text receive --verify: no means that nothing is printed, and the sender is told")
def text_refused(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    sender = send_text(world, "python", relay, "treacherous")
    receiver = on_terminal(world, daemon, "text", "receive", "--verify", code_of(sender))
    receiver.expect(r"same verifier\? \[yes/no\]")
    receiver.type("no\r")
    receiver.expect("nothing was delivered")
    equal(receiver.wait(PATIENCE), SESSION, "exit status")
    lacks(receiver.screen(), "treacherous", "what is shown")
    true(sender.wait(PATIENCE) != 0, "their exit status")
    contains(sender.out().decode() + sender.err(), "verification rejected", "what they are told")


@test("text send --verify: no, and a close before the comparison, do not leave the receiver waiting")
def text_withdrawn(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    for command, said in ((("verify", "out", "--no"), "verification rejected"), (("close", "out"), "transfer abandoned")):
        sender = daemon.spawn_ctl("text", "send", "--verify", "--name", "out", "treacherous")
        receiver = receive_text(world, "python", relay, sender.wait_text(r"(\d+-\S+)", PATIENCE).group(1))
        sender.wait_text("wormctl verify out --yes", PATIENCE, stream="err")
        daemon.ctl("wait", "out", "--for", "established")
        daemon.ctl(*command)
        true(receiver.wait(PATIENCE) != 0, "their exit status")
        contains(receiver.out().decode() + receiver.err(), said, "what they are told")
        lacks(receiver.out().decode(), "treacherous", "what they print")
        sender.wait(PATIENCE)
        daemon.ctl("wait", "out", "--for", "closed", status=SESSION)
        daemon.ctl("forget", "out")


@test("text receive refuses a file of the stock Python client, and both sides can read why")
def file_from_python(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    path = world.path("notes.tar")
    with open(path, "wb") as file:
        file.write(b"x" * 4321)
    sender = start(world, "python", relay, "send", "--no-listen", path)
    receiver = daemon.ctl("text", "receive", code_of(sender), status=FAILED, seconds=PATIENCE)
    equal(receiver.out, "", "standard output")
    contains(receiver.err, "offers a file (notes.tar, 4321 bytes), but wormctl receives only texts", "what we say")
    contains(receiver.err, "wormhole receive", "what to do")
    true(sender.wait(PATIENCE) != 0, "their exit status")
    contains(sender.out().decode() + sender.err(), "texts only", "what they are told")


@test("text receive refuses a directory, with and without a word about transit before")
def directory(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    offer = {"offer": {"directory": {"mode": "zipfile/deflated", "dirname": "p\u202eics", "numbytes": 12}}}
    for nameplate, before in (("51", []), ("52", [b'{"transit": {"abilities-v1": []}}'])):
        receiver = daemon.spawn_ctl("text", "receive", nameplate + "-x")
        peer = ScriptedPeer(relay, nameplate + "-x", appid=TEXT_APPID)
        for message in before + [json.dumps(offer).encode()]:
            peer.send(message)
        finish(receiver, FAILED)
        contains(receiver.err(), "offers a directory (p\\u202eics, 12 bytes)", "what we say")
        contains(json.loads(peer.wait_messages(1)[0])["error"], "texts only", "what the peer is told")


@test("text send to somebody who refuses, or wants to send too")
def text_unwanted(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    for reply, said in (({"error": "not \x1b[31mthis"}, r"refuses the text: not \x1b[31mthis"),
                        ({"answer": {"message_ack": "no room"}}, "refuses the text: no room"),
                        ({"offer": {"message": "mine"}}, "wants to send something too")):
        sender = daemon.spawn_ctl("text", "send", "hello")
        code = sender.wait_text(r"(\d+-\S+)", PATIENCE).group(1)
        peer = ScriptedPeer(relay, code, appid=TEXT_APPID)
        peer.wait_messages(1)
        peer.send(json.dumps(reply).encode())
        finish(sender, SESSION)
        contains(sender.err(), said, "what we say")
    receiver = daemon.spawn_ctl("text", "receive", "99-x")
    peer = ScriptedPeer(relay, "99-x", appid=TEXT_APPID)
    peer.send(b'{"error": "changed my mind"}')
    finish(receiver, FAILED)
    contains(receiver.err(), "gave up sending: changed my mind", "what we say")


# ---- moving ----

def move(world, read, write):
    """Exports a session of one daemon, and goes on with it in another: what came meanwhile is there."""
    relay, old, new = world.pair()
    peer = world.daemon("c", relay)
    code = old.ctl("invite", "--name", "peer").out.strip()
    write(old)
    lacks([view["name"] for view in old.call("list")["sessions"]], "peer", "sessions of the old one")
    equal(read(new).out, "", "import of a session with a name prints nothing")
    peer.ctl("accept", "--name", "other", code)
    peer.ctl("send", "other", "hello")
    equal(new.ctl("recv", "peer", "--wait=10m", seconds=PATIENCE + 10).bytes, b"hello", "what comes")


@test("export writes one line of JSON, and the session goes on in another daemon, from a file or a pipe")
def exported(world):
    path = world.path("moved")

    def write(daemon):
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            finish(daemon.spawn_ctl("export", "peer", stdout=file))
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        equal((len(lines), lines[1]), (2, ""), "lines")
        json.loads(lines[0])

    move(world, lambda daemon: daemon.ctl("import", path), write)


@test("export -O makes a file that only its owner may read, and overwrites none; no export into a file that others may read")
def exported_to_file(world):
    path = world.path("moved")

    def refused(daemon, status, said, *arguments, **options):
        process = daemon.spawn_ctl("export", *arguments, "peer", **options)
        finish(process, status)
        contains(process.err(), said, "what it says")
        equal(daemon.show("peer")["state"], "waiting", "state")

    def write(daemon):
        daemon.ctl("wait", "peer", "--for", "code")
        with open(world.path("open"), "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            refused(daemon, USAGE, "wormctl export -O FILE", stdout=file)
        equal(os.path.getsize(world.path("open")), 0, "nothing of the secret")
        refused(daemon, FAILED, "exists, and is not overwritten", "-O", world.path("open"))
        refused(daemon, FAILED, "exists, and is not overwritten", "-O", "/dev/tty")
        refused(daemon, FAILED, "No such file or directory", "-O", world.path("nowhere") + "/moved")
        refused(daemon, USAGE, "give either -O or --force", "-O", path, "--force")
        equal(daemon.ctl("export", "-O", path, "peer").out, "", "standard output")
        equal(os.stat(path).st_mode & 0o777, 0o600, "who may read it")
        daemon.ctl("export", "-O", world.path("none"), "peer", status=FAILED)
        true(not os.path.exists(world.path("none")), "no file of what is not exported")

    move(world, lambda daemon: daemon.ctl("import", path), write)


@test("export through a pipe; import from standard input, under another name")
def exported_by_pipe(world):
    _, old, new = world.pair()
    old.ctl("invite", "--name", "peer")
    kept = old.ctl("export", "--keep", "peer").bytes
    equal(old.show("peer")["state"], "exported", "state with --keep")
    equal(old.ctl("export", "peer").bytes, kept, "the same again")
    old.ctl("show", "peer", status=FAILED)
    shown = new.ctl("import", "-", "--name", "friend", "-o", "id,name", data=kept).out
    true(re.fullmatch(ID + "\tfriend\n", shown), "what import reports: %r" % shown)
    new.ctl("import", data=kept, status=FAILED)
    new.ctl("import", data=kept.replace(b'":"', b'":"x', 1), status=FAILED)
    new.ctl("import", data=b"", status=FAILED)
    new.ctl("import", data=b"x" * (2 << 20), status=FAILED)
    new.ctl("import", world.path("no-such-file"), status=FAILED)


@test("export: what cannot be written stays, and says how to go on; no secret on a terminal unless forced")
def export_guarded(world):
    daemon = world.daemon("a", world.relay())
    daemon.ctl("invite", "--name", "peer")
    with open("/dev/full", "wb") as full:
        failing = daemon.spawn_ctl("export", "peer", stdout=full)
    finish(failing, FAILED)
    contains(failing.err(), "wormctl export peer", "how to go on")
    equal(daemon.show("peer")["state"], "exported", "state")
    contains(daemon.ctl("list").out, "exported, unconfirmed", "list")
    shown = daemon.ctl("show", "peer").out
    contains(shown, "wormctl export prints it again", "show")
    lacks(shown, "next visit", "show")
    refused = on_terminal(world, daemon, "export", "peer")
    equal(refused.wait(PATIENCE), USAGE, "exit status on a terminal")
    contains(refused.screen(), "--force", "what it says")
    equal(daemon.show("peer")["state"], "exported", "state")
    forced = on_terminal(world, daemon, "export", "--force", "peer")
    forced.expect(r"\{")
    equal(forced.wait(PATIENCE), DONE, "exit status with --force")
    daemon.ctl("show", "peer", status=FAILED)


@test("an exported session that nobody confirms ends at its deadline, and its text is worth nothing any more")
def export_forgotten(world):
    clock = Clock(world)
    daemon = world.daemon("a", world.relay(), start=False)
    daemon.extra.update(clock.environment())
    daemon.start()
    daemon.ctl("invite", "--name", "peer", "--timeout", "1h")
    text = daemon.ctl("export", "--keep", "peer").bytes
    clock.advance(3601)
    daemon.ctl("accept", "1-other")  # it looks at the clock once in a minute, or when something happens
    daemon.ctl("wait", "peer", "--for", "closed", "--timeout", "10m", seconds=PATIENCE + 10, status=SESSION)
    shown = daemon.ctl("show", "peer").out
    contains(shown, "lonely", "result")
    lacks(shown, "wormctl export", "show")
    equal(daemon.show("peer")["code"], None, "code")
    contains(daemon.ctl("import", data=text, status=FAILED).err, "deadline", "why the text is refused")


@test("export of a session that has a peer is refused")
def export_late(world):
    desk, _ = meet(world)
    equal(desk.ctl("export", "laptop", status=FAILED).out, "", "standard output")
    equal(desk.show("laptop")["state"], "established", "state")


# ---- keys and names ----

@test("derive-key: the same on both sides, other for another purpose; hex, JSON and raw bytes")
def derive_key(world):
    desk, laptop = meet(world)
    key = desk.ctl("derive-key", "laptop", "wifi").out
    true(re.fullmatch(r"[0-9a-f]{64}\n", key), "the key as digits: %r" % key)
    equal(laptop.ctl("derive-key", "desk", "wifi").out, key, "the other side's")
    true(laptop.ctl("derive-key", "desk", "Wifi").out != key, "the key for another purpose")
    report = desk.ctl("derive-key", "laptop", "wifi", "--json").json()
    equal(report, {"session": desk.show("laptop")["id"], "key": key.strip()}, "as JSON")
    equal(desk.ctl("derive-key", "-o", "key", "laptop", "wifi").out, key, "-o key")
    equal(desk.ctl("derive-key", "laptop", "wifi", "--raw").bytes, bytes.fromhex(key), "raw")
    equal(len(desk.ctl("derive-key", "--raw", "laptop", "long", "8160").bytes), 8160, "length of a long key")
    for wrong in (["laptop"], ["laptop", "x", "0"], ["laptop", "x", "8161"], ["laptop", "x", "y"], ["laptop", ""],
                  ["laptop", "wormhole:verifier"], ["laptop", "x", "--raw", "--json"]):
        desk.ctl("derive-key", *wrong, status=USAGE)
    desk.ctl("invite", "--name", "new", "--code", "5-x")
    contains(desk.ctl("derive-key", "new", "wifi", status=NOTHING).err, "wormctl wait new", "when nobody is there")


@test("derive-key: the same key as stock clients derive")
def derive_key_stock(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    daemon.ctl("invite", "--name", "peer", "--code", "5-x", "--appid", APPID)
    peer = ScriptedPeer(relay, "5-x", appid=APPID)
    daemon.ctl("wait", "peer", "--for", "established", "--timeout", "10m", seconds=PATIENCE + 10)
    first = hmac.new(bytes(32), peer.key, hashlib.sha256).digest()
    wanted = hmac.new(first, b"wifi\x01", hashlib.sha256).digest()
    equal(daemon.ctl("derive-key", "peer", "wifi", "32", "--raw").bytes, wanted, "HKDF of the shared key")


@test("rename gives another name, and none")
def rename(world):
    daemon = world.daemon("a", world.relay())
    session = daemon.ctl("invite", "--name", "old", "--code", "5-x", "-o", "id").out.strip()
    daemon.ctl("invite", "--name", "taken", "--code", "6-x")
    equal(daemon.ctl("rename", "old", "new").out, "", "what it prints")
    equal(daemon.show("new")["id"], session, "by the new name")
    daemon.ctl("show", "old", status=FAILED)
    daemon.ctl("rename", "new", "taken", status=FAILED)
    daemon.ctl("rename", "new", "-x", status=USAGE)
    daemon.ctl("rename", "new", "a/b", status=USAGE)
    equal(daemon.ctl("rename", "new", "-o", "id,name").out, session + "\t\n", "without a name")
    daemon.ctl("show", "new", status=FAILED)


# ---- watching ----

class Watch:
    """A running `wormctl watch --json`."""

    def __init__(self, daemon, *arguments):
        self.process = daemon.spawn_ctl("watch", "--json", *arguments)

    def rows(self):
        return [json.loads(line) for line in self.process.out().decode().split("\n")[:-1]]

    def events(self, session=None):
        """All that happened, of that session (an id)."""
        return [event for row in self.rows() if session in (None, row["session"]) for event in row["events"]]

    def until(self, condition, what):
        def holds():
            ended = not self.process.running()  # asked first: it may tell its last and end meanwhile
            result = condition(self)
            true(result or not ended, "watch ended: %s" % self.process.err())
            return result
        wait_until(holds, PATIENCE, "watch tells " + what)

    def until_events(self, session, *events):
        self.until(lambda watch: set(events) <= set(watch.events(session)), "%r" % (events,))

    def end(self):
        self.process.kill(signal.SIGTERM)
        finish(self.process)


def watching(daemon, *arguments):
    """A Watch that has begun: what happens from now on is told."""
    watch = Watch(daemon, *arguments)
    marker = daemon.call("invite", code="77-marker")["id"]
    names = itertools.count()
    # What happened before it looked for the first time is no news.
    watch.until(lambda watch: daemon.call("rename", session=marker, name="marker-%d" % next(names)) and
                any(row["session"] == marker for row in watch.rows()), "the marker")
    daemon.call("forget", session=marker, force=True)
    watch.until(lambda watch: "forgotten" in watch.events(marker), "that it is forgotten")
    return watch


def check_numbers(watch):
    """Numbers go up, and no state of a session is told twice."""
    rows = watch.rows()
    numbers = [row["change"] for row in rows]
    true(numbers == sorted(numbers), "numbers: %r" % numbers)
    states = [(row["session"], row["view"]["change"]) for row in rows if row["view"]]
    equal(len(set(states)), len(states), "states, of which none is told twice: %r" % states)


def in_order(events, *wanted):
    positions = [events.index(event) for event in wanted]
    true(positions == sorted(positions), "%r in %r" % (wanted, events))


@test("watch tells a session's life, in order, each change once and numbered upwards")
def watch_life(world):
    _, desk, laptop = world.pair()
    watch = watching(desk)
    session = desk.call("invite", name="laptop")["id"]
    code = desk.until(session, lambda view: view["code"], PATIENCE)["code"]
    watch.until_events(session, "code")
    laptop.ctl("accept", "--name", "desk", code)
    laptop.ctl("send", "desk", "hello")
    desk.ctl("send", session, "hi")
    watch.until_events(session, "established", "message", "stored")
    desk.ctl("rename", session, "friend")
    equal(laptop.ctl("recv", "desk", "--wait=10m", seconds=PATIENCE + 10).out, "hi", "what comes")
    watch.until_events(session, "renamed", "delivered", "read")
    equal(desk.ctl("recv", "friend").out, "hello", "what came")
    desk.ctl("close", "friend")
    desk.until_state(session, "closed")
    desk.ctl("forget", "friend")
    watch.until_events(session, "ended", "forgotten")
    events = watch.events(session)
    in_order(events, "code", "keyed", "established", "message", "ended", "forgotten")
    in_order(events, "sent", "stored", "delivered", "read", "ended")
    for event in ("code", "keyed", "established", "message", "sent", "renamed", "ended", "forgotten"):
        equal(events.count(event), 1, "how often %s is told" % event)
    check_numbers(watch)
    rows = watch.rows()
    for row in rows:
        equal(sorted(row), ["change", "events", "name", "session", "time", "view"], "keys")
    true(rows[-1]["view"] is None and rows[-1]["name"] == "friend", "the last row: %r" % rows[-1])
    watch.end()


@test("watch for people: number, time, name, what happened, how many messages, which result")
def watch_lines(world):
    desk, laptop = meet(world)
    session = desk.show("laptop")["id"]
    process = desk.spawn_ctl("watch", session)
    names = itertools.count()
    told = wait_until(lambda: desk.call("rename", session=session, name="laptop-%d" % next(names)) and process.out(),
                      PATIENCE, "watch tells something")
    # What came before it may be told with it.
    true(re.match(rb"\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  laptop-\d+  ([a-z, ]+, )?[a-z]+\n", told), "a line: %r" % told)
    desk.ctl("rename", session, "la\u202eptop")
    laptop.ctl("send", "desk", "hello")
    process.wait_text(r"message \(1 new\)", PATIENCE)
    contains(process.out().decode(), "la\\u202eptop", "a name that would reorder the line")
    laptop.ctl("close", "desk")
    desk.ctl("close", session)
    process.wait_text(r"ended \(happy\)", PATIENCE)
    desk.until_state(session, "closed")
    desk.ctl("forget", session)
    finish(process)
    contains(process.out().decode().splitlines()[-1], "forgotten", "the last line, when what is watched is gone")
    desk.ctl("watch", "nobody", status=FAILED)


@test("watch --on tells and runs a command for changes with one of the events only")
def watch_on(world):
    desk, laptop = meet(world)
    session, log = desk.show("laptop")["id"], world.path("log")
    watch = Watch(desk, session, "--on", "message,forgotten", "--exec", 'echo "$WORMHOLED_EVENTS" >>%s' % log, "--since", "0")
    for text in ("one", "two"):
        laptop.ctl("send", "desk", text)
        watch.until(lambda watch, text=text: sum("message" in row["events"] for row in watch.rows()) == 1 + (text == "two"), text)
        desk.ctl("rename", session, "friend-" + text)
    desk.ctl("forget", session, "--force")
    watch.until_events(session, "forgotten")
    true(all({"message", "forgotten"} & set(row["events"]) for row in watch.rows()), "which ones: %r" % watch.rows())
    finish(watch.process)
    with open(log, encoding="utf-8") as file:
        equal([line.split() for line in file], [row["events"] for row in watch.rows()], "what the command was run for")


@test("watch --since tells what was missed; -o picks fields; an interrupt ends it with status 0")
def watch_since(world):
    _, desk, laptop = world.pair()
    desk.ctl("invite", "--name", "first", "--code", "5-x")
    desk.ctl("wait", "first", "--for", "code")
    before = int(desk.ctl("status", "-o", "change").out)
    second = desk.call("invite", name="second", code="6-x")["id"]
    laptop.ctl("accept", "--name", "desk", "6-x")
    desk.ctl("wait", "second", "--for", "established", "--timeout", "10m", seconds=PATIENCE + 10)
    watch = Watch(desk, "--since", str(before))
    watch.until_events(second, "code", "keyed", "established")
    whole = Watch(desk, "--since", "0", "-o", "name,events")
    wait_until(lambda: {row["name"] for row in whole.rows()} == {"first", "second"}, PATIENCE, "all is told since the beginning")
    equal(sorted(whole.rows()[0]), ["events", "name"], "keys with -o")
    one = Watch(desk, "second", "--since", "0")
    one.until_events(second, "established")
    equal({row["session"] for row in one.rows()}, {second}, "sessions of a watch of one")
    last = watch.rows()[-1]["change"]
    watch.end()
    for other in (whole, one):
        other.process.kill(signal.SIGINT)
        finish(other.process)
    laptop.ctl("send", "desk", "missed")
    desk.ctl("wait", "second", "--for", "message", "--timeout", "10m", seconds=PATIENCE + 10)
    later = Watch(desk, "--since", str(last))
    later.until_events(second, "message")
    later.end()


@test("watch goes on when the daemon was killed and is back: nothing is missed, nothing told twice")
def watch_restart(world):
    desk, laptop = meet(world)
    session = desk.show("laptop")["id"]
    watch = watching(desk)
    desk.ctl("send", "laptop", "one")
    watch.until_events(session, "sent", "stored")
    doomed = desk.call("invite", code="78-x")["id"]
    watch.until_events(doomed, "code")
    desk.kill9()
    watch.process.wait_text("continuing after change", PATIENCE, stream="err")
    laptop.ctl("send", "desk", "while it was away")
    desk.start()
    desk.call("forget", session=doomed, force=True)
    watch.process.wait_text("is back", PATIENCE, stream="err")
    watch.until_events(session, "message")
    watch.until_events(doomed, "forgotten")
    desk.ctl("send", "laptop", "two")
    watch.until(lambda watch: watch.events(session).count("sent") == 2, "the second message")
    for event in ("message", "established", "keyed"):
        true(watch.events(session).count(event) <= 1, "%s is told once: %r" % (event, watch.events(session)))
    check_numbers(watch)
    watch.end()


@test("recv --wait goes on waiting when the daemon was killed and is there again")
def recv_restart(world):
    desk, laptop = meet(world, "--verify")
    waiting = desk.spawn_ctl("recv", "laptop", "--wait")
    waiting.wait_text("messages are held back", PATIENCE, stream="err")
    desk.kill9()
    desk.start()
    for daemon, name in ((desk, "laptop"), (laptop, "desk")):
        daemon.ctl("verify", name, "--yes")
    true(waiting.running(), "it waits")
    laptop.ctl("send", "desk", "after the restart")
    equal(finish(waiting).out(), b"after the restart", "what comes")


@test("two recv --wait on one session: what one has got is not given to the other, until it is killed")
def recv_shared(world):
    desk, laptop = meet(world)
    pipe = os.pipe()
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1], b"." * 4096)  # nothing more fits: recv waits after it has received
    os.set_blocking(pipe[1], True)
    first = desk.spawn_ctl("recv", "laptop", "--wait", stdout=pipe[1])
    laptop.ctl("send", "desk", "job")
    wait_until(lambda: desk.call("show", session="laptop")["leased"], PATIENCE, "a message that is given out")
    second = desk.spawn_ctl("recv", "laptop", "--wait")
    third = desk.ctl("recv", "laptop", status=NOTHING)
    contains(third.err, "another program is at work", "why there is none")
    true(second.running(), "it waits")
    first.kill9()
    equal(finish(second).out(), b"job", "what the other one gets")
    os.close(pipe[0])
    os.close(pipe[1])


def work(daemon, handled):
    """One of several workers: takes messages and handles them until the session has ended."""
    while True:
        worker = daemon.spawn_ctl("recv", "laptop", "--wait", "-o", "number")
        status = worker.wait(PATIENCE)
        handled.extend(int(number) for number in worker.out().split())
        if status != 0:
            return


@test("two workers that recv --wait on one session handle each message exactly once")
def recv_workers(world):
    desk, laptop = meet(world)
    handled = [[], []]
    workers = [threading.Thread(target=work, args=(desk, numbers)) for numbers in handled]
    for worker in workers:
        worker.start()
    for number in range(40):
        laptop.call("send", session="desk", data=b"job %d" % number)
    wait_until(lambda: sum(map(len, handled)) >= 40, PATIENCE, "all is handled")
    laptop.call("close", session="desk")
    desk.call("close", session="laptop")
    for worker in workers:
        worker.join()
    equal(sorted(handled[0] + handled[1]), list(range(40)), "what was handled")


@test("watch tells of many that were forgotten at once")
def watch_forgotten(world):
    daemon = world.daemon("a", world.relay())
    ids = [daemon.call("invite", code="%d-x" % number)["id"] for number in range(30)]
    watch = watching(daemon)
    with daemon.rpc() as rpc:
        requests = [rpc.request("forget", session=session, force=True) for session in ids]
        for request in requests:
            rpc.answer(request)
    watch.until(lambda watch: {row["session"] for row in watch.rows() if "forgotten" in row["events"]} >= set(ids),
                "all of them")
    watch.end()


@test("watch --exec: each change, one after the other, facts in the environment, no secret; a failure is told")
def watch_exec(world):
    _, desk, laptop = world.pair()
    log = world.path("log")
    command = "env | grep ^WORMHOLED_ | sort | tr '\\n' ' ' >>%s; echo >>%s; exit 3" % (log, log)
    watch = watching(desk, "--exec", command)
    desk.ctl("invite", "--name", "lap top", "--code", "5-sesame", "--verify")
    laptop.ctl("accept", "--name", "desk", "5-sesame")
    laptop.ctl("send", "desk", "hello")
    session = desk.show("lap top")["id"]
    watch.until_events(session, "code", "keyed", "established", "message")

    def lines():
        with open(log, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]

    wait_until(lambda: len(lines()) == len(watch.rows()), PATIENCE, "each change ran the command")
    for line, row in zip(lines(), watch.rows()):
        contains(line, "WORMHOLED_CHANGE=%d " % row["change"], "a line of the log")
        contains(line, "WORMHOLED_EVENTS=%s " % " ".join(row["events"]), "a line of the log")
        contains(line, "WORMHOLED_SESSION=" + row["session"], "a line of the log")
    last = lines()[-1]
    for part in ("WORMHOLED_NAME=lap top ", "WORMHOLED_STATE=established ", "WORMHOLED_RESULT= ", "WORMHOLED_UNREAD=1 ",
                 "WORMHOLED_PAUSED=0 ", "WORMHOLED_SOCKET=" + desk.socket, "WORMHOLED_VERIFICATION=pending "):
        contains(last, part, "the last line of the log")
    everything = "".join(lines())
    lacks(everything, "sesame", "the log")
    lacks(everything, desk.show("lap top")["verifier"], "the log")
    lacks(everything, "hello", "the log")
    watch.until(lambda watch: "failed with status 3" in watch.process.err(), "the failure")
    watch.end()


@test("watch ends when nobody reads what it prints")
def watch_unread(world):
    daemon = world.daemon("a", world.relay())
    reader, writer = os.pipe()
    process = daemon.spawn_ctl("watch", "--since", "0", stdout=writer)
    os.close(writer)
    os.close(reader)
    daemon.call("invite", code="5-x")
    finish(process, FAILED)
    contains(process.err(), "standard output", "what it says")


# ---- receipts ----

@test("wait --for delivered and read; show and list tell receipts")
def receipts(world):
    desk, laptop = meet(world)
    desk.ctl("send", "laptop", "hello")
    desk.ctl("wait", "laptop", "--for", "delivered", "--timeout", "10m", seconds=PATIENCE + 10)
    desk.ctl("wait", "laptop", "--for", "read", "--timeout", "1s", status=NOTHING)
    waiting = desk.spawn_ctl("wait", "laptop", "--for", "read", "-o", "delivered,read")
    laptop.ctl("recv", "desk")
    equal(finish(waiting).out(), b"1\t1\n", "what wait reports")
    contains(desk.ctl("show", "laptop").out, "delivered: 1, read: 1", "show")
    true(re.search(r"GOT +READ", desk.ctl("list").out), "list")


@test("a peer that gives no receipts: wait --for delivered and read end with a word about it")
def no_receipts(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    daemon.ctl("invite", "--name", "peer", "--code", "5-x", "--appid", APPID)
    daemon.ctl("send", "peer", "hello")
    waits = [daemon.spawn_ctl("wait", "peer", "--for", condition) for condition in ("delivered", "read")]
    ScriptedPeer(relay, "5-x", appid=APPID).wait_messages(1)
    for process in waits:
        finish(process, FAILED)
        contains(process.err(), "no receipts", "what it says")
    lacks(daemon.ctl("show", "peer").out, "delivered", "show")
    daemon.ctl("invite", "--name", "short", "--code", "6-x", "--timeout", "1s")
    daemon.ctl("wait", "short", "--for", "delivered", "--timeout", "10m", status=SESSION, seconds=PATIENCE + 10)


# ---- for scripts ----

@test("-o prints fields with tabs between them, a line for each session, safely; unknown ones are refused")
def fields(world):
    daemon = world.daemon("a", world.relay())
    one = daemon.ctl("invite", "--name", "one", "--code", "5-x", "-o", "id,code,paused,result").out
    true(re.fullmatch(ID + "\t5-x\tfalse\t\n", one), "invite -o: %r" % one)
    daemon.ctl("invite", "--code", "6-x", "--name", "a\u2028b")
    listed = daemon.ctl("list", "-o", "name,state,created").out.splitlines()
    equal(sorted(re.sub(r"\t\d+$", "", line) for line in listed), ["a\\u2028b\twaiting", "one\twaiting"], "list -o")
    equal(daemon.ctl("show", "one", "--json", "-o", "code,result").json(), {"code": "5-x", "result": None},
          "--json with -o")
    equal(daemon.ctl("send", "one", "x", "-o", "number").out, "0\n", "send -o")
    equal(daemon.ctl("forget", "--force", "one", "-o", "session").out, one.split("\t", maxsplit=1)[0] + "\n", "forget -o")
    relays = daemon.ctl("status", "-o", "relays,sessions").out.strip().split("\t")
    equal((type(json.loads(relays[0])), relays[1]), (list, "1"), "status -o")
    for arguments in (["list", "-o", "id,nonsense"], ["status", "-o", "id"], ["show", "x", "-o", ""],
                      ["invite", "-o", "id,"], ["send", "x", "y", "-o", "code"], ["list", "-o"]):
        refused = daemon.ctl(*arguments, status=USAGE)
        equal(refused.out, "", "standard output of %r" % arguments)
    contains(daemon.ctl("list", "-o", "nonsense", status=USAGE).err, "verifier_words", "the fields that exist")
    equal(daemon.call("status")["sessions"], 1, "sessions after what was refused")


@test("--json on every command: one object a line, and nothing else on standard output")
def json_everywhere(world):
    _, desk, laptop = world.pair()

    def rows(daemon, *arguments, **options):
        result = daemon.ctl(*arguments, "--json", seconds=PATIENCE, **options)
        lines = result.out.split("\n")
        equal(lines.pop(), "", "the end of %r" % result)
        objects = [json.loads(line) for line in lines]
        true(all(isinstance(row, dict) for row in objects), "objects: %r" % result)
        return objects

    invited, = rows(desk, "invite", "--name", "laptop")
    accepted, = rows(laptop, "accept", "--name", "desk", invited["code"])
    equal(accepted["name"], "desk", "accept")
    equal(rows(desk, "wait", "laptop", "--for", "established")[0]["state"], "established", "wait")
    equal(rows(desk, "send", "laptop", "hello")[0]["number"], 0, "send")
    message, = rows(laptop, "recv", "desk", "--wait=10m")
    equal(base64.b64decode(message["data"]), b"hello", "recv")
    for command in (["show", "laptop"], ["list"], ["verify", "laptop"], ["verify", "laptop", "--yes"], ["poll", "laptop"],
                    ["rename", "laptop", "laptop"]):
        equal(rows(desk, *command)[0]["id"], invited["id"], command[0])
    equal(rows(desk, "status")[0]["sessions"], 1, "status")
    equal(rows(desk, "derive-key", "laptop", "x", "1")[0]["session"], invited["id"], "derive-key")
    equal(rows(desk, "close", "laptop")[0]["result"], "happy", "close")
    desk.until_state("laptop", "closed")
    equal(rows(desk, "forget", "laptop"), [{"session": invited["id"]}], "forget")
    rows(desk, "invite", "--name", "moving")
    moving = desk.ctl("export", "moving", "--json").bytes
    true(isinstance(json.loads(moving), dict), "export")
    imported, = rows(laptop, "import", data=moving)
    equal(imported["name"], "moving", "import")
    sender = desk.spawn_ctl("text", "send", "hello", "--json")
    code = json.loads(sender.wait_text(r"(\{.*\})\n", PATIENCE).group(1))["code"]
    received, = rows(laptop, "text", "receive", code)
    equal(received["text"], "hello", "text receive")
    finish(sender)
    true(re.fullmatch(ID, received["session"]), "session of text receive")


@test("with --json errors and notes are objects, too, one a line on standard error")
def json_errors(world):
    desk, laptop = meet(world)
    for name in "pear", "peach":
        desk.ctl("invite", "--name", name, "--code", "%d-x" % (900 + len(name)))

    def told(*arguments, status, **options):
        result = desk.ctl(*arguments, "--json", status=status, **options)
        equal((result.out, result.err.count("\n")), ("", 1), "what is printed by %r: %r" % (arguments, result.err))
        return json.loads(result.err)

    for arguments, status, code, error, advice in (
            (("show", "nobody"), FAILED, "not-found", "nobody: ", "wormctl list"),
            (("show", "pea"), FAILED, "ambiguous", "pea: ", "pear"),
            (("list", "--frob"), USAGE, "usage", "list: unknown option", "wormctl list --help"),
            (("lst",), USAGE, "usage", "did you mean 'list'?", "wormctl --help"),
            (("send",), USAGE, "usage", "send: missing argument", "wormctl send --help"),
            (("invite", "--name", "a/b"), USAGE, "bad-params", "--name", None),
            (("invite", "--name", "pear"), FAILED, "name-taken", "another session has this", "choose another name"),
            (("derive-key", "pear", "x"), NOTHING, "not-keyed", "", "wormctl wait pear"),
            (("recv", "laptop"), NOTHING, "nothing", "there is no message yet", None),
            (("recv", "laptop", "--wait=0"), NOTHING, "timeout", "the time given ran out", None),
            (("wait", "laptop", "--for", "closed", "--timeout", "0"), NOTHING, "timeout", "the time given ran out", None),
            (("show", "laptop", "--socket", world.path("nowhere")), NO_DAEMON, "no-daemon", "no daemon listens", "systemctl")):
        row = told(*arguments, status=status)
        equal((sorted(row), row["code"], row["status"]), (["advice", "code", "error", "status"], code, status), "%r" % row)
        contains(row["error"], error, "the error of %r" % (arguments,))
        if advice:
            contains(row["advice"], advice, "the advice for %r" % (arguments,))
    laptop.ctl("send", "desk", "x")
    desk.until("laptop", lambda view: view["unread"] == 1, PATIENCE)
    desk.ctl("close", "laptop")
    desk.until_state("laptop", "closed")
    contains(told("forget", "--ended", status=DONE)["note"], "1 unread message", "a note")
    exchanging = desk.spawn_ctl("exchange", "--data", "x", "--json", "--code", "999-x")
    exchanging.wait_text(r"\}", PATIENCE)
    exchanging.kill(signal.SIGINT)
    finish(exchanging, INTERRUPTED)
    equal(json.loads(exchanging.err().splitlines()[-1])["status"], INTERRUPTED, "an interrupt")


@test("a refusal is told in one sentence, also about prefixes and names with strange characters")
def refusals(world):
    daemon = world.daemon("a", world.relay())
    daemon.ctl("invite", "--name", "peer", "--code", "5-x")
    for arguments in (["rename", "nobody", "x"], ["verify", "nobody", "--yes"], ["export", "nobody"],
                      ["derive-key", "nobody", "x"], ["poll", "no\x1b[31mbody"], ["watch", "nobody"]):
        result = daemon.ctl(*arguments, status=FAILED)
        lacks(result.err, "\x1b", "standard error of %r" % arguments)
        contains(result.err, "wormctl list", "what to do")


@test("status tells the default relay and where it was set, the configuration, and relays")
def status(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    daemon.ctl("invite", "--name", "peer")
    said = daemon.ctl("status").out
    contains(said, "%s (command line)" % relay.url, "status")
    contains(said, "configuration", "status")
    contains(said, "up", "status")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        daemon.ctl("invite", "--name", "slow", "--code", "7-x", "--relay", "ws://127.0.0.1:%d/v1" % silent.getsockname()[1])
        daemon.until("slow", lambda view: view["connection"] == "connecting", PATIENCE)
        equal(daemon.call("status")["active"], sum(view["connection"] in ("visiting", "held")
                                                   for view in daemon.call("list")["sessions"]), "who is connecting is not connected")


# ---- --start-daemon ----

class Nest:
    """A place from which wormctl starts daemons: both programs beside each other, and homes of their own."""

    def __init__(self, world, with_daemon=True):
        self.world = world
        self.directory = world.path("nest")
        self.socket = world.path("nest", "run", "socket")
        os.mkdir(self.directory)
        names = ("wormctl", "wormholed") if with_daemon else ("wormctl",)
        for name in names:
            shutil.copy(program(name)[-1], os.path.join(self.directory, name))
        idle = world.daemon("idle", "ws://127.0.0.1:1/v1", start=False)
        self.environment = dict(idle.environment(), HOME=self.directory, PATH="/usr/bin:/bin",
                                XDG_STATE_HOME=world.path("nest", "state"))
        world.finally_call(self.end)

    def spawn(self, *arguments):
        command = [os.path.join(self.directory, "wormctl"), "--socket", self.socket]
        return self.world.spawn("nest", command + list(arguments), environment=self.environment)

    def daemons(self):
        """The processes of daemons that listen here."""
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_daemon_at(pid, self.socket)]

    def end(self):
        for pid in self.daemons():
            os.kill(pid, signal.SIGKILL)


def is_daemon_at(pid, socket):
    """By its command line: a daemon hides its memory, and what file it runs, from all but root."""
    try:
        with open("/proc/%s/cmdline" % pid, encoding="utf-8", errors="replace") as file:
            words = file.read().split("\0")
    except OSError:
        return False
    return os.path.basename(words[0]) == "wormholed" and socket in words


@test("--start-daemon starts one where none is, and only then; the command goes on with it")
def start_daemon(world):
    nest = Nest(world)
    first = finish(nest.spawn("--start-daemon", "invite", "--code", "5-x", "--name", "peer"))
    equal(first.out(), b"5-x\n", "what the command prints")
    equal(first.err(), "", "what it says")
    running = nest.daemons()
    equal(len(running), 1, "daemons")
    second = finish(nest.spawn("list", "--names", "--start-daemon"))
    equal(second.out(), b"peer\n", "what the next command prints")
    equal(nest.daemons(), running, "daemons afterwards")
    true(stat.S_ISSOCK(os.stat(nest.socket).st_mode), "the socket")


@test("two commands that start a daemon at the same time make one")
def start_daemon_twice(world):
    nest = Nest(world)
    for process in [nest.spawn("--start-daemon", "list") for _ in range(4)]:
        finish(process)
    equal(len(nest.daemons()), 1, "daemons")


@test("a daemon that cannot be started: its own words, and exit status 5; without the option none is started")
def start_daemon_fails(world):
    nest = Nest(world)
    finish(nest.spawn("list"), NO_DAEMON)
    equal(nest.daemons(), [], "daemons")
    with open(world.path("nest", "state"), "w", encoding="utf-8"):
        pass  # a file where the daemon wants a directory
    failing = finish(nest.spawn("--start-daemon", "list"), NO_DAEMON)
    contains(failing.err(), "cannot start the daemon", "what is said")
    contains(failing.err(), "nest/state", "the daemon's own words")


@test("no daemon to start: exit status 5, and a word about it")
def start_daemon_missing(world):
    nest = Nest(world, with_daemon=False)
    failing = finish(nest.spawn("--start-daemon", "list"), NO_DAEMON)
    contains(failing.err(), "wormholed", "what is said")


# ---- rpc ----

class Lines:
    """`wormctl rpc`, as a script in another language uses it."""

    def __init__(self, daemon):
        self.process = daemon.spawn_ctl("rpc", stdin=subprocess.PIPE)
        self.out = open(self.process.out_path, "rb")
        self.said = bytearray()  # of its output, and not taken yet

    def ask(self, method, id=0, **params):
        self.process.write(json.dumps({"id": id, "method": method, "params": params}).encode() + b"\n")

    def next(self):
        """The next whole line."""
        def whole():
            self.said += self.out.read()
            return b"\n" in self.said

        wait_until(whole, PATIENCE, "rpc prints a line")
        line, _, self.said = self.said.partition(b"\n")
        return json.loads(line)

    def call(self, method, id=0, **params):
        """Its result; notifications that come before are left out."""
        self.ask(method, id, **params)
        while "method" in (answer := self.next()):
            pass
        equal(answer["id"], id, "id of %r" % answer)
        return answer.get("result", answer.get("error"))

    def until(self, session, condition):
        self.call("subscribe", session=session)
        while not condition(view := self.call("show", session=session)):
            while "method" not in self.next():
                pass
        return view


@test("rpc: two people introduce themselves in lines of JSON")
def rpc(world):
    _, left, right = world.pair()
    desk, laptop = Lines(left), Lines(right)
    desk.call("invite", name="laptop")
    code = desk.until("laptop", lambda view: view["code"])["code"]
    laptop.call("accept", name="desk", code=code)
    data = base64.b64encode(EVERY_BYTE).decode()
    equal(desk.call("send", session="laptop", data=data)["number"], 0, "number of the message")
    laptop.until("desk", lambda view: view["unread"])
    equal(laptop.call("recv", session="desk")["data"], data, "what came")
    laptop.call("ack", session="desk", number=0)
    equal(laptop.call("words", id=["any", {"thing": None}])["words"][1][0], "aardvark", "a word; the id comes back")
    for lines in (desk, laptop):
        lines.process.popen.stdin.close()
        finish(lines.process)


@test("rpc: what is wrong is answered, line by line, and the next line counts")
def rpc_errors(world):
    daemon = world.daemon("a", world.relayd())
    for line, code, words in (
            (b"nonsense", "bad-message", "one JSON object"), (b"[1]", "bad-message", "one JSON object"), (b'{"id": 1}', "bad-message", "method"),
            (b'{"id": 1, "method": 5}', "bad-message", "method"), (b'{"id": 1, "method": "list", "params": [1]}', "bad-params", "object"),
            (b'{"id": 1, "method": "fly"}', "unknown-method", ""), (b'{"id": 1, "method": "show"}', "bad-params", "session"),
            (b'{"id": 1, "method": "show", "params": {"session": {}}}', "bad-params", "session"),
            (b'{"id": 1, "method": "show", "params": {"session": 1.5}}', "bad-params", "session"),
            (b'{"id": 1, "method": "list", "params": {"limit": 99999999999999999999}}', "bad-message", ""),
            (b'{"id": 1, "method": "list", "params": {"limit": "1"}}', "bad-params", "limit"),
            (b'{"id": 1, "method": "send", "params": {"session": "x", "data": "\xc3\xa4"}}', "bad-params", "base64"),
            (b'{"id": 1, "method": "send", "params": {"session": "x", "data": "aGVsbG8"}}', "bad-params", "base64"),
            (b'{"id": 1, "method": "send", "params": {"session": "x", "data": "aGVsbG8="}}', "not-found", ""),
            (b'{"id": 1, "method": "show", "params": {"' + b"a" * 31 + b'\xc3\xa9": []}}', "bad-params", "\u00e9"),
            (b'{"id": 1, "method": "send", "params": {"session": "' + b"a" * (18 << 20) + b'"}}', "too-large", ""),
            (b"\xff\xfe", "bad-message", "UTF-8"), (b"a" * (25 << 20), "too-large", "too long")):
        said = daemon.ctl("rpc", data=line + b'\n\n{"id": 2, "method": "words"}').out.splitlines()
        answers = [json.loads(text) for text in said]
        equal(len(answers), 2, "answers to %r: %r" % (line[:80], said))
        (wrong,) = [answer for answer in answers if "error" in answer]
        equal(wrong["error"]["code"], code, "%r: %r" % (line[:80], wrong))
        contains(wrong["error"]["message"], words, "the sentence")
        equal([answer["id"] for answer in answers if "result" in answer], [2], "the line behind it")


@test("rpc: more requests at once than the daemon takes, a message of 16 MiB, and a daemon that goes away")
def rpc_many(world):
    _, left, right = world.pair()
    many = b"".join(b'{"id": %d, "method": "words"}\n' % number for number in range(1000))
    answers = [json.loads(line) for line in left.ctl("rpc", data=many, seconds=PATIENCE).out.splitlines()]
    equal(sorted(answer["id"] for answer in answers), list(range(1000)), "ids of the answers")
    lines = Lines(left)
    lines.call("invite", name="peer", code="4-large-one")
    right.ctl("accept", "4-large-one", "--name", "peer")
    large = os.urandom(16 << 20)
    equal(lines.call("send", session="peer", data=base64.b64encode(large).decode())["number"], 0, "number of the largest message")
    right.ctl("wait", "peer", "--for", "message", "--timeout", "10m", seconds=PATIENCE + 10)
    other = Lines(right)
    true(base64.b64decode(other.call("recv", session="peer")["data"]) == large, "what came")
    right.kill9()
    finish(other.process, FAILED)
    contains(other.process.err(), "connection", "what it says")
    equal(left.ctl("rpc", data=b"", status=DONE).out, "", "what nobody asks")


if __name__ == "__main__":
    main(600)

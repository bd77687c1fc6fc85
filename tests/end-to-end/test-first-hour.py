#!/usr/bin/python3
"""The first hour with wormctl, as it looks on terminals of 80 and of 40 columns: compared with the screens in screens/.

With WORMHOLED_WRITE_SCREENS=1 they are written anew; `git diff` then shows what people will see otherwise.
"""

import os
import re
import shlex
import signal
import subprocess

from harness import Skip, contains, equal, lacks, main, test, true, wait_until
from harness import wormctl
from harness.clock import Clock
from harness.processes import program
from harness.terminal import Terminal, render

SCREENS = os.path.join(os.environ.get("abs_top_srcdir", "."), "tests/end-to-end/screens")
DONE, FAILED, USAGE, NOTHING, SESSION, NO_DAEMON, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
TRANSFER = "lothar.com/wormhole/text-or-file-xfer"
# What differs from run to run is as long there as here, where it matters for the lines.
MASKS = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT5"),
    (r"\b[0-9a-f]{16}\b", "0123456789abcdef"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "YYYY-MM-DD hh:mm"),
    (r"\b(next (?:try|look)) (?:in \d+ s|now|soon)\b", r"\1 in N s"),
    (r"/tmp/\S*wormholed-[^/\s]*", "/tmp/world"),
    (r"just now|\b\d\d s ago|\b\d s ago(?: |(?=\s)|$)", "SOME ago"),
)


def masked(text):
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    return text


class Person:
    """Somebody at a terminal, who uses one daemon."""

    def __init__(self, world, daemon, columns, **extra):
        self.world, self.daemon, self.columns, self.extra = world, daemon, columns, extra

    def begin(self, *arguments):
        terminal = Terminal(wormctl.command(self.daemon.socket, arguments),
                            {**self.daemon.environment(), **self.extra}, columns=self.columns)
        self.world.finally_call(terminal.close)
        return terminal

    def see(self, name, *arguments, status=DONE):
        """Runs wormctl to its end: what is then on the screen is as it should be."""
        self.ends(name, self.begin(*arguments), status)

    def begin_and_wait(self, *arguments):
        """Runs wormctl to its end."""
        terminal = self.begin(*arguments)
        equal(terminal.wait(), DONE, "exit status: %r" % terminal.screen())
        return terminal

    def ends(self, name, terminal, status=DONE):
        equal(terminal.wait(), status, "exit status: %r" % terminal.screen())
        compare("%s-%d" % (name, self.columns), render(masked(terminal.raw), self.columns))


def compare(name, screen):
    path = os.path.join(SCREENS, name + ".txt")
    if os.environ.get("WORMHOLED_WRITE_SCREENS"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(screen)
    with open(path, encoding="utf-8") as file:
        equal(screen, file.read(), "the screen " + name)


def widths(function):
    """A test of each width."""
    for columns in 80, 40:
        test("%s: %d columns" % (function.__doc__.strip(), columns))(lambda world, columns=columns: function(world, columns))
    return function


@widths
def met(world, columns):
    """accept says that the peer is there"""
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    Person(world, desk, columns).see("invite", "invite", "--name", "laptop", "--code", "4-crossover-clockwork")
    Person(world, laptop, columns).see("accept-met", "accept", "--name", "desk", "4-crossover-clockwork")


@widths
def nobody(world, columns):
    """accept says that nobody is there, and what may be wrong with the code"""
    clock = Clock(world)
    laptop = world.daemon("laptop", world.relayd())
    terminal = Person(world, laptop, columns, **clock.environment()).begin("accept", "--name", "desk", "4-crossover-clockwork")
    terminal.expect("still\\s+waiting")
    clock.wait(15)
    Person(world, laptop, columns).ends("accept-nobody", terminal)


@widths
def dead_relay(world, columns):
    """accept says that the relay is out of reach; a second invite says so at once"""
    clock = Clock(world)
    relay = world.relayd()
    laptop = world.daemon("laptop", relay)
    relay.stop()
    terminal = Person(world, laptop, columns, **clock.environment()).begin("accept", "--name", "desk", "4-crossover-clockwork")
    terminal.expect("Waiting for the peer; (next try|trying)")
    clock.wait(15)
    Person(world, laptop, columns).ends("accept-dead-relay", terminal)
    second = Person(world, laptop, columns).begin("invite", "--name", "second")
    second.expect("cannot reach the relay .*Connection\\s+refused", 5)
    second.type("\x03")
    wait_until(lambda: "next try" in laptop.ctl("status").out, 20, "status tells of the next try")
    for session in laptop.call("list")["sessions"]:
        laptop.call("forget", session=session["id"], force=True)
    clock.advance(86400)
    lacks(Person(world, laptop, columns, **clock.environment()).begin_and_wait("status").screen(), "next try", "nobody tries")


@widths
def wrong_code(world, columns):
    """accept says that the code is wrong, and what to do"""
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    desk.ctl("invite", "--name", "laptop", "--code", "4-crossover-clockwork")
    Person(world, laptop, columns).see("accept-wrong", "accept", "--name", "desk", "4-crossover-adult", status=SESSION)


@widths
def logged(world, columns):
    """log tells what happened, with its time, in lines that fit"""
    desk = world.daemon("desk", world.relayd())
    desk.ctl("invite", "--name", "laptop", "--code", "4-crossover-clockwork")
    wait_until(lambda: any(event["event"] == "alone" for event in desk.call("log", session="laptop")["events"]), 20, "it was there")
    Person(world, desk, columns).see("log", "log", "laptop")


@widths
def listed(world, columns):
    """list fits the terminal, what changed last comes first, and ended sessions can go"""
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    person = Person(world, desk, columns)
    desk.ctl("invite", "--name", "a name that is so long that it must be cut somewhere", "--code", "5-one")
    desk.ctl("invite", "--name", "laptop", "--code", "4-crossover-clockwork")
    desk.ctl("invite", "--name", "spoilt", "--code", "6-crossover-clockwork")
    laptop.ctl("accept", "--name", "desk", "4-crossover-clockwork", "--wait")
    desk.ctl("wait", "laptop", "--for", "established")
    laptop.ctl("accept", "--name", "x", "6-crossover-adult", "--wait", status=SESSION)
    desk.ctl("wait", "spoilt", "--for", "closed", status=SESSION)
    laptop.ctl("wait", "x", "--for", "closed", status=SESSION)
    laptop.ctl("forget", "--ended")
    equal([view["name"] for view in laptop.call("list")["sessions"]], ["desk"], "what is left")
    plain = person.begin("list", "--active")
    equal(plain.wait(), DONE, "exit status")
    true(all(len(line) <= columns for line in plain.screen().splitlines()), "it fits")
    lacks(plain.screen(), "spoilt", "those that are active")
    contains(plain.raw, "\x1b[32mlasting\x1b[0m", "a colour")
    contains(person.begin_and_wait("list").raw, "\x1b[31mscary\x1b[0m", "another one")
    lacks(Person(world, desk, columns, NO_COLOR="1").begin_and_wait("list").raw, "\x1b[3", "colours that nobody wants")
    wide = desk.ctl("list", "--wide").out
    lacks(wide, "\x1b", "colours in a pipe")
    contains(wide, "so long that it must be cut somewhere", "all of it")
    true(re.search(r"NAME +STATE +EPOCH +UNREAD +UNSENT +LAST NEWS +NEXT LOOK +EXPIRES +CODE +LAST VISIT +GOT +READ +ID\n", wide), "all columns")
    true(wide.splitlines()[1].startswith("spoilt"), "the latest news come first")
    for wrong in (["list", "--names", "--json"], ["list", "-w", "--json"], ["forget"], ["forget", "x", "--ended"],
                  ["forget", "--ended", "--force"]):
        desk.ctl(*wrong, status=USAGE)
    desk.ctl("forget", "laptop", "--force")
    desk.ctl("forget", "--ended")
    equal(len(desk.call("list")["sessions"]), 1, "what has not ended is kept")


@widths
def kept(world, columns):
    """list says what lasts, what was heard and when more is looked for"""
    relay = world.relayd()
    desk, laptop, stock = world.daemon("desk", relay), world.daemon("laptop", relay), world.daemon("stock", relay, "--lasting", "no")
    person = Person(world, desk, columns)
    for peer, name, code in ((laptop, "bob", "4-crossover-clockwork"), (stock, "stranger", "5-crossover-clockwork")):
        desk.ctl("invite", "--name", name, "--code", code, "--schedule", "0:0")
        peer.ctl("accept", "--name", "desk", "--schedule", "0:0", code, "--wait")
        desk.ctl("wait", name, "--for", "established")
    wait_until(lambda: [desk.show(name)["connection"] for name in ("bob", "stranger")] == ["held", "held"], 20, "both are held")
    desk.ctl("rename", "stranger", "go-man")  # it changed last
    for state in "lasting", "established":
        contains(person.begin_and_wait("list").raw, "\x1b[32m%s\x1b[0m" % state, "a colour")
    person.see("list-met", "list")
    desk.ctl("invite", "--name", "new", "--code", "6-crossover-clockwork", "--schedule", "0:0")
    wait_until(lambda: desk.show("new")["connection"] == "held", 20, "a third")
    person.see("list-waiting", "list")


@widths
def helped(world, columns):
    """help is broken at words"""
    daemon = world.daemon("a", world.relayd())
    person = Person(world, daemon, columns)
    for command in ([], ["accept"], ["wait"], ["text"]):
        shown = person.begin_and_wait("help", *command)
        true(all(len(line.rstrip("\r")) <= columns for line in shown.raw.split("\n")), "no line is longer: %r" % command)
    person.see("help-wait", "help", "wait")


@test("a QR code that does not fit says so, and what it holds can be had as a URI")
def qr_too_wide(world):
    daemon = world.daemon("a", world.relayd())
    narrow = Person(world, daemon, 30).begin_and_wait("invite", "--qr", "--code", "4-x")
    contains(narrow.raw.replace("\r\n", ""), "the QR code does not fit: it needs ", "what is said")
    uri = "wormholed:5-x?appid="
    contains(daemon.ctl("invite", "--code", "5-x", "--uri").out, uri, "the URI alone")
    daemon.ctl("invite", "--code", "6-x", "--uri", "--json", status=USAGE)


@test("a mistake is answered with what was probably meant, and in the words in which it was typed")
def mistakes(world):
    daemon = world.daemon("a", world.relayd())
    for arguments, said in ((("lst",), "did you mean 'list'?"),
                            (("list", "--nmaes"), "list: unknown option '--nmaes'; did you mean '--names'?"),
                            (("--jsn", "list"), "unknown option '--jsn'; did you mean '--json'?"),
                            (("invite", "--inbox", "3"), "is ambiguous: --inbox-messages, --inbox-bytes"),
                            (("list", "--words", "3"), "option '--words' belongs to other commands"),
                            (("list", "-x"), "unknown option '-x'"),
                            (("list", "--json=1"), "--json takes no value"),
                            (("invite", "--timeout"), "--timeout: expected a duration"),
                            (("invite", "--timeout", "400d"), "--timeout: expected a duration from 1s to 366d, not '400d'"),
                            (("invite", "--expire", "0.1s"), "--expire: expected a duration from 1s to 366d"),
                            (("invite", "--words", "17"), "--words: expected a number from 1 to 16, not '17'"),
                            (("invite", "--inbox-messages", "5000"), "--inbox-messages: expected a number from 1 to 4096"),
                            (("invite", "--inbox-bytes", "65M"), "--inbox-bytes: expected a size up to 64M"),
                            (("invite", "--appid", "a" * 129), "wormctl: --appid must be 1 to 128 bytes long"),
                            (("invite", "--name", "a/b"), "wormctl: --name: a petname has no '/'"),
                            (("rename", "x", "a/b"), "wormctl: NAME: a petname has no '/'"),
                            (("invite", "--relay", "http://x"), "wormctl: --relay: "),
                            (("invite", "--app-versions", "1"), "wormctl: --app-versions: "),
                            (("invite", "--schedule", "often"), "wormctl: --schedule: ")):
        error = daemon.ctl(*arguments, status=USAGE).err
        contains(error, said, "what is said to %r" % (arguments,))
        lacks(error, "parameter", "the RPC's words")
        lacks(error, "31622400000", "milliseconds")
    for name in "laptop", "laptop at work", "desk":
        daemon.ctl("invite", "--name", name, "--code", "%d-x" % (4 + len(name)))
    contains(daemon.ctl("show", "lap", status=FAILED).err, "it may be one of: ", "the candidates")
    true(re.search("one of: laptop( at work)?, laptop", daemon.ctl("close", "lap", status=FAILED).err), "their names")
    contains(daemon.ctl("show", "nobody", status=FAILED).err, "nobody: no session has this", "which argument")


@test("all three programs say their names, and agree on the exit status of a wrong value")
def three_programs(world):
    for name, setting in (("wormctl", "--socket"), ("wormholed", "--keep"), ("wormhole-relayd", "--keep")):
        def run(*arguments, name=name):
            return subprocess.run(program(name) + list(arguments), capture_output=True, text=True, check=False, env={
                **os.environ, "HOME": world.directory})
        for option in "-V", "--version":
            done = run(option)
            true(re.fullmatch(name + r" \d+\.\d+\S*\n", done.stdout) and done.returncode == DONE, "%s %s: %r" % (name, option, done))
        equal((run("-h").stdout, run("-h").returncode), (run("--help").stdout, DONE), name + " -h")
        for wrong in [setting + "="], ["--nonsense"], ["-x"]:
            equal(run(*wrong).returncode, USAGE, "%s %s" % (name, wrong))
        contains(run("--versoin").stderr, "did you mean '--version'?", name)


@test("accept in a script: at once without --wait, otherwise the exit status tells")
def accept_in_scripts(world):
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    laptop.ctl("accept", "--name", "early", "4-crossover-clockwork")
    late = laptop.ctl("accept", "--name", "nobody", "5-crossover-clockwork", "--wait=1s", status=NOTHING)
    true("nobody" in late.err, "the reason: " + late.err)
    desk.ctl("invite", "--name", "laptop", "--code", "4-crossover-clockwork")
    desk.ctl("invite", "--name", "second", "--code", "6-crossover-clockwork")
    laptop.ctl("accept", "6-crossover-clockwork", "--wait")
    desk.ctl("invite", "--name", "third", "--code", "7-crossover-clockwork")
    wrong = laptop.ctl("accept", "7-crossover-adult", "--wait", status=SESSION)
    contains(wrong.err, "the code is used up at both ends", "what to do")
    laptop.ctl("accept", "8-x-y", "--wait", "--no-wait", status=USAGE)


@test("a wait whose time ran out says why, on a terminal and in a script")
def reasons(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    daemon.ctl("invite", "--name", "peer", "--code", "4-crossover-clockwork")
    daemon.until("peer", lambda view: view["last_visit"] or view["connection"] == "held", what="the relay is reached")
    for arguments in (("wait", "peer", "--for", "established", "--timeout", "1s"), ("recv", "peer", "--wait=1s")):
        contains(daemon.ctl(*arguments, status=NOTHING).err, "nobody is there with this code yet", "the reason")
    relay.stop()
    daemon.until("peer", lambda view: view["relay_down"], what="the relay is down")
    for arguments in (("wait", "peer", "--for", "established", "--timeout", "1s"), ("recv", "peer", "--wait=1s")):
        contains(daemon.ctl(*arguments, status=NOTHING).err, "cannot reach the relay ws://127", "the reason")
    terminal = Person(world, daemon, 80).begin("recv", "peer", "--wait")
    terminal.expect("cannot reach the relay .*Connection\\s+refused")
    terminal.expect("Waiting for a message; (next try in|trying)")
    relay.start()
    terminal.expect("Waiting for a message; connected", 70)


@test("a code of invite that is given to text receive, and the other way round: the other command is named")
def other_application(world):
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    desk.ctl("invite", "--name", "a", "--code", "4-crossover-clockwork")
    desk.ctl("invite", "--name", "b", "--appid", TRANSFER, "--code", "5-crossover-clockwork")
    desk.ctl("invite", "--name", "c", "--appid", TRANSFER, "--code", "6-crossover-clockwork")
    for name in "a", "b", "c":
        desk.until(name, lambda view: view["nameplate"] == "claimed", what="the number is in use")
    for wrong, code, right in ((("text", "receive"), "4-crossover-clockwork", "wormctl accept"),
                               (("accept",), "5-crossover-clockwork", "wormctl text receive"),
                               (("exchange", "--data", "x"), "6-crossover-clockwork", "wormctl text receive")):
        clock = Clock(world)
        terminal = Person(world, laptop, 160, **clock.environment()).begin(*wrong, code)
        terminal.expect("Waiting for [a-z ]+; (connected|next look)")
        session = laptop.call("list")["sessions"][0]["id"]
        laptop.until(session, lambda view: view["nobody_there"], what="it has looked")
        clock.wait(15)
        terminal.expect("nobody with this application is at number %s, but somebody with another one is" % code[0])
        terminal.expect("%s %s --relay %s" % (right, code, re.escape(relay.url)))
        laptop.call("forget", session=session, force=True)


@test("the hints are whole commands: another machine that has never heard of the relay takes them as they are")
def whole_hints(world):
    relay = world.relayd()
    desk = world.daemon("desk", relay)
    laptop = world.daemon("laptop", "ws://127.0.0.1:1/v1")
    terminal = Person(world, desk, 160).begin("invite", "--name", "laptop", "--appid", "it's mine")
    line = terminal.expect(r"On the other machine: wormctl (accept [^\n]*)\n").group(1)
    equal(terminal.wait(), DONE, "exit status")
    laptop.ctl(*shlex.split(line), "--wait")
    terminal = Person(world, desk, 160).begin("text", "send", "hello")
    line = terminal.expect(r"On the other machine: wormctl (text receive [^\n]*)\n").group(1)
    stock = terminal.expect(r"or: (wormhole [^\n]*)\n").group(1)
    true(re.fullmatch(r"wormhole --relay-url %s receive \S+" % re.escape(relay.url), stock), "the stock command: " + stock)
    equal(laptop.ctl(*line.split()).out, "hello\n", "the text")
    equal(terminal.wait(), DONE, "exit status of the sender")


@test("a word that is not in the list is asked about on a terminal only; codes of people's own are taken as they are")
def mistyped(world):
    daemon = world.daemon("a", world.relayd())
    numbers = iter(range(410, 500))

    def accept(code, *answers):
        code = code.replace("N", str(next(numbers)))  # another number each time: the relay remembers who was there
        terminal = Person(world, daemon, 160).begin("accept", "--no-wait", "--name", "x", code)
        for question, answer in answers:
            terminal.expect(question)
            terminal.type(answer + "\n")
        status = terminal.wait()
        sessions = daemon.call("list")["sessions"]
        for session in sessions:
            daemon.call("forget", session=session["id"], force=True)
        return status, re.sub(r"^\d+", "N", sessions[0]["code"]) if sessions else None

    meant = ("'crosover' is not a word of codes; did you mean 'crossover'?", "yes")
    equal(accept("N-crosover-clockwork", meant), (DONE, "N-crossover-clockwork"), "mended")
    equal(accept("N-crosover-clockwork", (meant[0], "no")), (DONE, "N-crosover-clockwork"), "a code of one's own")
    equal(accept("N-crosover-clockwrk", meant, ("did you mean 'clockwork'?", "yes")), (DONE, "N-crossover-clockwork"), "both")
    equal(accept("N-crossover-qqqqqq", ("use it all the same?", "no")), (USAGE, None), "nothing is begun")
    for own in "N-our-own", "N-crossover7", "N-\u00fcber-alles":
        equal(accept(own), (DONE, own), "taken as it is")
    equal(accept(" N - CROSSOVER \u2013 Clockwork "), (DONE, "N-crossover-clockwork"), "mended by itself")
    daemon.ctl("accept", "--name", "x", "417-crosover-clockwork")


@test("who waits in the foreground hears at once what comes, whatever the schedule; afterwards the schedule counts again")
def foreground(world):
    relay = world.relayd()
    clock = Clock(world)
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay, start=False)
    laptop.extra = clock.environment()
    laptop.start()
    desk.ctl("invite", "--name", "laptop", "--code", "4-crossover-clockwork", "--schedule", "0:3600")
    laptop.ctl("accept", "--name", "desk", "4-crossover-clockwork", "--schedule", "0:3600")
    wait_until(lambda: laptop.show("desk")["last_visit"] and laptop.show("desk")["connection"] == "none", 20, "it was there")
    waits = laptop.spawn_ctl("recv", "desk", "--wait")
    wait_until(lambda: laptop.show("desk")["connection"] == "held", 20, "the connection is held")
    desk.ctl("wait", "laptop", "--for", "established")
    desk.ctl("send", "laptop", "hello")
    equal(waits.wait(30), DONE, "exit status of recv")
    equal(waits.out(), b"hello", "the message")
    clock.wait(31)  # it looks now and then whether somebody still waits
    laptop.until("desk", lambda view: view["connection"] == "none" and view["next_visit"] > view["last_visit"] + 50 * 60 * 1000,
                 what="the next visit is when the schedule says")


@test("who waits goes on waiting when the daemon restarts, whatever the command")
def restarts(world):
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    laptop.ctl("accept", "--name", "desk", "4-crossover-clockwork")
    waits = [laptop.spawn_ctl("recv", "desk", "--wait"), laptop.spawn_ctl("exchange", "5-crossover-clockwork", "--data", "x"),
             laptop.spawn_ctl("text", "receive", "6-crossover-clockwork"),
             laptop.spawn_ctl("accept", "7-crossover-clockwork", "--wait")]
    laptop.until_sessions(4)
    wait_until(lambda: sum(view["sent"] for view in laptop.call("list")["sessions"]) == 1, 20, "exchange has begun")
    for _ in range(2):
        laptop.kill9()
        laptop.restart_killed()
    for process in waits:
        true(process.running(), process.name + " goes on")
    desk.ctl("invite", "--name", "a", "--code", "4-crossover-clockwork")
    desk.ctl("send", "a", "hello")
    desk.ctl("exchange", "--code", "5-crossover-clockwork", "--data", "y")
    desk.ctl("text", "send", "--code", "6-crossover-clockwork", "text")
    desk.ctl("invite", "--code", "7-crossover-clockwork")
    for process in waits:
        equal(process.wait(60), DONE, "exit status of %s: %s" % (process.name, process.err()))


@test("text send, Ctrl-C: the daemon delivers the text, takes the answer and ends the session")
def text_without_client(world):
    relay = world.relayd()
    desk, laptop = world.daemon("desk", relay), world.daemon("laptop", relay)
    for code, result in (("4-crossover", "happy"), ("5-crossover", "errory")):
        terminal = Person(world, desk, 80).begin("text", "send", "--name", "text", "--code", code, "hello")
        terminal.expect("Waiting for the peer to take the text")
        terminal.type("\x03")
        equal(terminal.wait(), INTERRUPTED, "exit status")
        if result == "happy":
            equal(laptop.ctl("text", "receive", code).out, "hello\n", "the text")
        else:
            desk.kill9()
            desk.restart_killed()
            laptop.ctl("accept", "--name", "peer", "--appid", TRANSFER, code)
            laptop.ctl("recv", "--wait", "peer")
            laptop.ctl("send", "peer", '{"error": "no"}')
        view = desk.until("text", lambda view: view["state"] == "closed", what="the session has ended")
        equal((view["result"], view["unread"]), (result, 0), "how it ended")
        desk.ctl("forget", "text")


@test("without a runtime directory daemon and wormctl meet at the same place, which is ours alone")
def no_runtime_directory(world):
    if os.path.isdir("/run/user/%d" % os.getuid()):
        raise Skip("there is a runtime directory of this user")
    daemon = world.daemon("a", world.relayd(), start=False)
    environment = daemon.environment()
    place = os.path.join(daemon.home, ".local/state/wormholed")
    process = world.spawn("wormholed", program("wormholed") + ["--foreground", "--state", daemon.state], environment=environment)
    process.wait_text("listening on %s/socket" % re.escape(place), stream="err")
    equal(subprocess.run(program("wormctl") + ["list"], env=environment, check=False).returncode, DONE, "wormctl")
    equal(os.stat(place).st_mode & 0o777, 0o700, "mode of the directory")
    process.popen.terminate()
    equal(process.wait(), DONE, "its end")


@test("the log tells at info that a relay is down, that it is back, and how a session failed; status, what is wrong with the file")
def told_in_the_log(world):
    relay = world.relayd()
    config = world.path("conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write("keep = 1d\n")
    daemon = world.daemon("a", relay, "--config", config, "--log-level", "info")
    relay.stop()
    daemon.ctl("invite", "--name", "peer", "--code", "4-crossover-clockwork")
    daemon.process.wait_text(r"[+-]\d{4} info: relay: %s cannot be reached: .*refused" % re.escape(relay.url), stream="err")
    relay.start()
    daemon.process.wait_text("info: relay: %s can be reached again" % re.escape(relay.url), stream="err")
    other = world.daemon("b", relay)
    other.ctl("accept", "4-crossover-adult")
    daemon.process.wait_text(r"info: session: session [0-9a-f]{16} ended \(scary\): ", stream="err")
    with open(config, "w", encoding="utf-8") as file:
        file.write("keep = for ever\n")
    os.kill(daemon.process.popen.pid, signal.SIGHUP)
    wait_until(lambda: daemon.call("status")["config_error"], 20, "status has it")
    contains(daemon.ctl("status").out, "not reloaded   ", "status")
    with open(config, "w", encoding="utf-8") as file:
        file.write("keep = 2d\n")
    os.kill(daemon.process.popen.pid, signal.SIGHUP)
    wait_until(lambda: daemon.call("status")["config_error"] is None, 20, "it was mended")


main(120)

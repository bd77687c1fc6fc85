#!/usr/bin/python3
"""The examples in the manuals do what the text around them says, typed as they are printed. Only what is of somebody's own is
replaced: codes, the relay, places, and ssh.
"""

import os
import re
import shlex
import shutil

from harness import Skip, contains, equal, main, test, true
from harness.processes import put_programs, put_script
from harness.terminal import Terminal
from harness.waiting import wait_until

SOURCE = os.environ["abs_top_srcdir"]
SECONDS = 60
CODE = "7-crossover-clockwork-adrift"


def examples(page):
    """The displays under EXAMPLES, as one reads them."""
    with open(os.path.join(SOURCE, "doc", page), encoding="utf-8") as file:
        section = re.search(r"(?s)\n\.Sh EXAMPLES\n(.*?)\n\.Sh ", file.read()).group(1)
    found = re.findall(r"(?ms)^\.Bd -literal[^\n]*\n(.*?)\n\.Ed$|((?:^\.Dl [^\n]*\n?)+)", section)
    return [(block or re.sub(r"(?m)^\.Dl ", "", line)).replace("\\e", "\\").replace("\\(dq", '"') for block, line in found]


def commands(text):
    """Those after the prompt, in their order."""
    return re.findall(r"(?m)^\$ (.*)$", text)


class End:
    """A user's shell: a directory, a PATH with our programs first, and a daemon."""

    def __init__(self, world, name, relay):
        self.world = world
        self.daemon = world.daemon(name, relay)
        self.directory = world.path(name + "-files")
        self.bin = os.path.join(self.directory, "bin")
        put_programs(self.bin, "wormctl", "wormholed", "wormhole-relayd")
        self.environment = dict(self.daemon.environment(), WORMHOLED_SOCKET=self.daemon.socket,
                                PATH=self.bin + ":" + os.environ["PATH"])

    def start(self, line):
        return self.world.spawn("shell", ["sh", "-c", line], environment=self.environment, cwd=self.directory)

    def type(self, line, status=0):
        process = self.start(line)
        equal(process.wait(SECONDS), status, "exit status of %s: %s" % (line, process.err()))
        return process.out().decode()

    def put(self, name, data):
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(data)

    def get(self, name):
        try:
            with open(os.path.join(self.directory, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def answer(self, line, question, reply):
        terminal = Terminal(["sh", "-c", line], self.environment, cwd=self.directory)
        self.world.finally_call(terminal.close)
        terminal.expect(question, SECONDS)
        terminal.type(reply + "\r")
        return terminal


def ends(world):
    relay = world.relayd()
    return End(world, "desk", relay), End(world, "laptop", relay)


def wormctl_example(beginning):
    """The one of wormctl(1) that begins like this."""
    found = [text for text in examples("wormctl.1") if text.lstrip("$ ").startswith(beginning)]
    equal(len(found), 1, "examples that begin with " + beginning)
    return found[0]


@test("wormctl(1): each example is tried below")
def complete(_):
    equal(len(examples("wormctl.1")), 9, "examples of wormctl(1)")
    equal(len(examples("wormholed.8")), 3, "examples of wormholed(8)")
    equal(len(examples("wormholed.conf.5")), 2, "examples of wormholed.conf(5)")
    equal(len(examples("wormhole-relayd.8")), 1, "examples of wormhole-relayd(8)")


@test("wormctl(1): a message, and a file that is read")
def message_and_file(world):
    desk, laptop = ends(world)
    invite, accept, send, recv = commands(wormctl_example("wormctl invite --name laptop"))
    code = desk.type(invite).strip()
    laptop.type(accept.replace(CODE, code))
    laptop.type(send)
    equal(desk.type(recv), "hello", "what arrives")
    send, wait, recv = commands(wormctl_example("wormctl send laptop <"))
    desk.put("notes.tar.gz", bytes(range(256)) * 1000)
    desk.type(send)
    waiting = desk.start(wait)
    laptop.type(recv)
    equal(laptop.get("notes.tar.gz"), desk.get("notes.tar.gz"), "the file")
    equal(waiting.wait(SECONDS), 0, "exit status of " + wait)


@test("wormctl(1): keys are exchanged, and verifiers compared")
def keys(world):
    both = ends(world)
    exchange, = commands(wormctl_example("wormctl exchange"))
    terminals = []
    for end in both:
        end.put("mine.pub", b"key of " + end.daemon.name.encode() + b"\n")
        terminals.append(Terminal(["sh", "-c", exchange], end.environment, cwd=end.directory))
        world.finally_call(terminals[-1].close)
    for terminal in terminals:
        terminal.expect(r"(?i)yes", SECONDS)
        terminal.type("yes\r")
    for end, other in zip(both, reversed(both)):
        wait_until(lambda: end.get("theirs.pub"), SECONDS, "the key of " + other.daemon.name)
        equal(end.get("theirs.pub").strip(), other.get("mine.pub").strip(), "the other one's key")


@test("wormctl(1): a backup is made and put back")
def backed_up(world):
    desk, laptop = ends(world)
    back_up, restore = commands(wormctl_example("wormctl backup"))
    desk.type("umask 077; echo a passphrase > ~/.backup-secret; wormctl invite --name bob")
    desk.type(back_up)
    laptop.put("wormholed.backup", desk.get("wormholed.backup"))
    laptop.daemon.stop()
    shutil.rmtree(laptop.daemon.state)
    secret = os.path.join(desk.daemon.home, ".backup-secret")
    shutil.copy(secret, os.path.join(laptop.daemon.home, ".backup-secret"))
    equal(laptop.type("WORMHOLED_STATE=%s %s" % (laptop.daemon.state, restore)),
          "1 session restored in %s\n" % laptop.daemon.state, "what it says")


@test("wormctl(1): verifiers are compared in another window")
def window(world):
    desk, laptop = ends(world)
    invite, send, verify, recv = commands(wormctl_example("wormctl invite --name bob"))
    desk.put("mine.pub", b"key of mine")
    code = desk.type(invite).strip()
    laptop.type("wormctl accept --name desk " + code)
    laptop.type("wormctl send desk 'key of bob'")
    desk.type(send)
    desk.type("wormctl wait bob --for keyed --timeout 50s")
    desk.answer(verify, r"(?i)yes", "yes")
    desk.type(recv)
    equal(desk.get("theirs.pub").strip(), b"key of bob", "the peer's key")
    equal(laptop.type("wormctl recv --wait desk").strip(), "key of mine", "ours")


@test("wormctl(1): an invitation moves")
def moves(world):
    desk, server = ends(world)
    code = desk.type("wormctl invite --name laptop").strip()
    put_script(os.path.join(desk.bin, "scp"), 'cp "$1" %s/' % shlex.quote(server.directory))
    put_script(os.path.join(desk.bin, "ssh"),
                'shift; cd %s && WORMHOLED_SOCKET=%s exec "$@"' % (shlex.quote(server.directory), shlex.quote(server.daemon.socket)))
    export, move = commands(wormctl_example("wormctl export"))
    desk.type(export)
    desk.type(move)
    equal(server.daemon.show("laptop")["code"], code, "the code at the new place")


@test("wormctl(1): jobs are processed as they arrive")
def jobs(world):
    desk, laptop = ends(world)
    code = desk.type("wormctl invite --name jobs").strip()
    laptop.type("wormctl accept --name desk " + code)
    put_script(os.path.join(desk.directory, "run-job"), "cat >>done")
    desk.start(wormctl_example("while"))
    for job in ("first", "second"):
        laptop.type("wormctl send desk " + job)
        wait_until(lambda: b'"%s"' % job.encode() in (desk.get("done") or b""), SECONDS, "the job is done")


@test("wormctl(1): notifications, the first time too")
def notifications(world):
    desk, laptop = ends(world)
    put_script(os.path.join(desk.bin, "notify-send"), 'echo "$*" >>shown')
    desk.start(wormctl_example("wormctl watch"))
    code = desk.type("wormctl invite --name laptop").strip()
    laptop.type("wormctl accept --name desk " + code)
    laptop.type("wormctl send desk hello")
    wait_until(lambda: desk.get("shown"), SECONDS, "it is shown")
    equal(desk.get("shown"), b"laptop: 1 new\n", "what is shown")
    wait_until(lambda: desk.get("seen"), SECONDS, "it is remembered")


@test("wormctl(1): sessions that nobody has joined")
def unjoined(world):
    desk, laptop = ends(world)
    code = desk.type("wormctl invite --name joined").strip()
    laptop.type("wormctl accept --name desk " + code)
    desk.type("wormctl wait joined --for established --timeout 50s")
    desk.type("wormctl invite --name 'still waiting'")
    command, = commands(wormctl_example("wormctl list"))
    equal(desk.type(command), "still waiting\n", "what is listed")


@test("wormholed(8): a second daemon, and the check of the configuration")
def wormholed(world):
    desk, _ = ends(world)
    second, _, check = examples("wormholed.8")
    directory = os.path.join(desk.directory, "try")
    lines = second.replace("/tmp/try", directory).replace("ws://127.0.0.1:4000/v1", world.relayds[0].url).splitlines()
    started = desk.start("exec %s --foreground" % lines[0])
    wait_until(lambda: os.path.exists(directory + "/socket"), SECONDS, "it listens: " + started.log())
    true(re.fullmatch(r"\d+(-[a-z]+){3}\n", desk.type(lines[1])), "a code")
    config = os.path.join(desk.daemon.home, ".config", "wormholed", "wormholed.conf")
    os.makedirs(os.path.dirname(config), exist_ok=True)
    with open(config, "w", encoding="utf-8"):
        pass
    command, = commands(check)
    desk.environment.pop("XDG_CONFIG_HOME", None)
    equal(desk.type(command), check.splitlines()[1].replace("/home/me", desk.daemon.home) + "\n", "what it says")


@test("wormholed.conf(5): the files are accepted")
def configuration(world):
    desk, _ = ends(world)
    for text in examples("wormholed.conf.5"):
        desk.put("conf", text.replace("/etc/ssl/our-own-authority.pem", "/etc/ssl/certs/ca-certificates.crt").encode())
        contains(desk.type("wormholed --check-config --config conf"), "fine", "what it says of\n" + text)


@test("wormhole-relayd(8): a relay, and a stock client at it")
def relayd(world):
    if not shutil.which("wormhole"):
        raise Skip("no magic-wormhole")
    desk, _ = ends(world)
    serve, client = examples("wormhole-relayd.8")[0].splitlines()
    relay = desk.start("exec " + serve.replace("4000", "0").replace("/var/lib", desk.directory))
    port = relay.wait_text(r"listening on ws://\S*:(\d+)/v1", SECONDS).group(1)
    sender = desk.start("exec " + client.replace("4000", port))
    sender.wait_text(r"Wormhole code is: \d+-", SECONDS, "err")


# ---- doc/troubleshooting.md ----

# What passes a message on to somebody, in which rooms. report_usage() and the parsers of settings and URLs say what they
# expect; what the relay tells its clients, and what a client of the RPC did wrong, is for those who write them.
SAYING = {
    "report": ["cli"],
    "log_error|log_warning": ["daemon", "net", "relay", "service"],
    "kv_open_fail": ["kv", "state"],
    "complain": ["daemon"],
    "fail": ["state"],
    "refuse": ["base"],
    "wormclient__error|wormclient__fail_with": ["libclient"],
    "fail|ws_fail|visit_fail|tunnel_refuse|fail_look_up": ["net", "wormhole"],
    "closing_begin|closing_peacefully": ["wormhole"],
}
STRING = r'"(?:[^"\\]|\\.)*"'
# Hints, questions, and what only says what is being waited for.
NO_TROUBLE = ("no command given", "the code is ", "of its client", "this cannot be called from a callback",
              "the daemon refused without a reason", "if the peer sees the same verifier", "to wait: ", "ask for it")


def arguments(text, start):
    """From an opening parenthesis to the one that closes it."""
    depth = 0
    for token in re.finditer(STRING + r"|[()]", text[start:]):
        depth += {"(": 1, ")": -1}.get(token.group(0), 0)
        if depth == 0:
            return text[start:start + token.end()]
    raise AssertionError("no end: " + text[start:start + 80])


def messages(names, rooms):
    """The literal texts in calls of these functions."""
    for room in rooms:
        for name in sorted(os.listdir(os.path.join(SOURCE, room))):
            if not name.endswith(".c"):
                continue
            with open(os.path.join(SOURCE, room, name), encoding="utf-8") as file:
                text = re.sub(r"(?s)/\*.*?\*/", "", file.read())
            for call in re.finditer(r"(?<![\w.>])(?:%s)(?=\()" % names, text):
                said = re.sub(r"PRI[a-zA-Z]+64", '""', arguments(text, call.end()))
                for literal in re.findall(STRING + r"(?:\s*" + STRING + ")*", said):
                    yield "%s/%s" % (room, name), "".join(part[1:-1] for part in re.findall(STRING, literal))


def fixed(message):
    """Its longest part that is the same each time, if it is longer than a word."""
    parts = re.split(r"%[-+ #0-9.*]*(?:ll|l|h|j|z)?[a-zA-Z%]|%$|%(?=[ :;,])|\\.", message)
    part = max((part.strip(" :;,.(") for part in parts), key=len)
    return part if " " in part else ""


def explained(part, page):
    """The page has at least a clause of it."""
    return any(clause in page for clause in re.split(r"[:;,] ", part) if " " in clause)


@test("doc/troubleshooting.md explains every message about trouble in the sources")
def troubleshooting(_):
    with open(os.path.join(SOURCE, "doc", "troubleshooting.md"), encoding="utf-8") as file:
        page = file.read()
    found = [(place, fixed(message)) for names, rooms in SAYING.items() for place, message in messages(names, rooms)]
    true(len(found) > 100, "the sources are searched: %d messages" % len(found))
    unknown = sorted({place + ": " + part for place, part in found
                      if part and not explained(part, page) and not any(known in part for known in NO_TROUBLE)})
    true(not unknown, "messages that are not explained:\n" + "\n".join(unknown))


def listed():
    """The clauses of the messages in the page's tables, of more than one word."""
    with open(os.path.join(SOURCE, "doc", "troubleshooting.md"), encoding="utf-8") as file:
        cells = re.findall(r"(?m)^\| (?!message \||--- \|)(.*?) \| ", file.read())
    true(len(cells) > 100, "the page is searched: %d rows" % len(cells))
    parts = [part.strip(" :;,.()'") for cell in cells for part in re.split(r"[:;,] | \(|…", cell)]
    return [part for part in parts if " " in part]


def literals():
    """All that the sources can say."""
    for room in ("base", "cli", "daemon", "ipc", "kv", "libclient", "net", "relay", "service", "state", "wormhole"):
        for name in sorted(os.listdir(os.path.join(SOURCE, room))):
            if name.endswith((".c", ".h", ".def")):
                with open(os.path.join(SOURCE, room, name), encoding="utf-8") as file:
                    text = re.sub(r"PRI[a-zA-Z]+(?:64|32)", '""', file.read())
                for literal in re.findall(STRING + r"(?:\s*" + STRING + ")*", text):
                    yield "".join(part[1:-1] for part in re.findall(STRING, literal)).replace('\\"', '"')


@test("each message that doc/troubleshooting.md explains is in the sources")
def stale(_):
    said = "\n".join(literals())
    gone = sorted({part for part in listed() if part not in said})
    true(not gone, "messages that no program says:\n" + "\n".join(gone))


main(240)

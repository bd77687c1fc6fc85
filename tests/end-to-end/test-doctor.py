#!/usr/bin/python3
"""wormctl doctor: what it says where all is well, and of each thing that is not; it never hangs, and needs no daemon."""

import datetime
import json
import os
import re
import shutil
import socket
import subprocess

from harness import Skip, contains, equal, main, test, true
from harness.clock import Clock
from harness.proxies import RELAY, Http
from harness.terminal import Terminal, render
from harness.tls import Authority, Terminator
from harness.waiting import patience
from harness import wormctl

DONE, FAILED, NO_DAEMON = 0, 1, 5


class Findings:
    def __init__(self, result):
        self.result = result
        self.all = result.json()
        for finding in self.all:
            equal(sorted(finding), ["advice", "check", "result", "text"], "keys of a finding")
            true(finding["result"] in ("good", "hint", "bad"), "result: %r" % finding)
            true(finding["advice"] or finding["result"] != "bad" or finding["check"] == "wormholed", "advice: %r" % finding)

    def of(self, check):
        return [finding for finding in self.all if finding["check"] == check]

    def bad(self):
        return [finding for finding in self.all if finding["result"] == "bad"]

    def is_bad(self, check, *words):
        """The check failed, and its text and advice have these words."""
        found = [finding for finding in self.of(check) if finding["result"] == "bad"]
        true(found, "%s is bad: %r" % (check, self.all))
        for word in words:
            contains(found[0]["text"] + "; " + found[0]["advice"], word, check)

    def is_good(self, *checks):
        for check in checks:
            equal({finding["result"] for finding in self.of(check)}, {"good"}, "%s: %r" % (check, self.all))


def examine(daemon, status):
    return Findings(daemon.ctl("doctor", "--json", status=status, seconds=60))


def without_daemon(world, relay, status=NO_DAEMON, **settings):
    """A daemon that was never started, and what doctor finds with these settings in the environment."""
    daemon = world.daemon(world.unique("d"), relay, start=False)
    daemon.extra.update({"WORMHOLED_STATE": daemon.state, "WORMHOLED_RELAY": getattr(relay, "url", relay)})
    daemon.extra.update(settings)
    return examine(daemon, status)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@test("all is well: nothing is bad, by any relay that a session uses, and exit status 0")
def well(world):
    relay, other = world.relay(), world.relayd()
    daemon = world.daemon("a", relay)
    daemon.invite()
    daemon.invite(relay=other.url)
    found = examine(daemon, DONE)
    equal(found.bad(), [], "what is bad")
    found.is_good("socket", "daemon", "config", "state", "relay address", "relay")
    equal(sum(url in finding["text"] for finding in found.of("relay") for url in (relay.url, other.url)), 2, "relays")
    true(any("agrees" in finding["text"] for finding in found.of("clock")), "clock: %r" % found.of("clock"))
    lines = daemon.ctl("doctor").out.splitlines()
    equal(len(lines), len(found.all), "lines")
    true(all(re.match(r"(good|hint)  \S", line) for line in lines), "lines: %r" % lines)


@test("colours on a terminal, unless NO_COLOR is set; lines are as wide as it")
def colours(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay, start=False)
    daemon.extra.update({"WORMHOLED_STATE": daemon.state, "WORMHOLED_RELAY": relay.url, "TERM": "xterm"})
    for extra, coloured in ((), True), ((("NO_COLOR", "1"),), False):
        terminal = Terminal(wormctl.command(daemon.socket, ["doctor"]), {**daemon.environment(), **dict(extra)}, columns=40)
        world.finally_call(terminal.close)
        equal(terminal.wait(), NO_DAEMON, "exit status: %s" % terminal.raw)
        equal(("\033[32mgood" in terminal.raw, "\033[31mbad" in terminal.raw), (coloured, coloured), "colours")
        shown = render(terminal.raw, 200)
        # A path may be longer than that: it is one word.
        true(all(len(line) <= 40 or " " not in line.strip() for line in shown.splitlines()), "columns: %s" % shown)


@test("no daemon: exit status 5, and all else is looked at")
def nobody(world):
    found = without_daemon(world, world.relayd())
    found.is_bad("socket", "no daemon listens on", "wormholed")
    equal(len(found.bad()), 1, "what is bad: %r" % found.bad())
    found.is_good("config", "state", "relay")


@test("a daemon that does not answer, and a socket that cannot be")
def mute(world):
    daemon = world.daemon("a", "ws://127.0.0.1:%d/v1" % closed_port(), start=False)
    daemon.extra["WORMHOLED_STATE"] = daemon.state
    os.makedirs(os.path.dirname(daemon.socket))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(daemon.socket)
        listener.listen(1)
        examine(daemon, FAILED).is_bad("daemon", "does not answer", "restart")
    daemon.socket = world.path("x" * 120)
    examine(daemon, FAILED).is_bad("socket", "longer than 107 bytes", "--socket")


@test("another user's socket")
def foreign(world):
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    daemon = world.daemon("a", world.relayd())
    directory = os.path.dirname(daemon.socket)
    os.chmod(world.directory, 0o755)
    os.chmod(daemon.home, 0o755)
    os.chmod(directory, 0o700)
    pid = os.fork()
    if pid == 0:
        try:
            os.setuid(65534)
            daemon.extra["HOME"] = world.path("nobodys-home")
            found = examine(daemon, FAILED)
            found.is_bad("socket", "you may not use", "--socket")
            os._exit(0)
        finally:
            os._exit(1)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "what the other user is told")


@test("a configuration that is wrong, with and without a daemon")
def configuration(world):
    path = world.path("conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("keep = soon\n")
    daemon = world.daemon("a", world.relayd(), start=False)
    os.makedirs(os.path.join(daemon.home, ".config", "wormholed"))
    os.symlink(path, os.path.join(daemon.home, ".config", "wormholed", "wormholed.conf"))
    examine(daemon, NO_DAEMON).is_bad("config", "keep", "soon", "--check-config")
    with open(path, "w", encoding="utf-8"):
        pass
    daemon.start()
    with open(path, "w", encoding="utf-8") as file:
        file.write("nonsense = 1\nkeep = soon\n")
    found = examine(daemon, FAILED)
    found.is_bad("config", "nonsense")
    equal(len(found.bad()), 2, "mistakes: %r" % found.bad())


@test("a relay whose port is closed, a name that does not exist, a port where something else listens")
def down(world):
    port = closed_port()
    found = without_daemon(world, "ws://127.0.0.1:%d/v1" % port)
    found.is_bad("relay address", "127.0.0.1:%d: Connection refused" % port, "runs")
    equal(found.of("relay"), [], "what is said of the WebSocket")
    without_daemon(world, "ws://nobody.invalid/v1").is_bad("relay name", "nobody.invalid", "spelled")
    authority = Authority(world)
    terminator = Terminator(world, world.relayd(), authority.issue("localhost"))
    found = without_daemon(world, "ws://127.0.0.1:%d/v1" % terminator.port)
    found.is_good("relay address")
    found.is_bad("relay", "URL")


@test("the daemon's own trouble with a relay, and what is seen from here")
def trouble(world):
    relay = world.relayd()
    daemon = world.daemon("a", relay)
    session = daemon.invite()["id"]
    relay.stop()
    daemon.call("poll", session=session)
    daemon.until(session, lambda view: view["relay_down"], what="the relay is down")
    found = examine(daemon, FAILED)
    found.is_bad("relay", relay.url, "the daemon cannot reach it")
    found.is_bad("relay address", "refused")


@test("TLS: how long the certificate is valid; expired, of an unknown authority, for another name, no TLS at all")
def tls(world):
    authority, relay = Authority(world), world.relayd()

    def seen(certificate, cafile=authority.cafile, host="localhost"):
        return without_daemon(world, Terminator(world, relay, certificate).url(host), WORMHOLED_CAFILE=cafile)

    found = seen(authority.issue("127.0.0.1"), host="127.0.0.1")
    contains(found.of("relay certificate")[0]["text"], "valid until", "certificate")
    equal(found.of("relay certificate")[0]["result"], "hint", "one of two days")
    found.is_good("relay")
    seen(authority.issue("127.0.0.1", age=datetime.timedelta(days=30)), host="127.0.0.1").is_bad(
        "relay certificate", "expired", "clock")
    seen(authority.issue("127.0.0.1"), Authority(world).cafile, "127.0.0.1").is_bad("relay certificate", "authority", "cafile")
    seen(authority.issue("127.0.0.2"), host="127.0.0.1").is_bad("relay certificate", "not for this address")
    without_daemon(world, relay.url.replace("ws:", "wss:")).is_bad("relay certificate", "wss")
    without_daemon(world, relay, WORMHOLED_CAFILE=world.path("none.pem")).is_bad("config", "none.pem", "cafile")


@test("the pin of a relay's key is told, to be copied: trusted or not, set or not")
def pins(world):
    authority, relay = Authority(world), world.relayd()
    trusted = Terminator(world, relay, authority.issue("127.0.0.1")).url("127.0.0.1")
    alone = Terminator(world, relay, authority.issue_to_itself("127.0.0.1")).url("127.0.0.1")
    home = world.path("config")
    os.makedirs(os.path.join(home, "wormholed"))

    def seen(url, pin=None, **settings):
        with open(os.path.join(home, "wormholed", "wormholed.conf"), "w", encoding="utf-8") as file:
            file.write("cafile = %s\n" % authority.cafile + ('[relay "%s"]\npin = %s\n' % (url, pin) if pin else ""))
        return without_daemon(world, url, XDG_CONFIG_HOME=home, **settings)

    def told(found):
        return re.search(r"pin = (sha256:\S+)", found.of("relay pin")[0]["text"]).group(1)

    found = seen(trusted)
    found.is_good("relay")
    right = told(found)
    contains(seen(trusted, right).of("relay pin")[0]["text"], right + " (as set)", "the pin that is set")
    found = seen(alone)
    found.is_bad("relay certificate", "self-signed", "pin")
    wrong = told(found)
    found = seen(alone, wrong)
    found.is_good("relay certificate", "relay")
    contains(found.of("relay certificate")[0]["text"], "for its key", "a pinned certificate that is signed by itself")
    found = seen(trusted, wrong)
    found.is_bad("relay certificate", "its key is not one of those pinned, but " + right, "whoever runs the relay")
    equal(told(found), right, "the pin that is shown")
    hidden = Terminator(world, relay, authority.issue(RELAY))
    proxied = seen(hidden.url(RELAY), WORMHOLED_PROXY=Http(world).url())
    proxied.is_good("relay", "relay pin")


@test("the daemon's certificates and proxy are those of doctor, wherever they were set")
def routes(world):
    authority, relay = Authority(world), world.relayd()
    terminator = Terminator(world, relay, authority.issue("127.0.0.1"))
    secure = world.daemon("secure", terminator.url("127.0.0.1"), "--cafile", authority.cafile)
    examine(secure, DONE).is_good("relay")
    port = closed_port()
    hidden = world.daemon("hidden", relay, "--proxy", "socks5h://127.0.0.1:%d" % port)
    hidden.extra["WORMHOLED_PROXY"] = "none"
    found = examine(hidden, FAILED)
    equal(found.of("relay address"), [], "the relay's address is not tried without the proxy")
    found.is_bad("relay", "socks5h://127.0.0.1:%d" % port, "proxy")


@test("the state directory: others may write to it, it is somebody else's, it is no directory")
def state(world):
    directory = world.path("state")

    def seen():
        return without_daemon(world, world.relayds[0], WORMHOLED_STATE=directory)

    world.relayd()
    with open(directory, "w", encoding="utf-8"):
        pass
    seen().is_bad("state", "no directory")
    os.remove(directory)
    os.mkdir(directory, 0o700)
    found = seen()
    found.is_good("state")
    contains(found.of("state room")[0]["text"], "MiB are free", "room")
    os.chmod(directory, 0o777)
    seen().is_bad("state", "others may write", "chmod 700 " + directory)
    if os.geteuid() == 0:
        os.chmod(directory, 0o700)
        with open(os.path.join(directory, "data.mdb"), "w", encoding="utf-8"):
            pass
        os.chown(os.path.join(directory, "data.mdb"), 65534, 65534)
        seen().is_bad("state", "data.mdb belongs to another user", "chown")
        os.chown(directory, 65534, 65534)
        seen().is_bad("state", "belongs to another user")


@test("a clock that differs from the relay's")
def clock(world):
    clocks = Clock(world)
    clocks.leap(3 * 3600)
    found = without_daemon(world, world.relayd(), **clocks.environment())
    found.is_bad("clock", "180 min ahead of", "timedatectl")


@test("no wormholed to ask: the rest is said all the same")
def lonely(world):
    binary = os.path.join(world.path("bin"), "wormctl")
    os.mkdir(os.path.dirname(binary))
    shutil.copy(wormctl.program("wormctl")[-1], binary)
    daemon = world.daemon("a", world.relayd())
    done = subprocess.run([binary, "--socket", daemon.socket, "doctor", "--json"], stdout=subprocess.PIPE, timeout=patience(30),
                          env={**daemon.environment(), "PATH": "/nowhere"}, check=False)
    equal(done.returncode, FAILED, "exit status")
    found = json.loads(done.stdout)
    true(any(f["check"] == "wormholed" and f["result"] == "bad" and "install" in f["advice"] for f in found), "findings")
    true(any(f["check"] == "daemon" and f["result"] == "good" for f in found), "findings")


if __name__ == "__main__":
    main(120)

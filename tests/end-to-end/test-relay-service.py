#!/usr/bin/python3
"""wormhole-relayd as a service: how it starts, is watched, reads its settings anew, and ends; TLS; what its log keeps to
itself; what wormholed makes of its promises.
"""

import os
import re
import signal
import socket
import ssl
import sys
import time

from harness import Skip, contains, equal, lacks, main, test, true, wait_until
from harness.client import Client, meet, phases
from harness.clock import Clock
from harness.processes import program
from harness.stock import start
from harness.tls import Authority
from harness.waiting import patience
from harness.websocket import connect

APPID = "example.org/secret-application"
PATIENCE = 30
# What a service manager does before it starts a service: descriptor 3, and the pid to go with it.
LAUNCHER = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid()); "
            "os.execvp(sys.argv[2], sys.argv[2:])")


@test("SIGTERM: what was asked is answered, everybody gets a close frame, and the end comes within seconds")
def sigterm(world):
    relay = world.relayd()
    left, right, mailbox = meet(relay)
    for number in range(50):
        left.say("add", phase=str(number), body="00")
    left.expect("message")
    relay.stop()
    heard = 1 + len([message for message in left.until_gone() if message["type"] == "message"])
    relay.start()
    with Client(relay, side=right.side) as again:
        held = len(phases(again.open(mailbox)))
    true(heard <= held, "%d were echoed, %d are there" % (heard, held))


@test("a second relay at the same store, and one at the same address, say why they do not start")
def second(world):
    relay = world.relayd()
    other = world.relayd(start=False)
    other.store = relay.store
    true(other.launch().wait() == 1, "exit status at the same store")
    contains(other.log(), relay.store, "what it says")
    thief = world.relayd(start=False)
    equal(thief.launch(port=relay.port).wait(), 1, "exit status at the same address")
    contains(thief.log(), str(relay.port), "what it says")
    Client(relay).fence()


@test("mistakes in the settings are told, and nothing starts")
def mistakes(world):
    for arguments in (["--retention", "0s"], ["--listen", "nowhere"], ["--no-such-option"], ["--max-message", "1"],
                      ["--tls-cert", world.path("nothing.pem")], ["--metrics-listen", "x"], ["--log-level", "loud"]):
        relay = world.relayd(*arguments, start=False)
        true(relay.launch().wait() in (1, 2), "exit status with %r" % arguments)
        contains(relay.log(), arguments[-1].lstrip("-"), "what it says")


def ask(relay, line, *headers):
    """What the relay answers to that request, until it hangs up."""
    with connect(relay.port, 10) as client:
        client.sendall("\r\n".join((line, "Host: x") + headers + ("", "")).encode())
        client.shutdown(socket.SHUT_WR)
        said = b""
        while data := client.recv(65536):
            said += data
    return said.decode(errors="replace")


@test("--listen :PORT is all addresses, and localhost:PORT those of localhost")
def listen_words(world):
    everywhere = "[::]" if os.path.exists("/proc/net/if_inet6") else "0.0.0.0"
    for word, hosts in ((":0", ["127.0.0.1"]), ("localhost:0", ["127.0.0.1"])):
        relay = world.relayd(start=False)
        process = world.spawn("words", program("wormhole-relayd") + ["--listen", word, "--store", world.path("words" + word)])
        where = process.wait_text(r"listening on ws://(\S+):(\d+)/v1", 20)
        equal(where.group(1), everywhere if word[0] == ":" else "127.0.0.1", "where it listens with " + word)
        for host in hosts:
            socket.create_connection((host, int(where.group(2)))).close()


@test("the welcome tells the client its address, and the version that the operator recommends")
def welcome(world):
    relay = world.relayd("--advertise-version", "0.17.0")
    with Client(relay) as client:
        host, port = client.websocket.socket.getsockname()
        equal(client.welcome["your-address"], {"ipv4": host, "port": port}, "its address")
        equal(client.welcome["current_cli_version"], "0.17.0", "the version")
        equal(client.refused("add", phase="0"), "must open mailbox before adding", "before other complaints")
        client.open("m")
        client.say("add", phase=7, body="00")
        equal(client.expect("message")["phase"], "7", "a phase that is a number")
        client.close()
    equal(relay.metric('moods_total{mood="happy"}'), 1, "no mood is a happy one")


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
           "Sec-WebSocket-Version: 13")


@test("behind a proxy that is trusted, a client's address and port are those that the proxy names")
def behind_proxy(world):
    relay = world.relayd("--trust-proxy", "127.0.0.7")
    for host, port, family in (("192.0.2.1", "54321", "ipv4"), ("2001:db8::1", "80", "ipv6"), ("192.0.2.1", "http", None),
                               ("192.0.2.1", None, None)):
        headers = ["X-Real-IP: " + host] + (["X-Real-Port: " + port] if port else [])
        with connect(relay.port, 10, "127.0.0.7") as client:
            client.sendall("\r\n".join(("GET /v1 HTTP/1.1", "Host: x") + UPGRADE + tuple(headers) + ("", "")).encode())
            said = b""
            while b"server_tx" not in said:
                said += client.recv(65536)
        if family:
            contains(said.decode(errors="replace"), '"your-address":{"%s":"%s","port":%s}' % (family, host, port), "its address")
        else:
            true(b"your-address" not in said, "without a port, the address is not told: clients expect both")


@test("a browser is shown a page; a web page may connect from this machine only if it is allowed, and is then limited")
def web(world):
    relay = world.relayd("--allow-origin", "https://good.example", "--max-connections-per-address", "1",
                         "--trust-proxy", "127.0.0.7")
    for version in ("1.1", "1.0"):
        page = ask(relay, "GET / HTTP/" + version)
        contains(page, "HTTP/1.1 200 OK", "the status of the page")
        contains(page, "Server: wormhole-relayd/", "who answers")
        lacks(page, "<script", "the page")
        lacks(page, "http://", "the page")
    contains(ask(relay, "GET /v1 HTTP/1.1"), " 426 ", "no page there")
    for path in ("/v1", "/v1/"):
        contains(ask(relay, "GET %s HTTP/1.1" % path, *UPGRADE), " 101 ", "a program")
        for origin in ("https://bad.example", "null", "https://good.example.org", "x" * 500):
            answer = ask(relay, "GET %s HTTP/1.1" % path, "Origin: " + origin, *UPGRADE)
            contains(answer, " 403 ", "a web page of " + origin)
            contains(answer, "allow-origin", "what it is told")
    good = ("GET /v1 HTTP/1.1", "Origin: https://good.example") + UPGRADE
    relay.until_metric("connections", 0)
    contains(ask(relay, *good), " 101 ", "an allowed one")
    with connect(relay.port, 10) as first:
        first.sendall("\r\n".join(good[:1] + ("Host: x",) + good[1:] + ("", "")).encode())
        contains(first.recv(65536).decode(errors="replace"), " 101 ", "the same again, which stays")
        contains(ask(relay, *good), " 403 ", "one more of the same address")
    equal(relay.metric('drops_total{cause="origin"}'), 8, "how many were refused")


@test("/healthz and /metrics")
def watched(world):
    relay = world.relayd()
    equal(relay.get("/healthz"), (200, "ok\n"), "health")
    equal(relay.get("/elsewhere")[0], 404, "status of another page")
    left, right, _ = meet(relay)
    waiting = Client(relay)
    waiting.allocate()
    left.add("pake")
    right.expect("message")
    waiting.refused("claim", nameplate="")
    expected = {"connections": 3, "clients": 3, "listening": 2, "mailboxes": 2, "nameplates": 1, "messages": 1,
                "connections_total": 3, "errors_total": 1}
    metrics = relay.metrics()
    equal({name: metrics["relayd_" + name] for name in expected}, expected, "metrics")
    true(metrics["relayd_commit_seconds_count"] > 0 and metrics["relayd_commit_seconds_sum"] > 0, "commits were counted")
    left.close(mood="happy")
    right.close(mood="scary")
    for mood, count in (("happy", 1), ("scary", 1), ("lonely", 0)):
        equal(relay.metric('moods_total{mood="%s"}' % mood), count, mood)
    equal(relay.metric("mailboxes"), 1, "mailboxes after the end of one")
    text = relay.get("/metrics")[1]
    for line in text.splitlines():
        true(re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="\w+"\})? [0-9.]+', line), "a line for Prometheus: " + line)
    lacks(text, waiting.side, "metrics")


@test("SIGHUP: a new motd and new limits, for the old connections' good too")
def sighup(world):
    config = world.path("relayd.conf")
    write(config, "motd = first\n")
    relay = world.relayd("--config", config)
    left, right, _ = meet(relay)
    equal(left.welcome["motd"], "first", "motd")
    write(config, "motd = second\nno-list = yes\nmax-message = 8K\n")
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("reloaded", stream="err")
    with Client(relay) as client:
        equal(client.welcome["motd"], "second", "motd after SIGHUP")
        equal(client.welcome["relayd"]["max_message"], 8192, "max_message after SIGHUP")
        client.claim("4")
        equal(client.list(), [], "what list tells")
    left.add("0")
    equal(right.expect("message")["phase"], "0", "what an old connection hears")
    write(config, "nonsense = yes\n")
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("nonsense", stream="err")
    equal(Client(relay).welcome["motd"], "second", "motd after a mistake")


@test("a shorter retention, by SIGHUP, takes nothing from whoever is there")
def shorter(world):
    clock = Clock(world)
    config = world.path("relayd.conf")
    write(config, "retention = 30d\n")
    relay = world.relayd("--config", config, clock=clock)
    left = Client(relay)
    left.open("listened-to")
    left.add("pake", "aa")
    with Client(relay) as gone:
        gone.open("left")
        gone.add("pake", "bb")
    clock.advance(50 * 60)
    write(config, "retention = 1m\n")
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("reloaded", stream="err")
    clock.wait(30)
    relay.until_metric("mailboxes", 1)
    with Client(relay) as right:
        equal(phases(right.open("listened-to")), [(left.side, "pake", "aa")], "what was listened to")


@test("a relay that is given an error turns new clients away with it, until SIGHUP takes it back")
def turned_away(world):
    config = world.path("relayd.conf")
    write(config, "motd = hello\n")
    relay = world.relayd("--config", config)
    left, right, _ = meet(relay)
    write(config, "error = the relay has moved to the moon\n")
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("reloaded", stream="err")
    equal(Client(relay).welcome["error"], "the relay has moved to the moon", "error in the welcome")
    stranger = start(world, "python", relay, "receive", "4-purple-sausages")
    true(stranger.wait() != 0, "a stock client is turned away")
    contains(stranger.out().decode() + stranger.err(), "moved to the moon", "what the stock client says")
    left.add("0")
    equal(right.expect("message")["phase"], "0", "what an old connection hears")
    write(config, "motd = hello again\n")
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("(?s)reloaded.*reloaded", stream="err")
    lacks(Client(relay).welcome, "error", "the welcome")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


@test("settings come from the environment too")
def environment(world):
    relay = world.relayd(start=False)
    relay.environment["WORMHOLE_RELAYD_MOTD"] = "from the environment"
    relay.start()
    equal(Client(relay).welcome["motd"], "from the environment", "motd")


@test("a listening socket may come from the service manager, who is told when the relay is ready, reloads and ends")
def activation(world):
    relay = world.relayd(start=False)
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(world.path("notify"))
    notices.settimeout(patience(10))
    listener = socket.create_server(("127.0.0.1", 0))
    relay.prefix = [sys.executable, "-c", LAUNCHER, str(listener.fileno())]
    relay.environment.update(LISTEN_FDS="1", NOTIFY_SOCKET=world.path("notify"), WATCHDOG_USEC="200000")
    relay.popen["pass_fds"] = (listener.fileno(),)
    early = socket.create_connection(listener.getsockname())
    relay.start()
    equal(relay.port, listener.getsockname()[1], "the port that it says")
    early.close()
    Client(relay).fence()
    until_notice(notices, "READY=1")
    until_notice(notices, "WATCHDOG=1")
    until_notice(notices, "WATCHDOG=1")
    relay.process.kill(signal.SIGHUP)
    contains(until_notice(notices, "RELOADING=1"), "MONOTONIC_USEC=", "the notice of reloading")
    until_notice(notices, "READY=1")
    relay.stop()
    until_notice(notices, "STOPPING=1")
    notices.close()
    listener.close()


def until_notice(notices, word):
    while True:
        notice = notices.recv(4096).decode()
        if word in notice:
            return notice


@test("TLS: our daemons meet through wss://, and a new certificate is taken at SIGHUP")
def tls(world):
    authority = Authority(world)
    # In a directory of its own: where much else lies, the sandbox opens the file that was there at the start.
    place = world.path("tls", "certificate.pem")
    os.mkdir(os.path.dirname(place))
    os.rename(authority.issue("127.0.0.1"), place)
    relay = world.relayd("--tls-cert", place)
    true(relay.url.startswith("wss://"), "URL: " + relay.url)
    left = world.daemon("left", relay, "--cafile", authority.cafile)
    right = world.daemon("right", relay, "--cafile", authority.cafile)
    code = left.ctl("invite", "--name", "peer").out.strip()
    right.ctl("accept", "--name", "peer", code)
    left.ctl("send", "peer", data=b"x" * 300_000)
    equal(right.ctl("recv", "peer", "--wait=10m").bytes, b"x" * 300_000, "what arrives")
    before = ssl.get_server_certificate(("127.0.0.1", relay.port))
    os.rename(authority.issue("127.0.0.1"), place)
    relay.process.kill(signal.SIGHUP)
    relay.process.wait_text("reloaded", stream="err")
    true(ssl.get_server_certificate(("127.0.0.1", relay.port)) != before, "there is another certificate")
    right.call("send", session="peer", data=b"over the old connection")
    equal(left.take("peer", 1), [b"over the old connection"], "what arrives")


@test("a key of its own for the certificate, and who speaks no TLS is no trouble")
def tls_key(world):
    authority = Authority(world)
    with open(authority.issue("127.0.0.1")) as file:
        key, mark, certificates = file.read().partition("-----BEGIN CERTIFICATE")
    write(world.path("cert.pem"), mark + certificates)
    write(world.path("key.pem"), key)
    os.chmod(world.path("key.pem"), 0o644)
    refused = world.relayd("--tls-cert", world.path("cert.pem"), "--tls-key", world.path("key.pem"), start=False)
    true(refused.launch().wait() != 0, "a key that others can read is refused")
    contains(refused.process.err(), "chmod go= '%s'" % world.path("key.pem"), "what mends that")
    os.chmod(world.path("key.pem"), 0o600)
    relay = world.relayd("--tls-cert", world.path("cert.pem"), "--tls-key", world.path("key.pem"))
    for data in (b"GET /v1 HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(300), b""):
        with socket.create_connection(("127.0.0.1", relay.port)) as plain:
            plain.sendall(data)
    true(ssl.get_server_certificate(("127.0.0.1", relay.port)), "it still shows its certificate")


@test("the log keeps bodies, nameplates with their app, sides and addresses to itself")
def log(world):
    body, nameplate, source = "c0ffee" * 20, "70707", "127.0.0.77"
    relay = world.relayd()
    with Client(relay, source=source, appid=APPID) as client:
        mailbox = client.claim(nameplate)
        client.open(mailbox)
        client.add("pake", body)
        client.refused("claim", nameplate=nameplate)
        client.refused("nonsense", secret=body)
        client.say_text('{"type": "add", "phase": "x", "body": "%s' % body)
        client.hear()
        client.release()
        client.close(mood="scary")
    with Client(relay, source=source) as client:
        client.websocket.socket.sendall(b"\xff\xff" + bytes(30))
        client.until_gone()
    relay.until_metric("connections", 0)
    relay.stop()
    true(relay.log(), "something is logged")
    for secret in (body, nameplate, APPID, mailbox, client.side, source):
        lacks(relay.log(), secret, "the log")
    talkative = world.relayd("--log-addresses")
    Client(talkative, source=source).close_socket()
    talkative.process.wait_text(re.escape(source), stream="err")


@test("wormholed believes the retention that it is told, and show says so")
def believed(world):
    relay = world.relayd("--retention", "90d")
    daemon = world.daemon("a", relay)
    view = daemon.invite(name="peer", schedule="0:0,1:86400")
    view = daemon.until("peer", lambda view: "stock" not in view["retention"], what="the retention is known")
    contains(view["retention"], "keeps the mailbox longer", "retention in the view")
    contains(daemon.ctl("show", "peer").out, view["retention"], "show")
    status = daemon.call("status")["relays"]
    equal([row["retention"] for row in status], [90 * 24 * 3600 * 1000], "retention in status")


@test("wormholed pays with hashcash where a relay wants it")
def hashcash(world):
    relay = world.relayd("--require-hashcash", "12")
    left, right = world.daemon("left", relay), world.daemon("right", relay)
    view = left.invite(name="peer")
    right.call("accept", code=view["code"], name="peer")
    left.call("send", session="peer", data=b"paid for")
    equal(right.take("peer", 1), [b"paid for"], "what arrives")


@test("a relay that asks for hashcash costs no more in an hour than it may; the session says so, and when it goes on")
def hashcash_budget(world):
    hashes = 2 ** 12
    relay, clock = world.relayd("--require-hashcash", "12"), Clock(world)
    daemon = world.daemon("a", relay, start=False)
    daemon.extra.update(clock.environment())

    def allow(number):
        place = os.path.join(daemon.home, ".config/wormholed")
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, "wormholed.conf"), "w") as file:
            file.write("hashcash-per-hour = %d\n" % number)

    allow(2 * hashes + hashes // 2)
    daemon.start()
    for name in ("first", "second"):
        daemon.call("invite", name=name, schedule="0:86400")
        daemon.until(name, lambda view: view["code"], PATIENCE, "the stamp of the %s is made" % name)
    refused = "the relay asks for more hashcash than hashcash-per-hour allows"
    daemon.call("invite", name="third", schedule="0:1")
    # Half a stamp must wear off, at two and a half in an hour; and up to a whole one spreads those who wait.
    view = daemon.until("third", lambda view: view["last_error"] and view["next_visit"] and
                        view["next_visit"] - time.time() * 1000 > 300_000, PATIENCE, "it waits, and says for how long")
    contains(view["last_error"], refused, "why")
    true(view["next_visit"] - time.time() * 1000 < 3600_000 * 1.5 / 2.5 + 60_000, "it does not wait for longer")
    contains(daemon.ctl("show", "third").out, refused, "show")
    row = daemon.call("status")["relays"][0]
    true(2 * hashes * 0.9 < row["hashcash"] <= 2 * hashes, "what it has cost: %r" % row)
    true(row["hashcash_until"], "until when it costs nothing: %r" % row)
    contains(daemon.ctl("status").out, "no visit until", "status")
    daemon.call("invite", name="fourth", schedule="0:1")
    view = daemon.until("fourth", lambda view: view["next_visit"] and view["next_visit"] - time.time() * 1000 > 300_000,
                        PATIENCE, "another session does not even try")
    equal(view["failures"], 0, "its failed visits")
    contains(daemon.ctl("show", "fourth").out, refused, "show of the fourth")
    contains(daemon.ctl("log", "fourth").out, refused, "log of the fourth")
    daemon.call("poll", session="third")
    daemon.until("third", lambda view: view["failures"] > 1, PATIENCE, "poll tries, and is refused again")
    equal(daemon.call("status")["relays"][0]["hashcash"] <= 2 * hashes, True, "nothing more is paid")
    clock.wait(3600)
    daemon.call("rename", session="first", name="awake")  # for the daemon to notice the time
    daemon.until("third", lambda view: view["code"], PATIENCE, "an hour later it goes on")
    for name in ("fifth", "sixth"):
        daemon.call("invite", name=name, schedule="0:1")
        daemon.until(name, lambda view: view["code"] or view["next_visit"] and
                     view["next_visit"] - (time.time() + clock.ahead) * 1000 > 300_000, PATIENCE, "it waits, or need not")
    true(not daemon.show("sixth")["code"], "the sixth waits")
    allow(100 * hashes)
    daemon.process.kill(signal.SIGHUP)
    daemon.until("sixth", lambda view: view["code"], PATIENCE, "nobody waits when more is allowed")


@test("IPv6, and several addresses at once")
def addresses(world):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        raise Skip("no IPv6 here: %s" % error.strerror) from None
    relay = world.relayd("--listen", "[::1]:0")
    port = int(relay.process.wait_text(r"\[::1\]:([0-9]+)/v1").group(1))
    with socket.create_connection(("::1", port)) as client:
        client.sendall(b"GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        wait_until(lambda: b" 101 " in client.recv(4096), 10, "a WebSocket over IPv6")
    Client(relay).fence()


if __name__ == "__main__":
    main(40)

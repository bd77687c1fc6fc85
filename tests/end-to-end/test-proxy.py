#!/usr/bin/python3
"""Relays through proxies, real ones: the proxy alone knows the relay's name, and no name server hears of it. What fails
is told, the password is not.
"""

import os
import socket

from harness import contains, equal, lacks, main, test, true, wait_until
from harness.network import Network
from harness.proxies import RELAY, Http, Recorder, Socks, seeing
from harness.tls import Authority, Terminator

SECRET = "correct-horse"
NAME_SERVER = "127.0.0.77"
PATIENCE = 60  # for what comes again by itself


def hidden(relay, scheme="ws"):
    """The relay's URL as the proxies know it."""
    return "%s://%s:%d/v1" % (scheme, RELAY, relay.port)


def behind(world, name, url, proxy_url, *arguments, sections="", **options):
    """A daemon that goes through the proxy. In a file, for a password may not stand in argv."""
    config = world.path(name + ".conf")
    with open(config, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write("proxy = %s\n%s" % (proxy_url, sections))
    return world.daemon(name, url, "--config", config, *arguments, **options)


def introduces(left, right):
    """A session from its code to a message each way."""
    code = left.ctl("invite", "--name", "peer").out.strip()
    equal(right.ctl("accept", "--name", "peer", code).status, 0, "exit status of accept")
    for one, other in ((left, right), (right, left)):
        one.ctl("send", "peer", data=b"x" * 300_000)
        equal(other.ctl("recv", "peer", "--wait=%ds" % PATIENCE).bytes, b"x" * 300_000, "what arrives")


def until_error(daemon, *parts, session="peer"):
    """Waits until the session's last error has all of that in it; it is what show says."""
    def told(view):
        return view["last_error"] and all(part in view["last_error"] for part in parts)

    view = daemon.until(session, told, PATIENCE, "an error tells of %s" % ", ".join(parts))
    contains(daemon.ctl("show", session).out, view["last_error"], "show")
    lacks(daemon.process.err(), SECRET, "the log")
    return view


@test("no name server hears of a relay behind a proxy, and of one that is not it does")
def unheard(world):
    Network()  # first, and for all tests here: its name server has a port that only root may have elsewhere
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((NAME_SERVER, 53))
        server.setblocking(False)
        resolv_conf = world.path("resolv.conf")
        with open(resolv_conf, "w") as file:
            file.write("nameserver %s\n" % NAME_SERVER)

        def asked():
            try:
                return server.recv(4096)
            except BlockingIOError:
                return b""

        def start(daemon):
            daemon.program = seeing({"/etc/resolv.conf": resolv_conf}, daemon.program)
            daemon.start()
            return daemon

        relay = world.relay()
        proxies = Socks(world), Http(world)
        introduces(*(start(behind(world, name, hidden(relay), proxy.url(), start=False))
                     for name, proxy in zip("ab", proxies)))
        equal(asked(), b"", "what the name server was asked")
        onion = start(world.daemon("onion", hidden(relay), start=False))
        onion.call("invite", name="peer")
        until_error(onion, "onion services are reached through a proxy only")
        equal(asked(), b"", "what the name server was asked of a name that only a proxy may know")
        direct = start(world.daemon("direct", "ws://relay.example:%d/v1" % relay.port, start=False))
        direct.call("invite", name="peer")
        contains(wait_until(asked, PATIENCE, "the name server is asked"), b"\5relay\7example", "what it is asked")
        for daemon in world.daemons:
            daemon.kill9()


@test("through danted, without and with a password")
def socks(world):
    relay = world.relay()
    introduces(behind(world, "a", hidden(relay), Socks(world).url()),
               behind(world, "b", hidden(relay), Socks(world, SECRET).url()))


@test("through tinyproxy, without and with a password")
def http(world):
    relay = world.relay()
    introduces(behind(world, "a", hidden(relay), Http(world).url()),
               behind(world, "b", hidden(relay), Http(world, SECRET).url()))


@test("TLS through a proxy proves the relay and not the proxy")
def tls(world):
    authority, relay = Authority(world), world.relay()
    good, bad = (Terminator(world, relay, authority.issue(name)) for name in (RELAY, "localhost"))
    trusting = "--cafile", authority.cafile
    introduces(behind(world, "a", hidden(good, "wss"), Socks(world).url(), *trusting),
               behind(world, "b", hidden(good, "wss"), Http(world).url(), *trusting))
    wary = behind(world, "c", hidden(bad, "wss"), Http(world).url(), *trusting)
    wary.call("invite", name="peer")
    until_error(wary, "cannot trust %s:%d" % (RELAY, bad.port))


@test("each relay may have a proxy of its own, or none")
def each_its_own(world):
    relay, proxy, dead = world.relay(), Socks(world, SECRET), Http(world)
    dead.kill9()
    urls = {"behind": hidden(relay), "near": relay.url}
    sections = "".join('[relay "%s"]\nproxy = %s\n' % pair for pair in zip(urls.values(), (proxy.url(), "none")))
    daemon = behind(world, "a", "ws://localhost:%d/v1" % relay.port, dead.url(), sections=sections)
    for name, url in urls.items():
        daemon.call("invite", name=name, relay=url)
        daemon.until(name, lambda view: view["code"], PATIENCE, "there is a code")
    daemon.call("invite", name="other")
    until_error(daemon, "the proxy cannot be reached", "127.0.0.1:%d" % dead.port, session="other")


@test("a proxy that is down is told, and when it is up sessions go on")
def down(world):
    relay = world.relay()
    proxies = [Socks(world), Http(world)]
    for proxy in proxies:
        proxy.kill9()
    left, right = (behind(world, name, hidden(relay), proxy.url()) for name, proxy in zip("ab", proxies))
    session = left.call("invite", name="peer")["id"]
    until_error(left, "the proxy cannot be reached", "127.0.0.1:%d" % proxies[0].port, "refused")
    for proxy in proxies:
        proxy.start()
    code = left.until(session, lambda view: view["code"], PATIENCE, "there is a code")["code"]
    right.call("accept", name="peer", code=code)
    proxies[1].kill9()
    left.ctl("send", "peer", data=b"after all")
    until_error(right, "the proxy cannot be reached", "127.0.0.1:%d" % proxies[1].port)
    proxies[1].start()
    equal(right.ctl("recv", "peer", "--wait=%ds" % PATIENCE).bytes, b"after all", "what arrives")


@test("what a proxy refuses is told: a wrong password, none at all, a relay that is not there")
def refusals(world):
    relay = world.relay()
    relay.kill9()
    where = "%s:%d" % (RELAY, relay.port)
    locked, open_ = [Socks(world, SECRET), Http(world, SECRET)], [Socks(world), Http(world)]
    cases = [(proxy.url("wrong" + SECRET), proxy, ["refuses: "]) for proxy in locked]
    cases += [(proxy.url().replace("me:%s@" % SECRET, ""), proxy, ["refuses: "]) for proxy in locked]
    cases += [(proxy.url(), proxy, ["cannot reach %s: " % where]) for proxy in open_]
    for number, (url, proxy, parts) in enumerate(cases):
        daemon = behind(world, "d%d" % number, hidden(relay), url)
        daemon.call("invite", name="peer")
        view = until_error(daemon, "the proxy 127.0.0.1:%d " % proxy.port, *parts)
        true(SECRET not in repr(view), "the password is not shown")
        equal(view["state"], "allocating", "state")


def visited_by(recorder, daemon, names):
    """Has each session visit its relay, and returns the user names of these visits."""
    users = []
    for name in names:
        seen = len(recorder.users)
        daemon.call("poll", session=name)
        wait_until(lambda: len(recorder.users) > seen, PATIENCE, "%s visits its relay" % name)
        wait_until(lambda: daemon.show(name)["connection"] == "none", PATIENCE, "the visit of %s is over" % name)
        users.append(recorder.users[-1])
    return users


@test("to an onion service each session goes under a user name of its own, which the next run of the daemon does not know")
def isolated(world):
    relay, recorder, names = world.relay(), Recorder(world), ["a", "b", "c"]
    daemon = behind(world, "one", hidden(relay), recorder.url())
    for name in names:
        daemon.call("invite", name=name, schedule="0:3600")
        daemon.until(name, lambda view: view["code"], PATIENCE, "there is a code")
        wait_until(lambda: daemon.show(name)["connection"] == "none", PATIENCE, "the first visit is over")
    first = visited_by(recorder, daemon, names)
    equal(len(set(first)), len(names), "different user names: %r" % first)
    true(all(user and len(user) == 32 for user in first), "user names: %r" % first)
    equal(set(recorder.users), set(first), "all of the user names")
    equal(visited_by(recorder, daemon, names), first, "user names of the next visits")
    ids = [daemon.call("show", session=name)["id"] for name in names]
    true(not any(identity in user for identity in ids for user in first), "the ids are not in the user names")
    for user in first:
        lacks(daemon.process.err(), user, "the log")
    daemon.stop()
    daemon.start()
    later = visited_by(recorder, daemon, names)
    equal(len(set(later + first)), 2 * len(names), "user names of two runs")
    before = len(recorder.users)
    daemon.call("nameplates", relay=hidden(relay), appid="an/application")
    daemon.call("nameplates", relay=hidden(relay), appid="an/application")
    asked = recorder.users[before:]
    equal(len(set(asked) - set(recorder.users[:before])), 2, "who only asks for numbers is nobody else, nor the same again")


@test("isolate-sessions: yes and no; a proxy that takes no user name is then refused")
def isolation_set(world):
    relay, recorder = world.relay(), Recorder(world)
    plain = "ws://relay.example:%d/v1" % relay.port
    for name, url, setting, how in (("a", plain, "", False), ("b", plain, "isolate-sessions = yes\n", True),
                                    ("c", hidden(relay), "isolate-sessions = no\n", False)):
        daemon = behind(world, name, url, recorder.url(), sections=setting)
        before = len(recorder.users)
        daemon.call("invite", name="peer")
        daemon.until("peer", lambda view: view["code"], PATIENCE, "there is a code")
        equal({bool(user) for user in recorder.users[before:]}, {how}, "whether %s has a user name" % name)
    wary = behind(world, "wary", hidden(relay), Socks(world).url(), sections="isolate-sessions = yes\n")
    wary.call("invite", name="peer")
    until_error(wary, "it does not accept a user name and password")


if __name__ == "__main__":
    main(240)

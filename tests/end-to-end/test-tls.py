#!/usr/bin/python3
"""wss:// relays: certificates are verified, host name included, against the system's authorities or a private one, and
`wormctl show` says why a relay is not trusted.
"""

import datetime
import re
import os
import socket
import ssl
import subprocess
import threading

from harness import contains, equal, main, test, true
from harness.tls import Authority, Terminator


def introduces(world, url, *arguments):
    """A whole introduction through that relay."""
    left = world.daemon("left", url, *arguments)
    right = world.daemon("right", url, *arguments)
    code = left.ctl("invite", "--name", "peer").out.strip()
    right.ctl("accept", "--name", "peer", code)
    left.ctl("send", "peer", data=b"x" * 300_000)
    equal(right.ctl("recv", "peer", "--wait=10m").bytes, b"x" * 300_000, "what arrives")


def refuses(world, url, words, *arguments):
    """No session gets through, and show says why, with one of the words."""
    daemon = world.daemon(world.unique("a"), url, *arguments)
    daemon.call("invite", name="peer")
    view = daemon.until("peer", lambda view: view["last_error"], what="there is an error")
    equal((view["state"], view["code"]), ("allocating", None), "state and code")
    shown = daemon.ctl("show", "peer").out
    contains(shown, view["last_error"], "show")
    true(any(word in shown.lower() for word in words), "show says why: %s" % shown)


@test("a relay with a certificate of a private authority, by host name and by address")
def private(world):
    authority = Authority(world)
    terminator = Terminator(world, world.relay(), authority.issue("localhost", "127.0.0.1"))
    introduces(world, terminator.url("localhost"), "--cafile", authority.cafile)
    equal(world.daemons[0].ctl("invite", "--relay", terminator.url("127.0.0.1"), "--name", "by-address").status, 0,
          "exit status by address")


@test("TLS 1.2 will do")
def older(world):
    authority = Authority(world)
    terminator = Terminator(world, world.relay(), authority.issue("localhost"), newest=ssl.TLSVersion.TLSv1_2)
    introduces(world, terminator.url("localhost"), "--cafile", authority.cafile)


@test("an authority that is not trusted is refused")
def unknown(world):
    terminator = Terminator(world, world.relay(), Authority(world).issue("localhost"))
    refuses(world, terminator.url("localhost"), ("certificate",))


@test("another private authority is refused")
def other(world):
    terminator = Terminator(world, world.relay(), Authority(world).issue("localhost"))
    refuses(world, terminator.url("localhost"), ("certificate",), "--cafile", Authority(world).cafile)


@test("a certificate for another host name is refused")
def wrong_name(world):
    authority = Authority(world)
    terminator = Terminator(world, world.relay(), authority.issue("relay.example.org"))
    refuses(world, terminator.url("localhost"), ("name", "mismatch"), "--cafile", authority.cafile)


@test("a certificate for another address is refused")
def wrong_address(world):
    authority = Authority(world)
    terminator = Terminator(world, world.relay(), authority.issue("127.0.0.2", "localhost"))
    refuses(world, terminator.url("127.0.0.1"), ("address", "mismatch"), "--cafile", authority.cafile)


@test("an expired certificate is refused")
def expired(world):
    authority = Authority(world)
    terminator = Terminator(world, world.relay(), authority.issue("localhost", age=datetime.timedelta(days=30)))
    refuses(world, terminator.url("localhost"), ("expired",), "--cafile", authority.cafile)


@test("TLS 1.1 is refused")
def too_old(world):
    authority = Authority(world)
    terminator = Terminator(world, world.relay(), authority.issue("localhost"), newest=ssl.TLSVersion.TLSv1_1)
    refuses(world, terminator.url("localhost"), ("protocol", "version", "handshake", "tls"), "--cafile", authority.cafile)


def answer_plainly(server):
    client, _ = server.accept()
    client.recv(1024)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    client.close()


@test("a relay that speaks no TLS on a wss:// URL is an error that is told")
def plain(world):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer_plainly, args=(server,), daemon=True).start()
        refuses(world, "wss://127.0.0.1:%d/v1" % server.getsockname()[1], ("tls", "ssl", "wrong version"))


def pin_of(certificate):
    """By the command in wormholed.conf(5), as it is printed there."""
    with open(os.path.join(os.environ["abs_top_srcdir"], "doc", "wormholed.conf.5"), encoding="utf-8") as page:
        lines = re.search(r"(?s)openssl x509 .*?base64", page.read()).group(0)
    command = lines.replace("\\e", "\\").replace("FILE", certificate)
    return "sha256:" + subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout.strip()


def pinned(world, url, *pins):
    """Options for a daemon that pins the relay's keys."""
    config = world.path(world.unique("pins") + ".conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write('[relay "%s"]\npin = %s\n' % (url, " ".join(pins)))
    return "--config", config


@test("a pinned relay: its key must be one of those named, whoever signed the certificate")
def pins(world):
    authority, relay = Authority(world), world.relay()
    good, other = authority.issue("localhost"), authority.issue("localhost")
    url = Terminator(world, relay, good).url("localhost")
    trusting = "--cafile", authority.cafile
    introduces(world, url, *trusting, *pinned(world, url, pin_of(other), pin_of(good)))
    refuses(world, url, ("its key is not one of those pinned, but " + pin_of(good).lower(),), *trusting,
            *pinned(world, url, pin_of(other)))
    daemon = world.daemons[-1]
    contains(daemon.ctl("status").out, "its key is not one of those pinned", "status")
    refuses(world, url, ("unknown authority",), *pinned(world, url, pin_of(good)))


@test("a pin is enough for a certificate that is signed by itself, whatever name it has")
def self_signed(world):
    authority = Authority(world)
    good = authority.issue_to_itself("elsewhere.example")
    url = Terminator(world, world.relay(), good).url("localhost")
    introduces(world, url, *pinned(world, url, pin_of(good)))
    refuses(world, url, ("its key is not one of those pinned",), *pinned(world, url, pin_of(authority.issue("localhost"))))
    refuses(world, url, ("self-signed",))


@test("a --cafile that cannot be read stops the daemon at its start")
def unreadable(world):
    daemon = world.daemon("a", world.relay(), "--cafile", world.path("nothing.pem"), start=False)
    equal(daemon.launch().wait(), 1, "exit status")
    contains(daemon.process.err(), "nothing.pem", "what it says")


if __name__ == "__main__":
    main(60)

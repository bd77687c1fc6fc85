#!/usr/bin/python3
"""The configurations of examples/relay, which doc/relay.md shows, in the real servers: a whole introduction over wss://, and
the relay learns the addresses of its clients from the server alone.
"""

import os
import socket
import ssl

from harness import contains, equal, lacks, main, test, true
from harness.ports import hold
from harness.processes import environment
from harness.proxies import installed
from harness.tls import Authority
from harness.waiting import wait_until

SOURCE = os.environ["abs_top_srcdir"]
SECONDS = 20
LIMIT = 8
MINE, OTHERS = "127.0.0.77", "127.0.0.78"
UPGRADE = [b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
           b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]
FORGED = "192.0.2.99"


class Front:
    """A server in front of a relay of ours, with the committed configuration: only places are replaced."""

    def __init__(self, world, name, package, replace, around="%s", command=None):
        self.world = world
        path = installed(name, package)
        self.authority = Authority(world)
        self.relay = world.relayd("--trust-proxy", "127.0.0.1", "--ration-loopback",
                                   "--max-connections-per-address", str(LIMIT))
        self.port = hold(world)
        self.places = {"port": self.port, "relay": "127.0.0.1:%d" % self.relay.port, "directory": world.path("front"),
                       "pem": self.authority.issue("localhost")}
        os.mkdir(self.places["directory"])
        source = {"nginx": "nginx.conf", "caddy": "Caddyfile", "haproxy": "haproxy.cfg"}[name]
        with open(os.path.join(SOURCE, "examples", "relay", source), encoding="utf-8") as file:
            text = file.read()
        for old, new in dict(replace, **{"127.0.0.1:4000": "{relay}"}).items():
            true(old in text, "%s has %s" % (source, old))
            text = text.replace(old, new.format(**self.places))
        self.file = os.path.join(self.places["directory"], source)
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(around.replace("DIRECTORY", self.places["directory"]) % text)
        home = environment(HOME=self.places["directory"], XDG_DATA_HOME=self.places["directory"],
                           XDG_CONFIG_HOME=self.places["directory"])
        self.process = world.spawn(name, [path] + [word.format(file=self.file) for word in command], environment=home)
        wait_until(self.answers, SECONDS, "%s listens: %s" % (name, self.process.log()))

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            true(self.process.running(), self.process.log())
            return False

    @property
    def url(self):
        return "wss://localhost:%d/v1" % self.port

    def introduces(self):
        daemons = [self.world.daemon(name, self.url, "--cafile", self.authority.cafile) for name in ("left", "right")]
        left, right = daemons
        code = left.ctl("invite", "--name", "peer").out.strip()
        right.ctl("accept", "--name", "peer", code)
        left.ctl("send", "peer", data=b"x" * 300_000)
        equal(right.ctl("recv", "peer", "--wait=1m").bytes, b"x" * 300_000, "what arrives")

    def connect(self, address, request):
        """A connection from this address, kept, and what is answered."""
        context = ssl.create_default_context(cafile=self.authority.cafile)
        plain = socket.create_connection(("127.0.0.1", self.port), SECONDS, source_address=(address, 0))
        return self.ask(context.wrap_socket(plain, server_hostname="localhost"), request)

    def ask(self, client, request):
        self.world.finally_call(client.close)
        client.sendall(b"\r\n".join([request, b"Host: localhost", b"X-Real-IP: " + FORGED.encode()] + UPGRADE) + b"\r\n\r\n")
        return client.recv(4096)

    def addresses(self):
        """Each has its own limit, whatever it says that it is."""
        for _ in range(LIMIT):
            contains(self.connect(MINE, b"GET /v1 HTTP/1.1"), b" 101 ", "answer")
        lacks(self.connect(MINE, b"GET /v1 HTTP/1.1"), b" 101 ", "answer beyond the limit")
        contains(self.connect(OTHERS, b"GET /v1 HTTP/1.1"), b" 101 ", "answer to another one")

    def elsewhere(self):
        """Nothing but /v1 is passed on: the server itself answers what the relay would take for its own."""
        for path in (b"/", b"/v1/", b"/v1/more"):
            request = b"GET %s HTTP/1.1" % path
            direct = socket.create_connection(("127.0.0.1", self.relay.port), SECONDS)
            contains(self.ask(direct, request), b"HTTP/1.1 101 ", "the relay's answer to %s" % path.decode())
            status = self.connect(OTHERS, request)[:13]
            true(status in (b"HTTP/1.1 200 ", b"HTTP/1.1 404 "), "the server's answer to %s: %r" % (path.decode(), status))

    def all(self):
        self.introduces()
        self.addresses()
        self.elsewhere()


@test("nginx")
def nginx(world):
    Front(world, "nginx", "nginx-light",
          {"listen 443 ssl": "listen 127.0.0.1:{port} ssl", "/etc/ssl/relay.example.org.pem": "{pem}",
           "/etc/ssl/private/relay.example.org.key": "{pem}"},
          around="daemon off; master_process off; pid DIRECTORY/pid; error_log stderr;\nevents { }\n"
                 "http {\nclient_body_temp_path DIRECTORY/b; proxy_temp_path DIRECTORY/p; fastcgi_temp_path DIRECTORY/f;\n"
                 "uwsgi_temp_path DIRECTORY/u; scgi_temp_path DIRECTORY/s;\n%s\n}\n",
          command=["-c", "{file}", "-e", "stderr"]).all()


@test("Caddy")
def caddy(world):
    Front(world, "caddy", "caddy",
          {"relay.example.org {": "{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n\nhttps://localhost:{port} {{\n"
                                  "\tbind 127.0.0.1\n\ttls {pem} {pem}"},
          command=["run", "--adapter", "caddyfile", "--config", "{file}"]).all()


@test("HAProxy")
def haproxy(world):
    Front(world, "haproxy", "haproxy",
          {"bind :443 ssl": "bind 127.0.0.1:{port} ssl", "/etc/ssl/private/relay.example.org.pem": "{pem}"},
          command=["-W", "-db", "-f", "{file}"]).all()


main(120)

"""Real proxies from Debian, danted (SOCKS5) and tinyproxy (HTTP), which know a host by name that nobody else knows.

Each runs in name spaces of its own: with its own /etc/hosts, for danted also /etc/passwd and /etc/shadow, since it asks
the system who may come in; and none of its processes outlives it.
"""

import os
import shutil
import socket
import subprocess
import threading

from .middle import shut
from .ports import hold
from .processes import environment
from .tap import Skip

RELAY = "relay.onion"  # 127.0.0.1, as the proxies see it
FOUND_IN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def installed(name, package):
    path = shutil.which(name, path=FOUND_IN)
    if not path:
        raise Skip("%s is not installed (Debian: %s)" % (name, package))
    return path


def name_spaces():
    """The command line that begins processes which may mount files over the system's."""
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    tried = subprocess.run(command + ["true"], capture_output=True, check=False)
    if tried.returncode != 0:
        raise Skip("name spaces of one's own: " + tried.stderr.decode().strip())
    return command


def seeing(files, command):
    """The command line, in name spaces where each file of {path: path of the other} is another one. The shell stays, for
    it is what is killed: whoever changes his user, as danted does, is not told of that any more.
    """
    mounts = ["mount --bind '%s' '%s' || exit" % (other, path) for path, other in files.items()]
    return name_spaces() + ["sh", "-c", "; ".join(mounts + ['"$@"', "exit"]), "sh"] + command


class Proxy:
    """One that listens on loopback, at a port that it keeps while it is stopped."""

    def __init__(self, world, password=None):
        """With a password it lets in only the user `me`."""
        self.world, self.password = world, password
        self.program = installed(self.name, self.package)
        self.directory = world.path(world.unique(self.name))
        os.mkdir(self.directory, 0o700)
        self.process = None
        self.hosts = self.write("hosts", "127.0.0.1 localhost %s\n" % RELAY)
        self.port = hold(world)
        self.start()

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self):
        config = self.write("config", self.config())
        self.process = self.world.spawn(self.name, seeing(self.files(), [self.program] + self.arguments + [config]),
                                        environment=environment(LC_ALL="C"))
        self.process.wait_text(self.ready, stream=self.stream)

    def kill9(self):
        self.process.kill9()

    def files(self):
        return {"/etc/hosts": self.hosts}

    def url(self, password=None):
        """With its own password, unless another is given."""
        password = password or self.password
        return "%s://%s127.0.0.1:%d" % (self.scheme, "me:%s@" % password if password else "", self.port)


class Socks(Proxy):
    name, package, scheme = "danted", "dante-server", "socks5h"
    arguments, ready, stream = ["-f"], " running", "err"

    def config(self):
        return "\n".join([
            "logoutput: stderr",
            "internal: 127.0.0.1 port = %d" % self.port,
            "external: 127.0.0.1",
            "clientmethod: none",
            "socksmethod: %s" % ("username" if self.password else "none"),
            "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }",
            "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect }", ""])

    def files(self):
        if not self.password:
            return super().files()
        crypted = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=self.password.encode(),
                                 capture_output=True, check=True).stdout.decode().strip()
        users = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nme:x:4242:4242::/:/bin/false\n"
        return dict(super().files(), **{
            "/etc/passwd": self.write("passwd", users),
            "/etc/shadow": self.write("shadow", "me:%s:1::::::\n" % crypted)})


class Http(Proxy):
    name, package, scheme = "tinyproxy", "tinyproxy", "http"
    arguments, ready, stream = ["-d", "-c"], "Accepting connections", "out"

    def config(self):
        return "\n".join([
            "Port %d" % self.port,
            "Listen 127.0.0.1",
            "Timeout 600",
            "LogLevel Info",
            "Allow 127.0.0.1",
            "BasicAuth me %s" % self.password if self.password else "", ""])


class Recorder:
    """A SOCKS5 proxy of our own, which lets everybody in as Tor does, and notes with which user names: `users`, one for each
    connection to the relay, in their order; None where there was no user name. All names lead to 127.0.0.1.
    """

    def __init__(self, world):
        self.users = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        world.finally_call(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self):
        return "socks5h://127.0.0.1:%d" % self.port

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # close() was called
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client, client.makefile("rb") as asked:
                user = self.let_in(client, asked)
                relay = socket.create_connection(("127.0.0.1", self.destination(asked)))
                self.users.append(user)
                client.sendall(b"\5\0\0\1\0\0\0\0\0\0")
                with relay:
                    threading.Thread(target=carry, args=(relay, client), daemon=True).start()
                    carry(client, relay)
        except OSError:
            pass  # one end has gone

    @staticmethod
    def let_in(client, asked):
        """RFC 1928 and RFC 1929; as Tor does, a user name is preferred. Returns it."""
        methods = asked.read(asked.read(2)[1])
        if 2 not in methods:
            client.sendall(b"\5\0")
            return None
        client.sendall(b"\5\2")
        user = asked.read(asked.read(2)[1])
        password = asked.read(asked.read(1)[0])
        if not user or not password:
            raise OSError("empty words are not in RFC 1929")
        client.sendall(b"\1\0")
        return user.decode()

    @staticmethod
    def destination(asked):
        if asked.read(4) != b"\5\1\0\3":
            raise OSError("only names are looked up here")
        asked.read(asked.read(1)[0])
        return int.from_bytes(asked.read(2), "big")

    def close(self):
        shut(self.listener)
        self.listener.close()


def carry(source, target):
    """Until one end has gone, which the other then learns."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    shut(source)
    shut(target)

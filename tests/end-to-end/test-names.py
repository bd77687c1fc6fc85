#!/usr/bin/python3
"""A relay's name means to the daemon what it means to every other program of the machine: the name service switch and all
options of resolv.conf are obeyed. One dead name server keeps nobody waiting whose name another one knows.
"""

import os
import socket
import struct
import threading

from harness import contains, equal, main, test
from harness.network import Network
from harness.proxies import seeing

DEAD, ALIVE = "127.0.0.78", "127.0.0.79"
PATIENCE = 60  # for what comes again by itself
A = 1  # a type of question


class NameServer:
    """Says 127.0.0.1 to all names below `known`, and of others, that they do not exist; nothing, if their label is
    `silent`.
    """

    def __init__(self, address, known=None):
        self.known, self.asked = known, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        if known:
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            labels, at = [], 12
            while question[at]:
                labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
                at += 1 + question[at]
            kind, end = struct.unpack(">H", question[at + 1:at + 3])[0], at + 5
            self.asked.append(".".join(labels))
            if "silent" not in labels:
                self.socket.sendto(self.answer(question, end, kind, labels[-1] == self.known), sender)

    @staticmethod
    def answer(question, end, kind, known):
        found = known and kind == A
        head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, found, 0, 0)
        record = b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 60, 4) + socket.inet_aton("127.0.0.1")
        return head + question[12:end] + (record if found else b"")


def network():
    """For all tests here: in it the ports below 1024 are ours, and there are no other name servers."""
    if not hasattr(network, "made"):
        network.made = Network(), NameServer(DEAD), NameServer(ALIVE, "example")
    return network.made[2]


def daemon_seeing(world, name, **files):
    """A daemon to which the files of /etc have other contents."""
    paths = {}
    for key, text in files.items():
        real = {"resolv": "/etc/resolv.conf", "hosts": "/etc/hosts", "switch": "/etc/nsswitch.conf"}[key]
        paths[os.path.realpath(real)] = world.path("%s-%s" % (name, key))
        with open(paths[os.path.realpath(real)], "w") as file:
            file.write(text)
    daemon = world.daemon(name, "ws://127.0.0.1:1/v1", start=False)
    daemon.program = seeing(paths, daemon.program)
    daemon.start()
    return daemon


def end(world):
    """The shell around each daemon passes no signal on."""
    for daemon in world.daemons:
        daemon.kill9()


def gets_code(daemon, session, relay, host):
    daemon.call("invite", name=session, relay="ws://%s:%d/v1" % (host, relay.port))
    daemon.until(session, lambda view: view["code"], PATIENCE, "there is a code from %s" % host)


@test("the first of two name servers is dead: resolv.conf says how long that may cost")
def dead_first(world):
    network()
    relay = world.relay()
    daemon = daemon_seeing(world, "a", resolv="options timeout:1 attempts:2\nnameserver %s\nnameserver %s\n" %
                           (DEAD, ALIVE), switch="hosts: dns\n")
    gets_code(daemon, "peer", relay, "relay.example")
    end(world)


@test("the name service switch says who knows names: a file and no name server, or the other way round")
def switch(world):
    server = network()
    relay = world.relay()
    files = {"hosts": "127.0.0.1 localhost kitchen\n", "resolv": "nameserver %s\n" % ALIVE}
    near = daemon_seeing(world, "near", switch="hosts: files\n", **files)
    far = daemon_seeing(world, "far", switch="hosts: dns\n", **files)
    before = len(server.asked)
    gets_code(near, "peer", relay, "kitchen")
    near.call("invite", name="other", relay="ws://relay.example:%d/v1" % relay.port)
    view = near.until("other", lambda view: view["last_error"], PATIENCE, "an error is told")
    contains(view["last_error"], "cannot find the host name relay.example: ", "the error")
    equal(server.asked[before:], [], "what the name server was asked")
    gets_code(far, "peer", relay, "relay.example")
    end(world)


@test("a name of which no name server says anything keeps no other name waiting")
def silent(world):
    network()
    relay = world.relay()
    daemon = daemon_seeing(world, "a", resolv="nameserver %s\n" % ALIVE, switch="hosts: dns\n")
    for number in range(3):
        daemon.call("invite", name="dead%d" % number, relay="ws://silent.dead%d.example:%d/v1" % (number, relay.port))
    gets_code(daemon, "peer", relay, "relay.example")
    view = daemon.until("dead0", lambda view: view["last_error"], PATIENCE, "an error is told")
    contains(view["last_error"], "cannot find the host name silent.dead0.example: no name server ", "the error")
    end(world)


if __name__ == "__main__":
    main(240)

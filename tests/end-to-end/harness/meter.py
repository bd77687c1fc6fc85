"""What visits cost in bytes, as somebody on the line counts them."""

import socket
import threading
import time

from .rpc import Rpc

POLLING = "0:3600"  # a schedule by which nobody comes unasked while a test lasts


class Meter:
    """Passes connections on to a relay, and counts the bytes of both directions."""

    def __init__(self, relay):
        self.relay, self.bytes = relay, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "ws://127.0.0.1:%d/v1" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here = self.socket.accept()[0]
            there = socket.create_connection(("127.0.0.1", self.relay.port))
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(1 << 16):
                self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def visit(rpc, session):
    """Lets it visit its relay once, in each place that it wants to look at; the view."""
    before = rpc.call("show", session=session)["last_visit"] or 0
    rpc.call("poll", session=session)
    return rpc.until(session, lambda view: view["connection"] == "none" and (view["last_visit"] or 0) > before and
                     (view["next_visit"] or 0) > time.time() * 1000 + 60_000, seconds=600)


def idle_visit(meter, rpc, session):
    """Bytes of a visit that has nothing to do."""
    before = meter.bytes
    visit(rpc, session)
    return meter.bytes - before


class Acquaintance:
    """Two daemons that have met through a relay, and a meter between that and the one called `here`."""

    def __init__(self, world, relay, *arguments):
        self.meter = Meter(relay)
        self.daemons = [world.daemon(world.unique("here"), self.meter.url, *arguments),
                        world.daemon(world.unique("there"), relay, *arguments)]
        self.here, self.there = [Rpc(daemon.socket) for daemon in self.daemons]
        self.ours = self.here.call("invite", schedule=POLLING)["id"]
        code = self.here.until(self.ours, lambda view: view["code"])["code"]
        self.theirs = self.there.call("accept", code=code, schedule=POLLING)["id"]
        while not all([self.look_here()["state"] == "established", self.look_there()["state"] == "established"]):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.here.close()
        self.there.close()

    def restart_here(self):
        """Starts the one daemon again, which was stopped."""
        self.here.close()
        self.daemons[0].start()
        self.here = Rpc(self.daemons[0].socket)

    def look_here(self):
        return visit(self.here, self.ours)

    def look_there(self):
        return visit(self.there, self.theirs)

    def idle_visit(self):
        return idle_visit(self.meter, self.here, self.ours)

    def send(self, data):
        return self.here.call("send", session=self.ours, data=data)

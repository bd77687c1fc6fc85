"""A stranger's client for the daemon's RPC: python3-msgpack and doc/ipc.md are all that it knows."""

import functools
import itertools
import os
import re
import socket
import time

import msgpack

from .waiting import patience

API = 1
REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2


class RpcError(Exception):
    def __init__(self, error):
        super().__init__("%(code)s: %(message)s" % error)
        self.code = error["code"]
        self.message = error["message"]


class Closed(Exception):
    """The daemon ended the connection."""


@functools.cache
def documented_errors():
    """By method, which codes doc/ipc.md allows its answers; those that any answer may have, under None."""
    page = open(os.path.join(os.environ["abs_top_srcdir"], "doc", "ipc.md")).read()
    allowed = {None: set(re.findall(r"^\| `([a-z-]+)` \| any \|", page, re.M))}
    for line in page.splitlines():
        if heading := re.match(r"`([a-z_]+) \{", line):
            method = heading[1]
            allowed[method] = set()
        elif line.startswith(": Errors: "):
            allowed[method] |= set(re.findall(r"`([a-z-]+)`", line))
    return allowed


class Rpc:
    def __init__(self, path, hello=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.unpacker = msgpack.Unpacker(raw=False, max_buffer_size=64 * 1024 * 1024)
        self.ids = itertools.count(1)
        self.methods = {}  # of requests that are under way, by id
        self.answers = {}
        self.notifications = []
        self.greeting = self.call("hello", api=API, client="stranger") if hello else None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def request(self, method, /, **params):
        """Sends without waiting; the request's id."""
        number = next(self.ids)
        self.methods[number] = method
        self.send_raw(msgpack.packb([REQUEST, number, method, [params]], use_bin_type=True))
        return number

    def read(self, end):
        """Takes in what the daemon says next; end is a time of time.monotonic()."""
        self.socket.settimeout(max(0.001, end - time.monotonic()))
        try:
            data = self.socket.recv(1 << 16)
        except TimeoutError:
            raise AssertionError("the daemon did not answer in time") from None
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed("the daemon closed the connection")
        self.unpacker.feed(data)
        for message in self.unpacker:
            self.sort(message)

    def sort(self, message):
        if message[0] == RESPONSE:
            _, number, error, result = message
            self.answers[number] = (error, result)
        elif message[0] == NOTIFICATION:
            _, method, params = message
            self.notifications.append((method, params[0]))
        else:
            raise AssertionError("neither response nor notification: %r" % (message,))

    def answer(self, number, seconds=20):
        """The result of the request with that id; RpcError if it failed."""
        end = time.monotonic() + patience(seconds)
        while number not in self.answers:
            self.read(end)
        error, result = self.answers.pop(number)
        method = self.methods.pop(number, None)
        if error is not None:
            allowed = documented_errors()
            if error["code"] not in allowed[None] | allowed.get(method, allowed[None]):
                raise AssertionError("%s answers %r, which doc/ipc.md does not say" % (method, error))
            raise RpcError(error)
        return result

    def call(self, method, /, **params):
        return self.answer(self.request(method, **params))

    def notification(self, seconds=20):
        """The next (method, params) that the daemon sends on its own."""
        end = time.monotonic() + patience(seconds)
        while not self.notifications:
            self.read(end)
        return self.notifications.pop(0)

    def until(self, session, condition, seconds=20, what="it changes"):
        """Waits, by subscription, until condition(view) holds; the view."""
        end = time.monotonic() + patience(seconds)
        self.call("subscribe", session=session)
        while True:
            self.notifications.clear()
            view = self.call("show", session=session)
            if condition(view):
                return view
            try:
                while not self.notifications:
                    self.read(end)
            except AssertionError:
                raise AssertionError("waited in vain until %s: %r" % (what, view)) from None

"""MessagePack-RPC without any input or output: what both clients, the one that waits and the asynchronous one, share."""

import os
import socket
import struct

import msgpack

from .errors import Denied, Lost, NoDaemon, Protocol

API = 1  # the level of the RPC that this package was written for
MESSAGE_MAX = 17 << 20  # bytes of one message of the RPC
BACKOFF, BACKOFF_MAX = 0.1, 5.0  # seconds before the first try to connect again, and the longest


def socket_path(path=None):
    """Where the daemon listens: `path`, $WORMHOLED_SOCKET, or the place that doc/ipc.md says.

    >>> socket_path("/run/other")
    '/run/other'
    """
    path = path or os.environ.get("WORMHOLED_SOCKET")
    if path:
        return os.path.expanduser(path)
    runtime, state = (absolute(os.environ.get(name)) for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"))
    directory = runtime or "/run/user/%d" % os.getuid()
    try:
        usable = os.stat(directory).st_uid == os.getuid()
    except OSError:
        usable = runtime is not None  # one that is named but is not there is a mistake that the user wants to hear of
    if not usable:
        directory = state or os.path.expanduser("~/.local/state")
    return os.path.join(directory, "wormholed", "socket")


def absolute(path):
    return path if path and os.path.isabs(path) else None


def connect(path):
    """A connected socket; who takes the path of a socket where others may write would be told codes."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
        uid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        if uid not in (0, os.geteuid()):
            raise Denied("another user (%d) listens on %s, and is told nothing" % (uid, path))
        return connection
    except PermissionError as error:
        connection.close()
        raise Denied("you may not use the daemon's socket %s" % path) from error
    except OSError as error:
        connection.close()
        raise NoDaemon("no daemon listens on %s: %s" % (path, error.strerror or error)) from error
    except Denied:
        connection.close()
        raise


class Wire:
    """Both directions of one connection.

    >>> wire = Wire()
    >>> number, data = wire.request("show", {"session": "bob", "absent": None})
    >>> msgpack.unpackb(data)
    [0, 1, 'show', [{'session': 'bob'}]]
    >>> wire.feed(msgpack.packb([1, number, None, {"name": "bob"}]))
    [(1, None, {'name': 'bob'})]
    >>> wire.feed(msgpack.packb([2, "changed", [{"change": 7, "session": None}]]))
    [(None, 'changed', {'change': 7, 'session': None})]
    """

    def __init__(self):
        self.number = 0
        self.unpacker = msgpack.Unpacker(raw=False, max_buffer_size=MESSAGE_MAX)

    def request(self, method, params):
        """Its number, and the bytes to send. A parameter of None is absent."""
        self.number = self.number % 0xFFFFFFFF + 1
        given = {key: value for key, value in params.items() if value is not None}
        return self.number, msgpack.packb([0, self.number, method, [given]])

    def feed(self, data):
        """What the bytes complete: (number, error, result) of responses, (None, method, params) of notifications."""
        try:
            self.unpacker.feed(data)
            return [read(message) for message in self.unpacker]
        except (ValueError, TypeError, KeyError, IndexError, msgpack.UnpackException) as error:
            raise Protocol("this is no wormholed, or a broken one: %s" % error) from error


def read(message):
    kind, *rest = message
    if kind == 1:
        number, error, result = rest
        return number, error, result
    if kind != 2:
        raise ValueError("it sent a request to its client")
    method, (params,) = rest
    return None, method, params


def lost(error=None):
    return Lost("lost the connection to the daemon%s" % (": %s" % error if error else ""))


def check_greeting(greeting):
    if not isinstance(greeting, dict) or not isinstance(greeting.get("api"), int):
        raise Protocol("this is no wormholed, or a broken one: it does not greet")
    if greeting["api"] < API:
        raise Protocol("the daemon is too old: it speaks level %d, and %d is needed" % (greeting["api"], API))


def merged(told, change, session):
    """True if a notification may stand for other sessions as well, since it was merged with others."""
    return session is None or change > told + 1

"""A client that waits for each answer."""

import contextlib
import time

from . import conditions
from .errors import Lost, NoDaemon, Timeout, of_answer
from .methods import Methods
from .wire import API, BACKOFF, BACKOFF_MAX, Wire, check_greeting, connect, lost, socket_path

PIECE = 1 << 16  # bytes that are read at once


class Client(Methods):
    """A connection to the daemon, and its methods. Not for two threads at once: each may have one of its own.

    With `reconnect`, waiting goes on when the daemon restarts; other calls get `Lost`, and later ones connect again.
    """

    def __init__(self, path=None, *, reconnect=False, name="python"):
        self.path = socket_path(path)
        self.reconnect = reconnect
        self.name = name
        self.socket = self.wire = None
        self.changes_told = []  # notifications that nobody has looked at yet
        self._connect()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.disconnect()

    def disconnect(self):
        """Ends the connection; what the daemon does for its sessions goes on."""
        self._drop()
        self.reconnect = False

    def _drop(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    # ---- requests ----

    def _connect(self):
        self.socket, self.wire, self.changes_told = connect(self.path), Wire(), []
        self.greeting = self.call("hello", {"api": API, "client": self.name})
        check_greeting(self.greeting)

    def call(self, method, params=None):
        """The result of any method: for those that a newer daemon has and this package does not know."""
        if self.socket is None:
            if not self.reconnect:
                raise lost()
            self._connect()
        number, data = self.wire.request(method, params or {})
        try:
            self.socket.settimeout(None)
            self.socket.sendall(data)
        except OSError as error:
            self._drop()
            raise lost(error) from error
        answer = None
        while answer is None:
            answer = self._read(None, number)
        _, error, result = answer
        if error is not None:
            raise of_answer(error)
        return result

    def _read(self, seconds, number=None):
        """Reads once, waiting at most so long; the response of that number, if it is there. Keeps notifications."""
        try:
            self.socket.settimeout(seconds)
            data = self.socket.recv(PIECE)
        except TimeoutError:
            return None
        except OSError as error:
            self._drop()
            raise lost(error) from error
        if not data:
            self._drop()
            raise lost()
        found = None
        for message in self.wire.feed(data):
            if message[0] is None:
                self.changes_told.append(message[2])
            elif message[0] in (number, 0):
                found = message
        return found

    # ---- waiting ----

    def wait(self, session, condition, timeout=None, hold=False):
        """Waits until the session reaches the condition: one of `conditions` by its name, or a function of the view.

        Returns the view that it held for. Raises Timeout after `timeout` seconds; Lonely, Failed or Closed if the session
        ends before, or it cannot come any more; NotFound if it was forgotten. With `hold`, the daemon holds the session's
        connection to the relay until the next wait or watch of this client, or its end. The daemon is never polled.
        """
        condition = conditions.find(condition)
        end = None if timeout is None else time.monotonic() + timeout
        session = self._again(end, lambda: self.show(session))["id"]  # another may come to match what the caller wrote
        fresh = False
        while True:
            try:
                if not fresh:
                    self.subscribe(session=session, hold=hold)
                self.changes_told.clear()
                fresh = True
                view = self.show(session)
                if conditions.check(condition, view):
                    return view
                self._await_change(end)
            except (Lost, NoDaemon) as error:
                fresh = False
                self._come_back(end, error)

    def _again(self, end, function):
        """Its result, from as many connections as it takes."""
        while True:
            try:
                return function()
            except (Lost, NoDaemon) as error:
                self._come_back(end, error)

    def _await_change(self, end):
        while not self.changes_told:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise Timeout("the time given ran out")
            self._read(left)

    def _come_back(self, end, why):
        """Connects again, as often as it takes."""
        if not self.reconnect:
            raise why
        pause = BACKOFF
        while True:
            if end is not None and time.monotonic() + pause > end:
                raise Timeout("the time given ran out, and the daemon is not there")
            time.sleep(pause)
            try:
                return self._connect()
            except (Lost, NoDaemon):
                pause = min(2 * pause, BACKOFF_MAX)

    def watch(self, session=None, timeout=None):
        """Each notification, as it comes: {"change": number, "session": id}; the id is None where several were merged.

        Without a session, of all of them. Ends after `timeout` seconds without one. Begin it, then look: nothing is missed.
        A client that watches cannot wait as well, and does not come back after a restart: see AsyncClient for many at once.
        """
        self.subscribe(session=session)
        self.changes_told.clear()
        return self._told(timeout)

    def _told(self, timeout):
        while True:
            with contextlib.suppress(Timeout):
                self._await_change(None if timeout is None else time.monotonic() + timeout)
            if not self.changes_told:
                return
            yield self.changes_told.pop(0)

    @contextlib.contextmanager
    def message(self, session, timeout=None, hold=False):
        """Waits for a message: `with client.message("bob") as data:` — acknowledged at the end, unless that is an exception.
        """
        while True:
            view = self.wait(session, "message", timeout, hold)
            taken = self.recv(view["id"])
            if taken["number"] is not None:  # another client may have been faster
                break
        yield taken["data"]
        self.ack(view["id"], taken["number"])

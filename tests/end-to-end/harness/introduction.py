"""One introduction of two daemons: a code, a message each way, the close. It goes by what `show` says and by nothing else,
so that it can be taken up again after whatever happened, and it remembers what was promised to either client.
"""

from .checks import equal, true
from .rpc import RpcError


class End:
    """One side's user. `ask` is how he reaches his daemon: ask(method, **params)."""

    def __init__(self, ask, name, data, options):
        self.ask, self.name, self.data, self.options = ask, name, data, options
        self.code = None  # that he was told
        self.sent = 0  # messages that the daemon said it took
        self.got = {}  # number: data
        self.acked = 0
        self.closed = False  # the daemon said that it would
        self.created = False

    def show(self):
        try:
            view = self.ask("show", session=self.name)
        except RpcError as error:
            if error.code != "not-found":
                raise
            true(not self.created, "%s is lost" % self.name)
            return None
        self.created = True
        self.check(view)
        return view

    def check(self, view):
        """What was promised holds."""
        over = view["state"] in ("closing", "closed")
        if self.code and not over:
            equal(view["code"], self.code, "the code of %s" % self.name)
        self.code = self.code or view["code"]
        true(view["sent"] >= self.sent, "%s has what was sent: %r" % (self.name, view))
        true(view["received"] - view["unread"] >= self.acked, "%s knows what was acknowledged: %r" % (self.name, view))
        true(over or not self.closed, "%s is closing: %r" % (self.name, view))
        true(view["result"] in (None, "happy"), "%s ended %r: %r" % (self.name, view["result"], view["reason"]))

    def begin(self, method, **params):
        self.ask(method, name=self.name, **params, **self.options)
        self.created = True

    def go_on(self, view):
        """The next thing to do in a session, which may have been closed by the peer; True if something was done."""
        if view["sent"] == 0 and view["state"] not in ("closing", "closed"):
            self.sent = self.ask("send", session=self.name, data=self.data)["number"] + 1
        elif view["unread"]:
            self.receive()
        elif view["received"] and view["state"] == "established":
            self.ask("close", session=self.name)
            self.closed = True
        else:
            return False
        return True

    def receive(self):
        message = self.ask("recv", session=self.name)
        number, data = message["number"], message["data"]
        true(number >= self.acked, "%s gets %r after it was acknowledged" % (self.name, number))
        equal(self.got.setdefault(number, data), data, "message %d of %s" % (number, self.name))
        self.ask("ack", session=self.name, number=number)
        self.acked = number + 1


class Introduction:
    def __init__(self, name, ask_left, ask_right, left=None, right=None):
        """`left` and `right`: more for `invite` and `accept`."""
        self.name = name
        self.ends = (End(ask_left, name, b"from the left: " + name.encode(), left or {}),
                     End(ask_right, name, b"from the right: " + name.encode(), right or {}))
        self.over = False

    def __str__(self):
        return "%s: %r" % (self.name, [end.ask("show", session=self.name) for end in self.ends if end.created])

    def advance(self):
        """Does what can be done now; True if it did something. `over` once both have closed."""
        left, right = self.ends
        views = [end.show() for end in self.ends]
        if views[0] is None:
            left.begin("invite")
            return True
        if views[1] is None:
            if left.code:
                right.begin("accept", code=left.code)
            return bool(left.code)
        self.over = all(view["state"] == "closed" and not view["unread"] for view in views)
        return any([end.go_on(view) for end, view in zip(self.ends, views)])

    def check_end(self):
        """Each message came once, and nothing else did."""
        for end, other in (self.ends, self.ends[::-1]):
            equal(end.got, {0: other.data}, "what %s got" % end.name)

"""What can go wrong, as far as a program may want to act on it: the same classes as in wormclient.h."""


class Error(Exception):
    """Any of these. `code` is the daemon's own word for it (see doc/ipc.md), the result of a session, or ""."""

    def __init__(self, text, code=""):
        super().__init__(text)
        self.code = code


# ---- the connection ----

class NoDaemon(Error):
    """Nobody listens on the socket."""


class Denied(Error):
    """The socket or the daemon refuses this user, or another user listens there."""


class Lost(Error):
    """The connection ended before the answer."""


class Protocol(Error):
    """The other end does not speak the RPC."""


# ---- waiting ----

class Timeout(Error):
    """The time that the caller gave ran out; the session goes on."""


class Lonely(Error):
    """The session's time was over, and nobody had come, or not all was fetched."""


class Failed(Error):
    """The session ended badly, by a wrong code or a peer that misbehaves; `code` is "scary", "errory" or "crowded"."""


# ---- the daemon's answer to a request ----

class Refused(Error):
    """Any error of the daemon that has no class of its own; see `code`."""


class Closed(Refused):
    """The session has ended, or is ending. A wait ends with this where the session ended well."""


class NotClosed(Refused):
    """The session is alive."""


class NotFound(Refused):
    """No session matches."""


class Ambiguous(Refused):
    """More than one session matches."""


class NameTaken(Refused):
    """The petname is in use."""


class BadCode(Refused):
    """The code is malformed."""


class NotKeyed(Refused):
    """Too early: the peer is not there or not proven yet."""


class Unverified(Refused):
    """The user has yet to compare the verifiers."""


class Imported(Refused):
    """What is to be imported is or was here already."""


class Unreachable(Refused):
    """The relay does not answer now."""


class TooLarge(Refused):
    """Over a limit."""


class Store(Refused):
    """The store is full or failed."""


CLASSES = {
    "not-found": NotFound, "ambiguous": Ambiguous, "name-taken": NameTaken, "bad-code": BadCode, "closed": Closed,
    "not-closed": NotClosed, "not-keyed": NotKeyed, "unverified": Unverified, "imported": Imported,
    "unreachable": Unreachable, "too-large": TooLarge, "store-full": Store, "store-failed": Store, "bad-message": Protocol,
}


def of_answer(answer):
    """The error that the daemon answered with."""
    code = answer.get("code", "") if isinstance(answer, dict) else ""
    text = answer.get("message") if isinstance(answer, dict) else None
    return CLASSES.get(code, Refused)(text or "the daemon refused without a reason", code)

"""What can be waited for, asked of a session's view: the nine conditions of wormclient.h, by the same names.

Each tells whether it is reached (True), not yet (False), or never any more (None).

>>> established({"state": "waiting", "result": None})
False
>>> established({"state": "closing", "result": "happy"})
True
>>> established({"state": "closed", "result": "lonely"}) is None
True
"""

from .errors import Closed, Failed, Lonely

STAGES = ("allocating", "waiting", "keyed", "established")


def over(view):
    """Nothing more happens to it here."""
    return view["state"] in ("closed", "exported")


def ended(view):
    """The error for who waits for more of a session that is ending or has ended; None while it lives."""
    result = view["result"] or ("exported" if view["state"] == "exported" else None)
    if result is None:
        return None
    kind = {"happy": Closed, "exported": Closed, "lonely": Lonely}.get(result, Failed)
    said = "the session failed" if kind is Failed else "the session has ended"
    reason = ": " + view["reason"] if view.get("reason") else ""
    return kind("%s (%s)%s" % (said, result, reason), result)


def settled(reached, never):
    return True if reached else None if never else False


def failed(view):
    return view["result"] not in (None, "happy")


def has_come_to(view, stage):
    """Only an established session ends happily. With whom one was keyed that ended otherwise is unknown."""
    reached = view["result"] == "happy" or (view["result"] is None and view["state"] in STAGES[stage:])
    return settled(reached, ended(view))


def code(view):
    """The code is known."""
    return has_come_to(view, 1)


def keyed(view):
    """There is a verifier, for somebody used the code. Nobody is proven yet."""
    return has_come_to(view, 2)


def established(view):
    """The peer has proven to know the code."""
    return has_come_to(view, 3)


def verified(view):
    """The user has said that the verifiers agree."""
    return settled(view["verification"] == "done", ended(view))


def message(view):
    """There is a message to be received."""
    given_out = view["verification"] != "pending" and not view["leased"]
    return settled(view["unread"] > 0 and given_out, ended(view) and not (view["unread"] > 0 and view["leased"]))


def sent(view):
    """The relay holds all messages that were sent so far."""
    if failed(view):
        return None
    return settled(view["stored"] >= view["sent"], view["copied"] or over(view))


def confirmed(view, receipt):
    silent = receipt is None and view["peer_versions"] is not None
    return settled(receipt is not None and receipt >= view["sent"], silent or view["copied"] or failed(view) or over(view))


def delivered(view):
    """The peer's daemon has stored all that was sent. Never, if the peer does not tell."""
    return confirmed(view, view["delivered"])


def read(view):
    """The peer's program has acknowledged all that was sent. Never, if the peer does not tell."""
    return confirmed(view, view["read"])


def closed(view):
    """It has ended happily, and the relay was told, or it was exported."""
    return settled(not failed(view), True) if over(view) else False


CONDITIONS = {condition.__name__: condition
              for condition in (code, keyed, established, verified, message, sent, delivered, read, closed)}


def find(condition):
    """The condition of this name, or a function of the caller's: true for a view when it is reached."""
    if not callable(condition):
        if condition not in CONDITIONS:
            raise ValueError("there is no condition %r; there are: %s" % (condition, ", ".join(CONDITIONS)))
        return CONDITIONS[condition]
    return lambda view: settled(condition(view), over(view))


def check(condition, view):
    """True once it is reached, False if not yet; raises what ended the session if never."""
    reached = condition(view)
    if reached is None:
        raise ended(view) or Closed("what was waited for cannot come in this session")
    return reached

#!/usr/bin/python3
"""200 sessions in one daemon at once, all of which complete against 200 in another."""

from harness import equal, main, test
from harness.rpc import Rpc

COUNT = 200
SECONDS = 90


def pipelined(rpc, method, all_params):
    """Sends all requests before it reads an answer; the results in order."""
    numbers = [rpc.request(method, **params) for params in all_params]
    return [rpc.answer(number, SECONDS) for number in numbers]


def views(rpc):
    """All sessions, by id."""
    sessions, after = {}, {}
    while True:
        page = rpc.call("list", limit=1000, **after)
        sessions.update((view["id"], view) for view in page["sessions"])
        if page["next"] is None:
            return sessions
        after = {"after": page["next"]}


def until_all(rpc, ids, condition, what):
    """Waits until condition(view) holds for all; reads again only what the changes name."""
    since = rpc.call("subscribe")["change"]
    waiting = {name: view for name, view in views(rpc).items() if name in ids and not condition(view)}
    while waiting:
        rpc.notifications.clear()
        page = rpc.call("changes", since=since, limit=1000)
        news = {row["session"] for row in page["changes"]} & set(waiting)
        for view in pipelined(rpc, "show", [{"session": name} for name in news]):
            if condition(view):
                waiting.pop(view["id"])
        if page["changes"]:
            since = page["changes"][-1]["change"]
        elif waiting and not rpc.notifications:
            try:
                rpc.notification(SECONDS)
            except AssertionError:
                raise AssertionError("%d sessions are not yet %s; one is %r" %
                                     (len(waiting), what, rpc.call("show", session=min(waiting)))) from None


def receive_all(rpc, ids):
    """One message of each session, acknowledged."""
    results = pipelined(rpc, "recv", [{"session": name} for name in ids])
    pipelined(rpc, "ack", [{"session": name, "number": 0} for name in ids])
    return [result["data"] for result in results]


@test("%d sessions in each of two daemons complete" % COUNT)
def many(world):
    relay, left_daemon, right_daemon = world.pair()
    with Rpc(left_daemon.socket) as left, Rpc(right_daemon.socket) as right:
        invited = [view["id"] for view in pipelined(left, "invite", [{"name": "n%d" % n} for n in range(COUNT)])]
        until_all(left, set(invited), lambda view: view["code"], "given a code")
        known = views(left)
        codes = [known[name]["code"] for name in invited]
        equal(len(set(codes)), COUNT, "distinct codes")
        accepted = [view["id"] for view in pipelined(right, "accept", [{"code": code} for code in codes])]
        until_all(left, set(invited), lambda view: view["state"] == "established", "established")
        until_all(right, set(accepted), lambda view: view["state"] == "established", "established")

        if relay.stock:  # ours keeps them to itself
            sides = relay.query("SELECT side FROM mailbox_sides")
            equal(len(sides), 2 * COUNT, "sides at the relay")
            equal(len(set(sides)), 2 * COUNT, "distinct sides")

        pipelined(left, "send", [{"session": name, "data": b"to " + name.encode()} for name in invited])
        pipelined(right, "send", [{"session": name, "data": b"to " + name.encode()} for name in accepted])
        until_all(left, set(invited), lambda view: view["unread"] == 1, "written to")
        until_all(right, set(accepted), lambda view: view["unread"] == 1, "written to")
        equal(receive_all(right, accepted), [b"to " + name.encode() for name in invited], "messages to the right")
        equal(receive_all(left, invited), [b"to " + name.encode() for name in accepted], "messages to the left")

        pipelined(left, "close", [{"session": name} for name in invited])
        pipelined(right, "close", [{"session": name} for name in accepted])
        for rpc, ids in ((left, invited), (right, accepted)):
            until_all(rpc, set(ids), lambda view: view["state"] == "closed", "closed")
            equal({view["result"] for view in views(rpc).values()}, {"happy"}, "results")
            equal(rpc.call("status")["sessions"], COUNT, "sessions in the store")
    equal(relay.mailboxes(), [], "mailboxes left at the relay")


if __name__ == "__main__":
    main(120)

#!/usr/bin/python3
"""Introductions over bad lines, exhaustively: the connection is cut, stalls, comes byte by byte, is truncated or repeats
itself at the first frame, the second, the third, and so on to the last, in either direction and of either side. Every
session completes: both messages come once, both sides close happy, and nothing is left at the relay. (But at a stock one:
nameplates whose number it could tell nobody, which it forgets in its time.)
"""

from harness import equal, main, test
from harness.chaos import Chaos, Plan, cut, repeat, split, stall, truncate
from harness.introduction import Introduction
from harness.many import Many
from harness.middle import CLIENT, RELAY
from harness.world import chosen_relay

DAMAGES = {CLIENT: (cut, truncate, stall, split), RELAY: (cut, truncate, stall, split, repeat)}
LEFT, RIGHT = "left", "right"
SECONDS = 240  # a line that stalls is noticed after 90 at the latest


class Lines:
    """Two daemons whose introductions go over lines of their own to one relay."""

    def __init__(self, world, relay):
        self.chaos = Chaos(world, relay)
        self.relay = relay
        self.many = Many(*[world.daemon(name, relay, "--log-level", "warning") for name in (LEFT, RIGHT)])

    def begin(self, name, left, right):
        options = [{"relay": self.chaos.url("%s-%s" % (side, name), plan)} for side, plan in ((LEFT, left), (RIGHT, right))]
        self.many.add(Introduction(name, *self.many.asks, *options))

    def finish(self):
        self.many.run(SECONDS)
        lost = sum(plan.lost for plan in self.chaos.plans.values()) if self.relay.stock else 0
        equal(len(self.relay.mailboxes()), lost, "mailboxes left at the relay")


def count_frames(lines):
    """How many frames an introduction takes where nothing goes wrong: {(side, who): number}."""
    plans = {LEFT: Plan(), RIGHT: Plan()}
    lines.begin("clean", plans[LEFT], plans[RIGHT])
    lines.finish()
    return {(side, who): count for side, plan in plans.items() for who, count in plan.frames.items()}


def all_plans(frames):
    for (side, who), count in frames.items():
        for damage in DAMAGES[who]:
            for number in range(1 if damage is repeat else 0, count):
                yield side, Plan(who, number, damage)


@test("whatever happens to any one frame of an introduction, it completes")
def damaged(world):
    ours = chosen_relay() == "ours"
    lines = Lines(world, world.relayd("--max-connections-per-address", "4096") if ours else world.relay())
    frames = count_frames(lines)
    plans = list(all_plans(frames))
    for side, plan in plans:
        name = "%s-%s-%d-%s" % (side, plan.who, plan.number, plan.damage.__name__)
        lines.begin(name, *[plan if side == which else Plan() for which in (LEFT, RIGHT)])
    lines.finish()
    print("# %d introductions, frames of one: %r" % (len(plans), frames))


if __name__ == "__main__":
    main(300)

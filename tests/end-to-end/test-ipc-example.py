#!/usr/bin/python3
"""The worked session of doc/ipc.md is run as it stands there, with two live daemons."""

import os
import re
import sys

from harness import contains, equal, main, test, true

PAGE = os.path.join(os.environ["abs_top_srcdir"], "doc", "ipc.md")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@test("the worked session of doc/ipc.md works")
def example(world):
    with open(PAGE, encoding="utf-8") as page:
        blocks = BLOCK.findall(page.read())
    true(len(blocks) >= 2, "the page has a client and a session")
    program = world.path("example.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write("\n".join(blocks))
    _, left, right = world.pair()
    process = world.spawn("example", [sys.executable, program, left.socket, right.socket])
    equal(process.wait(60), 0, "exit status")
    out = process.out().decode()
    for line in ("bob says: Hello Alice!", "alice says: Hello Bob!", "bob ended happy", "alice ended happy"):
        contains(out, line + "\n", "what it prints")
    for daemon in (left, right):
        equal(daemon.call("status")["sessions"], 0, "sessions that %s still has" % daemon.name)


if __name__ == "__main__":
    main(120)

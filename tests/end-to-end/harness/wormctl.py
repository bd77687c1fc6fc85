"""Running wormctl."""

import json
import subprocess

from .checks import equal
from .processes import program
from .waiting import patience


class Result:
    def __init__(self, arguments, completed):
        self.arguments = arguments
        self.status = completed.returncode
        self.bytes = completed.stdout
        self.out = completed.stdout.decode("utf-8", "replace")
        self.err = completed.stderr.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return "wormctl %s → %d, out %r, err %r" % (" ".join(self.arguments), self.status, self.out[:300], self.err[:600])


def command(socket, arguments):
    return program("wormctl") + ["--socket", socket] + list(arguments)


def run(socket, arguments, environment, data=None, status=0, seconds=30):
    """Runs it to its end, standard input `data` (none: /dev/null); `status` is what must come, None for any."""
    source = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    completed = subprocess.run(command(socket, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment, timeout=patience(seconds), check=False, **source)
    result = Result(arguments, completed)
    if status is not None:
        equal(result.status, status, repr(result))
    return result

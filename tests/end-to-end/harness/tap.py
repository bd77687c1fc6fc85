"""The Test Anything Protocol: a line for each test, and below a failure all that explains it."""

import faulthandler
import os
import resource
import signal
import sys
import time
import traceback

from .waiting import patience
from .world import World

CLEANUP_SECONDS = 30  # of grace for killing and removing, once a program's deadline has passed

# What the stock Go client says when it has derived another key than its peer, as it does in one introduction of 256 with
# anybody but itself, the Python client included: where the last byte of the shared point is zero, it leaves that out.
GO_IS_WRONG = "decrypt message failed"

tests = []


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


class Unlucky(Exception):
    """The Go client may have been wrong: worth one more try, in which a fault of ours would come again."""


class Deadline(BaseException):
    """The whole program took too long. No Exception, lest a test take it for an expected one."""


def test(description):
    def register(function):
        tests.append((description, function))
        return function
    return register


def say(text):
    print(text, flush=True)


def diagnose(text):
    for line in text.splitlines():
        say("# " + line)


def run(function):
    """Returns None, or the reason to skip. Raises what the test raises, logs written."""
    with World() as world:
        try:
            function(world)
            world.stop()
        except Skip as skip:
            return str(skip)
        except PermissionError as error:
            if os.geteuid() == 0 or not str(error.filename).startswith("/proc/"):
                raise
            return "only root looks into %s of a process that hides its memory" % os.path.basename(error.filename)
        except BaseException as error:
            logs = world.logs()
            if not isinstance(error, Exception):
                diagnose(traceback.format_exc())
            diagnose(logs)
            if isinstance(error, Exception) and GO_IS_WRONG in logs:
                raise Unlucky from error
            raise
    return None


def run_luckily(function):
    """The same, twice if need be."""
    try:
        return run(function)
    except Unlucky:
        diagnose("once more: the Go client may have been wrong")
        return run(function)


def report(number, description, function):
    """Runs one test; False if it failed."""
    started = time.monotonic()
    try:
        skip = run_luckily(function)
    except Exception:
        diagnose(traceback.format_exc())
        say("not ok %d - %s" % (number, description))
        return False
    say("ok %d - %s%s" % (number, description, " # SKIP " + skip if skip else ""))
    diagnose("%.1f s" % (time.monotonic() - started))
    return True


def out_of_time(signal_number, frame):
    faulthandler.dump_traceback_later(CLEANUP_SECONDS, exit=True)
    raise Deadline("the program's deadline has passed")


def chosen(words):
    """Tests whose description has one of the words in it; all of them without words."""
    return [entry for entry in tests if not words or any(word in entry[0] for word in words)]


def allow_descriptors(enough=16384):
    """Some tests hold more than the 1024 that a login allows at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        enough = min(enough, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def main(seconds=60):
    """Runs the tests (those named by words on the command line, if any) within so many seconds."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    signal.signal(signal.SIGALRM, out_of_time)
    # A shell lets its background jobs ignore these, and the programs under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    signal.setitimer(signal.ITIMER_REAL, patience(seconds))
    allow_descriptors()
    selected = chosen(sys.argv[1:])
    say("1..%d" % len(selected))
    try:
        results = [report(number, *entry) for number, entry in enumerate(selected, 1)]
    except Deadline as late:
        say("Bail out! %s" % late)
        os._exit(1)
    sys.exit(0 if all(results) else 1)

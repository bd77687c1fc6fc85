"""A Python program as a child that is forked, not executed: what it imports was imported once, for all of them.

The stock relay takes most of a second to begin, nearly all of it for its imports, and most tests begin one.
"""

import ctypes
import gc
import importlib
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import traceback

PR_SET_PDEATHSIG = 1
DESCRIPTORS_MAX = 1 << 20
libc = ctypes.CDLL(None)


class Fork:
    """As a subprocess.Popen that was given start_new_session and setpriv --pdeathsig KILL."""

    def __init__(self, program, arguments, modules, out, err):
        """`modules`: what to import before, once for all forks; none may make anything that forks must not share."""
        for module in modules:
            importlib.import_module(module)
        self.returncode = None
        self.stdin = None
        self.lock = threading.Lock()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            become(parent, program, arguments, out.fileno(), err.fileno())
        self.descriptor = os.pidfd_open(self.pid)

    def poll(self):
        with self.lock:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid != 0:
                    self.returncode = os.waitstatus_to_exitcode(status)
                    os.close(self.descriptor)
            return self.returncode

    def wait(self, timeout=None):
        if self.poll() is None:
            ended = select.poll()
            ended.register(self.descriptor, select.POLLIN)
            if not ended.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.poll()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)


def become(parent, program, arguments, out, err):
    """In the child: nothing of the test is left but what was imported. Never returns."""
    status = 1
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate((nothing, out, err)):
            os.dup2(descriptor, number)
        os.closerange(3, DESCRIPTORS_MAX)
        for number in (signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        gc.freeze()
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
        sys.argv = [program] + arguments
        runpy.run_path(program, run_name="__main__")
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)

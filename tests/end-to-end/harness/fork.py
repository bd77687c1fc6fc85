"""A Python program as a child that is forked, not executed: what it imports was imported once, for all of them.

The stock relay takes most of a second to begin, nearly all of it for its imports, and most tests begin one.

The test itself never forks for that: it has threads, and a child would find locked for ever whatever another thread held
at that moment (SQLite's, Python's, the C library's). A process of its own with a single thread does, the nursery: `python3
fork.py` with a socket as its standard input. For each request it answers with the child's pid and a descriptor of it
(pidfd); it alone can wait for the child, and writes its exit status into a pipe that came with the request. When the test
is gone the socket ends, and with the nursery its children.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback

PR_SET_PDEATHSIG = 1
DESCRIPTORS_MAX = 1 << 20
REQUEST_MAX = 1 << 16  # bytes
libc = ctypes.CDLL(None)


class Nursery:
    """The test's end of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.socket = self.process = None

    def start(self):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=theirs,
                                            stdout=subprocess.DEVNULL, start_new_session=True)

    def fork(self, modules, program, arguments, out, err, status):
        """The pid and the descriptor of a new child."""
        request = json.dumps([modules, program, arguments]).encode()
        with self.lock:
            if self.socket is None:
                self.start()
            socket.send_fds(self.socket, [request], [out, err, status])
            answer, descriptors, _, _ = socket.recv_fds(self.socket, REQUEST_MAX, 1)
        if not answer:
            raise AssertionError("nobody forks any more: the nursery has ended")
        return json.loads(answer), descriptors[0]


nursery = Nursery()


class Fork:
    """As a subprocess.Popen that was given start_new_session and setpriv --pdeathsig KILL."""

    def __init__(self, program, arguments, modules, out, err):
        """`modules`: what to import before, once for all forks; none may make anything that forks must not share."""
        self.returncode = None
        self.stdin = None
        self.lock = threading.Lock()
        ours, theirs = os.pipe()
        self.status = open(ours, "rb", buffering=0)
        try:
            self.pid, self.descriptor = nursery.fork(modules, program, arguments, out.fileno(), err.fileno(), theirs)
        finally:
            os.close(theirs)

    def poll(self):
        with self.lock:
            if self.returncode is None and readable([self.status.fileno()], 0):
                # Nothing comes from a nursery that was killed, and its children with it.
                self.returncode = int(self.status.read(REQUEST_MAX) or -signal.SIGKILL)
                os.close(self.descriptor)
            return self.returncode

    def wait(self, timeout=None):
        if not readable([self.status.fileno()], None if timeout is None else timeout * 1000) and self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.poll()

    def send_signal(self, number):
        with self.lock:
            if self.returncode is None:
                try:
                    signal.pidfd_send_signal(self.descriptor, number)
                except ProcessLookupError:  # it has ended, and nobody has looked yet
                    pass


def readable(descriptors, milliseconds):
    """Those from which something can be read, or whose other end is closed."""
    waiting = select.poll()
    for descriptor in descriptors:
        waiting.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in waiting.poll(milliseconds)]


def serve(requests):
    """The nursery: forks at each request and tells of each child's end, until nobody can ask any more."""
    children = {}  # descriptor of each child: its pid, and where its exit status goes
    while True:
        for descriptor in readable([requests.fileno(), *children], None):
            if descriptor in children:
                bury(descriptor, *children.pop(descriptor))
                continue
            request, received, _, _ = socket.recv_fds(requests, REQUEST_MAX, 3)
            if not request:
                return
            child, pid, status = bear(json.loads(request), *received)
            children[child] = pid, status
            socket.send_fds(requests, [b"%d" % pid], [child])


def bear(request, out, err, status):
    """Forks; the child's descriptor, its pid, and where its exit status goes."""
    modules, program, arguments = request
    for module in modules:
        importlib.import_module(module)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(parent, program, arguments, out, err)
    os.close(out)
    os.close(err)
    return os.pidfd_open(pid), pid, status


def bury(descriptor, pid, status):
    exit_status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(descriptor)
    try:
        os.write(status, b"%d" % exit_status)
    except BrokenPipeError:  # nobody asks any more
        pass
    os.close(status)


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


if __name__ == "__main__":
    serve(socket.socket(fileno=0))

"""A network of the test's own, and a second host in it, at the end of a cable that can be pulled.

A socket stays in the network in which it was made. So a test makes its clients there, and uses them from here.
"""

import ctypes
import os
import shutil
import subprocess
from contextlib import contextmanager

from .tap import Skip

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # from <sched.h>; Python has them from 3.12 on
HERE, THERE = "10.77.0.1", "10.77.0.2"
libc = ctypes.CDLL(None, use_errno=True)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def become_root_of_own_users():
    """For those who are not root: in name spaces of their own they may be."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(NEW_USER | NEW_NETWORK) != 0:
        raise Skip("a network of its own needs root: %s" % os.strerror(ctypes.get_errno()))
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", "0 %d 1" % user)
    write("/proc/self/gid_map", "0 %d 1" % group)


def ip(*words):
    program = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not program:
        raise Skip("there is no ip(8)")
    try:
        subprocess.run([program] + list(words), check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise Skip("ip %s: %s" % (" ".join(words), error.stderr.decode().strip())) from None


def of_this_process():
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter(network):
    if libc.setns(network, NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def inside(network):
    """What is done in this context, and what is made, is done and made there."""
    home = of_this_process()
    enter(network)
    try:
        yield
    finally:
        enter(home)
        os.close(home)


class Network:
    """From now on, this process is in it for good."""

    def __init__(self):
        if libc.unshare(NEW_NETWORK) != 0:
            become_root_of_own_users()
        near = of_this_process()
        libc.unshare(NEW_NETWORK)
        self.far = of_this_process()
        enter(near)
        os.close(near)
        ip("link", "set", "lo", "up")
        ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", self.path())
        self.connect("near", HERE)
        with self.elsewhere():
            self.connect("far", THERE)

    def path(self):
        """Of the other host's network, for children."""
        return "/proc/%d/fd/%d" % (os.getpid(), self.far)

    @staticmethod
    def connect(device, address):
        ip("address", "add", address + "/24", "dev", device)
        ip("link", "set", device, "up")

    def elsewhere(self):
        """What is made in this context is the other host's."""
        return inside(self.far)

    def pull(self):
        """No packet goes either way any more, and neither end is told."""
        with self.elsewhere():
            ip("link", "set", "far", "down")

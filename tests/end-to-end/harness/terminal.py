"""A person at a terminal: a program on a pseudo-terminal, keys that are typed, and what the screen was sent."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from .waiting import patience

COLUMNS, LINES = 160, 60
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07|\r")


def render(text, columns):
    """The lines that a terminal of so many columns shows after `text`, without colours."""
    lines, row, column = [[]], 0, 0
    for character in ESCAPES.sub(lambda match: match.group() if match.group() == "\r" else "", text):
        if character == "\n":
            row += 1
        elif character == "\r":
            column = 0
            continue
        elif character == "\b":
            column = max(0, column - 1)
            continue
        elif column == columns:
            row, column = row + 1, 0
        while len(lines) <= row:
            lines.append([])
        if character == "\n":
            continue
        lines[row] += [" "] * (column + 1 - len(lines[row]))
        lines[row][column] = character
        column += 1
    return "\n".join("".join(line).rstrip() for line in lines).rstrip() + "\n"


class Terminal:
    """`command` on a terminal of its own; with `stdout`, only its standard input and error are there."""

    def __init__(self, command, environment, columns=COLUMNS, **options):
        self.columns = columns
        self.raw = ""
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.shown = ""
        streams = {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave, **options}
        self.popen = subprocess.Popen(["setsid", "--ctty", "--wait"] + command, env=dict(environment, TERM="xterm"),
                                      **streams)

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds):
        """Takes what there is; False if nothing came within so many seconds."""
        if not select.select([self.master], [], [], max(0, seconds))[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data.decode("utf-8", "replace")
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def screen(self):
        """What was shown so far, without what moves the cursor or colours the text."""
        return ESCAPES.sub("", self.shown)

    def expect(self, pattern, seconds=30):
        """Reads until the pattern was shown after what an earlier expect() matched; the match."""
        end = time.monotonic() + patience(seconds)
        while True:
            match = re.search(pattern, self.screen())
            if match:
                self.shown = self.screen()[match.end():]
                return match
            if time.monotonic() > end:
                raise AssertionError("the terminal never showed /%s/: %r" % (pattern, self.screen()[-2000:]))
            self.read(0.05)

    def wait(self, seconds=30):
        """Until the program has ended, its last words read; its exit status."""
        end = time.monotonic() + patience(seconds)
        while self.popen.poll() is None:
            self.read(0.05)
            if time.monotonic() > end:
                raise AssertionError("it did not end: %r" % self.screen()[-2000:])
        while self.read(0):
            pass
        return self.popen.returncode

    def is_as_before(self):
        """True if the terminal's settings are those that the program found."""
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        self.popen.kill()
        self.popen.wait()
        os.close(self.master)
        os.close(self.slave)

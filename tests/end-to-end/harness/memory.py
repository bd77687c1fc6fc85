"""The memory of a process, as the kernel shows it to root."""

import contextlib
import re


class Mapping:
    """A line of /proc/PID/smaps, and the flags below it."""

    def __init__(self, line):
        span, self.rights, _, _, _, *self.path = line.split(None, 5)
        self.begin, self.end = (int(address, 16) for address in span.split("-"))
        self.flags = []  # "lo": locked; "dd": not dumped; …

    def __str__(self):
        return "%x-%x %s %s (%s)" % (self.begin, self.end, self.rights, "".join(self.path).strip(), " ".join(self.flags))


def mappings(pid):
    found = []
    with open("/proc/%d/smaps" % pid) as smaps:
        for line in smaps:
            if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
                found.append(Mapping(line))
            elif line.startswith("VmFlags:"):
                found[-1].flags = line.split()[1:]
    return found


def writable(pid):
    """(mapping, bytes) of all that the process can read and write."""
    with open("/proc/%d/mem" % pid, "rb", 0) as file:
        for mapping in mappings(pid):
            if mapping.rights.startswith("rw"):
                with contextlib.suppress(OSError):  # it went away meanwhile
                    file.seek(mapping.begin)
                    yield mapping, file.read(mapping.end - mapping.begin)


def below_stack(pid):
    """What calls that have returned left on the main thread's stack, the deepest first; None while it runs."""
    with open("/proc/%d/syscall" % pid) as file:
        words = file.read().split()
    if len(words) != 9:
        return None
    top = int(words[7], 16)
    for mapping, content in writable(pid):
        if mapping.begin <= top < mapping.end:
            return content[:top - mapping.begin]
    return None

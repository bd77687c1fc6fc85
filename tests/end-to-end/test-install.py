#!/usr/bin/python3
"""The library as a stranger gets it: installed to a place of its own, found by pkg-config, and nothing else known. The
examples, and the program at the top of the header, are built with it and talk to a daemon.
"""

import os
import re
import shlex
import shutil
import subprocess

from harness import Skip, contains, equal, lacks, main, test, true

SOURCE = os.environ["abs_top_srcdir"]
BUILD = os.environ["abs_top_builddir"]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SECONDS = 60
CODE = "913-166532"
# Those of `make install` that are about the library.
TARGETS = ["install-libLTLIBRARIES", "install-includeHEADERS", "install-pkgconfigDATA"]
# Not made anew, whatever its age: other tests use it at this moment.
AS_IT_IS = ["Makefile", "libclient/libwormclient.la", "libclient/wormclient.pc"]
# Of the make that runs this test, not for ours; and what would lead the compiler elsewhere.
FOREIGN = ("MAKE", "MFLAGS", "DESTDIR", "PKG_CONFIG", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "LD_LIBRARY_PATH")


def run(command, environment, **options):
    """Its standard output; it must succeed."""
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=SECONDS, check=False, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s\n%s" % (shlex.join(command), done.returncode, done.stdout, done.stderr))
    return done.stdout


def make_variable(name):
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8") as file:
        found = re.search(r"(?m)^%s =(.*)$" % name, file.read())
    return shlex.split(found.group(1))


class Installed:
    def __init__(self, world):
        self.world = world
        self.root = world.path("root")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        old = ["--old-file=" + name for name in AS_IT_IS]
        run(["make", "-s", "DESTDIR=" + self.root] + old + TARGETS, self.environment, cwd=BUILD)
        self.libdir = os.path.dirname(self.find("libwormclient.la"))
        self.environment["PKG_CONFIG_PATH"] = os.path.dirname(self.find("wormclient.pc"))
        self.environment["PKG_CONFIG_SYSROOT_DIR"] = self.root

    def find(self, name):
        found = [os.path.join(directory, name) for directory, _, names in os.walk(self.root) if name in names]
        equal(len(found), 1, "files called " + name)
        return found[0]

    def has(self, name):
        return os.path.exists(os.path.join(self.libdir, name))

    def flags(self, *options):
        return shlex.split(run(["pkg-config"] + list(options), self.environment))

    def compile(self, source, *packages, static=False):
        """A program, built with the compiler of the tree and what pkg-config says."""
        program = self.world.path(self.world.unique(os.path.basename(source)[:-2]))
        flags = self.flags("--cflags", "--libs", *(["--static"] if static else []), "wormclient", *packages)
        run(make_variable("CC") + STRICT + make_variable("WD_LDFLAGS") + [source, "-o", program] + flags,
            self.environment)
        return program

    def start(self, daemon, program, *arguments):
        environment = dict(daemon.environment(), WORMHOLED_SOCKET=daemon.socket, LD_LIBRARY_PATH=self.libdir)
        return self.world.spawn("installed", [program] + list(arguments), environment=environment)


def example(name):
    return os.path.join(SOURCE, "examples", name + ".c")


def needed(program):
    """The shared libraries that a program names."""
    return subprocess.run(["objdump", "-p", program], stdout=subprocess.PIPE, text=True, check=True).stdout


def exchange(world, installed, programs):
    """Two programs with one code that was agreed on get each other's data."""
    relay = world.relayd()
    started = [installed.start(world.daemon("d%d" % number, relay), program, CODE, "from %d" % number)
               for number, program in enumerate(programs)]
    for process in started:
        equal(process.wait(SECONDS), 0, "exit status")
    equal([process.out() for process in started], [b"from 1\n", b"from 0\n"], "what they print")


@test("header, .pc file and library are installed, and pkg-config names nothing but them")
def files(world):
    installed = Installed(world)
    header = installed.find("wormclient.h")
    equal(os.path.basename(os.path.dirname(header)), "include", "the header's directory")
    true(installed.has("libwormclient.so") or installed.has("libwormclient.a"), "a library")
    equal(installed.flags("--libs-only-l", "wormclient"), ["-lwormclient"], "libraries")
    with open(os.path.join(BUILD, "config.h"), encoding="utf-8") as file:
        contains(file.read(), '"%s"' % installed.flags("--modversion", "wormclient")[0], "the version")


@test("every example is built with pkg-config alone")
def examples(world):
    installed = Installed(world)
    for name in ("initiator", "patient", "receiver", "verify"):
        installed.compile(example(name))
    installed.compile(example("symmetric"), "libevent_core")


@test("with the shared library")
def shared(world):
    installed = Installed(world)
    if not installed.has("libwormclient.so"):
        raise Skip("no shared library was built")
    receiver = installed.compile(example("receiver"))
    contains(needed(receiver), "libwormclient.so.0", "libraries that the program needs")
    exchange(world, installed, [receiver, receiver])


@test("with the static library")
def static(world):
    installed = Installed(world)
    if not installed.has("libwormclient.a"):
        raise Skip("no static library was built")
    # The linker prefers the other one.
    if installed.has("libwormclient.so"):
        os.remove(os.path.join(installed.libdir, "libwormclient.so"))
    receiver = installed.compile(example("receiver"), static=True)
    lacks(needed(receiver), "libwormclient", "libraries that the program needs")
    exchange(world, installed, [receiver, receiver])


def program_of_the_header():
    """The lines of the comment at its top that are indented."""
    with open(os.path.join(SOURCE, "libclient", "wormclient.h"), encoding="utf-8") as file:
        comment = file.read().partition("*/")[0]
    return "".join(line + "\n" for line in re.findall(r"(?m)^ \*(?:     (.*))?$", comment))


@test("the program at the top of the header is complete, and works")
def manual(world):
    installed = Installed(world)
    source = world.path("hello.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(program_of_the_header())
    hello = installed.compile(source)
    _, here, there = world.pair()
    session = there.call("accept", code=CODE)["id"]
    there.call("send", session=session, data=b"hello yourself")
    process = installed.start(here, hello, CODE)
    equal(process.wait(SECONDS), 0, "exit status")
    equal(process.out(), b"hello yourself\n", "what it prints")
    equal(there.take(session, 1), [b"hello"], "what it sends")


def header_alone(world, compiler, suffix, *options):
    """The header in a file of its own, twice, to every standard that we promise."""
    if shutil.which(compiler[0]) is None:
        raise Skip("no " + compiler[0])
    source = world.path("alone." + suffix)
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <wormclient.h>\n#include <wormclient.h>\n"
                   "int main(void) { wormclient_free(wormclient_start(0, 0)); return WORMCLIENT_ERROR_NONE; }\n")
    installed = Installed(world)
    run(compiler + STRICT + list(options) + ["-c", source, "-o", world.path("alone.o")] +
        installed.flags("--cflags", "wormclient"), installed.environment)


@test("the header is C99")
def c99(world):
    header_alone(world, make_variable("CC"), "c", "-std=c99")


@test("the header is C++")
def cpp(world):
    header_alone(world, ["g++"], "cc", "-std=c++11")


main(300)

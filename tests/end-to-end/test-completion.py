#!/usr/bin/python3
"""Completion in the real shells: commands, options and what they take, names of sessions."""

import os
import re
import shlex
import shutil

from harness import Skip, contains, main, test, true, wait_until
from harness.processes import program
from harness.terminal import Terminal

SOURCE = os.environ["abs_top_srcdir"]
PROMPT = "ready> "
TAB = "\t"
CLEAR = "\x15"  # Ctrl-U
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


class Shell:
    """A shell with our completion, in which `wormctl` is the one that was built, and one daemon's socket is known."""

    def __init__(self, world, daemon):
        environment = dict(daemon.environment(), PATH=self.path(world) + ":" + os.environ["PATH"],
                           LD_LIBRARY_PATH=os.path.join(os.environ["abs_top_builddir"], "libclient/.libs"),
                           WORMHOLED_SOCKET=daemon.socket, PS1=PROMPT)
        self.terminal = Terminal(self.command, environment, cwd=world.directory)
        world.finally_call(self.terminal.close)
        self.terminal.expect(PROMPT)
        for line in self.preparation(world):
            self.run(line)

    @staticmethod
    def path(world):
        directory = world.path("bin")
        if not os.path.exists(directory):
            os.mkdir(directory)
            script = os.path.join(directory, "wormctl")
            with open(script, "w", encoding="utf-8") as file:
                file.write('#!/bin/sh\nexec %s "$@"\n' % shlex.join(program("wormctl")))
            os.chmod(script, 0o755)
        return directory

    def run(self, line):
        self.terminal.type(line + "\r")
        self.terminal.expect(PROMPT)

    def after(self, line, pattern):
        """Types the line and TAB, twice where that shows what there is, until the pattern comes; then clears the line."""
        self.terminal.type(line + TAB + TAB)
        match = self.terminal.expect(pattern)
        self.terminal.type(CLEAR + "\r")
        self.terminal.expect(PROMPT)
        return match

    def completes(self, line, rest):
        """TAB adds `rest`, and no other."""
        self.terminal.type(line + TAB)
        self.terminal.expect(re.escape(line + rest))
        self.terminal.type(CLEAR + "\r")
        self.terminal.expect(PROMPT)


class Bash(Shell):
    command = ["bash", "--norc", "--noprofile", "-i"]

    def preparation(self, world):
        return ["bind 'set enable-bracketed-paste off'; bind 'set page-completions off'",
                "PS1='%s'" % PROMPT, "source %s" % BASH_COMPLETION, "source '%s/dist/completion/wormctl.bash'" % SOURCE]


class Zsh(Shell):
    command = ["zsh", "-f", "-i"]

    def preparation(self, world):
        return ["unsetopt zle_bracketed_paste; unset zle_bracketed_paste; unsetopt prompt_sp; LISTMAX=1000",
                "fpath=('%s/dist/completion' $fpath); autoload -U compinit; compinit -u -D" % SOURCE]


def each_shell(world, daemon):
    shells = []
    if shutil.which("bash") and os.path.exists(BASH_COMPLETION):
        shells.append(Bash)
    if shutil.which("zsh"):
        shells.append(Zsh)
    if not shells:
        raise Skip("neither bash-completion nor zsh")
    return (shell(world, daemon) for shell in shells)


@test("commands, also those of two words, and options of each")
def commands(world):
    daemon = world.daemon("desk", world.relayd())
    for shell in each_shell(world, daemon):
        shell.completes("wormctl inv", "ite ")
        shell.completes("wormctl text rec", "eive ")
        shell.completes("wormctl --json stat", "us ")
        shell.completes("wormctl forget --fo", "rce ")
        shell.completes("wormctl --socket %s forget --fo" % daemon.socket, "rce ")
        shown = shell.after("wormctl ", r"(?s)accept.*wait").group(0)
        for command in ("list", "recv", "text"):
            contains(shown, command, "what there is")
        shell.after("wormctl list --", r"--json")
        shell.after("wormctl text send --", r"--name")


@test("what an option takes: schedules, conditions, files")
def values(world):
    daemon = world.daemon("desk", world.relayd())
    os.mkdir(world.path("directory-of-mine"))
    for shell in each_shell(world, daemon):
        shell.completes("wormctl invite --schedule rea", "ltime ")
        shell.completes("wormctl wait --for estab", "lished ")
        shell.completes("wormctl --socket directory-of", "-mine")


@test("names of sessions, with blanks in them too, and none where there is no daemon")
def sessions(world):
    daemon = world.daemon("desk", world.relayd())
    for number, name in enumerate(("laptop", "my old phone", "desk:2")):
        daemon.call("invite", name=name, code="%d-x" % (number + 1))
    for shell in each_shell(world, daemon):
        shell.completes("wormctl show lap", "top ")
        shell.completes("wormctl send my", "\\ old\\ phone ")
        shell.completes("wormctl recv --wait des", "k")
        shell.completes("wormctl send --socket %s lap" % daemon.socket, "top ")
        shell.after("wormctl close ", r"(?s)laptop")
    daemon.stop()
    for shell in each_shell(world, daemon):
        shell.terminal.type("wormctl show lap" + TAB)
        shell.run("")
        true("Traceback" not in shell.terminal.shown, "nothing but the line")


main(180)

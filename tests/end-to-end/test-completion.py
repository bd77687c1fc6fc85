#!/usr/bin/python3
"""Completion in the real shells: commands, options and what they take, names of sessions."""

import os
import re
import shlex
import shutil
import subprocess

from harness import Skip, equal, main, test, true
from harness.processes import SHARED_LIBRARIES, put_programs
from harness.terminal import Terminal

SOURCE = os.environ["abs_top_srcdir"]
BUILD = os.environ["abs_top_builddir"]
DAEMONS = ("wormholed", "wormhole-relayd")
PROMPT = "ready> "
TAB = "\t"
CLEAR = "\x15"  # Ctrl-U
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


class Shell:
    """A shell with our completion, in which `wormctl` is the one that was built, and one daemon's socket is known."""

    def __init__(self, world, daemon):
        self.terminal = Terminal(self.command, dict(self.environment(world, daemon), PS1=PROMPT), cwd=world.directory)
        world.finally_call(self.terminal.close)
        self.terminal.expect(PROMPT)
        for line in self.preparation(world):
            self.run(line)

    @staticmethod
    def environment(world, daemon):
        directory = world.path("bin")
        put_programs(directory, "wormctl", *DAEMONS)
        return dict(daemon.environment(), PATH=directory + ":" + os.environ["PATH"], LD_LIBRARY_PATH=SHARED_LIBRARIES,
                    WORMHOLED_SOCKET=daemon.socket)

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

    def tries(self, line):
        """Asks what there is, whatever that may be."""
        self.terminal.type(line + TAB)
        self.terminal.type(CLEAR + "\r")
        self.terminal.expect(PROMPT)

    def silent(self, line):
        """TAB adds nothing, and says nothing."""
        self.terminal.type(line + TAB)
        self.run("")
        true("Traceback" not in self.terminal.shown, "nothing but the line")

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
                "PS1='%s'" % PROMPT, "source %s" % BASH_COMPLETION, "source '%s/dist/completion/wormctl.bash'" % SOURCE
                ] + ["source '%s/dist/completion/%s.bash'" % (BUILD, name) for name in DAEMONS]


class Zsh(Shell):
    command = ["zsh", "-f", "-i"]

    def preparation(self, world):
        return ["unsetopt zle_bracketed_paste; unset zle_bracketed_paste; unsetopt prompt_sp; LISTMAX=1000",
                "fpath=('%s/dist/completion' '%s/dist/completion' $fpath); autoload -U compinit; compinit -u -D" % (SOURCE, BUILD)]


class Fish(Shell):
    """It draws its line as it likes: what it offers is asked for."""

    command = ["fish", "--no-config", "--private"]

    def __init__(self, world, daemon):
        self.variables = self.environment(world, daemon)
        self.directory = world.directory

    def offered(self, line):
        """{what may stand there: its description}"""
        script = "".join("source '%s/dist/completion/%s.fish'; " % place
                         for place in [(SOURCE, "wormctl")] + [(BUILD, name) for name in DAEMONS])
        done = subprocess.run(["fish", "--no-config", "-c", script + "complete -C %s" % shlex.quote(line)], env=self.variables,
                              cwd=self.directory, capture_output=True, text=True, timeout=60, check=False)
        equal(done.stderr, "", "complaints of fish")
        return dict(one.partition("\t")[::2] for one in done.stdout.splitlines())

    def completes(self, line, rest):
        words = [word.rstrip("/") for word in self.offered(line) if word.startswith(Fish.last(line))]
        wanted = Fish.last(line) + rest.strip().replace("\\ ", " ")
        # A blank at the end says that nothing more may follow.
        equal([word if rest.endswith(" ") else word[:len(wanted)] for word in words], [wanted], "what is offered for " + line)

    @staticmethod
    def last(line):
        return line.split(" ")[-1]

    def after(self, line, pattern):
        offered = "\n".join(self.offered(line))
        match = re.search(pattern, offered)
        true(match, "%r among %s" % (pattern, offered))
        return match

    def run(self, line):
        """Nothing is left on a line."""

    def tries(self, line):
        self.offered(line)

    def silent(self, line):
        equal(self.offered(line), {}, "what is offered for " + line)


def each_shell(world, daemon):
    shells = []
    if shutil.which("bash") and os.path.exists(BASH_COMPLETION):
        shells.append(Bash)
    if shutil.which("zsh"):
        shells.append(Zsh)
    if shutil.which("fish"):
        shells.append(Fish)
    if not shells:
        raise Skip("neither bash-completion, zsh nor fish")
    return (shell(world, daemon) for shell in shells)


@test("commands, also those of two words, and options of each")
def commands(world):
    daemon = world.daemon("desk", world.relayd())
    for shell in each_shell(world, daemon):
        shell.completes("wormctl inv", "ite ")
        shell.completes("wormctl text rec", "eive ")
        shell.completes("wormctl hel", "p ")
        shell.completes("wormctl help der", "ive-key ")
        shell.completes("wormctl help text rec", "eive ")
        shell.completes("wormctl --json stat", "us ")
        shell.completes("wormctl forget --fo", "rce ")
        shell.completes("wormctl --socket %s forget --fo" % daemon.socket, "rce ")
        shell.after("wormctl ", r"(?s)(?=.*accept)(?=.*list)(?=.*recv)(?=.*text).*wait")
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
        shell.silent("wormctl show lap")


@test("fields of -o, each command's own, and several of them")
def fields(world):
    daemon = world.daemon("desk", world.relayd())
    for shell in each_shell(world, daemon):
        shell.completes("wormctl list -o verifier_w", "ords")
        shell.completes("wormctl list -o id,verifier_w", "ords")
        shell.completes("wormctl status --fields default_relay_f", "rom")
        shell.completes("wormctl recv -o num", "ber")
        shell.completes("wormctl send -o id --js", "on ")
        shell.completes("wormctl watch --on forg", "otten")
        shell.completes("wormctl watch --on message,forg", "otten")


@test("what was typed is no script: nothing of it is run")
def hostile(world):
    daemon = world.daemon("desk", world.relayd())
    for shell in each_shell(world, daemon):
        for line in ("wormctl list -'x/y/;e touch taken #' ", "wormctl --'x/y/;e touch taken #' ", "wormctl list -o '`touch taken`,i",
                     "wormctl text send --'$(touch taken)' ", "wormholed --'x/y/;e touch taken #' "):
            shell.tries(line)
        shell.completes("wormctl list --js", "on ")
        equal(os.path.exists(world.path("taken")), False, "something was run by %s" % type(shell).__name__)


@test("the daemons: options, and what they take")
def daemons(world):
    daemon = world.daemon("desk", world.relayd())
    os.mkdir(world.path("directory-of-mine"))
    for shell in each_shell(world, daemon):
        shell.completes("wormholed --foreg", "round ")
        shell.completes("wormholed --log-level deb", "ug ")
        shell.completes("wormholed --share-connections ye", "s ")
        shell.completes("wormholed --config directory-of", "-mine")
        shell.completes("wormhole-relayd --max-mailbox-b", "ytes ")
        shell.completes("wormhole-relayd --store directory-of", "-mine")
        shell.after("wormhole-relayd --t", r"(?s)--tls-cert.*--tls-key")


main(300)

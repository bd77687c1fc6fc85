#!/usr/bin/python3
"""The configuration file: where it is, what it means, how mistakes are told, and what a running daemon takes from it."""

import os
import re
import signal
import socket
import subprocess

from harness import contains, equal, lacks, main, test, true, wait_until
from harness.processes import program
from harness.tls import Authority
from harness.waiting import patience

SOURCE_DIRECTORY = os.environ.get("abs_top_srcdir", os.getcwd())
SECRET = "correct-horse"
APPID = "example.org/application"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def usual(daemon):
    """The place of its configuration file."""
    return os.path.join(daemon.home, ".config/wormholed/wormholed.conf")


def check(name, directory, *arguments, **more):
    """Runs DAEMON --check-config; its exit status, and all that it says."""
    environment = {"PATH": os.environ["PATH"], "HOME": directory, "XDG_RUNTIME_DIR": directory, **more}
    done = subprocess.run(program(name) + ["--check-config"] + list(arguments), env=environment, cwd=directory,
                          capture_output=True, text=True, timeout=patience(60), check=False)
    return done.returncode, done.stdout + done.stderr


# ---- the files that are shipped ----

def parts_of(path):
    """Its settings, commented out or not, as (section or "", line)."""
    section = ""
    with open(path) as file:
        for line in file:
            if re.match(r"#?\[", line):
                section = line.lstrip("#")
            elif re.match(r"#?[a-z-]+ = ", line):
                yield section, line.lstrip("#")


def make_real(line, authority):
    """The certificates that a line names are looked at: there must be some."""
    return "cafile = %s\n" % authority.cafile if line.startswith("cafile") else line


@test("wormholed.conf, as it is shipped, sets nothing, and each of its lines does what it says")
def shipped(world):
    path = os.path.join(SOURCE_DIRECTORY, "dist/wormholed.conf")
    with open(path) as file:
        true(all(line[0] in "#\n" for line in file), "all of it is commented out")
    authority = Authority(world)
    parts = [(section, make_real(line, authority)) for section, line in parts_of(path)]
    true(len(parts) > 12, "there are settings in it")
    config = world.path("config")
    for text in [section + line for section, line in parts] + [whole(parts)]:
        write(config, text)
        status, said = check("wormholed", world.directory, "--config", config)
        equal((status, said.splitlines()[0]), (0, config + ": fine"), "with " + text)
        equal("warning: %s:" % config in said, "socket = " in text, "a warning that wormctl looks elsewhere, with " + text)


def whole(parts):
    """All of them together."""
    text, last = "", ""
    for section, line in parts:
        text += (section if section != last else "") + line
        last = section
    return text


@test("a setting of a section of the shipped file without its section is told what is missing")
def without_section(world):
    config = world.path("config")
    write(config, "relay = ws://a/v1\nrelay = ws://b/v1\nwords = 2\n")
    said = check("wormholed", world.directory, "--config", config)[1]
    for part in (":2: relay is set for the second time, after line 1: ", ":3: unknown setting 'words': it belongs in a section"):
        contains(said, part, "what it says")


@test("each line of wormhole-relayd.conf, as it is shipped, does what it says")
def shipped_for_the_relay(world):
    path = os.path.join(SOURCE_DIRECTORY, "dist/wormhole-relayd.conf")
    parts = [line for _, line in parts_of(path) if not line.startswith("tls-")]
    config = world.path("config")
    for text in parts + ["".join(parts)]:
        write(config, text)
        equal(check("wormhole-relayd", world.directory, "--config", config), (0, config + ": fine\n"), "with " + text)


# ---- --check-config ----

@test("--check-config looks at the usual file, says if there is none, and starts nothing")
def check_config(world):
    home = world.path("home")
    os.mkdir(home)
    equal(check("wormholed", home), (0, "there is no configuration file; all other settings are fine\n"), "without a file")
    for variables, place in (({}, home + "/.config"), ({"XDG_CONFIG_HOME": home + "/xdg"}, home + "/xdg")):
        config = place + "/wormholed/wormholed.conf"
        write(config, "keep = 3d\n")
        equal(check("wormholed", home, **variables), (0, config + ": fine\n"), "a file that is fine")
        write(config, "keep = 3d\nkeeps = 3d\n")
        equal(check("wormholed", home, **variables),
              (1, "wormholed: %s:2: unknown setting 'keeps': did you mean 'keep'?\n" % config), "one that is not")
        os.chmod(config, 0)
        if os.geteuid() != 0:
            contains(check("wormholed", home, **variables)[1], "Permission denied", "one that cannot be read")
    equal(sorted(os.listdir(home)), [".config", "xdg"], "what is in the home directory")


@test("--check-config looks at all sources, and at the certificates that they name")
def check_all(world):
    config = world.path("config")
    write(config, "[relay \"wss://x/\"]\ncafile = nothing.pem\n")
    status, said = check("wormholed", world.directory, "--config", "config")
    equal(status, 1, "exit status")
    contains(said, world.path("nothing.pem"), "what it says")
    equal(check("wormholed", world.directory, "--config", "nowhere"),
          (1, "wormholed: cannot read %s: No such file or directory\n" % world.path("nowhere")), "a file that is missing")
    status, said = check("wormholed", world.directory, WORMHOLED_KEEP="soon")
    sentence = "wormholed: WORMHOLED_KEEP: invalid value 'soon' for keep: expected a duration"
    equal((status, said[:len(sentence)]), (1, sentence), "a variable")
    equal(check("wormholed", world.directory, "--nonsense")[0], 2, "exit status with a wrong command line")


@test("--check-config tells every mistake of command line, file and environment, each with its place")
def every_mistake(world):
    config = world.path("config")
    for name, key, prefix in (("wormholed", "keep", "WORMHOLED_"), ("wormhole-relayd", "retention", "WORMHOLE_RELAYD_")):
        write(config, "%s = soon\nnonsense = 1\n" % key)
        status, said = check(name, world.directory, "--config", config, **{prefix + "LOG_LEVEL": "loud"})
        equal(status, 1, "exit status with mistakes in file and environment")
        starts = ["%s: %s" % (name, place) for place in (config + ":1: ", config + ":2: ", prefix + "LOG_LEVEL: ")]
        equal([line.startswith(start) for line, start in zip(said.splitlines(), starts)], [True] * 3, "of " + said)
        equal(len(said.splitlines()), 3, "mistakes in " + said)
        status, said = check(name, world.directory, "--nonsense", "--max-connections=x", "word", "--config", config)
        equal(status, 2, "exit status with a wrong command line")
        for part in ("--nonsense'", "unexpected argument 'word'", config + ":1: ", config + ":2: ", "--max-connections: "):
            contains(said, part, "what it says")
        equal(check(name, world.directory, "--max-connections=x")[0], 2, "exit status with a wrong value in the command line")


@test("--check-config warns where wormctl would look for another socket than the daemon's")
def other_socket(world):
    config = world.path("config")
    write(config, "\nsocket = %s\n" % world.path("s"))
    status, said = check("wormholed", world.directory, "--config", config)
    equal(status, 0, "exit status")
    contains(said, "wormholed: warning: %s:2: the socket is %s, but wormctl looks for %s: " %
             (config, world.path("s"), world.path("wormholed/socket")), "what it says")
    equal(check("wormholed", world.directory, "--config", config, WORMHOLED_SOCKET=world.path("s")),
          (0, config + ": fine\n"), "where wormctl finds it")


@test("files that the settings name: a directory in place of a file, or a file without what is wanted, is told with its place")
def wrong_files(world):
    config, empty = world.path("config"), world.path("empty")
    write(empty, "")
    write(config, "cafile = %s\n\n[relay \"wss://x/\"]\ncafile = %s\n" % (empty, world.directory))
    status, said = check("wormholed", world.directory, "--config", config, "--state", empty)
    equal(status, 1, "exit status")
    for part in ("%s:1: cafile: cannot read the certificates in %s: there is no certificate in it" % (config, empty),
                 "%s:4: cafile: cannot read the certificates in %s: it is a directory" % (config, world.directory),
                 "--state: state: %s is no directory" % empty):
        contains(said, part, "what it says")
    authority = Authority(world)
    with open(authority.issue("127.0.0.1")) as file:
        _, mark, certificates = file.read().partition("-----BEGIN CERTIFICATE")
    write(world.path("cert.pem"), mark + certificates)
    os.chmod(world.path("cert.pem"), 0o600)
    write(config, "tls-cert = %s\n" % world.path("cert.pem"))
    status, said = check("wormhole-relayd", world.directory, "--config", config, "--store", empty)
    equal(status, 1, "exit status")
    for part in (config + ":1: tls-cert: cannot use the key in %s: there is no private key in it" % world.path("cert.pem"),
                 "--store: store: %s is no directory" % empty):
        contains(said, part, "what it says")
    write(config, "tls-cert = %s\n\ntls-key = %s\n" % (world.path("cert.pem"), world.directory))
    contains(check("wormhole-relayd", world.directory, "--config", config)[1],
             config + ":3: tls-key: cannot use the key in %s: it is a directory" % world.directory, "what it says")


@test("a start and a SIGHUP tell every mistake, too")
def every_mistake_told(world):
    daemon = world.daemon("a", world.relay())
    reread(daemon, "keep = soon\nnonsense = 1\n", said="conf:2: unknown setting")
    contains(daemon.process.err(), "settings not reloaded: %s:1: " % usual(daemon), "the log")
    equal(daemon.call("status")["config_error"].count(":1: "), 1, "the first of them in status")
    lacks(daemon.call("status")["config_error"], "nonsense", "the first of them in status")


# ---- --print-config ----

@test("--print-config shows each setting, its value and its source, and no password; what it prints is such a file")
def print_config(world):
    def show(name, *arguments, **more):
        environment = {"PATH": os.environ["PATH"], "HOME": world.directory, "XDG_RUNTIME_DIR": world.directory, **more}
        return subprocess.run(program(name) + ["--print-config"] + list(arguments), env=environment, cwd=world.directory,
                              capture_output=True, text=True, timeout=patience(60), check=True).stdout

    config, again = world.path("config"), world.path("again")
    write(config, "proxy = socks5h://me:%s@proxy\n\n[relay \"wss://x/\"]\nproxy = http://me:%s@other:3\n" % (SECRET, SECRET))
    os.chmod(config, 0o600)
    said = show("wormholed", "--config", config, "--keep=24h", WORMHOLED_RELAY="ws://r/v1")
    lacks(said, SECRET, "what is printed")
    for line in ("proxy = socks5h://proxy:1080  # %s:1" % config, "keep = 1d  # --keep", "relay = ws://r/v1  # WORMHOLED_RELAY",
                 "lasting = yes  # built in", "[relay \"wss://x/\"]  # %s:3" % config, "proxy = http://other:3  # %s:4" % config):
        contains(said.splitlines(), line, "what is printed")
    write(again, said)
    equal(re.sub("  # .*", "", show("wormholed", "--config", again)), re.sub("  # .*", "", said), "printed from what was printed")
    write(config, "listen = 127.0.0.1:1 [::1]:2\nno-list = yes # they are many\n")
    said = show("wormhole-relayd", "--config", config)
    for line in ("listen = 127.0.0.1:1 [::1]:2  # %s:1" % config, "no-list = yes  # %s:2" % config, "#tls-cert =  # not set",
                 "max-store-size = 8G  # built in"):
        contains(said.splitlines(), line, "what is printed")
    write(again, said)
    equal(re.sub("  # .*", "", show("wormhole-relayd", "--config", again)), re.sub("  # .*", "", said), "printed from that")
    true(not os.path.exists(world.path(".local")), "nothing was created")


@test("with a mistake in its file the daemon does not start, and says where it is")
def mistake(world):
    daemon = world.daemon("a", "ws://127.0.0.1:1/v1", start=False)
    write(usual(daemon), "keep = 1d\n\n[appid \"x\"]\nschedule = now and then\n")
    equal(daemon.launch().wait(), 1, "exit status")
    contains(daemon.process.err(), usual(daemon) + ":4: invalid value 'now and then' for schedule", "what it says")
    true(not os.path.exists(daemon.state), "there is no store")


# ---- what it means ----

@test("sessions of an application have what the file says of it, unless they say otherwise")
def applications(world):
    relay, other = world.relay(), world.relay()
    daemon = world.daemon("a", relay, start=False)
    write(usual(daemon), "[appid \"%s\"]\nschedule = 0:0,600:3600\ntimeout = 2h\nwords = 5\nrelay = %s\n" % (APPID, other.url))
    daemon.start()
    equal(daemon.call("status")["config"], usual(daemon), "config in status")
    view = daemon.invite(appid=APPID)
    equal((view["schedule"], view["relay"]), ("0:0,600:3600", other.url), "schedule and relay")
    equal((view["deadline"] - view["created"]) // 3600_000, 2, "hours that it lasts")
    equal(view["code"].count("-"), 5, "words of the code")
    view = daemon.invite(appid=APPID, words=1, schedule="email", relay=relay.url)
    equal((view["schedule"], view["relay"], view["code"].count("-")), ("email", relay.url, 1), "what was asked for")
    view = daemon.invite()
    equal((view["schedule"], view["relay"]), ("email", relay.url), "another application")


@test("a proxy's password is not in the command line, the status or the log")
def secret(world):
    relay = world.relay()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    daemon = world.daemon("a", relay, "--proxy", "socks5h://me:%s@127.0.0.1:%d" % (SECRET, port))
    daemon.call("invite", name="peer")
    daemon.until("peer", lambda view: view["last_error"], what="the proxy is not there")
    shown = [row["proxy"] for row in daemon.call("status")["relays"]]
    equal(shown, ["socks5h://127.0.0.1:%d" % port], "proxy in status")
    with open("/proc/%d/cmdline" % daemon.process.pid, "rb") as file:
        lacks(file.read(), SECRET.encode(), "the command line")
    for text in (daemon.process.err(), daemon.ctl("status").out, daemon.ctl("status", "--json").out):
        lacks(text, SECRET, "what is told")


# ---- SIGHUP ----

def reread(daemon, text, said="settings reloaded"):
    """Gives it another file, and waits until it has said that."""
    write(usual(daemon), text)
    before = daemon.process.err().count(said)
    daemon.process.kill(signal.SIGHUP)
    wait_until(lambda: daemon.process.err().count(said) > before, 20, "it says: " + said)


@test("SIGHUP: what the file says of applications and relays holds for sessions from now on")
def sighup(world):
    relay = world.relay()
    daemon = world.daemon("a", relay)
    equal(daemon.call("status")["config"], None, "config in status")
    held = daemon.invite(name="held", schedule="realtime")
    reread(daemon, "[appid \"%s\"]\nschedule = realtime\n[relay \"%s\"]\nproxy = http://127.0.0.1:1\n" % (APPID, relay.url))
    equal(daemon.call("status")["config"], usual(daemon), "config in status")
    daemon.call("invite", name="new", appid=APPID)
    view = daemon.until("new", lambda view: view["last_error"], what="it goes through the proxy that is not there")
    equal(view["schedule"], "realtime", "schedule")
    equal(daemon.show("held")["connection"], "held", "the connection that was there before")
    reread(daemon, "[appid \"%s\"\n" % APPID, said="settings not reloaded")
    contains(daemon.process.err(), "wormholed.conf:1:", "where the mistake is")
    equal(daemon.invite(appid=APPID, relay=relay.url.replace("127.0.0.1", "localhost"))["schedule"], "realtime", "schedule still")
    reread(daemon, "")
    daemon.call("poll", session="new")
    daemon.until("new", lambda view: view["code"], what="it reaches the relay without a proxy")
    equal(daemon.show("held")["code"], held["code"], "the code of the session before")


@test("SIGHUP: the log level is taken at once; state and socket are not, and the log says so")
def sighup_refused(world):
    daemon = world.daemon("a", world.relay(), start=False)
    fixed = ("--state", "--socket", "--relay", "--log-level")
    words = daemon.command()
    bare = [word for i, word in enumerate(words) if word not in fixed and words[i - 1] not in fixed]
    text = "state = %s\nsocket = %s\n" % (daemon.state, daemon.socket)
    write(usual(daemon), text)
    daemon.process = world.spawn("daemon-a", bare, environment=daemon.environment())
    wait_until(daemon.answers, 20, "it answers")
    reread(daemon, "state = /elsewhere\nsocket = /else/where\nlog-level = debug\nmax-store-size = 1G\n")
    for key in ("state", "socket", "max-store-size"):
        contains(daemon.process.err(), "%s does not change" % key, "what it says")
    status = daemon.call("status")
    equal((status["state_dir"], status["socket"]), (daemon.state, daemon.socket), "state and socket")
    daemon.ctl("list")
    daemon.process.wait_text("debug: ", stream="err")
    reread(daemon, text)
    equal(daemon.process.err().count("does not change"), 3, "complaints after the file is as it was")


@test("SIGHUP in the background: relative paths mean what they meant when it was started")
def relative(world):
    daemon = world.daemon("a", world.relay(), start=False)
    log = os.path.join(daemon.home, "log")
    write(os.path.join(daemon.home, "own.conf"), "relay = ws://first/\nstate = state\n")
    words = [word for word in daemon.command()
             if word not in ("--foreground", "--relay", daemon.relay_url, "--state", daemon.state)]
    with open(log, "wb") as file:
        subprocess.run(words + ["--config", "own.conf"], cwd=daemon.home, env=daemon.environment(), stderr=file,
                       stdin=subprocess.DEVNULL, timeout=patience(60), check=True)
    pid = daemon.call("status")["pid"]
    world.finally_call(lambda: os.path.lexists(daemon.socket) and os.kill(pid, signal.SIGKILL))
    write(os.path.join(daemon.home, "own.conf"), "relay = ws://second/\nstate = state\n")
    os.kill(pid, signal.SIGHUP)
    wait_until(lambda: daemon.call("status")["default_relay"] == "ws://second/", 20, "the file was read again")
    equal(daemon.call("status")["state_dir"], daemon.state, "state")
    with open(log) as file:
        lacks(file.read(), "does not change", "the log")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.lexists(daemon.socket), 20, "it has ended")


if __name__ == "__main__":
    main(120)

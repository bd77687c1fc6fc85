#!/bin/sh
# Run by run.sh, as root in a system that holds nothing but a bare Debian: /old and /new are packages of ours, /package-tests
# the tests that come with them. Nobody is there to answer questions.
set -u
passed=0
failed=0

# check NAME COMMAND...
check() {
    name=$1
    shift
    if "$@" >/tmp/said 2>&1; then
        echo "ok: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        tail -n 40 /tmp/said
        failed=$((failed + 1))
    fi
}

# as WHO COMMAND...: from a login without a manager of services
as() {
    who=$1
    shift
    su "$who" -s /bin/sh -c 'cd; exec timeout 60 "$@"' -- sh "$@"
}

# What there is outside of homes and of what packages and this test itself write. (Users and caches come with other packages.)
everything() {
    find / -xdev \( -path /proc -o -path /home -o -path /tmp -o -path /new -o -path /old -o -path /package-tests -o -path /var/log \
        -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path '/etc/ld.so.cache' \) -prune -o -print | sort
}

eventually() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || return 1
        sleep 0.1
    done
}

install() { apt-get -q install -y --no-install-recommends "$@"; }
listed() { as "$1" wormctl -o name,condition list; }

# The daemons of both, and the messages there and back, with the relay at $relay.
introduce() {
    code=$(as ada wormctl --start-daemon invite --relay "$relay" --name bert) &&
        as bert wormctl --start-daemon accept --relay "$relay" --name ada "$code" &&
        as bert wormctl send ada hello && [ "$(as ada wormctl recv bert --wait)" = hello ]
}
talk() {
    as ada wormctl --start-daemon send bert "$1" && [ "$(as bert wormctl --start-daemon recv ada --wait)" = "$1" ]
}
kept() { [ -e /home/ada/.local/state/wormholed/data.mdb ] && [ -e /home/bert/.local/state/wormholed/keys ]; }

version_is() { dpkg-query -W -f '${Version}\n' wormholed wormhole-relayd libwormclient0 libwormclient-dev python3-wormclient | grep "$1" | wc -l | grep -qx 5; }

after() { version_is "^$(dpkg-deb -f /new/wormholed_*.deb Version)\$"; }

# Units are where the managers look, and those are enabled that should be.
units() {
    [ -e /usr/lib/systemd/user/wormholed.socket ] && [ -e /etc/systemd/user/sockets.target.wants/wormholed.socket ] &&
        [ ! -e /etc/systemd/user/default.target.wants/wormholed.service ] &&
        { [ -e /lib/systemd/system/wormhole-relayd.service ] || [ -e /usr/lib/systemd/system/wormhole-relayd.service ]; } &&
        [ -e /etc/systemd/system/multi-user.target.wants/wormhole-relayd.service ] &&
        [ ! -e /etc/systemd/system/sockets.target.wants/wormhole-relayd.socket ]
}
setting_kept() { grep -qx 'retention = 9d' /etc/wormhole-relayd.conf && wormhole-relayd --check-config --config /etc/wormhole-relayd.conf; }
gone() {
    everything >/tmp/after
    # Ours only: what was installed because of ours may be left to apt.
    comm -13 /tmp/before /tmp/after | grep -i worm >/tmp/left
    cat /tmp/left
    ! [ -s /tmp/left ]
}
stop_daemons() {
    for daemon in $(cat /home/*/.local/state/wormholed/pid 2>/dev/null) $(pids_of wormholed); do kill "$daemon" 2>/dev/null; done
    eventually none_left
}
pids_of() {
    for process in /proc/[0-9]*; do
        [ "$(cat "$process/comm" 2>/dev/null)" != "$1" ] || [ "$(stat -L -c %d:%i "$process/root" 2>/dev/null)" != \
            "$(stat -L -c %d:%i /)" ] || echo "${process#/proc/}"
    done
}
none_left() { [ -z "$(pids_of wormholed)" ]; }

apt-get -q update >/tmp/said 2>&1 || { tail -n 5 /tmp/said; echo "skipped: no package lists within reach"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
useradd -m ada
useradd -m bert
everything >/tmp/before

check "the version before is installed" install /old/*.deb
[ "$failed" = 0 ] || { echo "$passed passed, $failed failed"; exit 1; }
check "units are in place, and the user's socket is enabled, the relay's is not" units
wormhole-relayd --listen 127.0.0.1:0 --store /tmp/relay >/tmp/relay.out 2>/tmp/relay.log &
relay_process=$!
eventually grep -q '^listening on ' /tmp/relay.out
relay=$(sed -n 's/^listening on //p' /tmp/relay.out)
check "two users are introduced" introduce
echo 'retention = 9d' >>/etc/wormhole-relayd.conf
check "it is upgraded, while daemons run, without a question" install -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold /new/*.deb
check "all packages are the new ones" after
check "a setting that somebody made is kept" setting_kept
check "daemons of the version before go on" talk "across versions"
check "they stop" stop_daemons
check "the new version finds the sessions" talk "after the upgrade"
for manual in man1/wormctl.1 man8/wormholed.8 man5/wormholed.conf.5 man8/wormhole-relayd.8 man3/libwormclient.3; do
    [ -e /etc/dpkg/dpkg.cfg.d/docker ] || check "manual $manual" test -e "/usr/share/man/$manual.gz"
done
check "autopkgtest: introduction" sh /package-tests/introduction
check "autopkgtest: python" sh /package-tests/python
check "gcc is installed" install gcc libc6-dev pkgconf
check "autopkgtest: library" sh /package-tests/library
check "purged, while daemons run, without a question" apt-get -q purge -y wormholed wormhole-relayd libwormclient0 libwormclient-dev python3-wormclient
check "nothing of ours is left outside of homes" gone
check "sessions are kept" kept
stop_daemons
check "installed again" install /new/wormholed_*.deb
check "and the sessions go on" talk "after all"
stop_daemons
kill "$relay_process"
wait
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

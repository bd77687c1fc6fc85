# shellcheck shell=sh
# For both tests: a relay on a port of the kernel's choice, and the daemons of two users, "desk" and "laptop".
set -eu
AUTOPKGTEST_TMP=${AUTOPKGTEST_TMP:-$(mktemp -d)}
cd "$AUTOPKGTEST_TMP"
unset XDG_CONFIG_HOME WORMHOLED_STATE WORMHOLED_SOCKET WORMHOLED_RELAY
export HOME="$AUTOPKGTEST_TMP"
pids=
# shellcheck disable=SC2086 # words
trap 'kill $pids 2>/dev/null || :; wait' EXIT

# eventually COMMAND...: tries for half a minute
eventually() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { echo "in vain: $*" >&2; cat ./*.log >&2; exit 1; }
        sleep 0.1
    done
}

wormhole-relayd --listen 127.0.0.1:0 --store "$PWD/relay" >relay.out 2>relay.log &
pids=$!
eventually grep -q '^listening on ' relay.out
relay=$(sed -n 's/^listening on //p' relay.out)

for who in desk laptop; do
    wormholed --foreground --state "$PWD/$who/state" --socket "$PWD/$who/socket" --relay "$relay" 2>"$who.log" &
    pids="$pids $!"
    eventually wormctl --socket "$PWD/$who/socket" status
done

desk() { WORMHOLED_SOCKET=$PWD/desk/socket timeout 60 "$@"; }
laptop() { WORMHOLED_SOCKET=$PWD/laptop/socket timeout 60 "$@"; }

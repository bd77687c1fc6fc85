#!/bin/sh
# The model of moving between epochs, checked exhaustively within its bounds; and each fault that it lists, which it
# must find.
set -u
model=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/model/epochs.pml
faults=$(sed -n 's/^ \*   \([A-Z_]*\)  .*/\1/p' "$model")

for program in spin "${CC_FOR_MODELS:=gcc}"; do
    if ! command -v "$program" >/dev/null; then
        echo "1..0 # SKIP $program is not installed"
        exit 0
    fi
done

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 1

# check OPTIMIZATION DEFINITION...: checks the model with these; what the checker says is in `said`. A fault is found at once,
# and where it is not, the test fails late: nothing to optimize for.
check() {
    optimization=$1
    shift
    said=$({ spin "$@" -a "$model" && "$CC_FOR_MODELS" "$optimization" -DSAFETY -DMEMLIM=2048 -o pan pan.c &&
        ./pan -m100000 -w22; } 2>&1)
}

number=0
judge() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        echo "$said" | sed 's/^/# /'
    fi
}

# Exhaustive, and without an error.
holds() {
    echo "$said" | grep -q "errors: 0" && ! echo "$said" | grep -Eq "not completed|max search depth|out of memory|aborting"
}

# shellcheck disable=SC2086 # words
set -- $faults
echo "1..$((2 + $#))"
check -O2 -DEPOCHS=4
holds
judge $? "four epochs, a message of each end: $(echo "$said" | sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p')"
check -O2 -DEPOCHS=3 -DMESSAGES_A=2 -DMESSAGES_B=0
holds
judge $? "three epochs, two messages of one end: $(echo "$said" | sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p')"
for fault in $faults; do
    check -O0 -DEPOCHS=3 "-D$fault"
    echo "$said" | grep -q "errors: 1"
    judge $? "$fault is found"
done

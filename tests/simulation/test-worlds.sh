#!/bin/sh
# Some thousands of simulated worlds, two ranges at a time. WORMHOLED_TEST_WORLDS: how many.
set -u
worlds=${WORMHOLED_TEST_WORLDS:-4000}
parts=8
each=$((worlds / parts))
simulate=${abs_top_builddir:?}/tests/simulation/simulate
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

live() {
    range=$((($1 - 1) * each + 1))-$(($1 * each))
    "$simulate" --seeds $range >"$said/$1" && verdict="ok $1" || verdict="not ok $1"
    sed -i 's/^#* */# /' "$said/$1"
    echo "$verdict - seeds $range" >>"$said/$1"
}

echo "1..$parts"
part=1
while [ $part -lt $parts ]; do
    live $part &
    live $((part + 1)) &
    wait
    cat "$said/$part" "$said/$((part + 1))"
    part=$((part + 2))
done

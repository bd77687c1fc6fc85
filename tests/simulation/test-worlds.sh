#!/bin/sh
# Some thousands of simulated worlds, two ranges at a time: others at each commit, and those that have found faults.
# WORMHOLED_TEST_WORLDS: how many. WORMHOLED_TEST_SEED: the first.
set -u
worlds=${WORMHOLED_TEST_WORLDS:-4000}
parts=8
each=$((worlds / parts))
simulate=${abs_top_builddir:?}/tests/simulation/simulate
found="249 2729 700003529 700004990 700008548 700013426 700027584 700028367 700029152 700035363 10279120000320 15973462600043 3793460703852 21218482703637 1917346900241 8200028223 8200007720 661200074"
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

# Of 2^28 ranges, the one that belongs to this commit; without git, to this version.
first_seed() {
    hash=$(git -C "${abs_top_srcdir:?}" rev-parse --short=7 HEAD 2>/dev/null | cut -c1-7)
    version=$(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$abs_top_builddir/config.h")
    [ -n "$hash" ] || hash=$(printf %s "$version" | sha256sum | cut -c1-7)
    echo $((0x$hash * 100000 + 1))
}

live() {
    from=$((first + ($1 - 1) * each))
    "$simulate" --seeds $from-$((from + each - 1)) >"$said/$1" && verdict="ok $1" || verdict="not ok $1"
    sed -i 's/^#* */# /' "$said/$1"
    echo "$verdict - seeds $from-$((from + each - 1))" >>"$said/$1"
}

live_again() {
    verdict="ok"
    for seed in $found; do
        "$simulate" --seeds "$seed" | sed -n 's/^seed/# &/p' | grep . && verdict="not ok"
    done
    echo "$verdict $((parts + 1)) - seeds that have found faults"
}

first=${WORMHOLED_TEST_SEED:-$(first_seed)}
echo "1..$((parts + 1))"
part=1
while [ $part -lt $parts ]; do
    live $part &
    live $((part + 1)) &
    wait
    cat "$said/$part" "$said/$((part + 1))"
    part=$((part + 2))
done
live_again

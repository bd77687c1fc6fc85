#!/bin/sh
# Some thousands of simulated worlds, on as many processors as there are. WORMHOLED_TEST_WORLDS: how many.
set -u
worlds=${WORMHOLED_TEST_WORLDS:-2000}
parts=8
each=$((worlds / parts))
simulate=${abs_top_builddir:?}/tests/simulation/simulate

echo "1..$parts"
part=0
while [ $part -lt $parts ]; do
    part=$((part + 1))
    range=$(((part - 1) * each + 1))-$((part * each))
    if said=$("$simulate" --seeds $range); then
        echo "ok $part - seeds $range"
    else
        echo "not ok $part - seeds $range"
    fi
    echo "$said" | sed 's/^#* */# /'
done

#!/bin/sh
# The shared library exports the functions of its public header, all of them and nothing else: a symbol that slips out
# becomes somebody's dependency, one that is missing is a program that does not link.

library=${abs_top_builddir:?}/libclient/.libs/libwormclient.so
header=${abs_top_srcdir:?}/libclient/wormclient.h

echo 1..1
if [ ! -e "$library" ]; then
    echo "ok 1 # SKIP no shared library was built"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/test-exports.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# CC may bring options. Without comments, a name before a parenthesis is a declaration.
${CC:-cc} -E -P "$header" | grep -o 'wormclient_[a-z_]*(' | tr -d '(' | sort -u >"$work/promised"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/exported"

if [ -s "$work/promised" ] && diff -u "$work/promised" "$work/exported" >"$work/differences"; then
    echo "ok 1 - the exported symbols are the promised ones"
else
    sed 's/^/# /' "$work/differences"
    echo "not ok 1 - the exported symbols are the promised ones"
fi

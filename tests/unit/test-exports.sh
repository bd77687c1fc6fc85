#!/bin/sh
# The functions of the public header, the version script's list, and what the shared library exports are the same: a
# symbol that slips out becomes somebody's dependency, one that is missing is a program that does not link.

library=${abs_top_builddir:?}/libclient/.libs/libwormclient.so
header=${abs_top_srcdir:?}/libclient/wormclient.h
map=$abs_top_srcdir/libclient/libwormclient.map

work=$(mktemp -d "${TMPDIR:-/tmp}/test-exports.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# compare NUMBER WHAT: says whether the names in $work/found are those of the header.
compare() {
    if [ -s "$work/declared" ] && diff -u "$work/declared" "$work/found" >"$work/differences"; then
        echo "ok $1 - $2"
    else
        sed 's/^/# /' "$work/differences"
        echo "not ok $1 - $2"
    fi
}

echo 1..2

# CC may bring options. Without comments, a name before a parenthesis is a declaration.
${CC:-cc} -E -P "$header" | grep -o 'wormclient_[a-z_]*(' | tr -d '(' | sort -u >"$work/declared"

# The linker does not mind names that nobody defines.
grep -o 'wormclient_[a-z_]*;' "$map" | tr -d ';' | sort >"$work/found"
compare 1 "the version script lists the functions of the header, each once"

if [ -e "$library" ]; then
    nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/found"
    compare 2 "the shared library exports the functions of the header, and nothing else"
else
    echo "ok 2 # SKIP no shared library was built"
fi

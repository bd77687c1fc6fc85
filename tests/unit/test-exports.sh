#!/bin/sh
# What the library exports, and the functions of its header, are the same: a symbol that slips out becomes somebody's
# dependency, one that is missing is a program that does not link. A static archive cannot hide the names that its files
# have between themselves; they begin with wormclient__, so that no program's own can be the same.

libraries=${abs_top_builddir:?}/libclient/.libs
header=${abs_top_srcdir:?}/libclient/wormclient.h

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

# skip NUMBER WHY
skip() { echo "ok $1 # SKIP $2"; }

# Names that are defined for others, of "value type name" lines; what compilers add begins with an underscore.
names() { awk 'NF == 3 && $2 ~ /^[A-TV-Z]$/ && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | grep -v '^_' | sort; }

# CC may bring options. Without comments, a name before a parenthesis is a declaration.
${CC:-cc} -E -P "$header" | grep -o 'wormclient_[a-z_]*(' | tr -d '(' | sort -u >"$work/declared"
symbols=${abs_top_srcdir:?}/debian/libwormclient0.symbols

# --symbols VERSION: the symbols file of the Debian package as it should be; what is new gets this version.
if [ "${1-}" = --symbols ]; then
    echo 'libwormclient.so.0 libwormclient0 #MINVER#'
    echo " WORMCLIENT_1@WORMCLIENT_1 $2"
    while read -r name; do
        grep "^ $name@" "$symbols" 2>/dev/null || echo " $name@WORMCLIENT_1 $2"
    done <"$work/declared"
    exit
fi

echo 1..4

if [ -e "$libraries/libwormclient.so" ]; then
    ${NM:-nm} -D --defined-only "$libraries/libwormclient.so" | names >"$work/found"
    compare 1 "the shared library exports the functions of the header, and nothing else"
else
    skip 1 "no shared library was built"
fi

if [ -e "$libraries/libwormclient.a" ]; then
    ${NM:-nm} -g --defined-only "$libraries/libwormclient.a" 2>/dev/null | names >"$work/all"
    grep -v '^wormclient__' "$work/all" >"$work/found"
    compare 2 "the static library exports the functions of the header, and else only names that begin with wormclient__"
else
    skip 2 "no static library was built"
fi

# Two archives, or two files of one, that define the same name cannot be linked into one program.
if [ -e "$libraries/libwormclient.a" ]; then
    uniq -d "$work/all" >"$work/twice"
    [ -s "$work/twice" ] && sed 's/^/# twice: /' "$work/twice" && printf 'not '
    echo "ok 3 - no name is defined twice in the static library"
else
    skip 3 "no static library was built"
fi

sed -n 's/^ \(wormclient_[a-z_]*\)@.*/\1/p' "$symbols" >"$work/found"
compare 4 "the symbols file of the Debian package names the functions of the header (make signatures)"

#!/bin/sh
# The library as it was built has the ABI of the committed list of its declarations: names, types, values of enumerations,
# the size and layout of structures. The list is C, so that it makes a library of its own to compare with.

header=${abs_top_srcdir:?}/libclient/libwormclient
library=${abs_top_builddir:?}/libclient/.libs/libwormclient.so.0

skip() {
    echo "1..0 # SKIP $1"
    exit
}
command -v abidiff >/dev/null || skip "no abidiff (Debian's abigail-tools)"
[ -e "$library" ] || skip "no shared library was built"
readelf --debug-dump=info "$library" 2>/dev/null | grep -q DW_TAG_formal_parameter || skip "the library was built without -g"

work=$(mktemp -d "${TMPDIR:-/tmp}/test-abi.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# from_list NAME SED-COMMAND: a library with the declarations of the list, changed by the command
from_list() {
    {
        printf '#include <stddef.h>\n#include <stdint.h>\n'
        sed -e "$2" "$header.signatures" | sed '/^typedef/!s/);$/) { __builtin_trap(); }/'
    } >"$work/$1.c"
    ${CC:-cc} -g -fPIC -shared -w -Wl,--version-script="$header.map" -Wl,-soname,libwormclient.so.0 \
        -o "$work/$1.so" "$work/$1.c"
}

same() { from_list same '' && abidiff "$work/same.so" "$library"; }

# What makes the comparison worth something: it sees a change of each kind.
differs() {
    from_list changed "$1" || return
    ! cmp -s "$work/same.c" "$work/changed.c" && ! abidiff "$work/changed.so" "$library"
}

count=0
check() {
    name=$1
    shift
    count=$((count + 1))
    if "$@" >"$work/said" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        head -n 100 "$work/said" | sed 's/^/# /'
    fi
}

echo 1..5
check "the library has the ABI of libwormclient.signatures" same
check "a function that comes would be seen" differs '/^int wormclient_fd(/d'
check "another type of a parameter would be seen" differs 's/\(wormclient_adopt(\)int /\1long /'
check "another value in an enumeration would be seen" differs 's/, WORMCLIENT_ERROR_DENIED//'
check "another layout of a structure would be seen" differs 's/text\[512\]/text[256]/'

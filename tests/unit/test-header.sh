#!/bin/sh
# What the library's header promises to its readers: its example compiles as it stands, C++ can use it, the manual page is
# the one made from it, its version is the package's, and no declaration has changed by accident. One that is meant to
# changes libclient/libwormclient.signatures in the same commit; after a release, nothing there may change or go.

header=${abs_top_srcdir:?}/libclient/wormclient.h
version=${PACKAGE_VERSION:-$(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "${abs_top_builddir:?}/config.h")}

work=$(mktemp -d "${TMPDIR:-/tmp}/test-header.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
count=0

# check NAME COMMAND...: one test, passed if the command succeeds.
check() {
    name=$1
    shift
    count=$((count + 1))
    if "$@" >"$work/said" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$work/said"
    fi
}

# Every declaration and type on a line, as the compiler sees them, without attributes and names of parameters' comments.
signatures() {
    ${CC:-cc} -E -P "$header" | sed -n '/wormclient/,$p' | tr '\n' ' ' |
        sed 's/__attribute__ *((\([^()]*\|([^()]*)\)*))//g; s/[[:space:]][[:space:]]*/ /g; s/ *; */;\n/g' |
        sed 's/^ *//; s/ *;$/;/' | grep -v '^$'
}

compile() {
    awk '/^ \*     #include <stdio.h>/ { on = 1 } on && !/^ \*     |^ \*$/ { exit } on { print substr($0, 8) }' \
        "$header" >"$work/hello.c"
    test -s "$work/hello.c" &&
        ${CC:-cc} -Wall -Wextra -Werror -I"$abs_top_srcdir/libclient" -c "$work/hello.c" -o "$work/hello.o"
}

compile_cxx() {
    printf '#include <wormclient.h>\nint main() { wormclient_error e = WORMCLIENT_ERROR_INIT; return e.code + (wormclient_version() == nullptr); }\n' >"$work/a.cc"
    "$cxx" -std=c++11 -Wall -Wextra -Werror -pedantic -I"$abs_top_srcdir/libclient" -fsyntax-only "$work/a.cc"
}

current_manual() {
    ${AWK:-awk} -f "$abs_top_srcdir/libclient/make-manual.awk" "$header" | diff "$abs_top_srcdir/doc/libwormclient.3" -
}

same_version() {
    grep -qF "#define WORMCLIENT_VERSION       \"$version\"" "$header" &&
        test "$(sed -n 's/^#define WORMCLIENT_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$header" | paste -sd.)" = "$version"
}

same_signatures() { signatures | diff "$abs_top_srcdir/libclient/libwormclient.signatures" -; }

# Each declaration has its comment, and that says since when.
all_since() {
    awk '/^\/\* ---- versions/ { on = 1 }
        on && /^\/\*/ && !/ ---- / { comment = 1; since = 0 }
        comment && /@since [0-9]/ { since = 1 }
        comment && /\*\/$/ { comment = 0; if (!since) { print NR ": " $0; bad = 1 } }
        END { exit bad }' "$header"
}

if [ "${1-}" = --signatures ]; then
    signatures
    exit
fi
echo 1..6
check "the example in the header compiles" compile
cxx=$(command -v g++ || command -v clang++)
if [ -n "$cxx" ]; then
    check "the header can be used from C++" compile_cxx
else
    count=$((count + 1))
    echo "ok $count # SKIP no C++ compiler"
fi
check "the manual page is made from this header" current_manual
check "the header's version is the package's" same_version
check "every declaration is as it was" same_signatures
check "every declaration says since when it is there" all_since

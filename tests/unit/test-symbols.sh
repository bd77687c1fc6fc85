#!/bin/sh
# One name, one thing: no global symbol is defined in two archives of the build or in an archive and a program, and no struct,
# union, enum or typedef has two definitions in the tree. So any part can be linked with any other (the simulator with the
# real relay, say), and who searches for a name finds one thing.

build=${abs_top_builddir:?}
source=${abs_top_srcdir:?}

directory=$(mktemp -d "${TMPDIR:-/tmp}/symbols.XXXXXX") || exit 99
trap 'rm -rf "$directory"' EXIT

# verdict NUMBER NAME FILE: passed if the file with the offenders is empty.
verdict()
{
    if [ -s "$3" ]; then
        sed 's/^/# /' "$3"
        echo "not ok $1 - $2"
    else
        echo "ok $1 - $2"
    fi
}

echo 1..2

# "symbol where", one per line. A weak or common symbol is as global as any. `main` is every program's own; sanitizers add
# symbols whose names begin with two underscores.
globals()
{
    "${NM:-nm}" -A --defined-only -g "$1" 2>/dev/null |
        awk -v where="$2" 'NF >= 3 && $(NF - 1) ~ /^[TDBRCVWGS]$/ && $NF != "main" && $NF !~ /^__/ { print $NF, where }'
}
for archive in "$build"/*/lib*.a "$build"/libclient/.libs/libwormclient.a; do
    [ -e "$archive" ] && globals "$archive" "${archive#"$build"/}"
done >"$directory/globals"
for object in "$build"/*/main.o; do
    globals "$object" "${object#"$build"/}"
done >>"$directory/globals"
sort -u "$directory/globals" | awk '
    $1 == last { if (!shown) print first; print; shown = 1; next }
    { last = $1; first = $0; shown = 0 }' >"$directory/twice"
if [ -s "$directory/globals" ]; then
    verdict 1 "no global symbol is defined in two places ($(wc -l <"$directory/globals") looked at)" "$directory/twice"
else
    echo "ok 1 # SKIP nm finds no symbols in this build"
fi

# Definitions, wherever on a line they begin; a typedef by the name at its end.
for file in "$source"/*/*.[ch]; do
    case $file in "$source"/tests/* | "$source"/examples/*) continue ;; esac
    awk -v where="${file#"$source"/}" '
        /^[ \t]*(\*|\/\*|\/\/)/ { next }
        match($0, /(struct|union|enum) [a-z_0-9]+ \{/) {
            split(substr($0, RSTART, RLENGTH), words, " ")
            print words[2], where
        }
        /^typedef .*;/ && match($0, /\(\*?[a-z_0-9]+\)\(|[a-z_0-9]+\(|[a-z_0-9]+;/) {
            name = substr($0, RSTART, RLENGTH)
            gsub(/[^a-z_0-9]/, "", name)
            print name, where
        }' "$file"
done | sort >"$directory/types"
awk '$1 == last { if (!shown) print first; print; shown = 1; next } { last = $1; first = $0; shown = 0 }' \
    "$directory/types" >"$directory/twice"
[ -s "$directory/types" ] || echo "no type was found" >"$directory/twice"
verdict 2 "no type is defined twice ($(wc -l <"$directory/types") looked at)" "$directory/twice"

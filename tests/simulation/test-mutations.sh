#!/bin/sh
# Whether the mutations fit the tree, without a build: each edit of each script changes its file, and the README has a row
# for each script, with what it says. (`mutate` then shows whether a mutation is caught.)
set -u
cd "${abs_top_srcdir:?}" || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# NAME|FILE|EDIT for each edit, where one in a block takes along the block's address; NAME||SCRIPT for a script that has no
# such row: name, what it breaks, and the seed and what was said there, or the name of the unit test that catches it.
edits() {
    awk '
        FILENAME ~ /README\.md$/ { if (split($0, cell, / *\| */) == 6) row[cell[2] "|" cell[3]] = cell[4]; next }
        FNR == 1 { finish(); name = FILENAME; sub(/.*\//, "", name); sub(/\.sed$/, "", name)
            script = FILENAME; caught = "^([0-9]+|(hangs|crashes) after [0-9]+)$" }
        /^# file: / { file = substr($0, 9); next }
        /^# unit: / { caught = "^" substr($0, 9) "$"; next }
        /^#/ { if (FNR == 2) what = substr($0, 3); next }
        /\{$/ { block = $0; next }
        /^}$/ { block = ""; next }
        { print name "|" file "|" block $0 (block == "" ? "" : "; }") }
        function finish() { if (name != "" && row[name "|" what] !~ caught) print name "||" script }
        END { finish() }' tests/simulation/README.md tests/simulation/mutations/*.sed
}

edits >"$work/edits"
echo "1..$(wc -l <"$work/edits")"
count=0
while IFS='|' read -r name file edit; do
    count=$((count + 1))
    if [ -z "$file" ]; then
        echo "not ok $count - $name: the README's row says what $edit says, and what catches it"
    elif sed -E "$edit" "$file" | cmp -s - "$file"; then
        echo "not ok $count - $name: changes nothing in $file: $edit"
    else
        echo "ok $count - $name"
    fi
done <"$work/edits"

#!/bin/sh
# The daemons' manuals: each option of --help is in the page, each setting in the page and in the file to begin with, and the
# other way round; and no page has mistakes in its markup. (test-wormctl-usage.sh looks at wormctl's options.)
# Guards against a setting that is documented nowhere, and one that is documented and gone.

build=${abs_top_builddir:?}
source=${abs_top_srcdir:?}

directory=$(mktemp -d "${TMPDIR:-/tmp}/manuals.XXXXXX") || exit 99
trap 'rm -rf "$directory"' EXIT
count=0

# check NAME COMMAND…: one test, passed if the command succeeds.
check()
{
    name=$1
    shift
    count=$((count + 1))
    if "$@" >"$directory/said" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$directory/said"
    fi
}

# same WHAT WHAT: two lists, line by line, in any order.
same()
{
    sort -u "$directory/$1" >"$directory/left"
    sort -u "$directory/$2" >"$directory/right"
    test -s "$directory/left" && diff "$directory/left" "$directory/right"
}

# The options in the help of a daemon.
options_of_help()
{
    "$build/$1" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'
}

# Those of them that are settings.
settings_of_help()
{
    options_of_help "$1" | grep -Evx 'foreground|config|restore|passphrase-file|check-config|print-config|diagnose|limits|help|version'
}

# The options that are explained in a page, as .It Fl Fl NAME.
options_of_page()
{
    sed -n 's/^\.It Fl Fl \([a-z-]*\).*/\1/p' "$1"
}

# The keys that are explained in a page, as .It Cm NAME, or several with commas between them, under the headings from one
# that matches to one that does.
keys_of_page()
{
    sed -n "/^\.S[hs] $2/,/^\.S[hs] $3/s/^\.It Cm //p" "$1" | sed 's/, Ev .*//' | tr -d ' ' | tr , '\n'
}

# The keys in a file, commented out or not, of a kind of section: "" is before the first one.
keys_of_file()
{
    awk -v wanted="$2" '
        /^#?\[/ { section = $1; gsub(/[#[]/, "", section) }
        /^#?[a-z-]+ = / && section == wanted { sub(/^#/, ""); print $1 }' "$1"
}

# The keys of a kind of section, as the daemon says what there is when it meets another.
keys_of_section()
{
    printf '[%s "%s"]\nnonsense = 1\n' "$1" "$2" >"$directory/conf"
    "$build/wormholed" --check-config --config "$directory/conf" 2>&1 | sed -n 's/.*; expected //p' | tr -d ' ' | tr , '\n'
}

options_are_documented()
{
    options_of_help "$1" >"$directory/help"
    options_of_page "$source/doc/$1.8" >"$directory/page"
    same help page
}

settings_are_documented()
{
    settings_of_help "$1" >"$directory/help"
    keys_of_page "$2" "$3" "$4" >"$directory/page"
    same help page
}

settings_are_in_the_file()
{
    settings_of_help "$1" >"$directory/help"
    keys_of_file "$source/dist/$1.conf" "" >"$directory/file"
    same help file
}

section_is_documented()
{
    keys_of_section "$1" "$2" >"$directory/keys"
    keys_of_page "$source/doc/wormholed.conf.5" "\[$1" "\(\[\|FILES\)" >"$directory/page"
    keys_of_file "$source/dist/wormholed.conf" "$1" >"$directory/file"
    same keys page && same keys file
}

# wormhole-relayd explains its settings as keys, since there are so many; so their options are not .It Fl Fl.
relayd_options_are_documented()
{
    options_of_help wormhole-relayd | grep -Ex 'config|check-config|print-config|limits|help|version' >"$directory/help"
    options_of_page "$source/doc/wormhole-relayd.8" >"$directory/page"
    same help page
}

has_no_mistakes()
{
    command -v mandoc >/dev/null || return 0
    # Which other pages are installed here does not matter, and a heading may end with a bracket.
    mandoc -T lint "$1" 2>&1 |
        grep -v 'referenced manual not found\|mandoc\.db lacks\|trailing delimiter: Ss \[' >"$directory/mistakes"
    cat "$directory/mistakes"
    [ ! -s "$directory/mistakes" ]
}

check "wormholed: options" options_are_documented wormholed
check "wormhole-relayd: options" relayd_options_are_documented
check "wormholed.conf: general settings" \
    settings_are_documented wormholed "$source/doc/wormholed.conf.5" "GENERAL" "SECTIONS"
check "wormhole-relayd: settings" \
    settings_are_documented wormhole-relayd "$source/doc/wormhole-relayd.8" "SETTINGS" "SIGNALS"
check "wormholed: settings in the file to begin with" settings_are_in_the_file wormholed
check "wormhole-relayd: settings in the file to begin with" settings_are_in_the_file wormhole-relayd
check "wormholed.conf: sections of applications" section_is_documented appid x
check "wormholed.conf: sections of relays" section_is_documented relay ws://x/
for page in "$source"/doc/*.[1-8]; do
    check "${page##*/}: markup" has_no_mistakes "$page"
done
echo "1..$count"

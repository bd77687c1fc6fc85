#!/bin/sh
# wormctl without a daemon: help, mistakes, exit statuses; and what its tables say is what the man page says.
# Guards against a new option that is documented nowhere, and one that is documented and gone.

wormctl=${abs_top_builddir:?}/wormctl
man=${abs_top_srcdir:?}/doc/wormctl.1

directory=$(mktemp -d "${TMPDIR:-/tmp}/wormctl-usage.XXXXXX") || exit 99
trap 'rm -rf "$directory"' EXIT
umask 077 # or no secret is written to a file
unset WORMHOLED_SOCKET
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

# gives STATUS ARGUMENT…: that exit status, nothing on standard output, and a word on standard error.
gives()
{
    wanted=$1
    shift
    "$wormctl" "$@" >"$directory/out" 2>"$directory/err" </dev/null
    status=$?
    cat "$directory/out" "$directory/err"
    test "$status" -eq "$wanted" && test ! -s "$directory/out" && grep -q '^wormctl: \|^{"error":' "$directory/err"
}

# helps COMMAND…: help for it, on standard output, with success.
helps()
{
    "$wormctl" "$@" --help >"$directory/out" 2>"$directory/err" || return 1
    cat "$directory/out"
    grep -q "^usage: wormctl $*" "$directory/out" && test ! -s "$directory/err"
}

# The commands that general help names.
commands()
{
    "$wormctl" --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\( [a-z][a-z]*\)\{0,1\}\)  .*/\1/p'
}

# The long options in the help that comes on standard input.
options()
{
    sed -n 's/^  *\(-[a-zA-Z0-9], \)\{0,1\}--\([a-z-]*\).*/\2/p'
}

every_option()
{
    "$wormctl" --help | options
    commands | while read -r command; do
        # Unquoted: a name may be two words.
        "$wormctl" $command --help | options
    done
}

commands >"$directory/commands"
every_option >"$directory/options"
sed -n 's/^\.It Ic \([a-z-]*\( [a-z][a-z]*\)\{0,1\}\).*/\1/p' "$man" >"$directory/man-commands"
sed 's/\.It Fl [a-zA-Z0-9] , //; s/Fl Fl /\n--/g' "$man" | sed -n 's/^--\([a-z][a-z-]*\).*/\1/p' >"$directory/man-options"

check "general help" helps
while read -r command; do
    check "help for $command" helps $command
done <"$directory/commands"
check "help for both of text" helps text
check "help without a command is the general help" sh -c '"$1" help | grep -q "^Commands"' sh "$wormctl"
check "help list" sh -c 'test "$("$1" help list)" = "$("$1" list --help)"' sh "$wormctl"
check "help text send" sh -c 'test "$("$1" help text send)" = "$("$1" text send --help)"' sh "$wormctl"
check "help text" sh -c 'test "$("$1" help text)" = "$("$1" text --help)"' sh "$wormctl"
while read -r usual ours; do
    check "$usual is $ours" sh -c 'test "$("$1" help "$2")" = "$("$1" "$3" --help)"' sh "$wormctl" "$usual" "$ours"
done <<'EOF'
ls list
rm forget
receive recv
join accept
EOF
check "wormctl alone shows the commands" sh -c '"$1" 2>&1 | grep -q "^  invite  "' sh "$wormctl"
check "help needs no daemon" sh -c '"$1" --socket "$2/nobody" help status | grep -q "^usage: wormctl status"' sh "$wormctl" "$directory"
check "version" sh -c '"$1" --version | grep -q "^wormctl [0-9]"' sh "$wormctl"

while read -r arguments; do
    check "exit status 2: wormctl $arguments" gives 2 $arguments
done <<'EOF'

help frobnicate
help list extra
help text forward
help text send extra
help --frobnicate
frobnicate
lst
--frobnicate
list --frobnicate
--name x list
invite extra
invite --words 0
invite --words two
invite --code 3-foo --words 4
invite --timeout 400d
invite --expire 400d
invite --timeout 0
invite --timeout 5y
invite --inbox-messages 0
invite --inbox-bytes 1X
invite -o nonsense
invite -o id,
accept
accept 1-a 2-b
accept 1-a --code 1-a
exchange
exchange 1-a
exchange 1-a --code 1-a --data x
exchange --data
exchange --data x --code 3-foo --words 4
exchange 3-foo --data x --words 4
exchange --data x --qr
exchange --data x --once
exchange --data x --raw --json
exchange --data x --raw -o text
list extra
show
show a b
log
log a b
log a -n 0
log a -n x
log a --newest 1001
log a -o nonsense
send
send a b c
recv
recv a --wait=soon
recv a --raw --json
recv a -0 --json
recv a --all --null -o data
recv a -01
recv a --raw -o data
wait a
wait a --for ever
wait a --for code --timeout x
watch a b
watch --since x
watch --exec
watch --on
watch --on ,
watch --on message,mesage
verify
verify a --yes --no
derive-key a
derive-key a b 0
derive-key a b 8161
derive-key a b x
derive-key a b --raw --json
rename
rename a b c
move
move a
move a b --relay ws://r/v1
move a --relay
move a --relay ws://a --relay ws://b --relay ws://c --relay ws://d
move a --all-from ws://a --relay ws://b
move --all-from ws://a
move --all-from ws://a --relay ws://b --relay ws://c
backup
backup a b
backup a --plain --passphrase-file b
backup a -o id
export
export a -O
export a -O x --force
export a -O -
import a b
close
forget
poll
rpc extra
rpc -o id
status extra
status -o id
text
text forward
text send a b
text send a --code 3-foo --words 4
text send a -0 --words 4
text receive 1-a 2-b
text receive 1-a --raw --json
text receive 1-a --raw -o text
text send a --qr --json
text send a --uri -o code
list --wide --names
list --names --json
list --names -o id
list --wide -o id
EOF
check "what is for people is not for programs" \
    sh -c '"$1" text receive 1-a --raw -o text 2>&1 | grep -q "^wormctl: text receive: --raw cannot be used with --json or -o$"' sh "$wormctl"
check "exchange does not offer --once" sh -c '"$1" invite --help | grep -q -e --once && ! "$1" exchange --help | grep -q -e --once' \
    sh "$wormctl"
check "a mistake is told as JSON if that was asked for, wherever" \
    sh -c 'test "$("$1" --json lst 2>&1; "$1" lst --json 2>&1 >/dev/null)" = "$("$1" --json lst 2>&1; "$1" --json lst 2>&1)" &&
        "$1" show --json 2>&1 | grep -q "^{.error.:.show: missing argument: SESSION.,.code.:.usage.,.status.:2,.advice.:.*}$"' sh "$wormctl"
check "the nearest event is suggested, and all are named" \
    sh -c '"$1" watch --on message,endet 2>&1 | grep -q "did you mean .ended.? The events are: code, .* forgotten$"' sh "$wormctl"
check "the nearest command is suggested" sh -c '"$1" lst 2>&1 | grep -q "did you mean .list."' sh "$wormctl"

while read -r arguments; do
    check "exit status 5: wormctl $arguments" gives 5 --socket "$directory/nobody" $arguments
done <<'EOF'
list
status
invite
accept 4-purple-sausages
send a b
recv a --wait
wait a --for code
watch
exchange --data x
export a
import /dev/null
text send hello
text receive 4-purple-sausages
EOF
check "no daemon: how to start it" sh -c '"$1" --socket "$2/nobody" list 2>&1 | grep -q "systemctl --user start wormholed"' \
    sh "$wormctl" "$directory"
check "help that cannot be written is no success" sh -c '! "$1" --help >/dev/full' sh "$wormctl"

check "the man page has all commands and no others" same commands man-commands
check "the man page has all options and no others" same options man-options
echo "1..$count"

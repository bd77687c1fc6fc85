# bash completion for wormctl(1). It asks wormctl's own help what there is, and the daemon for the names of sessions.
# What was typed is compared, quoted: it never becomes a pattern or part of a script.

# The options of $command as its help has them, one a line: "--json", "--name NAME", "--wait[=DURATION]".
_wormctl_options()
{
    # Unquoted: a command may be two words, or none.
    "$program" $command --help 2>/dev/null |
        sed -nE 's/^ +(-[A-Za-z0-9], )?(--[a-z-]+(\[=[A-Z]+\]| [A-Z]+)?)(  .*|$)/\2/p'
}

# The long form of an option: --fields for -o.
_wormctl_long()
{
    local short long rest

    if [[ $1 == --* ]]; then
        printf '%s\n' "$1"
        return
    fi
    while read -r short long rest; do
        if [[ $short == "$1," ]]; then
            printf '%s\n' "$long"
        fi
    done < <("$program" $command --help 2>/dev/null)
}

# The fields of $command, for -o, as its complaint about another one lists them; for that, all else must be right.
_wormctl_fields()
{
    local arguments

    for arguments in '' x 'x x'; do
        "$program" $command -o '?' $arguments 2>&1 </dev/null | sed -nE 's/.*; the fields are: (.*)/\1/p'
    done | tr -d ,
}

# The events of $command, for --on, as its complaint about another one lists them.
_wormctl_events()
{
    "$program" $command --on '?' 2>&1 </dev/null | sed -nE 's/.*the events are: (.*)/\1/p' | tr -d ,
}

# The words that may follow $command in the name of a command, one a line.
_wormctl_next()
{
    local name before=${command:+$command }

    while IFS= read -r name; do
        if [[ $name == "$before"* ]]; then
            name=${name#"$before"}
            printf '%s\n' "${name%% *}"
        fi
    done < <(_wormctl_commands)
}

# The names of commands, one a line.
_wormctl_commands()
{
    "$program" --help 2>/dev/null | sed -nE '/^Commands/,/^$/s/^  ([a-z-]+( [a-z-]+)?)  .*/\1/p'
}

# Names of sessions, or ids of those that have none, as the daemon on the socket of this command line has them.
_wormctl_sessions()
{
    local i socket=()

    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            --socket) socket=(--socket "${words[i + 1]}") ;;
            --socket=*) socket=("${words[i]}") ;;
        esac
    done
    "$program" "${socket[@]}" list --names 2>/dev/null
}

# Offers the lines of standard input that begin with the current word; they may hold blanks.
_wormctl_offer()
{
    local line

    while IFS= read -r line; do
        if [[ $line == "${cur//\\/}"* ]]; then
            COMPREPLY+=("$(printf '%q' "$line")")
        fi
    done
    __ltrim_colon_completions "$cur"
}

# Offers those of the words in $1 that begin with $2, behind what stands before that in the current word ($3).
_wormctl_words()
{
    mapfile -t COMPREPLY < <(compgen ${3:+-P "$3"} -W "$1" -- "$2")
}

# What goes for a value, by the name that the help gives it.
_wormctl_value()
{
    case $1 in
        SESSION) _wormctl_offer < <(_wormctl_sessions) ;;
        PATH | FILE) _filedir ;;
        FIELDS) _wormctl_words "$(_wormctl_fields)" "${cur##*,}" "${cur%"${cur##*,}"}" ;;
        EVENTS) _wormctl_words "$(_wormctl_events)" "${cur##*,}" "${cur%"${cur##*,}"}" ;;
        WHEN) _wormctl_words always "$cur" ;;
        SCHEDULE) _wormctl_words 'realtime email' "$cur" ;;
        CONDITION) _wormctl_words "$("$program" wait --help | sed -nE 's/^  ([a-z]+)  .*/\1/p')" "$cur" ;;
    esac
}

# True if the help has this option with a value of its own; $value is that one's name.
_wormctl_takes_value()
{
    local option kind

    value=
    while read -r option kind; do
        if [[ $option == "${1-}" ]]; then
            value=$kind
        fi
    done < <(_wormctl_options)
    [[ $value ]]
}

# Sets `command`, and `arguments`: how many of them stand before the current word.
_wormctl_parse()
{
    local i word value known

    known=$'\n'$(_wormctl_commands)$'\n'
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ $word == help && ! $command && $arguments == 0 ]]; then
            continue # a command follows
        elif [[ $word == -?* ]]; then
            word=$(_wormctl_long "$word")
            _wormctl_takes_value "$word" && ((i++))
        elif [[ $known == *$'\n'"${command:+$command }$word"[$'\n ']* && $arguments == 0 ]]; then
            command+=${command:+ }$word
        else
            ((arguments++))
        fi
    done
}

_wormctl()
{
    local cur prev words cword program command= arguments=0 value usage

    _init_completion -n =: || return
    program=${words[0]}
    _wormctl_parse

    if [[ $prev == -?* ]] && _wormctl_takes_value "$(_wormctl_long "$prev")"; then
        _wormctl_value "$value"
    elif [[ $cur == -* ]]; then
        _wormctl_words "$(_wormctl_options | sed -E 's/ .*//; s/\[=.*//')" "$cur"
    elif _wormctl_commands | grep -q -x -F -e "$command"; then
        # "usage: wormctl send [OPTION]... SESSION [TEXT]"
        usage=($("$program" $command --help 2>/dev/null | sed -n '1s/.*\[OPTION\]\.\.\.//p' | tr -d '[]'))
        _wormctl_value "${usage[arguments]-}"
    else
        _wormctl_words "$(_wormctl_next)" "$cur"
    fi
} &&
    complete -F _wormctl wormctl

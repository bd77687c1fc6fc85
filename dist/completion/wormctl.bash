# bash completion for wormctl(1)

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
    wormctl "${socket[@]}" list --names 2>/dev/null
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

# Sets `command` and `arguments`, the number of arguments before the current word.
_wormctl_parse()
{
    local i word

    command=
    arguments=0
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        case $word in
            --socket | --name | --appid | --relay | --words | --code | --schedule | --timeout | --for) ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command || $command == text ]]; then
                    command+=${command:+ }$word
                else
                    ((arguments++))
                fi
                ;;
        esac
    done
}

_wormctl_options()
{
    local session='--name --relay --schedule --timeout'

    case $command in
        invite) echo "$session --appid --words --code" ;;
        accept) echo "$session --appid" ;;
        list) echo '--names' ;;
        recv) echo '--wait --wait= --peek --all' ;;
        wait) echo '--for --timeout' ;;
        forget) echo '--force' ;;
        'text send') echo "$session --words --code" ;;
        'text receive') echo "$session" ;;
    esac
    echo '--socket --json --help --version'
}

_wormctl()
{
    local cur prev words cword command arguments

    _init_completion -n =: || return
    _wormctl_parse

    case $prev in
        --socket)
            _filedir
            return
            ;;
        --for)
            COMPREPLY=($(compgen -W 'code keyed established message sent closed' -- "$cur"))
            return
            ;;
        --schedule)
            COMPREPLY=($(compgen -W 'realtime email' -- "$cur"))
            return
            ;;
        --name | --appid | --relay | --words | --code | --timeout)
            return
            ;;
    esac

    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_wormctl_options)" -- "$cur"))
        [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
        return
    fi

    case $command in
        '')
            COMPREPLY=($(compgen -W 'invite accept list show send recv wait close forget poll status text' -- "$cur"))
            ;;
        text)
            COMPREPLY=($(compgen -W 'send receive' -- "$cur"))
            ;;
        show | send | recv | wait | close | forget | poll)
            ((arguments == 0)) && _wormctl_offer < <(_wormctl_sessions)
            ;;
    esac
} &&
    complete -F _wormctl wormctl

# fish completion for wormctl(1). It asks wormctl's own help what there is, and the daemon for the names of sessions.

# Lines "COMMAND<tab>description"; a command may be of two words.
function __wormctl_commands
    wormctl --help 2>/dev/null | string match -rg '^  ([a-z-]+(?: [a-z-]+)?)  +(.*)$' | while read -l name
        read -l text
        printf '%s\t%s\n' $name $text
    end
end

# Of each option in the help of a command (two words, or none): the short form or nothing, the long one, the name of its
# value or nothing, whether that one may be missing, and the description; with tabs between.
function __wormctl_options
    wormctl $argv --help 2>/dev/null | string replace -rf '^ +(?:(-[a-zA-Z0-9]), )?(--[a-z-]+)(?:(\[=| )([A-Z]+)\]?)?  +(.*)$' '$1\t$2\t$4\t$3\t$5' |
        string replace -a '\t' \t
end

# The name of the value that an option of the command takes as a word of its own; fails if there is none.
function __wormctl_value_of -a option
    for line in (__wormctl_options $argv[2..])
        set -l part (string split \t -- $line)
        contains -- $option $part[1] $part[2]; and test "$part[4]" = ' '; and echo $part[3]; and return
    end
    return 1
end

function __wormctl_sessions
    set -l socket (commandline -opc | string join \n | string match -rg '^--socket=(.*)')
    set -l words (commandline -opc)
    if set -l index (contains -i -- --socket $words)
        set socket $words[(math $index + 1)]
    end
    wormctl (test -n "$socket"; and echo --socket=$socket) list --names 2>/dev/null
end

# Some of the fields of the command, for -o, as its complaint about another one lists them; for that, all else must be right.
function __wormctl_fields
    set -l before (commandline -ct | string match -r '^.*,')
    for arguments in '' x 'x x'
        for field in (wormctl $argv -o '?' (string split -n ' ' -- $arguments) 2>&1 </dev/null |
            string match -rg '; the fields are: (.*)' | string split ', ')
            printf '%s\n' "$before$field"
        end
    end
end

# Some of the events of the command, for --on, as its complaint about another one lists them.
function __wormctl_events
    set -l before (commandline -ct | string match -r '^.*,')
    for event in (wormctl $argv --on '?' 2>&1 </dev/null | string match -rg 'the events are: (.*)' | string split ', ')
        printf '%s\n' "$before$event"
    end
end

# What goes for a value of this name, for the command in the remaining arguments.
function __wormctl_value -a kind
    switch $kind
        case SESSION
            __wormctl_sessions
        case PATH FILE
            __fish_complete_path (commandline -ct)
        case FIELDS
            __wormctl_fields $argv[2..]
        case EVENTS
            __wormctl_events $argv[2..]
        case WHEN
            echo always
        case SCHEDULE
            printf '%s\n' realtime email
        case CONDITION
            wormctl wait --help | string replace -rf '^  ([a-z]+)  +(.*)$' '$1'\t'$2'
    end
end

# Everything that may stand where the cursor is.
function __wormctl
    set -l words (commandline -opc)[2..]
    set -l known (__wormctl_commands)
    set -l command
    set -l arguments 0
    set -l value
    while set -q words[1]
        set value
        if test "$words[1]" = help; and test -z "$command"; and test $arguments = 0
            # A command follows.
        else if string match -q -- '-?*' $words[1]
            if set value (__wormctl_value_of $words[1] $command)
                set -e words[1]
                set -q words[1]; or break
                set value
            end
        else if test $arguments = 0; and string match -rq -- '^'(string escape --style=regex -- (string join ' ' $command $words[1]))'[ \t]' $known
            set -a command $words[1]
        else
            set arguments (math $arguments + 1)
        end
        set -e words[1]
    end

    if test -n "$value"
        __wormctl_value $value $command
    else if string match -q -- '-*' (commandline -ct)
        for line in (__wormctl_options $command)
            set -l part (string split \t -- $line)
            printf '%s\t%s\n' $part[2] $part[5]
            test -n "$part[1]"; and printf '%s\t%s\n' $part[1] $part[5]
        end
    else if string match -rq -- '^'(string join ' ' $command)'\t' $known
        # "usage: wormctl send [OPTION]... SESSION [TEXT]"
        set -l usage (wormctl $command --help 2>/dev/null | string match -rg '^usage: .*\[OPTION\]\.\.\.(.*)' | string replace -ar '[][]' '' |
            string split -n ' ')
        set -l kind $usage[(math $arguments + 1)]
        test -n "$kind"; and __wormctl_value $kind $command
    else
        string match -rg -- '^'(string join ' ' $command '')'([a-z-]+)(?: [a-z-]+)?(\t.*)$' $known | while read -l name
            read -l text
            echo $name$text
        end
    end
end

complete -c wormctl -f -a '(__wormctl)'

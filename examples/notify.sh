#!/bin/sh
# A desktop notification for each message that arrives, and for sessions that end badly. It runs as it is, or from
# wormhole-notify.service: `wormctl watch` then runs it once more for each change, which it finds in its environment.
# What happened while it was not running is shown when it starts again.
set -eu
state=${XDG_STATE_HOME:-$HOME/.local/state}/wormhole-notify
seen=$state/seen

if [ -z "${WORMHOLED_CHANGE-}" ]; then
    mkdir -p "$state"
    newest=$(wormctl --start-daemon status -o change)
    # Nothing is old news the first time, nor where the daemon has another store than before.
    last=$(cat "$seen" 2>/dev/null) && [ "$last" -le "$newest" ] || last=$newest
    exec wormctl watch --since "$last" --exec "$0"
fi

name=${WORMHOLED_NAME:-$WORMHOLED_SESSION}
case " $WORMHOLED_EVENTS " in
*" message "*) [ "$WORMHOLED_UNREAD" = 0 ] || notify-send --app-name=wormholed -- "$name: $WORMHOLED_UNREAD unread" ;;
*" ended "*) [ "$WORMHOLED_RESULT" = happy ] || notify-send --app-name=wormholed --urgency=critical -- "$name: $WORMHOLED_RESULT" ;;
*" established "*) notify-send --app-name=wormholed -- "$name is connected" ;;
esac
# Only now, and whole or not at all: what was not shown is shown the next time.
echo "$WORMHOLED_CHANGE" >"$seen.new"
mv "$seen.new" "$seen"

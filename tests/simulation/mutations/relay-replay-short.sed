# file: relay/rules_listeners.c
# a replay leaves out the last message
/^static void send_stored/,/^}/s/i < answer->count \&\&/i + 1 < answer->count \&\&/

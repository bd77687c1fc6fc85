# file: relay/rules_listeners.c
# the last message of a mailbox is not replayed
/^static void send_stored/,/^}/s/i < answer->count \&\&/i + 1 < answer->count \&\&/

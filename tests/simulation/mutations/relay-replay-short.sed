# file: relay/rules_listeners.c
# the last message of a mailbox is not replayed
/^static void tell/,/^}/s/i < answer->count \&\&/i + 1 < answer->count \&\&/

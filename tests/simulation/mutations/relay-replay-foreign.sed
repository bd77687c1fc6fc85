# file: relay/rules_listeners.c
# ones own messages are not replayed
/^static void send_stored/,/^}/s/if \(message->number <= client->seen\)/if (strcmp(message->side, client->side) == 0)/

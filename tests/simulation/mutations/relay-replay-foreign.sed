# file: relay/rules_listeners.c
# a replay leaves out the client's own messages
/^static void send_stored/,/^}/s/if \(message->number <= client->seen.number\)/if (strcmp(message->side, client->side) == 0)/

# file: relay/rules_listeners.c
# a live message is not echoed to the side that added it
/^static void send_new/,/^}/s/^    if \(text != NULL && /    if (strcmp(message->side, client->side) == 0)\n        return;\n&/

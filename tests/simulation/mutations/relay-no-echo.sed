# file: relay/rules_listeners.c
# nobody is told his own messages
/^static void send_new/,/^}/s/^    if \(text != NULL\)/    if (strcmp(message->side, client->side) == 0)\n        return;\n&/

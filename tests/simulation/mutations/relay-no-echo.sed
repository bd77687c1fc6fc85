# file: relay/rules_listeners.c
# nobody is told his own messages
/^static void hear/,/^}/s/^    if \(text\)/    if (strcmp(message->side, client->side) == 0)\n        return;\n&/

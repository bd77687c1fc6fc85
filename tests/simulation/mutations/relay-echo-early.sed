# file: relay/rules_commands.c
# messages are sent to listeners before they are durable
/^static void begin_add/,/^}/s/^    store->add\(/    message.number = client->seen + 1;\n    rules_feed(client->rules, client->appid, client->mailbox, \&message);\n&/

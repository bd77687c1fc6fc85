# file: relay/rules_commands.c
# messages are sent to listeners before they are durable
/^static void begin_add/,/^}/s/^    store->add\(/    message.number = client->seen.number + 1;\n    rules_listeners_message(client->rules, client->appid, client->mailbox, client->serial, \&message);\n&/

# file: relay/rules_listeners.c
# a message that is added during a replay is sent twice
# unit: test-relay-rules
/^static void send_new/,/^}/s/message->number <= client->seen.number\)/message->number == 0)/

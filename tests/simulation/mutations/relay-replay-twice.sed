# file: relay/rules_listeners.c
# what comes while a mailbox is replayed is told twice
# unit: test-relay-rules
/^static void send_new/,/^}/s/message->number <= client->seen\)/message->number == 0)/

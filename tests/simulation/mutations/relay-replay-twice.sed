# file: relay/rules_audience.c
# what comes while a mailbox is replayed is told twice
/^static void hear/,/^}/s/ \|\| message->number <= client->seen\)/)/

# file: relay/rules_listeners.c
# a mailbox is replayed from its end
/^static void send_stored/,/^}/{
s/&answer->messages\[i\]/\&answer->messages[answer->count - 1 - i]/
s/if \(message->number <= client->seen.number\)/if (client->listeners == NULL)/
}

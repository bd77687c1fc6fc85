# file: relay/rules.c
# who listens does not prolong the life of the mailbox
s/if \(client->attention >= REPLAYING\)/if (client->attention > LISTENING)/

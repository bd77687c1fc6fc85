# file: relay/rules.c
# who listens does not prolong the life of the mailbox
# unit: test-relay-rules
s/if \(client->attention >= REPLAYING\)/if (client->attention > LISTENING)/

# file: relay/rules.c
# who listens does not prolong the life of the mailbox
# unit: test-relay-rules
s/if \(client->listener_state >= RULES_REPLAYING\)/if (client->listener_state > RULES_LISTENING)/
